"""The views of all pictures, in pieces on disk: what was made before a stop is not made again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.eye import examples, ranges, train, views, whole
from training.eye.backbone import read
from training.eye.export import to_int8
from training.eye.variations import Recipe, plain
from training.person.data import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

    from training.eye.examples import Example
    from training.eye.rounding import Rounding

HEIGHT, WIDTH = 192, 256
TIMES = {
    ("coco", True): 6,
    ("coco", False): 2,
    ("gmdcsa24", True): 3,
    ("gmdcsa24_empty", False): 6,
    ("rooms", False): 1,
    ("messy_rooms", False): 2,
    ("infants", True): 2,
    ("renders", True): 2,
    ("renders", False): 1,
}
"""How many variations of each training picture."""
_PIECE = 100
_SEED = 7


@dataclass(slots=True)
class Known:
    """Views and what is known of their pictures, row by row.

    Attributes:
        views: as made.
        source: of each row.
        split: of each row.
        target: of each row, (n, 3).
        path: of each row.
    """

    views: views.Views
    source: np.ndarray
    split: np.ndarray
    target: np.ndarray
    path: np.ndarray


def body(folder: Path, weights: Path, known: list[Example]) -> tuple[whole.Whole, Rounding, bytes]:
    """The network with an empty head, its ranges, and the quantised body; made once in `folder`."""
    network = whole.new(read(weights)).eval()
    held, model = folder / "ranges.json", folder / "body.tflite"
    rounding = ranges.blank(network)
    if not held.exists():
        rng = np.random.default_rng(_SEED)
        there = [one for one in known if one.split == "train" and one.source in ("coco", "rooms", "infants")]
        chosen = rng.choice(len(there), 48, replace=False)
        made = ranges.observe(network, np.stack([plain(there[at], HEIGHT, WIDTH) for at in chosen]))
        model.write_bytes(to_int8(network, made, HEIGHT, WIDTH, features=True))
        held.write_text(json.dumps(made.ranges), "utf-8")
    rounding.ranges = {name: tuple(pair) for name, pair in json.loads(held.read_text("utf-8")).items()}
    return network, rounding, model.read_bytes()


def make(folder: Path, data: Path, weights: Path, renders: Path | None, most: int) -> None:
    """Make what is missing: every picture that is not for training as it is, every other one varied."""
    folder.mkdir(parents=True, exist_ok=True)
    known = examples.load(data / "vision", leave_room_out=False)
    network, _, content = body(folder, weights, known)
    train.locate(network.found, known, HEIGHT, WIDTH)
    if renders is not None:
        known += examples.load_renders(renders, most)
    look = views.Body(content)
    tested = [one for one in known if one.split != "train" or one.source == "gmdcsa24"]
    _pieces(folder, "plain", tested, lambda some: views.unvaried(look, some, (HEIGHT, WIDTH)))
    taught = [one for one in known if one.split == "train" or one.source == "gmdcsa24"]
    taught = [one for one in taught if (one.source, one.target != NOBODY) in TIMES]
    # Dealt out, so that a part of the pieces is a part of everything.
    order = np.random.default_rng(_SEED).permutation(len(taught))
    _pieces(folder, "varied", [taught[at] for at in order], lambda some: _varied(look, some))


def load(folder: Path, name: str) -> Known:
    """All pieces of "plain" or "varied" that there are."""
    parts, told = [], []
    for piece in sorted(folder.glob(f"{name}-*.npz")):
        part = views.Views.load(piece)
        rows = json.loads(piece.with_suffix(".json").read_text("utf-8"))
        told += [rows[at] for at in part.origin]
        parts.append(part)
    columns = [np.array(column) for column in zip(*told, strict=True)]
    return Known(views.Views.joined(parts), *columns)


def _varied(look: views.Body, some: list[Example]) -> views.Views:
    counts = [TIMES[(one.source, one.target != NOBODY)] for one in some]
    seed = int.from_bytes(some[0].path.encode()[-6:] or b"empty", "little")
    return views.varied(look, some, counts, (HEIGHT, WIDTH), seed=seed, recipe=Recipe())


def _pieces(folder: Path, name: str, some: list[Example], make_one: object) -> None:
    for first in range(0, len(some), _PIECE):
        piece = folder / f"{name}-{first:05d}.npz"
        if piece.exists():
            continue
        part = some[first : first + _PIECE]
        made = make_one(part)  # type: ignore[operator]
        rows = [(one.source, one.split, one.target, one.path) for one in part]
        piece.with_suffix(".json").write_text(json.dumps(rows), "utf-8")
        made.save(piece)
