"""What the two bodies see of all pictures, in pieces on disk: what was made before a stop is not made again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from training.eye import cutouts, examples, head, pasted, views
from training.eye.bodies import Bodies
from training.eye.body import Body
from training.eye.variations import Recipe, half_hidden, plain, vary
from training.person.data import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitord.video.picture import Picture
    from training.eye.examples import Example
    from training.eye.views import Places
    from training.person.data import Target

    Row = tuple[str, str, Target, str]
    Make = Callable[[int], tuple[Places, Row]]

HEIGHT, WIDTH = 192, 256
TIMES = {
    ("coco", True): 24,
    ("coco", False): 8,
    ("gmdcsa24", True): 6,
    ("gmdcsa24_empty", False): 20,
    ("rooms", False): 3,
    ("messy_rooms", False): 6,
    ("infants", True): 4,
    ("infants", False): 6,
    ("renders", True): 4,
    ("renders", False): 3,
}
"""How many variations of each training picture there are, beside the picture as it is and mirrored."""
LAID = 4000
PASTED = 1500
_ROUGH = 2000
"""So many pictures teach the rough head whose mistakes choose the places that the real one learns from."""
_ROUGH_STEPS = 600
_KEPT = 128
_HIDDEN = 0.35
_PIECE = 500
_SEED = 11
GRID = views.grid(HEIGHT, WIDTH)


@dataclass(slots=True)
class Known:
    """Places and what is known of their pictures, row by row.

    Attributes:
        places: of all pictures.
        source: of each row.
        split: of each row.
        target: of each row, (n, 3).
        path: of each row.
    """

    places: Places
    source: np.ndarray
    split: np.ndarray
    target: np.ndarray
    path: np.ndarray

    def pools(self, *, room_out: bool) -> dict[str, np.ndarray]:
        """Rows of the training split by source, "SOURCE+" with people and "SOURCE-" without."""
        made: dict[str, list[int]] = {}
        for at, (source, split, target) in enumerate(zip(self.source, self.split, self.target, strict=True)):
            if split == "train" and not (room_out and source.startswith("gmdcsa24")):
                made.setdefault(f"{source}{'-' if tuple(target) == NOBODY else '+'}", []).append(at)
        return {name: np.array(rows) for name, rows in made.items()}


def make(folder: Path, data: Path, weights: tuple[Path, Path], *, renders: Path | None, most: int) -> None:
    """Make what is missing: of pictures that are not for training all places, of the others varied and as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    known = examples.load(data / "vision", leave_room_out=False)
    if renders is not None:
        known += examples.load_renders(renders, most)
    bodies = Bodies(*weights, HEIGHT, WIDTH)
    tested = [one for one in known if one.split != "train" or one.source.startswith("gmdcsa24")]
    _pieces(folder, "plain", len(tested), lambda at: (_told(bodies, tested[at]), _row(tested[at])))
    taught = [one for one in known if one.split == "train" and (one.source, one.target != NOBODY) in TIMES]
    todo = [(at, time) for at, one in enumerate(taught) for time in range(TIMES[(one.source, one.target != NOBODY)])]
    # Dealt out, so that a part of the pieces is a part of everything.
    order = np.random.default_rng(_SEED).permutation(len(todo))
    empty = [one.picture for one in taught if one.source == "rooms"]

    def varied(number: int, rank: views.Rank | None) -> tuple[Places, Row]:
        at, time = todo[order[number]]
        rng = np.random.default_rng((_SEED, at, time))
        one = taught[at]
        if one.source == "coco" and one.bodies and rng.random() < _HIDDEN:
            one = half_hidden(one, empty, rng)
        return _varied(bodies, one, rng, rank, Recipe()), _row(one)

    _pieces(folder, "rough", min(_ROUGH, len(todo)), lambda number: varied(number, None))
    rank = _rough(folder)
    _pieces(folder, "varied", len(todo), lambda number: varied(number, rank))
    both = [(one, mirrored) for one in taught for mirrored in (False, True)]
    _pieces(folder, "as_is", len(both), lambda at: (_as_is(bodies, *both[at], at, rank), _row(both[at][0])))
    _laid(folder, bodies, Body(weights[0]), taught, rank)


def make_pasted(folder: Path, data: Path, weights: tuple[Path, Path], alone: Path) -> None:
    """Make what is missing of the renders in `alone`, laid into the training split's rooms; after `make`."""
    taught = [one for one in examples.load(data / "vision", leave_room_out=False) if one.split == "train"]
    bodies, rank = Bodies(*weights, HEIGHT, WIDTH), _rough(folder)
    renders, where = pasted.read(alone), cutouts.rooms(taught, Body(weights[0]), HEIGHT, WIDTH)

    def piece(first: int) -> Iterator[tuple[Places, Row]]:
        for number, one in enumerate(pasted.pasted(_PIECE, renders, where, _SEED + first)):
            rng = np.random.default_rng((_SEED + first, number, 1))
            yield _varied(bodies, one, rng, rank, Recipe(turned=False)), _row(one)

    for first in range(0, PASTED, _PIECE):
        _piece(folder / f"pasted-{first:05d}.npz", _PIECE, piece(first))


