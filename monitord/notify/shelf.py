"""The models' files as they lie on the disk, looked at by the voice: at its start, at each reload, and now and then.

The ear loads its models when it starts, and keeps what it has loaded; the eye loads its own for each look. So a file
that is damaged or replaced while the house runs changes nothing, until the next restart finds it: then nobody listens.
That is to be known before, and by day. Nothing is loaded here; each file must be the one that its card describes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.card import Card, ModelError, read_file, read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.config import Config

CRY, PERSON, EMBEDDING = "cry", "person", "speech_embedding"


class Shelf:
    """The folder of the models.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = {path.stem for path in folder.glob("*.toml")}

    def trouble(self, config: Config) -> list[str]:
        """What is wrong with the models that `config` needs, or that were there before; one sentence each."""
        self._known |= {path.stem for path in self._folder.glob("*.toml")}
        # A word by its own path is the owner's file, in a folder that the voice may not be able to read.
        words = {word for word in config.audio.words if not word.endswith(".toml")}
        needed = self._known | words | {CRY} | (set() if config.video.off else {PERSON})
        found = []
        for name in sorted(needed):
            try:
                self._check(name)
            except ModelError as cause:
                found.append(str(cause))
        return found

    def _check(self, name: str) -> None:
        path = self._folder / f"{name}.toml"
        if name == EMBEDDING:  # What it describes lies in a Python package.
            read_toml(path)
            return
        card = Card.read(path)
        read_file(path.with_suffix(".tflite"), card.sha256, "reinstall monitord")
