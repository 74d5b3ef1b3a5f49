"""Files that are replaced as a whole: a crash leaves the old one or the new one; what an owner changed is set aside.

Beside each file that another program reads stands what ours hashed to: it shows whether somebody has changed it since.
(Not inside: mosquitto_passwd of Mosquitto 2.0 takes a password file with a comment for damaged, and empties it.)
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
from typing import TYPE_CHECKING

from monitord.tools.ward.registry import WardError

if TYPE_CHECKING:
    from pathlib import Path


def replace(path: Path, content: bytes, mode: int, group: str = "") -> None:
    """Put `content` at `path`; `group` is given it where it exists and we are root, else its owner alone may read it.

    Raises:
        WardError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
            file.write(content)
            file.flush()
            give(descriptor, mode, group)
            os.fsync(descriptor)
        beside.replace(path)
        _sync(path.parent)
    except OSError as cause:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise WardError(f"{path}: cannot be written: {cause.strerror}") from None


def give(what: int | Path, mode: int, group: str) -> None:
    """Let `group` have what `mode` gives to it; where there is no such group, or we are not root, the owner alone."""
    try:
        number = grp.getgrnam(group).gr_gid if group and os.geteuid() == 0 else -1
    except KeyError:
        number = -1
    if number >= 0:
        os.chown(what, -1, number)
    os.chmod(what, mode if number >= 0 else mode & 0o700)  # noqa: PTH101 - a descriptor, or a path


def ours(path: Path) -> Path:
    """The file that says what we have put at `path`."""
    return path.with_name(f".{path.name}.ours")


def put(path: Path, content: bytes, mode: int, group: str, stamp: str) -> Path | None:
    """Put `content` at `path`; what somebody else wrote there, or made of ours, is given another name first.

    Returns:
        That name; None: there was nothing but ours.

    Raises:
        WardError: it cannot be written.
    """
    try:
        before: bytes | None = path.read_bytes()
    except FileNotFoundError:
        before = None
    except OSError as cause:
        raise WardError(f"{path}: cannot be read: {cause.strerror}") from None
    if before == content:
        return None
    known = _digests(path)
    aside = None
    if before is not None and _digest(before) not in known:
        aside = path.with_name(f"{path.name}.before-{stamp}")
        set_aside(path, aside)
    # Both are ours until the new one is there: a crash in between makes nobody else the author of either.
    replace(ours(path), "".join(f"{each}\n" for each in [*known[-1:], _digest(content)]).encode(), 0o600)
    replace(path, content, mode, group)
    return aside


def set_aside(path: Path, aside: Path) -> None:
    """Let what is at `path` also be found at `aside`, before something else takes its place.

    Raises:
        WardError: it cannot, or another file is there.
    """
    try:
        os.link(path, aside, follow_symlinks=False)  # Refuses to take another's place, which a rename does not.
    except OSError as cause:
        if isinstance(cause, FileExistsError) and path.samefile(aside):
            return  # A crash came after this very step.
        raise WardError(f"{path}: the old one cannot be kept as {aside}: {cause.strerror}") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digests(path: Path) -> list[str]:
    try:
        return ours(path).read_text("ascii").split()
    except (OSError, ValueError):
        return []


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
