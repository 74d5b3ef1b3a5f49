"""Figures of issue 4 with intervals; thresholds and temperatures come from the validation split only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from training.person.data import LYING, NOBODY, UPRIGHT
from training.person.measure import PEOPLE, SHARES

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.video.picture import Picture
    from training.eye.examples import Example
    from training.person.data import Target

FALSE_ALARMS = 0.03
UPRIGHT_SHARE = 0.5
"""Of the false alarms, so many may be of the upright kind."""
ROOMS = ("rooms", "messy_rooms")


@dataclass(slots=True)
class Scored:
    """Examples with the logit of the likeliest upright, lying, and second person, and of lying rather than upright."""

    examples: list[Example]
    upright: np.ndarray
    lying: np.ndarray
    second: np.ndarray
    lies: np.ndarray

    @property
    def person(self) -> np.ndarray:
        """Logit of the likeliest person."""
        return np.maximum(self.upright, self.lying)

    def which(self, sources: tuple[str, ...], targets: tuple[Target, ...], split: str) -> np.ndarray:
        """Indices of those examples; of all sources where none is named."""
        return np.array(
            [
                at
                for at, one in enumerate(self.examples)
                if one.split == split and one.target in targets and (not sources or one.source in sources)
            ],
            int,
        )


def score(examples: list[Example], judge: Callable[[Picture], tuple[float, float, float, float]]) -> Scored:
    """Ask `judge` about each example that is not for training: upright, lying, second, posture."""
    chosen = [one for one in examples if one.split != "train"]
    told = [judge(one.picture) for one in tqdm(chosen, desc="scoring", unit="picture", mininterval=5)]
    return Scored(chosen, *np.array(told, float).T)


def auc(people: np.ndarray, empty: np.ndarray) -> float:
    """Area under the receiver operating characteristic; ties count half."""
    above = (people[:, None] > empty).mean()
    return float(above + 0.5 * (people[:, None] == empty).mean())


def shifts(scored: Scored) -> tuple[float, float]:
    """What to add to the logits of upright and of lying, so that 0 is the threshold of both.

    `FALSE_ALARMS` of the validation split's empty rooms reach 0 in one or the other, `UPRIGHT_SHARE` of them upright.
    """
    rooms = scored.which(ROOMS, (NOBODY,), "validation")
    upright = scored.upright[rooms]
    at = float(np.quantile(upright, 1 - FALSE_ALARMS * UPRIGHT_SHARE))
    rest = np.sort(np.where(upright > at, -np.inf, scored.lying[rooms]))[::-1]
    left = int(FALSE_ALARMS * len(rooms)) - int((upright > at).sum())
    return -at, -float(rest[left - 1 : left + 1].mean())


def balanced(scored: Scored) -> Scored:
    """`scored` with `shifts` added."""
    upright, lying = shifts(scored)
    return Scored(scored.examples, scored.upright + upright, scored.lying + lying, scored.second, scored.lies)


def threshold(scored: Scored) -> float:
    """The logit that `FALSE_ALARMS` of the validation split's empty rooms reach."""
    rooms = scored.person[scored.which(ROOMS, (NOBODY,), "validation")]
    return float(np.quantile(rooms, 1 - FALSE_ALARMS))


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def figures(scored: Scored, at: float, split: str = "test") -> dict[str, str]:
    """The table of issue 4 at the threshold `at`."""
    table: dict[str, str] = {}

    def share(name: str, sources: tuple[str, ...], targets: tuple[Target, ...]) -> None:
        chosen = scored.which(sources, targets, split)
        if len(chosen):
            hits = int((scored.person[chosen] > at).sum())
            low, high = wilson(hits, len(chosen))
            table[name] = f"{hits / len(chosen):.3f} ({hits} of {len(chosen)}; {low:.2f} to {high:.2f})"

    for row in SHARES:
        share(*row)
    for name, sources in {"COCO": ("coco",), "all sources": ()}.items():
        there, empty = scored.which(sources, PEOPLE, split), scored.which(sources, (NOBODY,), split)
        table[f"AUC of presence, {name}"] = f"{auc(scored.person[there], scored.person[empty]):.3f}"
    lying = scored.which(("gmdcsa24",), (LYING,), split)
    rooms = scored.which(ROOMS, (NOBODY,), split)
    if len(lying):
        table["AUC, lying adults against empty rooms"] = f"{auc(scored.person[lying], scored.person[rooms]):.3f}"
    for name in ("gmdcsa24", "infants", "renders"):
        down, up = (scored.which((name,), (target,), split) for target in (LYING, UPRIGHT))
        if len(down) and len(up) and np.ptp(scored.lies) > 0:
            value = ((scored.lies[down] > 0).mean() + (scored.lies[up] <= 0).mean()) / 2
            table[f"lying against upright, balanced accuracy, {name}"] = f"{value:.3f}"
    return table
