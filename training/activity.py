"""Which frames of a clip are cry, which are not, and which nobody knows: labels per frame, from labels per clip.

About a fifth of the seconds of a clip labelled "cry" hold none (pauses, a parent's voice). A frame of such a clip is
cry where the sound is near the clip's own loud level and the teacher does not rule a cry out nearby.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitord.audio.features import RATE_HZ, FrontEnd, LogMel
from training.teacher import HOP as TEACHER_HOP
from training.teacher import WINDOW as TEACHER_WINDOW

NOT_CRY, IS_CRY, UNKNOWN = 0, 1, 2

BELOW_LOUD_DB = 20.0
"""A frame this far below the clip's loud level (95th percentile) is a pause."""
TEACHER_RULES_OUT = 0.003
"""Teacher's best score within `NEAR_S` below which an energetic frame of a vetted cry counts as unknown."""
TEACHER_CONFIRMS = 0.3
"""Teacher's best score within `NEAR_S` above which an energetic frame of an unvetted clip counts as cry."""
TEACHER_DOUBTS = 0.1
"""Teacher's best score of a clip above which one that curators rejected is left out of the negatives."""
NEAR_S = 1.5

Marks = npt.NDArray[np.uint8]

_LOG_MEL = LogMel(FrontEnd())


def near_teacher(scores: npt.NDArray[np.float32], frames: int) -> npt.NDArray[np.float32]:
    """The teacher's best score within `NEAR_S` of each of `frames` frames."""
    front = _LOG_MEL.front
    centres = (np.arange(len(scores)) * TEACHER_HOP + TEACHER_WINDOW / 2) / RATE_HZ
    when = (np.arange(frames) * front.hop + front.window / 2) / RATE_HZ
    near = np.abs(when[:, None] - centres[None, :]) <= NEAR_S
    return np.where(near, scores[None, :], 0.0).max(axis=1, initial=0.0).astype(np.float32)


def is_loud(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which of the log-mel `frames` of one clip, shape (n, bins), are within `BELOW_LOUD_DB` of its loud level."""
    if not len(frames):
        return np.zeros(0, np.bool_)
    db = frames.max(axis=1) * np.float32(10.0 / np.log(10.0))
    return np.asarray(db > np.percentile(db, 95) - BELOW_LOUD_DB)


def mark(samples: npt.NDArray[np.int16], kind: str, scores: npt.NDArray[np.float32]) -> Marks:
    """One mark per front-end frame of a clip of kind "cry" or "unvetted": `NOT_CRY`, `IS_CRY` or `UNKNOWN`."""
    energetic = is_loud(_LOG_MEL.frames(samples))
    near = near_teacher(scores, len(energetic))
    marks = np.zeros(len(energetic), np.uint8)
    if kind == "cry":
        marks[energetic & (near >= TEACHER_RULES_OUT)] = IS_CRY
        marks[energetic & (near < TEACHER_RULES_OUT)] = UNKNOWN
    else:
        marks[energetic] = UNKNOWN
        marks[energetic & (near >= TEACHER_CONFIRMS)] = IS_CRY
    return marks
