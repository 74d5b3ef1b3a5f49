"""Where the network sees bodies: its raw answers -> boxes, and which of them are different bodies. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

STRIDES = (8, 16, 32)
_SAME = 0.45
"""Share of overlap from which two boxes are of one body."""
_WITHIN = 0.7
"""Share of the smaller box that lies in the larger, from which they are of one body: a head is no second person."""
_MOST = 20


NONE = -20.0
"""Logit of a body that is not there."""
UPRIGHT, LYING, POSTURE = 0, 1, 2
"""Rows of what the network says of each place: somebody is upright, somebody lies, who is here lies."""
_STRONGEST = 2
"""A body is as likely as so many of the likeliest places are on average: one place alone may err."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """Logits of one picture: of the likeliest body, of its lying rather than not, and of the likeliest other body."""

    person: float
    lying: float
    second: float


def count(height: int, width: int) -> int:
    """How many places the network looks at in a picture."""
    return sum((height // stride) * (width // stride) for stride in STRIDES)


def sum_up(logits: Floats, raw: Floats, height: int, width: int) -> Bodies:
    """What all places of one picture say together.

    Args:
        logits: (3, places): `UPRIGHT`, `LYING`, and `POSTURE`, lying rather than not.
        raw: (2, places, 4) their boxes, as in `decode`.
        height: of the picture, pixels.
        width: of the picture.
    """
    bodies = logits[: LYING + 1]
    strongest = np.sort(bodies, axis=1)[:, -_STRONGEST:].mean(axis=1)
    best = np.argsort(-bodies.max(axis=0), kind="stable")[:_STRONGEST]
    where = np.concatenate([decode(each, height, width) for each in raw])
    scores = bodies.ravel()
    kept = apart(where, scores)
    second = float(scores[kept[1]]) if len(kept) > 1 else NONE
    return Bodies(float(strongest.max()), float(logits[POSTURE, best].mean()), second)


def decode(raw: Floats, height: int, width: int) -> Floats:
    """YOLOX's raw boxes (places, 4) -> left, top, right, bottom in pixels (Ge et al., arXiv:2107.08430).

    Args:
        raw: x and y of the middle from the place's corner, in strides; logarithm of width and height in strides. Places
            are in rows, strides 8, 16 and 32 one after the other.
        height: of the picture, pixels.
        width: of the picture.
    """
    grids = []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        grids.append(np.stack([columns.ravel(), rows.ravel(), np.full(rows.size, 1)], axis=1) * stride)
    grid = np.concatenate(grids).astype(np.float32)
    size = grid[:, 2:]
    middle = raw[:, :2] * size + grid[:, :2]
    half = np.exp(np.minimum(raw[:, 2:], 6.0)) * size / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def apart(boxes: Floats, scores: Floats, most: int = _MOST) -> list[int]:
    """Indices of the bodies that are not the same as a likelier one, likeliest first.

    Args:
        boxes: (places, 4) left, top, right, bottom.
        scores: (places,).
        most: so many of the likeliest places are looked at.
    """
    kept: list[int] = []
    for at in np.argsort(-scores, kind="stable")[:most]:
        if not kept or not _same(boxes[kept], boxes[at]).any():
            kept.append(int(at))
    return kept


def _same(boxes: Floats, box: Floats) -> npt.NDArray[np.bool_]:
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    both = np.clip(sides, 0, None).prod(axis=1)
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 1e-6, None).prod(axis=1)
    area = np.clip(box[2:] - box[:2], 1e-6, None).prod()
    shared = np.asarray(both / (areas + area - both) > _SAME)
    return np.asarray(shared | (both / np.minimum(areas, area) > _WITHIN), np.bool_)
