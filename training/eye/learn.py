"""Heads from cached views: ablations on an unseen room, and the one that ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.eye import head, measure
from training.eye.cached import Known, load
from training.eye.measure import Scored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.eye.views import Places

SHARES = {
    "coco+": 0.24,
    "coco-": 0.12,
    "gmdcsa24+": 0.12,
    "gmdcsa24_empty-": 0.04,
    "rooms-": 0.24,
    "messy_rooms-": 0.25,
    "infants+": 0.12,
    "laid+": 0.2,
    "laid-": 0.08,
    "renders+": 0.1,
    "renders-": 0.05,
    "pasted+": 0.1,
    "pasted-": 0.1,
}
"""What a batch is made of: source, with people or without."""
TAUGHT = ("varied", "as_is", "laid")
PASTED = "pasted"
"""Learnt from in ablations only; see docs/models-person.md."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to train.

    Attributes:
        name: for the table.
        without: pools of `SHARES` that are left out.
        room_out: whether gmdcsa24 is left to the test.
        bodies: nothing is learnt where these are named: "first", "second" or "both", asked as they are.
    """

    name: str
    without: tuple[str, ...] = ()
    room_out: bool = True
    bodies: str = ""


_PASTED = ("pasted+", "pasted-")
_NONE = -20.0
TRIALS = (
    Trial("first body as it is", bodies="first"),
    Trial("second body as it is", bodies="second"),
    Trial("both bodies as they are", bodies="both"),
    Trial("all", _PASTED),
    Trial("without cutouts", ("laid+", "laid-", *_PASTED)),
    Trial("without rooms", ("rooms-", "messy_rooms-", *_PASTED)),
    Trial("without renders", ("renders+", "renders-", *_PASTED)),
    Trial("without infants", ("infants+", *_PASTED)),
    Trial("room known", _PASTED, room_out=False),
    Trial("with renders laid into rooms"),
)


def heads(trial: Trial, taught: Known, seeds: Sequence[int], steps: int) -> head.Head:
    """Train as `trial` says, with each of `seeds`; they answer together."""
    shares = {name: share for name, share in SHARES.items() if name not in trial.without}
    pools = taught.pools(room_out=trial.room_out)
    made = [head.train(taught.places, pools, head.How(shares, steps, seed)) for seed in seeds]
    return head.joined(made)


def scored(made: head.Head | None, tested: Known, trial: Trial) -> Scored:
    """The answers of a head, or of the bodies as they are, as `training.eye.measure` reads them."""
    told = np.array([_answer(made, tested.places.some(np.array(at)), trial) for at in range(len(tested.source))])
    rows = [
        _Row(
            str(source),
            "test" if trial.room_out and source.startswith("gmdcsa24") else str(split),
            tuple(int(v) for v in target),
        )
        for source, split, target in zip(tested.source, tested.split, tested.target, strict=True)
    ]
    upright, lying = told[:, :1], told[:, 1:]  # Seen one way round only.
    return Scored(rows, upright, lying, np.full_like(upright, _NONE), lying - upright)  # type: ignore[arg-type]


def _answer(made: head.Head | None, places: Places, trial: Trial) -> np.ndarray:
    if made is not None:
        return head.answer(made, places)
    first, second = places.scores.astype(np.float32).max(axis=0)
    return np.array([_NONE if trial.bodies == "second" else first, _NONE if trial.bodies == "first" else second])


def ablate(folder: Path, seeds: Sequence[int], steps: int, out: Path | None) -> None:
    """All trials with each seed; prints, and writes to `out`, the figures of each."""
    taught, tested = load(folder, *TAUGHT, PASTED), load(folder, "plain")
    tables: dict[str, dict[str, str]] = {}
    for trial in TRIALS:
        for seed in seeds[:1] if trial.bodies else seeds:
            made = None if trial.bodies else heads(trial, taught, [seed], steps)
            told = measure.balanced(scored(made, tested, trial))
            name = f"{trial.name}, seed {seed}" if made is not None else trial.name
            tables[name] = measure.figures(told, measure.threshold(told))
            print(name, json.dumps(tables[name], indent=1), flush=True)
    if out is not None:
        out.write_text(json.dumps(tables, indent=1), "utf-8")


@dataclass(frozen=True, slots=True)
class _Row:
    source: str
    split: str
    target: tuple[int, ...]
