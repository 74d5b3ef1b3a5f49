"""What the original network sees in each picture, held upright and turned to either side: made once, learnt from often.

The body of the network stays as it is, so its answers for a picture never change: they are computed once for a fixed
set of variations, and the head learns from them in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from tqdm import tqdm

from monitord.video.boxes import decode
from training.eye.detector import places
from training.eye.variations import Recipe, plain, vary
from training.person.data import LYING, NOBODY, UPRIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.video.picture import Picture
    from training.eye.examples import Example

TURNS = (0, 1, -1)
"""Quarter turns, counter-clockwise, of the views of a picture."""
_KEPT = 128
"""So many of the finest stride's places, the likeliest, are kept; of the coarser ones all."""
_CORE, _NEAR = 0.3, 0.65
ELSEWHERE, BODY, BESIDE, ANYWHERE = 0, 1, 2, 3
"""Whether a place is away from all bodies, in the middle of one, at its edge, or in a picture with a body somewhere."""
_TOLD = {LYING: 1, UPRIGHT: 0}


@dataclass(slots=True)
class Views:
    """Of n pictures, three views each, p places in each view.

    Attributes:
        features: (n, 3, p, 128) float16.
        scores: (n, 3, p) float16, the original's logit of a person.
        boxes: (n, 3, p, 4) float16, left, top, right, bottom in pixels of the view.
        where: (n, 3, p) int8, ELSEWHERE, BODY, BESIDE or ANYWHERE.
        lies: (n, 3, p) int8: 1 where a body lies, 0 where one is upright, -1 where neither is known.
        room: (n, cells x 64) float32, the map that the room is described from, pooled over its cells.
        origin: (n,) which example.
    """

    features: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    where: np.ndarray
    lies: np.ndarray
    room: np.ndarray
    origin: np.ndarray

    def save(self, path: Path) -> None:
        """Write all to `path`, NAME.npz."""
        whole = path.with_name(f".{path.stem}.npz")
        np.savez(whole, **{name: getattr(self, name) for name in self.__slots__})
        whole.replace(path)

    @classmethod
    def load(cls, path: Path) -> Views:
        """Read what `save` wrote."""
        with np.load(path) as held:
            return cls(**{name: held[name] for name in cls.__slots__})

    @classmethod
    def joined(cls, parts: list[Views]) -> Views:
        """All of `parts`, one after the other."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__})


def varied(
    body: Body, examples: list[Example], counts: list[int], size: tuple[int, int], *, seed: int, recipe: Recipe
) -> Views:
    """Views of `counts[i]` variations of example i."""
    todo = [at for at, count in enumerate(counts) for _ in range(count)]
    parts = []
    for at in tqdm(todo, desc="views", unit="picture", mininterval=10):
        rng = np.random.default_rng((seed, at, len(parts)))
        seen = vary(examples[at], *size, rng, recipe)
        parts.append(_look(body, seen.picture, seen.boxes, [_TOLD.get(one, -1) for one in seen.targets], at))
        if seen.somewhere:
            parts[-1]["where"][:] = ANYWHERE
            parts[-1]["lies"][:] = _TOLD.get(examples[at].target, -1) if abs(seen.angle) < 25 else -1
    return _stacked(parts)


def unvaried(body: Body, examples: list[Example], size: tuple[int, int]) -> Views:
    """Views of each example as the daemon would show it."""
    parts = []
    for at, one in enumerate(tqdm(examples, desc="views", unit="picture", mininterval=10)):
        told = _look(body, plain(one, *size), np.zeros((0, 4)), [], at)
        told["where"][:] = ELSEWHERE if one.target == NOBODY else ANYWHERE
        told["lies"][:] = _TOLD.get(one.target, -1)
        parts.append(told)
    return _stacked(parts)


def _stacked(parts: list[dict[str, np.ndarray]]) -> Views:
    return Views(**{name: np.stack([part[name] for part in parts]) for name in Views.__slots__})


def _look(body: Body, picture: Picture, boxes: np.ndarray, lies: list[int], at: int) -> dict[str, np.ndarray]:
    height, width = picture.shape[:2]
    asked = body(picture)
    views = []
    for view, turn in enumerate(TURNS):
        size = (width, height) if turn else (height, width)
        grid = places(*size).numpy()
        moved = turn_boxes(boxes, turn, height, width) if turn else boxes
        views.append(
            _view({name: asked[name][view] for name in ("features", "scores", "boxes")}, moved, lies, grid, size)
        )
    told = {name: np.stack([view[name] for view in views]) for name in views[0]}
    return told | {"room": asked["room"], "origin": np.array(at)}


def turn_boxes(boxes: np.ndarray, turn: int, height: int, width: int) -> np.ndarray:
    """Boxes (n, 4) of a picture after ``numpy.rot90(picture, turn)``, `turn` being 1 or -1."""
    left, top, right, bottom = np.asarray(boxes, float).reshape(-1, 4).T
    if turn == 1:
        return np.stack([top, width - right, bottom, width - left], axis=1)
    return np.stack([height - bottom, left, height - top, right], axis=1)


class Body:
    """The quantised body: what the head will see on the device is what it learns from.

    Args:
        content: `training.eye.export.to_int8` with ``features``.
    """

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        self._given = self._interpreter.get_input_details()[0]
        self._made = self._interpreter.get_output_details()

    def __call__(self, picture: Picture) -> dict[str, np.ndarray]:
        """(height, width, 3) -> features (3, places, 128), scores (3, places), boxes raw (3, places, 4), room."""
        scale, zero = self._given["quantization"]
        value = np.clip(np.rint(picture / np.float32(scale)) + zero, -128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._given["index"], value[None])
        self._interpreter.invoke()
        told = [self._read(one) for one in self._made]
        upright, aside = (np.concatenate(told[first : first + 3], 1) for first in (3, 6))
        return {
            "features": np.concatenate([upright, aside]),
            "scores": told[0],
            "boxes": told[1],
            "room": told[2].ravel(),
        }

    def _read(self, one: dict[str, Any]) -> np.ndarray:
        scale, zero = one["quantization"]
        raw = self._interpreter.get_tensor(one["index"]).astype(np.float32)
        return np.asarray((raw - zero) * np.float32(scale), np.float32)


def _view(
    asked: dict[str, np.ndarray], boxes: np.ndarray, lies: list[int], grid: np.ndarray, size: tuple[int, int]
) -> dict[str, np.ndarray]:
    scores = asked["scores"]
    finest = grid[:, 2] == grid[0, 2]
    # Without these the middle of a small body could be left out.
    where, told = np.zeros(len(grid), np.int8), np.full(len(grid), -1, np.int8)
    for (left, top, right, bottom), lying in zip(boxes, lies, strict=True):
        middle, half = np.array([left + right, top + bottom]) / 2, np.array([right - left, bottom - top]) / 2
        away = np.abs(grid[:, :2] - middle)
        reach = np.maximum(half * 2 * _NEAR, grid[:, 2:] / 2)
        where[(away <= reach).all(axis=1) & (where != BODY)] = BESIDE
        core = (away <= np.maximum(half * 2 * _CORE, grid[:, 2:] / 2)).all(axis=1)
        where[core], told[core] = BODY, lying
    order = np.argsort(-(scores + 4.0 * (where == BODY))[finest])[:_KEPT]
    kept = np.concatenate([order, np.flatnonzero(~finest)])
    return {
        "features": asked["features"][kept],
        "scores": scores[kept].astype(np.float16),
        "boxes": decode(asked["boxes"], *size)[kept].astype(np.float16),
        "where": where[kept],
        "lies": told[kept],
    }
