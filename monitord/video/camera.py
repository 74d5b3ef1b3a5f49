"""Where frames come from: a camera of this machine, a video file, or a folder of pictures.

The only importer of OpenCV. A network address is refused: the raw picture would cross the network before monitord
has it. Every buffer of ours is overwritten with zeros once its frame was looked at; those inside OpenCV and the kernel
go when the process ends, right after its one look.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from monitord.events import Fault
from monitord.video import v4l2
from monitord.video.picture import PAD_GREY, SHAPE, Picture, letterbox, wipe
from monitord.video.v4l2 import CameraError

# Both libraries read these once, when they are loaded; a broken stream is reported by us, in one sentence.
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Seconds that OpenCV waits for a frame. A camera that delivers none for this long hangs.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")

import cv2

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# Again by call: OpenCV's own loader sets a level after it has read the environment.
_silence = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel  # OpenCV 4, OpenCV 5
_silence(0)
cv2.setNumThreads(1)  # A look is short; more threads only compete with the ear.

WARM_UP_S = 1.5
"""Longest time that frames are thrown away while the exposure settles."""
_SETTLED = 0.02
"""Exposure has settled when the mean brightness changed by less than this share over `_STEADY` frames in a row."""
_STEADY = 3
_TIMEOUT_S = 2.5
_FILE_PACE_S = 0.25
"""Seconds between the frames that are taken from a video file."""
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})

__all__ = ["Camera", "CameraError", "FileCamera", "FolderCamera", "UsbCamera", "fit", "open_camera", "read_picture"]


class Camera(Protocol):
    """A source of pictures.

    Attributes:
        live: whether frames come in real time, so that a look takes as long as it takes.
    """

    @property
    def live(self) -> bool:
        """See above."""
        ...

    def frames(self) -> Generator[Picture]:
        """Fitted pictures, (`SHAPE`, 3) RGB. Each is zeroed when the next is asked for, and when iteration ends.

        Raises:
            CameraError: no frame can be had.
        """
        ...


def open_camera(device: str, start_s: float = 0.0) -> Camera:
    """The camera that `device` names; nothing is opened before `frames` is iterated.

    Args:
        device: an index, a path below /dev, or "file:" with the path of a video or of a folder of pictures.
        start_s: where to begin in a video file, seconds.

    Raises:
        CameraError: a network address, or nothing of that name.
    """
    if device.startswith("file:"):
        path = Path(device.removeprefix("file:"))
        if path.is_dir():
            return FolderCamera(path)
        if not path.exists():
            raise CameraError(Fault.CAMERA_MISSING, f"{path}: there is no such video or folder; change video.device")
        return FileCamera(path, start_s)
    if "://" in device:
        raise CameraError(
            Fault.CAMERA_MISSING,
            f"{device}: a network camera is refused: the raw picture would cross the network before monitord has it",
        )
    return UsbCamera(v4l2.device_path(device))


def fit(picture: Picture, shape: tuple[int, int] = SHAPE) -> Picture:
    """A copy of `picture` at (height, width) of `shape`, whole and centred, grey bars around it."""
    place = letterbox(picture.shape[0], picture.shape[1], *shape)
    fitted = np.full((*shape, 3), PAD_GREY, np.uint8)
    # Area averaging: what is thrown away leaves no patterns.
    small = cv2.resize(picture, (place.width, place.height), interpolation=cv2.INTER_AREA)
    fitted[place.top : place.top + place.height, place.left : place.left + place.width] = small
    small.fill(0)
    return fitted


def read_picture(path: Path) -> Picture:
    """Read and fit one picture file.

    Raises:
        CameraError: CAMERA_MISSING or CAMERA_BROKEN: not there, or no picture.
    """
    if not path.is_file():
        raise CameraError(Fault.CAMERA_MISSING, f"{path}: there is no such picture")
    raw = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if raw is None:
        raise CameraError(Fault.CAMERA_BROKEN, f"{path}: cannot be read as a picture; PNG and JPEG can")
    return _fitted(raw)


def _fitted(raw: Any) -> Picture:
    """`raw` (blue, green, red) fitted as red, green, blue; `raw` is wiped."""
    fitted = fit(raw)
    wipe(raw)
    cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB, dst=fitted)
    return fitted


class FolderCamera:
    """The pictures of a folder, in the order of their names, each once."""

    live = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def frames(self) -> Generator[Picture]:
        """See `Camera.frames`."""
        files = sorted(file for file in self._folder.iterdir() if file.suffix.lower() in _PICTURES)
        if not files:
            raise CameraError(Fault.CAMERA_MISSING, f"{self._folder}: holds no picture (PNG or JPEG)")
        for file in files:
            yield from _lend(read_picture(file))


class FileCamera:
    """A video file, a frame each quarter second of it, as fast as they are asked for."""

    live = False

    def __init__(self, path: Path, start_s: float = 0.0) -> None:
        self._path = path
        self._start_s = start_s

    def frames(self) -> Generator[Picture]:
        """See `Camera.frames`."""
        with _captured(str(self._path), cv2.CAP_FFMPEG) as capture:
            broken = CameraError(Fault.CAMERA_BROKEN, f"{self._path}: cannot be read as a video")
            rate = capture.get(cv2.CAP_PROP_FPS) if capture.isOpened() else 0.0
            if not rate > 0:
                raise broken
            step = max(1, round(rate * _FILE_PACE_S))
            number = -round(self._start_s * rate)
            seen = False
            while capture.grab():
                if number >= 0 and number % step == 0:
                    good, raw = capture.retrieve()
                    if not good:
                        break
                    seen = True
                    yield from _lend(_fitted(raw))
                number += 1
            if not seen:
                raise broken


class UsbCamera:
    """A camera behind V4L2."""

    live = True

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock

    def frames(self) -> Generator[Picture]:
        """See `Camera.frames`; the first frame comes when the exposure has settled."""
        v4l2.check(self._path)
        # OpenCV takes names in /dev/v4l/by-id only when resolved.
        with _captured(str(self._path.resolve()), cv2.CAP_V4L2) as capture:
            if not capture.isOpened():
                raise CameraError(Fault.CAMERA_BROKEN, f"{self._path}: the camera delivers no format that can be read")
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # An old frame is of no use.
            settled = Settling(self._clock())
            while True:
                raw = self._read(capture)
                if settled.by(float(raw.mean()), self._clock()):
                    yield from _lend(_fitted(raw))
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


class Settling:
    """Whether the exposure has settled, or `WARM_UP_S` have passed. Pure: the caller brings brightness and time."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._last: float | None = None
        self._steady = 0
        self._done = False

    def by(self, mean: float, now: float) -> bool:
        """Take the next frame's mean brightness (0..255) at `now` (seconds); True once settled, for good."""
        if not self._done:
            close = self._last is not None and abs(mean - self._last) <= _SETTLED * max(self._last, 1.0)
            self._steady = self._steady + 1 if close else 0
            self._last = mean
            self._done = self._steady >= _STEADY or now - self._began >= WARM_UP_S
        return self._done


def _lend(picture: Picture) -> Generator[Picture]:
    try:
        yield picture
    finally:
        wipe(picture)


@contextmanager
def _captured(name: str, back_end: int) -> Generator[Any]:
    capture = cv2.VideoCapture(name, back_end)
    try:
        yield capture
    finally:
        capture.release()
