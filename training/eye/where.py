"""Where somebody is who was found lying: for each stride a layer from both bodies' maps to a box (ridge regression).

Only `monitord.video.boxes` reads the boxes, to tell two bodies from two answers for one, so a rough box will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from training.eye import examples, views
from training.eye.bodies import CHANNELS
from training.eye.export import Linear
from training.eye.variations import plain

if TYPE_CHECKING:
    from training.eye.bodies import Bodies
    from training.eye.examples import Example

_RIDGE = 3.0
_SMALLEST_PX = 8.0


def wanted(grid: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Raw boxes (places, 4) that `monitord.video.boxes.decode` makes `box` of, from each place of `grid`.

    Args:
        grid: (places, 3), see `views.grid`.
        box: left, top, right, bottom in pixels.
    """
    sides = grid[:, 2:]
    corner = grid[:, :2] - sides / 2
    middle, size = (box[:2] + box[2:]) / 2, np.maximum(box[2:] - box[:2], _SMALLEST_PX)
    return np.concatenate([(middle - corner) / sides, np.log(size / sides)], axis=1)


def learn(bodies: Bodies, known: list[Example], height: int, width: int) -> list[Linear]:
    """The layers, from the training split's pictures in which it is known where everybody is, and their mirror images.

    Args:
        bodies: whose maps they read.
        known: all examples.
        height: of the pictures, pixels.
        width: of the pictures.
    """
    grid = views.grid(height, width)
    seen: list[list[np.ndarray]] = [[] for _ in CHANNELS]
    told: list[list[np.ndarray]] = [[] for _ in CHANNELS]
    for one in tqdm([one for one in known if one.split == "train" and one.bodies], desc="boxes", unit="picture"):
        straight, corners = plain(one, height, width), examples.fitted(one, height, width)
        for mirrored in (False, True):
            picture = np.ascontiguousarray(straight[:, ::-1]) if mirrored else straight
            if mirrored:
                corners = np.stack([width - corners[:, 2], corners[:, 1], width - corners[:, 0], corners[:, 3]], axis=1)
            places = views.look(bodies, picture)
            for box, person in zip(corners, one.bodies or (), strict=True):
                places.where[:] = views.ELSEWHERE
                views.tell(places, grid, box[None], [person.target])
                for level, channels in enumerate(CHANNELS):
                    here = (places.where == views.BODY) & (places.level == level)
                    seen[level].append(places.features[here, :channels].astype(np.float64))
                    told[level].append(wanted(grid[here], box))
    return [_fitted(np.concatenate(x), np.concatenate(y)) for x, y in zip(seen, told, strict=True)]


def _fitted(seen: np.ndarray, told: np.ndarray) -> Linear:
    mean, middle = seen.mean(axis=0), told.mean(axis=0)
    away = seen - mean
    scale = np.trace(away.T @ away) / away.shape[1]
    kernel = np.linalg.solve(away.T @ away + _RIDGE * scale / 100 * np.eye(away.shape[1]), away.T @ (told - middle)).T
    return Linear(kernel.astype(np.float32), (middle - kernel @ mean).astype(np.float32))
