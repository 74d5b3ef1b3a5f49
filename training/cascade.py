"""The figures that join the two stages: candidates, combination, smoothing.

Chosen on the folds, never on the test split.
"""

from __future__ import annotations

from dataclasses import asdict

from monitord.audio.features import FrontEnd
from monitord.audio.soundcard import Combine
from training.front import VERIFIER_FRAMES, VERIFIER_FRONT
from training.windows import WINDOW_FRAMES

CANDIDATE = {"cry": 0.1, "voice": 0.3}
"""Posterior of stage one from which stage two looks."""
SMOOTHING = {"window_s": 1.5, "release": 0.6, "at_once_s": 0.75}
Head = tuple[list[str], tuple[int, int]]

BOTH = Combine(0.05, 1.0, 0.0, -8.0)
"""Stage one has next to no say in how sure a cry is (0.15 and more lost recall on the folds together); it orders what
stage two has not seen."""
ALONE = {
    "stage one alone": (Combine(1.0, 0.0, 0.0, 0.0), 1.0),
    "stage two alone": (Combine(0.0, 1.0, 0.0, 0.0), 0.0),
}
"""For comparison only: the combination, and the posterior from which stage two looks (never, and at every hop)."""


def stage_one_facts(candidate: float | None = None) -> tuple[Head, dict[str, object]]:
    """Labels and shape of stage one, and what stands on its card beside them.

    Args:
        candidate: posterior from which stage two looks; None: the chosen ones.
    """
    return (list(CANDIDATE), (WINDOW_FRAMES, FrontEnd().bins)), {
        "front_end": asdict(FrontEnd()),
        "candidate": CANDIDATE if candidate is None else dict.fromkeys(CANDIDATE, candidate),
    }


def cascade_facts(combine: Combine = BOTH) -> tuple[Head, dict[str, object]]:
    """The same for the verifier of cries."""
    return (["cry"], (VERIFIER_FRAMES, VERIFIER_FRONT.bins)), {
        "candidate": "cry",
        "front_end": asdict(VERIFIER_FRONT),
        "combine": asdict(combine),
        "smoothing": SMOOTHING,
    }
