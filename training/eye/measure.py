"""Figures of issue 4 with intervals; thresholds and temperatures come from the validation split only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
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
UPRIGHT_SHARE = 0.35
"""Of the false alarms, so many may be of the upright kind."""
ROOMS = ("rooms", "messy_rooms")


@dataclass(slots=True)
class Scored:
    """Examples, and what was said of each way round that they were shown: logits, (n, ways).

    Attributes:
        examples: n of them.
        upright: of the likeliest who is upright.
        lying: of the likeliest who lies.
        second: of the likeliest second person.
        lies: of lying rather than upright.
        line: slope and shift of the logit of a person.
    """

    examples: list[Example]
    upright: np.ndarray
    lying: np.ndarray
    second: np.ndarray
    lies: np.ndarray
    line: tuple[float, float] = (1.0, 0.0)

    @property
    def person(self) -> np.ndarray:
        """(n,): probability that somebody is there, the mean of all ways, as a look has it."""
        return self.probability(np.maximum(self.upright, self.lying)).mean(axis=1)

    def probability(self, logits: np.ndarray) -> np.ndarray:
        """That of a person, from its logit."""
        return np.asarray(1 / (1 + np.exp(-(self.line[0] * logits + self.line[1]))))

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
    """Ask `judge` about each example that is not for training, as it is and in a mirror.

    Args:
        examples: of all splits.
        judge: logits of upright, lying, second, and of lying rather than upright.
    """
    chosen = [one for one in examples if one.split != "train"]
    shown = tqdm(chosen, desc="scoring", unit="picture", mininterval=5)
    told = [[judge(np.ascontiguousarray(one.picture[:, ::way])) for way in (1, -1)] for one in shown]
    return Scored(chosen, *np.moveaxis(np.array(told, float), -1, 0))


def colourless(examples: list[Example]) -> list[Example]:
    """The same pictures in grey."""

    def grey(picture: Picture) -> Picture:
        return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)

    return [replace(one, picture=grey(one.picture)) for one in examples]


def auc(people: np.ndarray, empty: np.ndarray) -> float:
    """Area under the receiver operating characteristic; ties count half."""
    above = (people[:, None] > empty).mean()
    return float(above + 0.5 * (people[:, None] == empty).mean())


def shifts(scored: Scored) -> tuple[float, float]:
    """What to add to the logits of upright and of lying, so that 0 is the threshold of both.

    `FALSE_ALARMS` of the validation split's empty rooms reach 0 in one or the other, `UPRIGHT_SHARE` of them upright.
    """
    rooms = scored.which(ROOMS, (NOBODY,), "validation")
    upright, lying = scored.upright[rooms].mean(axis=1), scored.lying[rooms].mean(axis=1)
    at = float(np.quantile(upright, 1 - FALSE_ALARMS * UPRIGHT_SHARE))
    rest = np.sort(np.where(upright > at, -np.inf, lying))[::-1]
    left = int(FALSE_ALARMS * len(rooms)) - int((upright > at).sum())
    return -at, -float(rest[left - 1 : left + 1].mean())


def balanced(scored: Scored) -> Scored:
    """`scored` with `shifts` added."""
    upright, lying = shifts(scored)
    return Scored(scored.examples, scored.upright + upright, scored.lying + lying, scored.second, scored.lies)


def threshold(scored: Scored) -> float:
    """The probability that `FALSE_ALARMS` of the validation split's empty rooms reach."""
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
    """The table of issue 4 at the threshold `at`, a probability."""
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
            lies = scored.lies.mean(axis=1) > 0
            value = (lies[down].mean() + (~lies[up]).mean()) / 2
            table[f"lying against upright, balanced accuracy, {name}"] = f"{value:.3f}"
    return table
