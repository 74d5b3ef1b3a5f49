"""Asks the torch network about single pictures, as the daemon does the exported one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from monitord.video.boxes import apart
from training.eye.detector import Detector, decoded, places
from training.person.augment import fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.video.picture import Picture

POSTURE_PLACES = 4


def judge(
    network: Detector, height: int, width: int, rounding: object = None
) -> Callable[[Picture], tuple[float, float, float]]:
    """A function: picture -> logit of the likeliest person, of lying, of the second person."""
    grid = places(height, width)

    def ask(picture: Picture) -> tuple[float, float, float]:
        with torch.no_grad():
            found = network(
                torch.from_numpy(fit(picture, height, width))
                .float()
                .permute(2, 0, 1)[None]
                .contiguous(memory_format=torch.channels_last),
                rounding,
            )
        return summed(found.person[0].numpy(), found.posture[0].numpy(), decoded(found.boxes, grid)[0].numpy())

    return ask


def summed(person: np.ndarray, posture: np.ndarray, boxes: np.ndarray) -> tuple[float, float, float]:
    """The likeliest person's logit, the posture of the places that saw them, the next body's logit."""
    best = np.argsort(-person)[:POSTURE_PLACES]
    kept = apart(boxes, person)
    second = float(person[kept[1]]) if len(kept) > 1 else -20.0
    return float(person[best[0]]), float(posture[best].mean()), second
