"""Heads from cached views: ablations on an unseen room, and the one that ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.eye import head, measure
from training.eye.cached import HEIGHT, WIDTH, load
from training.eye.measure import Scored
from training.eye.views import _KEPT
from training.person.data import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.eye.cached import Known

ENDS = (_KEPT, _KEPT + HEIGHT * WIDTH // 16**2, _KEPT + HEIGHT * WIDTH // 16**2 + HEIGHT * WIDTH // 32**2)
"""Where each stride's places end among those that are kept."""
SHARES = {
    "coco+": 0.2,
    "coco-": 0.12,
    "gmdcsa24+": 0.15,
    "gmdcsa24_empty-": 0.04,
    "rooms-": 0.2,
    "messy_rooms-": 0.06,
    "infants+": 0.15,
    "renders+": 0.12,
    "renders-": 0.06,
}
"""What a batch is made of: source, with people or without."""
_ROOM = ("gmdcsa24", "gmdcsa24_empty")


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to train.

    Attributes:
        name: for the table.
        without: pools of `SHARES` that are left out.
        turned: whether turned views are used.
        room_out: whether gmdcsa24 is left to the test.
        learnt: False: the original, nothing learnt.
    """

    name: str
    without: tuple[str, ...] = ()
    turned: bool = True
    room_out: bool = True
    learnt: bool = True


TRIALS = (
    Trial("original, upright view", turned=False, learnt=False),
    Trial("original, three views", learnt=False),
    Trial("all"),
    Trial("without turned views", turned=False),
    Trial("without rooms", without=("rooms-", "messy_rooms-")),
    Trial("without renders", without=("renders+", "renders-")),
    Trial("without infants", without=("infants+",)),
    Trial("room known", room_out=False),
)


def one(trial: Trial, taught: Known, tested: Known, seed: int, steps: int) -> tuple[head.Head | None, Scored]:
    """Train as `trial` says, and answer for all of `tested`."""
    made = None
    if trial.learnt:
        how = head.How({name: share for name, share in SHARES.items() if name not in trial.without}, steps, seed)
        how.turned = trial.turned
        made = head.train(taught.views, _pools(taught, room_out=trial.room_out), ENDS, how)
    return made, scored(made, tested, room_out=trial.room_out, turned=trial.turned)


def scored(made: head.Head | None, tested: Known, *, room_out: bool, turned: bool = True) -> Scored:
    """The answers of a head, as `training.eye.measure` reads them."""
    told = head.answers(made, tested.views, ENDS, turned=turned)
    rows = [
        _Row(str(source), "test" if room_out and source in _ROOM else str(split), tuple(int(v) for v in target))
        for source, split, target in zip(tested.source, tested.split, tested.target, strict=True)
    ]
    return Scored(rows, told[:, 0], told[:, 1], np.full(len(told), -20.0))  # type: ignore[arg-type]


def ablate(folder: Path, seeds: Sequence[int], steps: int, out: Path | None) -> None:
    """All trials with all seeds; prints, and writes to `out`, the figures of each."""
    taught, tested = load(folder, "varied"), load(folder, "plain")
    tables: dict[str, dict[str, str]] = {}
    for trial in TRIALS:
        for seed in seeds if trial.learnt else seeds[:1]:
            _, told = one(trial, taught, tested, seed, steps)
            name = f"{trial.name}, seed {seed}" if trial.learnt else trial.name
            tables[name] = measure.figures(told, measure.threshold(told))
            print(name, json.dumps(tables[name], indent=1), flush=True)
    if out is not None:
        out.write_text(json.dumps(tables, indent=1), "utf-8")


@dataclass(frozen=True, slots=True)
class _Row:
    source: str
    split: str
    target: tuple[int, ...]


def _pools(taught: Known, *, room_out: bool) -> dict[str, np.ndarray]:
    pools: dict[str, list[int]] = {}
    for at, (source, split, target) in enumerate(zip(taught.source, taught.split, taught.target, strict=True)):
        if split == "train" and not (room_out and source in _ROOM):
            pools.setdefault(f"{source}{'-' if tuple(target) == NOBODY else '+'}", []).append(at)
    return {name: np.array(rows) for name, rows in pools.items()}
