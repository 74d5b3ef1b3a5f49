"""Two bodies look at one picture, and each place of it has the maps of both.

YOLOX-Nano knows beds, and who is upright; BlazePose's detector knows people in any position. The second sees the
picture smaller, `SMALLER`: it was made for people that fill its picture, and at the full size it takes a part of
somebody who lies for nobody. Its maps are laid over the places of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitord.video.boxes import STRIDES
from monitord.video.picture import PAD_GREY
from training.eye import body, pose

if TYPE_CHECKING:
    from pathlib import Path

    from training.eye.body import Level

SMALLER = 0.75
CHANNELS = tuple(128 + each for each in pose.CHANNELS)


def small(height: int, width: int) -> tuple[int, int, int]:
    """Rows and columns of the smaller picture, and rows with the bar that makes them a multiple of 32."""
    rows, columns = int(height * SMALLER), int(width * SMALLER)
    return rows, columns, -(-rows // 32) * 32


@dataclass(slots=True)
class Seen:
    """What both say of one picture.

    Attributes:
        features: (h, w, c) of each stride, finest first: 128 of the first body, then those of the second.
        scores: (h, w, 2) of each, logits of a person.
        boxes: (h, w, 4) of each, the first body's raw boxes.
        room: (h / 8, w / 8, 64), the first body's early map.
    """

    features: list[np.ndarray]
    scores: list[np.ndarray]
    boxes: list[np.ndarray]
    room: np.ndarray


class Bodies:
    """Answers for pictures of one size."""

    def __init__(self, first: Path, second: Path, height: int, width: int) -> None:
        """Read yolox_nano.onnx and pose_detection.tflite."""
        self.rows, columns, padded = small(height, width)
        self._first, self._second = body.Body(first), pose.Body(second, padded, columns)
        self._size = (columns, self.rows)
        self._bar = padded - self.rows

    def __call__(self, picture: np.ndarray) -> Seen:
        """Judge a picture (height, width, 3), RGB 0..255."""
        levels, room = self._first(picture[None])
        smaller = cv2.resize(picture.astype(np.float32), self._size, interpolation=cv2.INTER_LINEAR)
        maps = self._second(cv2.copyMakeBorder(smaller, 0, self._bar, 0, 0, cv2.BORDER_CONSTANT, value=(PAD_GREY,) * 3))
        features, scores = [], []
        for level, (ours, theirs) in enumerate(zip(levels, maps.features, strict=True)):
            features.append(np.concatenate([ours.both[0], self._laid(theirs, ours, level)], -1))
            score = self._laid(maps.scores[level][..., None], ours, level)
            scores.append(np.concatenate([ours.kinds[0, ..., body.PERSON : body.PERSON + 1], score], -1))
        return Seen(features, scores, [level.boxes[0] for level in levels], room[0])

    def _laid(self, theirs: np.ndarray, ours: Level, level: int) -> np.ndarray:
        """`theirs` without the bar, at the places of `ours`."""
        high, wide = ours.both.shape[1:3]
        rows = -(-self.rows // STRIDES[level])
        whole = theirs[:rows]
        made = [cv2.resize(whole[..., at : at + 4], (wide, high)) for at in range(0, whole.shape[-1], 4)]
        return np.concatenate([each.reshape(high, wide, -1) for each in made], -1)
