"""A camera behind V4L2, as USB cameras are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from monitord.events import Fault
from monitord.video import opencv, v4l2
from monitord.video.picture import wipe
from monitord.video.v4l2 import CameraError
from monitord.video.warmup import Settling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from monitord.video.picture import Picture

_TIMEOUT_S = 2.5
"""A read that failed after so long had waited for a frame in vain, and not been refused one."""


class UsbCamera:
    """The camera at a device node.

    Args:
        path: below /dev.
        clock: seconds, monotonic.
    """

    pace_s = None

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock

    def frames(self) -> Generator[Picture]:
        """See `monitord.video.camera.Camera.frames`; the first frame comes when the exposure has settled."""
        v4l2.check(self._path)
        # OpenCV takes names in /dev/v4l/by-id only when resolved.
        with opencv.captured(str(self._path.resolve()), opencv.FROM_DEVICE) as capture:
            if not capture.isOpened():
                raise CameraError(Fault.CAMERA_BROKEN, f"{self._path}: the camera delivers no format that can be read")
            opencv.newest_only(capture)
            settled = Settling(self._clock())
            while True:
                raw = self._read(capture)
                if settled.by(float(raw.mean()), self._clock()):
                    yield from opencv.lend(opencv.fitted(raw))
                else:
                    wipe(raw)

    def _read(self, capture: Any) -> Any:
        before = self._clock()
        good, raw = capture.read()
        if good and raw is not None:
            return raw
        if self._clock() - before >= _TIMEOUT_S:
            raise CameraError(Fault.CAMERA_TIMEOUT, f"{self._path}: the camera hangs; unplug it and plug it in again")
        v4l2.check(self._path)  # Says so if it is gone by now.
        raise CameraError(Fault.CAMERA_BROKEN, f"{self._path}: the camera stopped delivering pictures")
