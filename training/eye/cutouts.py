"""People cut out of COCO pictures, laid on the beds and floors of empty rooms: made in memory, never written.

So that the head does not learn to see scissors, as many shapes are filled with anything but people, and are "nobody".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from monitord.video.boxes import decode
from training.eye.body import BED, COUCH
from training.eye.examples import Body as Somebody
from training.eye.examples import Example
from training.person.augment import fit
from training.person.data import LYING, NOBODY, UPRIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitord.video.picture import Picture
    from training.eye.body import Body

_TALL, _HIGH, _WIDE_PX, _SHARED = 1.35, 0.38, 20, 0.35
_FILLED = 0.25
_BED = -1.2
"""Logit from which the body is believed that it sees a bed or a couch."""
LIES, STANDS, FAKE = "lies", "stands", "fake"
_KINDS = ((LIES, 0.45), (STANDS, 0.2), (FAKE, 0.35))
_SMALLEST_PX = 150


@dataclass(frozen=True, slots=True)
class Cutout:
    """Somebody: the picture of their box, and which of its pixels are theirs, 0..1."""

    picture: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True, slots=True)
class Room:
    """A fitted picture of an empty room and the box of its bed (left, top, right, bottom), if it has one."""

    picture: Picture
    bed: np.ndarray
    has_bed: bool


def cut_out(examples: list[Example]) -> list[Cutout]:
    """Those in COCO pictures who are tall in their boxes, by GrabCut (Rother et al., SIGGRAPH 2004)."""
    found = []
    for one in tqdm([one for one in examples if one.source == "coco"], desc="cutting out", unit="picture"):
        for number, body in enumerate(one.bodies or []):
            others = [each.box for at, each in enumerate(one.bodies or []) if at != number]
            if max([_shared(body.box, each) for each in others], default=0.0) <= _SHARED:
                found += _cut(one.picture, body.box)
    return found


def _shared(box: tuple[float, ...], other: tuple[float, ...]) -> float:
    sides = [min(box[k] + box[k + 2], other[k] + other[k + 2]) - max(box[k], other[k]) for k in (0, 1)]
    return max(0.0, sides[0]) * max(0.0, sides[1]) / (box[2] * box[3])


def _cut(picture: Picture, box: tuple[float, ...]) -> list[Cutout]:
    rows, columns = picture.shape[:2]
    left, top = max(0, int(box[0] * columns)), max(0, int(box[1] * rows))
    right, bottom = int((box[0] + box[2]) * columns), int((box[1] + box[3]) * rows)
    high, wide = bottom - top, right - left
    if high < _HIGH * rows or wide < _WIDE_PX or high <= _TALL * wide:
        return []
    mask = np.full((rows, columns), cv2.GC_BGD, np.uint8)
    mask[top:bottom, left:right] = cv2.GC_PR_FGD
    mask[top + int(0.15 * high) : bottom - int(0.25 * high), left + int(0.38 * wide) : right - int(0.38 * wide)] = (
        cv2.GC_FGD
    )
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(picture), mask, None, *models, 5, cv2.GC_INIT_WITH_MASK)
    mine = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)[top:bottom, left:right]
    mine = cv2.morphologyEx(mine, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mine)
    if count < 2:
        return []
    mine = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.float32)
    return [Cutout(picture[top:bottom, left:right].astype(np.float32), mine)] if mine.mean() >= _FILLED else []


def rooms(examples: list[Example], body: Body, height: int, width: int) -> list[Room]:
    """Empty rooms, and where their beds are."""
    made = []
    for one in tqdm([one for one in examples if one.source in ("rooms", "messy_rooms")], desc="beds", unit="room"):
        picture = fit(one.picture, height, width)
        levels, _ = body(picture[None])
        kinds = np.concatenate([level.kinds[0].reshape(-1, level.kinds.shape[-1]) for level in levels])
        where = decode(np.concatenate([level.boxes[0].reshape(-1, 4) for level in levels]), height, width)
        scores = np.maximum(kinds[:, BED], kinds[:, COUCH] - 0.5)
        best = int(scores.argmax())
        bed = np.clip(where[best], 0, [width, height, width, height])
        made.append(Room(picture, bed, bool(scores[best] > _BED)))
    return made


def laid(count: int, people: list[Cutout], where: list[Room], others: list[Picture], seed: int) -> Iterator[Example]:
    """`count` pictures: somebody lies, somebody stands, or only a shape of something else (`others`) is there."""
    rng = np.random.default_rng(seed)
    with_bed = [room for room in where if room.has_bed]
    kinds, shares = zip(*_KINDS, strict=True)
    made = 0
    while made < count:
        kind = str(rng.choice(kinds, p=shares))
        among = with_bed if rng.random() < 0.8 else where
        one = _lay(kind, people[rng.integers(len(people))], among[rng.integers(len(among))], others, rng)
        if one is not None:
            made += 1
            picture, box, target = one
            yield Example("laid", "train", target, [] if target == NOBODY else [Somebody(box, target)], kind, picture)


def _lay(kind: str, who: Cutout, room: Room, others: list[Picture], rng: np.random.Generator):  # noqa: ANN202
    picture = room.picture.astype(np.float32)
    height, width = picture.shape[:2]
    flat = kind == LIES or (kind == FAKE and rng.random() < 0.75)
    on_bed = room.has_bed and rng.random() < 0.8
    mirrored = -1 if rng.random() < 0.5 else 1
    crop, mask = (each[:, ::mirrored] for each in (who.picture, who.mask))
    if kind == FAKE:
        crop, mask = _filled(mask, others, rng)
    matrix = _place(room, mask.shape, flat=flat, on_bed=on_bed, rng=rng)
    picture, alpha = blend(picture, crop, mask, matrix, rng)
    if kind != STANDS and rng.random() < 0.5:
        over = _hidden(mask.shape, matrix, (height, width), rng)[..., None]
        picture = picture * (1 - over) + _cloth(room, alpha, others, rng) * over
    rows, columns = np.nonzero(alpha > 0.5)
    if len(rows) < _SMALLEST_PX:
        return None
    corner = columns.min() / width, rows.min() / height
    box = (*corner, (np.ptp(columns) + 1) / width, (np.ptp(rows) + 1) / height)
    target = NOBODY if kind == FAKE else LYING if flat else UPRIGHT
    return np.clip(picture, 0, 255).astype(np.uint8), box, target


def blend(
    picture: np.ndarray, crop: np.ndarray, mask: np.ndarray, matrix: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """`picture` with `crop` laid where `matrix` says, its edge soft, with a shadow; and where it lies, 0..1."""
    height, width = picture.shape[:2]
    # About as bright as the room.
    lit = np.clip(picture.mean() / max(float(crop[mask > 0].mean()), 1.0), 0.5, 1.6) ** rng.uniform(0, 0.8)
    moved = cv2.warpAffine(
        np.clip(crop * lit, 0, 255), matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    soft = cv2.GaussianBlur(np.ascontiguousarray(mask), (0, 0), 0.7)
    alpha = cv2.warpAffine(soft, matrix, (width, height), flags=cv2.INTER_LINEAR)
    aside = np.array([[1, 0, rng.uniform(-3, 3)], [0, 1, rng.uniform(1, 5)]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(alpha, aside, (width, height)), (0, 0), rng.uniform(1, 4))
    picture = picture * (1 - 0.45 * rng.random() * shadow[..., None])
    return picture * (1 - alpha[..., None]) + moved * alpha[..., None], alpha


def _place(room: Room, shape: tuple[int, ...], *, flat: bool, on_bed: bool, rng: np.random.Generator) -> np.ndarray:
    """Where a cutout of `shape` goes: the matrix of cutout -> room."""
    height, width = room.picture.shape[:2]
    left, top, right, bottom = room.bed
    wide, high = right - left, bottom - top
    if flat:
        length = wide * rng.uniform(0.45, 1.0) if on_bed else width * rng.uniform(0.25, 0.75)
        length = float(np.clip(length, 40, width * 0.85))
        x = (left + right) / 2 + rng.uniform(-0.15, 0.15) * wide if on_bed else rng.uniform(0.25, 0.75) * width
        y = top + high * rng.uniform(0.2, 0.6) if on_bed else height * rng.uniform(0.6, 0.92)
        angle, squeezed = float(rng.choice([-90, 90]) + rng.uniform(-22, 22)), rng.uniform(0.6, 1.0)
    else:
        length = height * rng.uniform(0.35, 0.9)
        x, y = rng.uniform(0.15, 0.85) * width, height * rng.uniform(0.8, 1.05) - length / 2
        angle, squeezed = rng.uniform(-6, 6), 1.0
    scale = length / shape[0]
    middle = np.array([shape[1] / 2, shape[0] / 2])
    matrix = cv2.getRotationMatrix2D(tuple(middle), angle, 1.0)
    sides = np.array([scale, scale * squeezed])
    matrix[:, 2] = sides * (matrix[:, 2] - middle) + [x, y]
    matrix[:, :2] *= sides[:, None]
    return np.asarray(matrix)


def _filled(mask: np.ndarray, others: list[Picture], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Something else in the shape of somebody, or of a pillow."""
    rows, columns = mask.shape
    crop = cv2.resize(_patch(others, rng.uniform(0.25, 0.8), rng), (columns, rows)).astype(np.float32)
    if rng.random() < 0.3:
        down, across = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
        mask = ((down**4 + across**4 + _waves(rng, rows, columns, 5, 0.15)) < 0.8).astype(np.float32)
    return crop, mask


