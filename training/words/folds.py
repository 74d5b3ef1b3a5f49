"""Which recordings may teach, which may judge: folds by group, and recordings that hold the phrase itself."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.clips import Clip

FOLDS = 3
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def holds(clip: Clip, phrase: str) -> bool:
    """Whether `clip` is a recording of `phrase`, by its label: letters only, `hey_archie` holds `archie`."""
    if not clip.label.startswith("speech:") or clip.dataset == "kerstin_de":
        return False
    label = clip.label[7:].split("/")[0].lower()
    if clip.dataset == "fsdd":
        label = DIGITS[int(label[-1])]
    return re.sub(r"[^a-z]+", "", phrase.lower()) in re.sub(r"[^a-z]+", "", label)


def folds(clips: Sequence[Clip], seed: str = "words") -> list[int]:
    """Fold of each clip, 0 to `FOLDS` - 1: groups stay whole, and each fold gets as much sound of each dataset."""
    seconds: dict[tuple[str, str], float] = {}
    for clip in clips:
        key = clip.dataset, clip.group
        seconds[key] = seconds.get(key, 0.0) + clip.seconds
    placed: dict[str, int] = {}
    total = [0.0] * FOLDS
    of_dataset: dict[tuple[str, int], float] = {}
    ordered = sorted(seconds, key=lambda key: (key[0], hashlib.sha256(f"{seed}/{key[1]}".encode()).digest()))
    for dataset, group in ordered:
        least = min(range(FOLDS), key=lambda fold: (of_dataset.get((dataset, fold), 0.0), total[fold]))
        fold = placed.setdefault(group, least)
        of_dataset[dataset, fold] = of_dataset.get((dataset, fold), 0.0) + seconds[dataset, group]
        total[fold] += seconds[dataset, group]
    return [placed[clip.group] for clip in clips]
