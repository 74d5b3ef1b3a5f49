"""A camera at the Pi's own connector (CSI), through `rpicam-vid`: OpenCV's wheels know no libcamera."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from monitord.video import opencv
from monitord.video.picture import wipe
from monitord.video.rpicam import HEIGHT, WIDTH, Rpicam
from monitord.video.warmup import Settling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from monitord.video.picture import Picture


class CsiCamera:
    """The camera of that number, as `rpicam-vid --list-cameras` counts them.

    Args:
        number: 0 for the first.
        program: the one that was started for it already; without one, it is started when frames are asked for.
        clock: seconds, monotonic.
    """

    pace_s = None

    def __init__(self, number: int, program: Rpicam | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._number = number
        self._program = program
        self._clock = clock

    def frames(self) -> Generator[Picture]:
        """See `monitord.video.camera.Camera.frames`; the first frame comes when the exposure has settled."""
        with self._program or Rpicam(self._number) as program:
            settled: Settling | None = None
            for data in program.frames():
                picture = np.frombuffer(data, np.uint8)
                settled = settled or Settling(self._clock())
                mean = float(picture[: WIDTH * HEIGHT].mean())
                if settled.by(mean, self._clock()):
                    yield from opencv.lend(opencv.from_yuv420(picture, WIDTH, HEIGHT))
                else:
                    wipe(picture)
