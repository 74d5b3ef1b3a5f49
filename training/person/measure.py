"""Calibration and thresholds on the validation split, figures on the test split; no training picture is seen here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from monitord.video.picture import SHAPE
from training.person import augment
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.person.data import Item

FALSE_ALARMS = 0.03
"""Share of empty rooms that may be called a person, issue 4's condition."""
MISSED = 0.05
"""Share of people that may be called nobody with confidence."""
POSTURE = 0.6
"""Share of the probability of a person from which a posture is told."""
_ROOMS = ("rooms", "messy_rooms")
PEOPLE = (PERSON, LYING, UPRIGHT)
SHARES = (
    ("empty rooms of unseen houses called a person", ("rooms",), (NOBODY,)),
    ("messy rooms called a person", ("messy_rooms",), (NOBODY,)),
    ("gmdcsa24 room without its person called a person", ("gmdcsa24_empty",), (NOBODY,)),
    ("lying adults found (gmdcsa24)", ("gmdcsa24",), (LYING,)),
    ("upright and sitting adults found (gmdcsa24)", ("gmdcsa24",), (UPRIGHT,)),
    ("falling and other adults found (gmdcsa24)", ("gmdcsa24",), (PERSON,)),
    ("infants found", ("infants",), PEOPLE),
    ("lying infants found", ("infants",), (LYING,)),
    ("COCO people found", ("coco",), PEOPLE),
    ("COCO pictures without people called a person", ("coco",), (NOBODY,)),
)
"""Rows of issue 4's table that are a share called a person: what, of which sources, with which targets."""


@dataclass(slots=True)
class Scored:
    """Items with their logits, shape (n, 3)."""

    items: list[Item]
    logits: np.ndarray

    def pick(self, *sources: str, targets: tuple[tuple[int, int, int], ...]) -> np.ndarray:
        """Indices of the items of `sources` (all, if none) with one of `targets`."""
        return np.array(
            [i for i, it in enumerate(self.items) if it.target in targets and (not sources or it.source in sources)],
            int,
        )


def score(items: list[Item], split: str, logits: Callable[[np.ndarray], np.ndarray]) -> Scored:
    """Logits of all pictures of `split`, framed as the daemon frames them."""
    chosen = [item for item in items if item.split == split]
    fitted = (augment.fit(item.picture, *SHAPE) for item in chosen)
    bar = tqdm(fitted, total=len(chosen), desc=f"scoring {split}", unit="picture")
    return Scored(chosen, np.stack([logits(picture.astype(np.float32)) for picture in bar]))


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of (n, 3)."""
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def temperature(scored: Scored) -> float:
    """The temperature that makes the targets likeliest (Guo et al., ICML 2017); empty and peopled count the same."""
    targets = np.array([item.target for item in scored.items], float)
    empty = targets[:, 0] > 0
    weights = np.where(empty, 0.5 / empty.sum(), 0.5 / (~empty).sum())

    def surprise(value: float) -> float:
        allowed = (probabilities(scored.logits, value) * targets).sum(axis=1)
        return float(-(weights * np.log(np.maximum(allowed, 1e-9))).sum())

    return float(min(np.arange(0.3, 4.0, 0.02), key=surprise))


def thresholds(scored: Scored, heat: float) -> tuple[float, float]:
    """(present, absent): see `monitord.video.classifier.Operating`."""
    somebody = 1 - probabilities(scored.logits, heat)[:, 0]
    rooms = somebody[scored.pick(*_ROOMS, targets=(NOBODY,))]
    people = somebody[scored.pick(targets=(PERSON, LYING, UPRIGHT))]
    present = float(np.quantile(rooms, 1 - FALSE_ALARMS)) + 1e-4
    return present, min(present, float(np.quantile(people, MISSED)))


def auc(people: np.ndarray, empty: np.ndarray) -> float:
    """Area under the receiver operating characteristic; ties count half."""
    above = (people[:, None] > empty).mean()
    return float(above + 0.5 * (people[:, None] == empty).mean())


def figures(scored: Scored, somebody: np.ndarray, present: float, lies: np.ndarray | None) -> dict[str, str]:
    """The table of issue 4 for one detector.

    Args:
        scored: what was scored.
        somebody: score of presence of each item.
        present: threshold on it.
        lies: where given, True for each item whose likelier posture is lying.
    """
    found = somebody >= present
    table = {}

    def share(name: str, sources: tuple[str, ...], targets: tuple[tuple[int, int, int], ...]) -> None:
        chosen = scored.pick(*sources, targets=targets)
        if len(chosen):
            table[name] = f"{found[chosen].mean():.3f} ({found[chosen].sum()} of {len(chosen)})"

    for row in SHARES:
        share(*row)
    for name, sources in {"COCO": ("coco",), "all sources": ()}.items():
        there, empty = scored.pick(*sources, targets=PEOPLE), scored.pick(*sources, targets=(NOBODY,))
        table[f"AUC of presence, {name}"] = f"{auc(somebody[there], somebody[empty]):.3f}"
    if lies is not None:
        for name in ("gmdcsa24", "infants"):
            down, up = (scored.pick(name, targets=(target,)) for target in (LYING, UPRIGHT))
            balanced = (lies[down].mean() + (~lies[up]).mean()) / 2
            table[f"lying against upright, balanced accuracy, {name}"] = f"{balanced:.3f}"
    return table
