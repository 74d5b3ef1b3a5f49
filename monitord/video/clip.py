"""A video file in the place of a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.events import Fault
from monitord.video import opencv
from monitord.video.v4l2 import CameraError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from monitord.video.picture import Picture


class FileCamera:
    """A video file, a frame each quarter second of it, as fast as they are asked for."""

    pace_s = 0.25

    def __init__(self, path: Path, start_s: float = 0.0) -> None:
        self._path = path
        self._start_s = start_s

    def frames(self) -> Generator[Picture]:
        """See `monitord.video.camera.Camera.frames`."""
        with opencv.captured(str(self._path), opencv.FROM_FILE) as capture:
            broken = CameraError(Fault.CAMERA_BROKEN, f"{self._path}: cannot be read as a video")
            rate = opencv.rate_hz(capture)
            if not rate > 0:
                raise broken
            step = max(1, round(rate * self.pace_s))
            number = -round(self._start_s * rate)
            seen = False
            while capture.grab():
                if number >= 0 and number % step == 0:
                    good, raw = capture.retrieve()
                    if not good:
                        break
                    seen = True
                    yield from opencv.lend(opencv.fitted(raw))
                number += 1
            if not seen:
                raise broken
