"""Pictures in memory: their type, how they are fitted to the classifier, and how they are wiped. Pure numpy.

Training uses the same geometry, so that the daemon never shows the network a picture framed in another way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""Shape (height, width, 3), red, green, blue, 0..255."""

PAD_GREY = 114
"""Grey of the bars around a picture of another shape, as in YOLOX (Ge et al., arXiv:2107.08430)."""

SHAPE = (192, 256)
"""Height and width of a picture fitted for the classifier: 4:3, as most cameras deliver."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in brightness, ITU-R BT.601."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture goes in the classifier's input: size and top left corner in pixels, bars around it."""

    height: int
    width: int
    top: int
    left: int


def letterbox(height: int, width: int, into_height: int, into_width: int) -> Fit:
    """Fit (height, width) whole and centred into (into_height, into_width), its proportions kept."""
    scale = min(into_height / height, into_width / width)
    new_height = min(into_height, max(1, round(height * scale)))
    new_width = min(into_width, max(1, round(width * scale)))
    return Fit(new_height, new_width, (into_height - new_height) // 2, (into_width - new_width) // 2)


def unpadded(picture: Picture) -> Picture:
    """The picture without the bars that `letterbox` left around it (a view)."""
    same = picture == PAD_GREY
    grey = same[..., 0] & same[..., 1] & same[..., 2]  # Ten times faster than `all` along an axis of three.
    rows, columns = np.flatnonzero(~grey.all(axis=1)), np.flatnonzero(~grey.all(axis=0))
    if not len(rows) or not len(columns):
        return picture
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def brightness(picture: Picture) -> npt.NDArray[np.float32]:
    """Brightness of each pixel, shape (height, width), 0..255."""
    return picture.astype(np.float32) @ _LUMA


def wipe(picture: Picture) -> None:
    """Overwrite `picture` with zeros where it lies."""
    picture[...] = 0
