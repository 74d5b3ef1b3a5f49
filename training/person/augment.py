"""What a camera on a shelf may do to a picture: turned, near or far, dark, grey (near-infrared), partly covered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitord.video.picture import PAD_GREY, letterbox
from training.person.data import LYING, PERSON, UPRIGHT, Target

if TYPE_CHECKING:
    from monitord.video.picture import Picture
    from training.person.data import Item

_KEEPS_POSTURE_DEG = 25.0
_LIES_DEG = (60.0, 120.0)


def fit(picture: Picture, height: int, width: int) -> Picture:
    """The picture as the daemon shows it to the network."""
    place = letterbox(*picture.shape[:2], height, width)
    canvas = np.full((height, width, 3), PAD_GREY, np.uint8)
    small = cv2.resize(picture, (place.width, place.height), interpolation=cv2.INTER_AREA)
    canvas[place.top : place.top + place.height, place.left : place.left + place.width] = small
    return canvas


def turned_target(item: Item, angle_deg: float) -> Target:
    """What may be said of `item` after turning it by `angle_deg`, -180..180.

    A standing body turned on its side lies. A frame of a room with somebody standing, turned, is neither: only that
    somebody is there is kept. An infant seen lying from above lies at any angle.
    """
    if abs(angle_deg) <= _KEEPS_POSTURE_DEG:
        return item.target
    if item.tall and _LIES_DEG[0] <= abs(angle_deg) <= _LIES_DEG[1]:
        return LYING
    if item.target == UPRIGHT or (item.target == LYING and item.source == "gmdcsa24"):
        return PERSON
    return item.target


def _angle(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.55:
        return float(rng.uniform(-15, 15))
    if kind < 0.8:
        return float(rng.choice([-90, 90]) + rng.uniform(-20, 20))
    return float(rng.uniform(-180, 180))


def vary(item: Item, height: int, width: int, rng: np.random.Generator) -> tuple[Picture, Target]:
    """A variation of `item`'s picture, (height, width, 3), and what it may be called."""
    angle = _angle(rng)
    picture = _move(item.picture, angle, height, width, rng)
    return _light(_cover(picture, rng), rng), turned_target(item, angle)


def _move(picture: Picture, angle: float, height: int, width: int, rng: np.random.Generator) -> Picture:
    rows, columns = picture.shape[:2]
    place = letterbox(rows, columns, height, width)
    scale = place.width / columns * np.exp(rng.uniform(np.log(0.6), np.log(1.35)))
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, scale)
    matrix[:, 2] += (width - columns) / 2 + rng.uniform(-0.1, 0.1) * width, (height - rows) / 2
    matrix[1, 2] += rng.uniform(-0.1, 0.1) * height
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    border = cv2.BORDER_REFLECT_101 if rng.random() < 0.4 else cv2.BORDER_CONSTANT
    grey = (PAD_GREY,) * 3
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=border, borderValue=grey)


def _cover(picture: Picture, rng: np.random.Generator) -> Picture:
    """Hide up to a third from one side, as a blanket or furniture before the lens does."""
    if rng.random() > 0.15:
        return picture
    height, width = picture.shape[:2]
    depth = rng.uniform(0.1, 0.33)
    colour = rng.uniform(0, 255, 3) + rng.normal(0, 12, (height, width, 1))
    mask = np.zeros((height, width), bool)
    side = rng.integers(3)
    if side == 0:
        mask[int(height * (1 - depth)) :] = True
    elif side == 1:
        mask[:, : int(width * depth)] = True
    else:
        mask[:, int(width * (1 - depth)) :] = True
    covered = np.where(mask[..., None], colour, picture)
    return np.clip(covered, 0, 255).astype(np.uint8)


def _light(picture: Picture, rng: np.random.Generator) -> Picture:
    light = picture.astype(np.float32)
    if rng.random() < 0.35:
        mix = rng.dirichlet((2, 2, 2)).astype(np.float32)
        light = np.repeat((light @ mix)[..., None], 3, axis=2)
        if rng.random() < 0.5:
            rows, columns = np.ogrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
            light *= np.exp(-rng.uniform(0.3, 1.2) * (rows**2 + columns**2))[..., None]
    else:
        light *= rng.uniform(0.85, 1.15, 3).astype(np.float32)
    light = 255 * np.clip(light / 255, 0, 1) ** np.float32(rng.uniform(0.6, 1.6))
    darkness = rng.uniform(0.15, 0.5) if rng.random() < 0.2 else rng.uniform(0.7, 1.2)
    light = (light - 128) * np.float32(rng.uniform(0.7, 1.2)) + 128
    light = light * np.float32(darkness)
    if rng.random() < 0.3:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 0.5:
        light += rng.normal(0, rng.uniform(1, 10), light.shape).astype(np.float32)
    return np.clip(light, 0, 255).astype(np.uint8)
