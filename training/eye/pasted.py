"""Rendered bodies and heaps of cloth (`training.render.alone`) laid into empty rooms: made in memory, never written.

Both are laid alike, at the scale of the room's bed, so that an edge says nothing of who is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.eye.cutouts import blend
from training.eye.examples import Body, Example
from training.person.data import LYING, NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from training.eye.cutouts import Room

_BED_M, _ROOM_M = (1.5, 2.3), (2.5, 5.0)
"""What a bed's box, and a whole picture at the floor, may be wide, metres."""
_ON_BED, _TILT_DEG, _SMALLEST_PX = 0.8, 8.0, 150


@dataclass(frozen=True, slots=True)
class Render:
    """What was rendered alone.

    Attributes:
        picture: (h, w, 3) RGB, float32, 0..255.
        mask: (h, w) which of it is theirs, 0..1.
        metre_px: pixels of a metre.
        infrared: whether it is grey, by the camera's lamp.
        box: left, top, width, height of the body in shares of the picture; None for nobody.
    """

    picture: np.ndarray
    mask: np.ndarray
    metre_px: float
    infrared: bool
    box: tuple[float, float, float, float] | None


def read(folder: Path) -> list[Render]:
    """All renders in `folder`, in order of their numbers; a body without a box is left out."""
    made = []
    for labels in sorted(folder.glob("*.json")):
        told = json.loads(labels.read_text("utf-8"))
        whole = cv2.imread(str(labels.with_suffix(".png")), cv2.IMREAD_UNCHANGED)
        if whole is None or (told["pose"] and "box" not in told):
            continue
        colours = np.ascontiguousarray(whole[:, :, 2::-1]).astype(np.float32)
        box = tuple(told["box"]) if told["pose"] else None
        made.append(Render(colours, whole[:, :, 3].astype(np.float32) / 255, told["metre_px"], told["infrared"], box))
    return made


def pasted(count: int, renders: list[Render], rooms: list[Room], seed: int) -> Iterator[Example]:
    """`count` pictures, half of them with somebody who lies, half with a heap and nobody."""
    rng = np.random.default_rng(seed)
    kinds = [[one for one in renders if (one.box is None) == empty] for empty in (False, True)]
    with_bed = [room for room in rooms if room.has_bed]
    made = 0
    while made < count:
        among = kinds[made % 2]
        where = with_bed if with_bed and rng.random() < _ON_BED else rooms
        one = paste(among[rng.integers(len(among))], where[rng.integers(len(where))], rng)
        if one is not None:
            made += 1
            yield one


def paste(render: Render, room: Room, rng: np.random.Generator) -> Example | None:
    """`render` on the bed or the floor of `room`; None where next to nothing of it is in the picture."""
    height, width = room.picture.shape[:2]
    crop, mask = render.picture, render.mask
    matrix = _place(render, room, rng)
    picture = room.picture.astype(np.float32)
    if render.infrared:
        picture = picture.mean(axis=2, keepdims=True).repeat(3, axis=2)
    if rng.random() < 0.5:
        # Mirrored in its own picture.
        matrix = matrix @ np.array([[-1.0, 0, mask.shape[1]], [0, 1, 0], [0, 0, 1]])
    picture, alpha = blend(picture, crop, mask, matrix, rng)
    if (alpha > 0.5).sum() < _SMALLEST_PX:
        return None
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if render.box is None:
        return Example("pasted", "train", NOBODY, [], "heap", shown)
    left, top, wide, high = render.box
    sides = np.array(mask.shape[::-1])
    corners = np.array([[x, y] for x in (left, left + wide) for y in (top, top + high)]) * sides
    moved = np.clip(corners @ matrix[:, :2].T + matrix[:, 2], 0, [width, height])
    low, size = moved.min(axis=0), np.ptp(moved, axis=0)
    box = (float(low[0] / width), float(low[1] / height), float(size[0] / width), float(size[1] / height))
    return Example("pasted", "train", LYING, [Body(box, LYING)], "body", shown)


def _place(render: Render, room: Room, rng: np.random.Generator) -> np.ndarray:
    """The matrix of render -> room."""
    height, width = room.picture.shape[:2]
    left, top, right, bottom = room.bed
    wide, high = right - left, bottom - top
    if room.has_bed and rng.random() < _ON_BED:
        metre = wide / rng.uniform(*_BED_M)
        x, y = (left + right) / 2 + rng.uniform(-0.15, 0.15) * wide, top + high * rng.uniform(0.25, 0.65)
    else:
        metre = width / rng.uniform(*_ROOM_M)
        x, y = rng.uniform(0.2, 0.8) * width, height * rng.uniform(0.6, 0.92)
    rows, columns = np.nonzero(render.mask > 0.5)
    middle = (float(columns.mean()), float(rows.mean())) if len(rows) else (0.0, 0.0)
    matrix = cv2.getRotationMatrix2D(middle, rng.uniform(-_TILT_DEG, _TILT_DEG), float(metre / render.metre_px))
    matrix[:, 2] += np.array([x, y]) - middle
    return np.asarray(matrix)
