"""Which windows of a scene are examples of a cry, which are examples of none, and which are left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.activity import IS_CRY, NOT_CRY, UNKNOWN

WINDOW_FRAMES = 80
ENOUGH = 16
"""Cry frames (0.4 s) that make a window a cry; fewer, or mostly unknown frames, and it is left out."""


def window_labels(marks: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """Label of each window of `WINDOW_FRAMES` by its first frame, shape (scenes, starts): 1, 0, or -1 to leave out.

    A scene that holds any cry gives no negatives: what is quiet in a cry clip may be a whimper, and a search for hard
    negatives would find just those.
    """
    total = np.cumsum(np.pad(marks == IS_CRY, ((0, 0), (1, 0))), axis=1)
    cry = total[:, WINDOW_FRAMES:] - total[:, :-WINDOW_FRAMES]
    labels = np.full(cry.shape, -1, np.int8)
    labels[cry >= ENOUGH] = 1
    labels[~np.isin(marks, (IS_CRY, UNKNOWN)).any(axis=1)] = NOT_CRY
    return labels
