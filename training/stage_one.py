"""Stage one's examples: windows of two seconds, a target for a cry and one for a voice.

Both targets lie half-way between the label and a larger network's opinion: the verifier's for cries, YAMNet's for
voices (Hinton et al., arXiv:1503.02531). Where nobody has labelled a window, the opinion alone is the target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.fit import Examples, Floats, Places, targets_of
from training.verifier import TAUGHT, teacher_says
from training.windows import WINDOW_FRAMES, cry_labels, voice_labels

if TYPE_CHECKING:
    import numpy.typing as npt

    from training.scenes import Scenes

LABELS = ("cry", "voice")
STEP = 40
"""Frames (1 s) between the windows that a scene gives, so that the verifier need look at each only once."""
VOICES = [TAUGHT.index(row) for row in (*range(12), 24, 29)]
"""Speech, shouts and screams, singing."""


def starts(frames: int) -> npt.NDArray[np.int64]:
    """First frames of the windows of a scene of `frames`."""
    return np.arange(0, frames - WINDOW_FRAMES + 1, STEP)


def examples(scenes: Scenes, opinions: Floats, taught: npt.NDArray[np.float16]) -> Examples:
    """Windows of `scenes` for a network of two outputs, in the order of `LABELS`.

    Args:
        scenes: what to learn from.
        opinions: the verifier's posteriors, (scenes, starts).
        taught: YAMNet's scores, as ``training.verifier.taught`` gives them.
    """
    cry, voice = cry_labels(scenes.cry), voice_labels(scenes.voice)

    def cut(places: Places) -> Floats:
        index = places[:, 1, None] + np.arange(WINDOW_FRAMES)
        return scenes.near[places[:, 0, None], index].astype(np.float32)

    def targets(places: Places) -> tuple[Floats, Floats]:
        said = opinions[places[:, 0], places[:, 1] // STEP]
        spoken = teacher_says(taught, places)[:, VOICES].max(axis=1)
        columns = []
        for labels, opinion in ((cry, said), (voice, spoken)):
            target, known = targets_of(labels, places)
            columns.append(np.where(known > 0, 0.5 * (target + opinion), opinion))
        mixed = np.stack(columns, axis=1)
        return mixed.astype(np.float32), np.ones_like(mixed, np.float32)

    def where(labels: npt.NDArray[np.int8], wanted: int) -> Places:
        places = np.argwhere(labels[:, ::STEP] == wanted)
        return places * np.array([1, STEP])

    others = where(cry, 0)
    return Examples(cut, targets, [(where(cry, 1), 0.3), (where(voice, 1), 0.15), (others, 0.55)], others)