def load(folder: Path, *names: str) -> Known:
    """All pieces of `names` that there are."""
    parts, rows = [], []
    for piece in sorted(piece for name in names for piece in folder.glob(f"{name}-*.npz")):
        parts.append(views.Places.load(piece))
        rows += json.loads(piece.with_suffix(".json").read_text("utf-8"))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Known(views.Places.joined(parts), *columns)


def _varied(bodies: Bodies, one: Example, rng: np.random.Generator, rank: views.Rank | None, recipe: Recipe) -> Places:
    seen = vary(one, HEIGHT, WIDTH, rng, recipe)
    made = views.look(bodies, seen.picture)
    views.tell(made, GRID, seen.boxes, seen.targets)
    if seen.somewhere:
        made.where[:] = views.ANYWHERE
        # Who lies seen from above lies at any angle.
        known = abs(seen.angle) < 25 or one.source == "infants"
        made.lies[:] = views.TOLD.get(one.target, -1) if known else -1
    return made.some(views.chosen(made, _KEPT, rng, rank))


def _told(bodies: Bodies, one: Example) -> Places:
    made = views.look(bodies, plain(one, HEIGHT, WIDTH))
    made.where[:] = views.ELSEWHERE if one.target == NOBODY else views.ANYWHERE
    made.lies[:] = views.TOLD.get(one.target, -1)
    return made


def _as_is(bodies: Bodies, one: Example, mirrored: bool, at: int, rank: views.Rank) -> Places:  # noqa: FBT001
    picture: Picture = np.ascontiguousarray(plain(one, HEIGHT, WIDTH)[:, :: -1 if mirrored else 1])
    made = views.look(bodies, picture)
    if one.bodies is None:
        made.where[:], made.lies[:] = views.ANYWHERE, views.TOLD.get(one.target, -1)
    else:
        boxes = examples.fitted(one, HEIGHT, WIDTH)
        if mirrored:
            boxes = np.stack([WIDTH - boxes[:, 2], boxes[:, 1], WIDTH - boxes[:, 0], boxes[:, 3]], axis=1)
        views.tell(made, GRID, boxes, [body.target for body in one.bodies])
    return made.some(views.chosen(made, _KEPT, np.random.default_rng((_SEED, at)), rank))


def _laid(folder: Path, bodies: Bodies, beds: Body, taught: list[Example], rank: views.Rank) -> None:
    people, where = cutouts.cut_out(taught), cutouts.rooms(taught, beds, HEIGHT, WIDTH)
    others = [one.picture for one in taught if one.target == NOBODY]

    def piece(first: int) -> Iterator[tuple[Places, Row]]:
        seed = _SEED + first
        for number, one in enumerate(cutouts.laid(_PIECE, people, where, others, seed)):
            rng = np.random.default_rng((seed, number))
            yield _varied(bodies, one, rng, rank, Recipe(turned=False)), _row(one)

    for first in range(0, LAID, _PIECE):
        _piece(folder / f"laid-{first:05d}.npz", _PIECE, piece(first))


def _rough(folder: Path) -> views.Rank:
    from training.eye.learn import SHARES  # noqa: PLC0415 - reads these pieces

    held = folder / "rough.pt"
    made = head.Head()
    if not held.exists():
        known = load(folder, "rough")
        how = head.How(SHARES, _ROUGH_STEPS)
        torch.save(head.train(known.places, known.pools(room_out=True), how).state_dict(), held)
    made.load_state_dict(torch.load(held, weights_only=True))
    made.eval()
    return lambda places: head.places_of(made, places).max(axis=0)


def _row(one: Example) -> Row:
    return one.source, one.split, one.target, one.path


def _pieces(folder: Path, name: str, count: int, make_one: Make) -> None:
    for first in range(0, count, _PIECE):
        numbers = range(first, min(count, first + _PIECE))
        _piece(folder / f"{name}-{first:05d}.npz", len(numbers), (make_one(number) for number in numbers))


def _piece(path: Path, count: int, made: Iterator[tuple[Places, Row]]) -> None:
    if path.exists():
        return
    told = list(tqdm(made, total=count, desc=path.stem, unit="picture", mininterval=10))
    path.with_suffix(".json").write_text(json.dumps([row for _, row in told]), "utf-8")
    views.Places.stacked([places for places, _ in told]).save(path)
