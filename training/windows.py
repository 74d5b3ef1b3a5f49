"""Which windows of a scene are examples of a sound, which are examples of none, and which are left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.activity import IS_CRY, NOT_CRY, UNKNOWN

WINDOW_FRAMES = 80
ENOUGH_CRY, ENOUGH_VOICE = 16, 8
"""Frames (0.4 and 0.2 s) that make a window an example; fewer, or mostly unknown frames, and it is left out."""

Labels = npt.NDArray[np.int8]
Marks = npt.NDArray[np.uint8]


def cry_labels(marks: Marks) -> Labels:
    """Label of each window of `WINDOW_FRAMES` by its first frame, shape (scenes, starts): 1, 0, or -1 to leave out.

    A scene that holds any cry gives no negatives: what is quiet in a cry clip may be a whimper, and a search for hard
    negatives would find just those.
    """
    labels = _where_enough(marks, ENOUGH_CRY)
    labels[~np.isin(marks, (IS_CRY, UNKNOWN)).any(axis=1)] = NOT_CRY
    return labels


def voice_labels(marks: Marks) -> Labels:
    """The same for a voice; a window without a marked frame is a negative."""
    labels = _where_enough(marks, ENOUGH_VOICE)
    labels[_count(marks != NOT_CRY) == 0] = NOT_CRY
    return labels


def _where_enough(marks: Marks, enough: int) -> Labels:
    total = _count(marks == IS_CRY)
    labels = np.full(total.shape, -1, np.int8)
    labels[total >= enough] = IS_CRY
    return labels


def _count(which: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    total = np.cumsum(np.pad(which, ((0, 0), (1, 0))), axis=1)
    return np.asarray(total[:, WINDOW_FRAMES:] - total[:, :-WINDOW_FRAMES])
