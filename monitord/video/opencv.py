"""OpenCV, and nothing else of the house touches it: pictures are decoded, converted and fitted here.

Every buffer of ours is overwritten with zeros once its frame was looked at; those inside OpenCV and the kernel go when
the process ends, right after its one look.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from monitord.events import Fault
from monitord.video.picture import PAD_GREY, SHAPE, Picture, letterbox, wipe
from monitord.video.v4l2 import CameraError

# Both libraries read these once, when they are loaded; a broken stream is reported by us, in one sentence.
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Seconds that OpenCV waits for a frame. A camera that delivers none for this long hangs.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")

import cv2

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# Again by call: OpenCV's own loader sets a level after it has read the environment.
_silence = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel  # OpenCV 4, OpenCV 5
_silence(0)
cv2.setNumThreads(1)  # A look is short; more threads only compete with the ear.

FROM_DEVICE, FROM_FILE = cv2.CAP_V4L2, cv2.CAP_FFMPEG
_GREY_DIMENSIONS = 2


@contextmanager
def captured(name: str, back_end: int) -> Generator[Any]:
    """An open capture of `name`; whether it opened at all is the caller's to ask (`isOpened`)."""
    capture = cv2.VideoCapture(name, back_end)
    try:
        yield capture
    finally:
        capture.release()


def newest_only(capture: Any) -> None:
    """Keep no frames waiting in `capture`: an old one is of no use."""
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)


def rate_hz(capture: Any) -> float:
    """Frames a second of an open video file; 0 where it cannot be read."""
    return float(capture.get(cv2.CAP_PROP_FPS)) if capture.isOpened() else 0.0


def fit(picture: Picture, shape: tuple[int, int] = SHAPE) -> Picture:
    """A copy of `picture` at (height, width) of `shape`, whole and centred, grey bars around it."""
    place = letterbox(picture.shape[0], picture.shape[1], *shape)
    fitted = np.full((*shape, 3), PAD_GREY, np.uint8)
    # Area averaging: what is thrown away leaves no patterns.
    small = cv2.resize(picture, (place.width, place.height), interpolation=cv2.INTER_AREA)
    fitted[place.top : place.top + place.height, place.left : place.left + place.width] = small
    small.fill(0)
    return fitted


def fitted(raw: Any) -> Picture:
    """`raw` fitted as red, green, blue; `raw` is wiped.

    Args:
        raw: as OpenCV delivers: (height, width, 3) blue, green, red, or (height, width) grey, as infrared cameras give.
    """
    if raw.ndim == _GREY_DIMENSIONS:
        colour = cv2.cvtColor(raw, cv2.COLOR_GRAY2BGR)
        wipe(raw)
        raw = colour
    whole = fit(raw)
    wipe(raw)
    cv2.cvtColor(whole, cv2.COLOR_BGR2RGB, dst=whole)
    return whole


def from_yuv420(data: Picture, width: int, height: int) -> Picture:
    """The fitted picture in planes of YUV 4:2:0, full range as in JPEG; `data` is wiped.

    Args:
        data: width * height * 3 / 2 bytes: brightness, then both colours at half the width and height.
        width: of the picture, pixels, even.
        height: of the picture, pixels, even.

    OpenCV's own conversion of such planes takes 16..235 for black and white, which this is not: `--codec yuv420` of
    rpicam-vid asks for the colours of JPEG (``rpicam_vid.cpp``), 0..255, ITU-R BT.601.
    """
    area, half = width * height, (height // 2, width // 2)
    blue, red = data[area : area + area // 4].reshape(half), data[area + area // 4 :].reshape(half)
    planes: list[Any] = [data[:area].reshape(height, width)]
    planes += [cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in (red, blue)]
    merged: Any = cv2.merge(planes)
    wipe(data)
    for plane in planes[1:]:
        wipe(plane)
    whole = np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2BGR))
    wipe(merged)
    return fitted(whole)


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
    return fitted(raw)


def lend(picture: Picture) -> Generator[Picture]:
    """Yield `picture` and wipe it when the next is asked for, or when nobody asks any more."""
    try:
        yield picture
    finally:
        wipe(picture)