def _hidden(shape: tuple[int, ...], matrix: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Where a blanket lies over the lower part of a cutout of `shape`: 0..1, of the room's `size`."""
    part = np.zeros(shape, np.float32)
    part[int(rng.uniform(0.35, 0.7) * shape[0]) :] = 1
    more, below = int(0.22 * shape[1]), int(0.06 * shape[0])
    part = cv2.copyMakeBorder(part, 0, below, more, more, cv2.BORDER_REPLICATE)
    shifted = matrix.copy()
    shifted[:, 2] -= matrix[:, :2] @ [more, 0]
    return cv2.GaussianBlur(cv2.warpAffine(part, shifted, size[::-1], flags=cv2.INTER_LINEAR), (0, 0), 0.8)


def _cloth(room: Room, alpha: np.ndarray, others: list[Picture], rng: np.random.Generator) -> np.ndarray:
    """A blanket as large as the room, of its bed's cloth or of anything; the outline of who is under it shows."""
    height, width = alpha.shape
    if room.has_bed and rng.random() < 0.5:
        left, top, right, bottom = (int(side) for side in room.bed)
        high, wide = (max(8, int(side)) for side in (0.6 * (bottom - top), 0.8 * (right - left)))
        above, before = min(top + high // 2, height - 8), min(left + wide // 8, width - 8)
        cloth = np.ascontiguousarray(room.picture[above : above + high, before : before + wide])
    else:
        cloth = _patch(others, 0.33, rng)
    ridge = cv2.GaussianBlur(alpha, (0, 0), 3)
    light = _waves(rng, height, width, 12, 18) + (ridge - np.roll(ridge, 2, 0)) * rng.uniform(60, 200)
    return np.clip(cv2.resize(cloth, (width, height)).astype(np.float32) + light[..., None], 0, 255)


def _patch(others: list[Picture], share: float, rng: np.random.Generator) -> np.ndarray:
    one = others[rng.integers(len(others))]
    high, wide = (max(8, int(side * share)) for side in one.shape[:2])
    top, left = rng.integers(one.shape[0] - high + 1), rng.integers(one.shape[1] - wide + 1)
    return np.ascontiguousarray(one[top : top + high, left : left + wide])


def _waves(rng: np.random.Generator, rows: int, columns: int, count: int, height: float) -> np.ndarray:
    coarse = rng.normal(0, height, (count, count)).astype(np.float32)
    return cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
