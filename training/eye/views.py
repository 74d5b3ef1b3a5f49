"""What two bodies see of a picture, place by place, and who is there.

The bodies stay as they are, so their answers for a picture never change: they are computed once, and a head learns in
minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitord.video.boxes import STRIDES
from training.eye.bodies import CHANNELS
from training.person.data import LYING, UPRIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from monitord.video.picture import Picture
    from training.eye.bodies import Bodies
    from training.person.data import Target

    Rank = Callable[["Places"], np.ndarray]

WIDTH_OF_ALL = max(CHANNELS)
"""Numbers of a place; a place of a stride that has fewer has zeros in the rest."""
_CORE, _NEAR = 0.3, 0.65
ELSEWHERE, BODY, BESIDE, ANYWHERE = 0, 1, 2, 3
"""Whether a place is away from all bodies, in the middle of one, at its edge, or in a picture with a body somewhere."""
TOLD = {LYING: 1, UPRIGHT: 0}
"""What is taught of a posture; -1 where it is not known."""
_LIKELY, _WORST, _BODIES = 24, 40, 20


@dataclass(slots=True)
class Places:
    """Places of one picture, or of n with one axis more.

    Attributes:
        features: (p, `WIDTH_OF_ALL`) float16.
        scores: (p, 2) float16, each body's own logit of a person.
        level: (p,) int8, which stride.
        where: (p,) int8, ELSEWHERE, BODY, BESIDE or ANYWHERE.
        lies: (p,) int8: 1 where a body lies, 0 where one is upright, -1 where neither is known.
    """

    features: np.ndarray
    scores: np.ndarray
    level: np.ndarray
    where: np.ndarray
    lies: np.ndarray

    def some(self, chosen: np.ndarray) -> Places:
        """Those of `chosen`."""
        return Places(*(getattr(self, name)[chosen] for name in self.__slots__))

    def save(self, path: Path) -> None:
        """Write all to `path`, NAME.npz."""
        whole = path.with_name(f".{path.stem}.npz")
        np.savez(whole, **{name: getattr(self, name) for name in self.__slots__})
        whole.replace(path)

    @classmethod
    def load(cls, path: Path) -> Places:
        """Read what `save` wrote."""
        with np.load(path) as held:
            return cls(**{name: held[name] for name in cls.__slots__})

    @classmethod
    def stacked(cls, parts: Sequence[Places]) -> Places:
        """Pictures of as many places each."""
        return cls(*(np.stack([getattr(part, name) for part in parts]) for name in cls.__slots__))

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        """Stacks, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


def grid(height: int, width: int) -> np.ndarray:
    """Middle of each place and its stride, (places, 3), pixels, finest stride first."""
    made = []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        sides = np.full(rows.size, stride)
        made.append(np.stack([(columns.ravel() + 0.5) * stride, (rows.ravel() + 0.5) * stride, sides], axis=1))
    return np.concatenate(made).astype(np.float32)


def look(bodies: Bodies, picture: Picture) -> Places:
    """All places of a picture (height, width, 3), RGB; who is there is not told yet."""
    seen = bodies(picture)
    features = [each.reshape(-1, each.shape[-1]) for each in seen.features]
    padded = [np.pad(each, ((0, 0), (0, WIDTH_OF_ALL - each.shape[1]))) for each in features]
    level = np.repeat(np.arange(len(features), dtype=np.int8), [len(each) for each in features])
    scores = np.concatenate([each.reshape(-1, each.shape[-1]) for each in seen.scores])
    nobody = np.zeros(len(level), np.int8)
    return Places(np.concatenate(padded).astype(np.float16), scores.astype(np.float16), level, nobody, nobody - 1)


def tell(places: Places, middles: np.ndarray, boxes: np.ndarray, targets: Sequence[Target]) -> None:
    """Note in `places` who is there.

    Args:
        places: of a picture, all of them.
        middles: `grid` of the picture.
        boxes: (bodies, 4) left, top, right, bottom in pixels.
        targets: of each body.
    """
    for (left, top, right, bottom), target in zip(boxes, targets, strict=True):
        middle, half = np.array([left + right, top + bottom]) / 2, np.array([right - left, bottom - top]) / 2
        away = np.abs(middles[:, :2] - middle)
        # At least half a stride to each side, or a small body would lie between the places.
        near = (away <= np.maximum(half * 2 * _NEAR, middles[:, 2:] / 2)).all(axis=1)
        places.where[near & (places.where != BODY)] = BESIDE
        core = (away <= np.maximum(half * 2 * _CORE, middles[:, 2:] / 2)).all(axis=1)
        places.where[core], places.lies[core] = BODY, TOLD.get(target, -1)


def chosen(places: Places, most: int, rng: np.random.Generator, rank: Rank | None) -> np.ndarray:
    """Which `most` places of a picture are learnt from.

    Those which the body takes for a person, those that an earlier head (`rank`) takes for one, bodies, and others.
    """
    worst = places.scores.max(axis=1) if rank is None else rank(places)
    bodies = np.flatnonzero(places.where == BODY)
    bodies = bodies[np.argsort(-worst[bodies])][:_BODIES]
    first = [np.argsort(-places.scores.max(axis=1))[:_LIKELY], np.argsort(-worst)[:_WORST], bodies]
    taken = np.unique(np.concatenate(first))
    rest = np.setdiff1d(np.arange(len(worst)), taken)
    return np.concatenate([taken, rng.choice(rest, most - len(taken), replace=False)])
