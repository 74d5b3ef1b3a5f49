"""A folder of pictures in the place of a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.events import Fault
from monitord.video.opencv import lend, read_picture
from monitord.video.v4l2 import CameraError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from monitord.video.picture import Picture

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})


class FolderCamera:
    """The pictures of a folder, in the order of their names, each once."""

    pace_s = 0.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def frames(self) -> Generator[Picture]:
        """See `monitord.video.camera.Camera.frames`."""
        try:
            files = sorted(file for file in self._folder.iterdir() if file.suffix.lower() in _PICTURES)
        except OSError as cause:
            raise CameraError(Fault.CAMERA_MISSING, f"{self._folder}: cannot be read: {cause.strerror}") from None
        if not files:
            raise CameraError(Fault.CAMERA_MISSING, f"{self._folder}: holds no picture (PNG or JPEG)")
        for file in files:
            yield from lend(read_picture(file))
