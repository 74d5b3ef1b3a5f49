"""What is kept of enrolled voices: one file a word in the state folder, with embeddings and nothing else. No sound.

Folder 0700, files 0600, replaced as a whole. A file of another version of the speech embedding is not used: its
numbers would mean something else.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from monitord.audio.embedding import EXAMPLE, Floats

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST = 25
"""Utterances of one word: five residents."""


class TemplatesError(Exception):
    """The enrolled utterances of a word cannot be used or kept; the text is one sentence with the remedy."""


def load(folder: Path, word: str, backbone: str) -> Floats:
    """The enrolled utterances of `word`, shape (n, 16, 96); n is 0 where nobody has enrolled.

    Args:
        folder: where they are kept.
        word: the label of the word.
        backbone: which speech embedding they have to be of.

    Raises:
        TemplatesError: the file is damaged or of another speech embedding.
    """
    path = _path(folder, word)
    remedy = f'run "monitord enroll {word} --forget" and enroll again'
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            kept, made_by = np.asarray(file["templates"]), str(file["backbone"])
    except FileNotFoundError:
        return np.empty((0, EXAMPLE, 0), np.float32)
    except OSError as cause:
        raise TemplatesError(f"{path}: cannot be read: {cause.strerror or cause}; {remedy}") from None
    except (ValueError, KeyError, TypeError, BadZipFile, EOFError) as cause:
        raise TemplatesError(f"{path}: is damaged ({_first_line(cause)}); {remedy}") from None
    if made_by != backbone:
        raise TemplatesError(f"{path}: is of another version of the speech embedding; {remedy}")
    if kept.dtype != np.float32 or kept.ndim != 3 or kept.shape[1] != EXAMPLE or not np.isfinite(kept).all():  # noqa: PLR2004 - (n, 16, 96)
        raise TemplatesError(f"{path}: holds no utterances; {remedy}")
    return kept


def add(folder: Path, word: str, backbone: str, templates: Iterable[Floats]) -> int:
    """Keep `templates`, each of shape (16, 96), beside those kept before; returns how many there are now.

    Raises:
        TemplatesError: what was kept before cannot be used, there would be too many, or nothing can be written.
    """
    new = np.stack(list(templates)).astype(np.float32)
    before = load(folder, word, backbone)
    kept = np.concatenate((before, new)) if len(before) else new
    if len(kept) > MOST:
        raise TemplatesError(
            f'{_path(folder, word)}: {len(before)} utterances are kept, {MOST} at most; run "monitord enroll {word} '
            '--forget" first'
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        # The temporary file has mode 0600 from its first byte on.
        import tempfile  # noqa: PLC0415 - only who writes needs it

        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{word}.", delete=False) as file:
            try:
                np.savez(file, templates=kept, backbone=np.array(backbone))
                file.flush()
                os.fsync(file.fileno())
                if os.geteuid() == 0:  # Enrolled by root, read by the ear's own user: whose folder it is.
                    owner = folder.stat()
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                Path(file.name).replace(_path(folder, word))
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as cause:
        raise TemplatesError(f"{folder}: enrolled utterances cannot be kept there: {cause.strerror}") from None
    return len(kept)


def forget(folder: Path, word: str) -> bool:
    """Delete what is kept of `word`; False where nothing was.

    Raises:
        TemplatesError: it cannot be deleted.
    """
    try:
        _path(folder, word).unlink()
    except FileNotFoundError:
        return False
    except OSError as cause:
        raise TemplatesError(f"{_path(folder, word)}: cannot be deleted: {cause.strerror}") from None
    return True


def enrolled(folder: Path) -> list[str]:
    """The words of which utterances are kept."""
    return sorted(path.stem for path in folder.glob("[!.]*.npz")) if folder.is_dir() else []


def _path(folder: Path, word: str) -> Path:
    return folder / f"{word}.npz"


def _first_line(cause: Exception) -> str:
    return str(cause).partition("\n")[0].rstrip(". ") or "it ends too soon"
