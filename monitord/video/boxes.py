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


_POSTURE_PLACES = 4
NONE = -20.0
"""Logit of a body that is not there."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """Logits of one picture: of the likeliest body, of its lying, and of the likeliest other body."""

    person: float
    lying: float
    second: float


def count(height: int, width: int) -> int:
    """How many places the network looks at in a picture."""
    return sum((height // stride) * (width // stride) for stride in STRIDES)


def sum_up(person: Floats, posture: Floats, raw: Floats, height: int, width: int) -> Bodies:
    """What three views of one picture say together.

    Args:
        person: (3, places) logits, of the picture held upright, turned by a quarter counter-clockwise, and clockwise.
        posture: (3, places) logits of lying.
        raw: (3, places, 4) boxes as in `decode`, each in its own view.
        height: of the picture held upright, pixels.
        width: of the same.
    """
    boxes = [decode(raw[0], height, width)]
    boxes += [turned_back(decode(raw[view], width, height), turn, height, width) for view, turn in ((1, 1), (2, -1))]
    scores, lies, where = person.ravel(), posture.ravel(), np.concatenate(boxes)
    best = np.argsort(-scores, kind="stable")[:_POSTURE_PLACES]
    kept = apart(where, scores)
    second = float(scores[kept[1]]) if len(kept) > 1 else NONE
    return Bodies(float(scores[best[0]]), float(lies[best].mean()), second)


def turned_back(boxes: Floats, turn: int, height: int, width: int) -> Floats:
    """Boxes of a turned view in the picture held upright.

    Args:
        boxes: (n, 4) left, top, right, bottom in ``numpy.rot90(picture, turn)``.
        turn: 1 or -1.
        height: of the picture held upright, pixels.
        width: of the same.
    """
    left, top, right, bottom = boxes.T
    sides = (width - bottom, left, width - top, right) if turn == 1 else (top, height - right, bottom, height - left)
    return np.stack(sides, axis=1)


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
