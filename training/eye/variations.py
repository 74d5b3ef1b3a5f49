"""What a camera on a shelf may do to a picture, with the boxes of who is on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitord.video.picture import PAD_GREY, letterbox
from training.person.augment import _cover, _light, fit
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT

if TYPE_CHECKING:
    from monitord.video.picture import Picture
    from training.eye.examples import Body, Example
    from training.person.data import Target

_KEEPS_POSTURE_DEG = 25.0
_LIES_DEG = (60.0, 120.0)
_SQUARE_DEG = 15.0
"""A box turned by about a multiple of 90 degrees is still the body's; otherwise only its middle is used."""
_IN_VIEW = 0.45
_TALLER, _LEAST_PX = 1.2, 4


@dataclass(frozen=True, slots=True)
class Seen:
    """A variation of a picture.

    Attributes:
        picture: (height, width, 3) RGB.
        boxes: (bodies, 4) left, top, right, bottom in pixels.
        square: whether the boxes' sides are those of the bodies.
        targets: LYING, UPRIGHT or PERSON of each body.
        somewhere: somebody is there but it is not known where; `boxes` is empty.
        angle: by how much the picture was turned, degrees.
        alike: whether the original network can be asked about it: neither turned nor dark.
    """

    picture: Picture
    boxes: np.ndarray
    square: bool
    targets: list[Target]
    somewhere: bool
    alike: bool
    angle: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which variations there are; for ablation."""

    turned: bool = True
    empty_turned: bool = True


def vary(example: Example, height: int, width: int, rng: np.random.Generator, recipe: Recipe) -> Seen:
    """A random variation of `example`."""
    turns = recipe.turned and (recipe.empty_turned or bool(example.bodies))
    angle = _angle(rng) if turns else float(rng.uniform(-15, 15))
    mirrored = bool(rng.random() < 0.5)
    matrix = _matrix(example.picture, angle, height, width, rng)
    picture = np.ascontiguousarray(example.picture[:, ::-1]) if mirrored else example.picture
    border = cv2.BORDER_REFLECT_101 if rng.random() < 0.4 and not example.bodies else cv2.BORDER_CONSTANT
    moved = cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(PAD_GREY,) * 3
    )
    moved = _light(_cover(moved, rng), rng)
    bright = bool(moved.mean() > 50)
    alike = bright and abs(angle) <= _SQUARE_DEG
    square = abs((angle + 45) % 90 - 45) <= _SQUARE_DEG
    if example.bodies is None:
        return Seen(moved, np.zeros((0, 4)), square, [], somewhere=True, alike=alike, angle=angle)
    boxes, targets = [], []
    for body in example.bodies:
        box, share = _box(body, example.picture.shape, matrix, (height, width), mirrored=mirrored)
        if share >= _IN_VIEW:
            boxes.append(box)
            targets.append(turned_target(example, body, angle))
    return Seen(moved, np.array(boxes).reshape(-1, 4), square, targets, somewhere=False, alike=alike, angle=angle)


def plain(example: Example, height: int, width: int) -> Picture:
    """The picture as the daemon shows it to the network."""
    return fit(example.picture, height, width)


def turned_target(example: Example, body: Body, angle_deg: float) -> Target:
    """What may be said of `body` after turning the picture by `angle_deg`, -180..180.

    A standing body turned on its side lies. Who lies seen from above (infants) lies at any angle; who lies or sits seen
    from the side, turned, is no picture that a camera gives: only that somebody is there is kept.
    """
    if abs(angle_deg) <= _KEEPS_POSTURE_DEG or body.target in (PERSON, NOBODY):
        return body.target if not (body.tall and _LIES_DEG[0] <= abs(angle_deg) <= _LIES_DEG[1]) else LYING
    if body.tall and _LIES_DEG[0] <= abs(angle_deg) <= _LIES_DEG[1]:
        return LYING
    if body.target == UPRIGHT or example.source == "gmdcsa24":
        return PERSON
    return body.target


def _angle(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.5:
        return float(rng.uniform(-15, 15))
    if kind < 0.8:
        return float(rng.choice([-90, 90]) + rng.uniform(-20, 20))
    return float(rng.uniform(-180, 180))


def _matrix(picture: Picture, angle: float, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    rows, columns = picture.shape[:2]
    place = letterbox(rows, columns, height, width)
    scale = place.width / columns * np.exp(rng.uniform(np.log(0.55), np.log(1.5)))
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, scale)
    matrix[:, 2] += (width - columns) / 2, (height - rows) / 2
    matrix[:, 2] += rng.uniform(-0.12, 0.12, 2) * [width, height]
    return np.asarray(matrix)


def _box(
    body: Body, shape: tuple[int, ...], matrix: np.ndarray, size: tuple[int, int], *, mirrored: bool
) -> tuple[np.ndarray, float]:
    """The upright box around the turned one, clipped, and the share of it that is in view."""
    (rows, columns), (height, width) = shape[:2], size
    left, top, wide, high = body.box
    if mirrored:
        left = 1 - left - wide
    corners = np.array([[left, top], [left + wide, top], [left, top + high], [left + wide, top + high]])
    moved = (corners * [columns, rows]) @ matrix[:, :2].T + matrix[:, 2]
    whole = np.concatenate([moved.min(axis=0), moved.max(axis=0)])
    clipped = np.clip(whole, 0, [width, height, width, height])
    area = np.prod(whole[2:] - whole[:2])
    return clipped, float(np.prod(clipped[2:] - clipped[:2]) / max(area, 1e-6))


def half_hidden(example: Example, others: list[Picture], rng: np.random.Generator) -> Example:
    """`example` with something before the lower part of everybody who is taller than wide, as a blanket would be."""
    picture = example.picture.copy()
    rows, columns = picture.shape[:2]
    for left, top, wide, high in (body.box for body in example.bodies or ()):
        if high * rows < _TALLER * wide * columns:
            continue
        begins = max(0, int((left - rng.uniform(0, 0.5) * wide) * columns))
        ends = min(columns, int((left + wide + rng.uniform(0, 0.5) * wide) * columns))
        above = max(0, int((top + rng.uniform(0.3, 0.65) * high) * rows))
        below = min(rows, int((top + high * rng.uniform(1.0, 1.15)) * rows))
        if min(ends - begins, below - above) < _LEAST_PX:
            continue
        cloth = others[rng.integers(len(others))]
        share = rng.uniform(0.2, 0.6)
        tall, across = (max(8, int(side * share)) for side in cloth.shape[:2])
        first = rng.integers(cloth.shape[0] - tall + 1), rng.integers(cloth.shape[1] - across + 1)
        cloth = np.ascontiguousarray(cloth[first[0] : first[0] + tall, first[1] : first[1] + across])
        picture[above:below, begins:ends] = cv2.resize(cloth, (ends - begins, below - above))
    return replace(example, picture=picture)
