"""The pictures, what each may teach, and which split each belongs to.

A target is the set of labels that a picture may have: a person of unknown posture allows "lying" and "upright".

Splits keep apart what knows each other: COCO by picture, rooms by house, gmdcsa24 by person (all its frames show one
room, from two places), infants by range of numbers, since neighbours came from one prompt. Every gmdcsa24 frame
holds a person, so empty ones are made from medians over time, or the room itself would say "person".
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.video.picture import Picture

LABELS = ("nobody", "lying", "upright")
NOBODY, LYING, UPRIGHT, PERSON = (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1)
Target = tuple[int, int, int]

_EMPTY = frozenset({193})
"""Numbers of the infants' pictures without an infant; this and the next two were labelled by eye."""
_UNCLEAR = frozenset({125, 127, 163, 225})
_UPRIGHT = frozenset(
    {113, 116, 120, 122, 132, 137, 138, 142, 145, 146, 147, 150, 152, 161, 162, 171, 172, 180, 184, 190, 199, 208, 213}
    | {228, 242, 244, 249, 252, 253, 264, 266, 268, 270, 276, 280, 282, 284, 288, 293, 300, 305, 327, 333, 336, 342}
    | {345, 346, 347, 351, 352, 353, 357, 358, 361, 364, 365, 366, 367, 379, 380, 383, 391, 396, 406, 408}
)
_OTHER = frozenset(
    {114, 133, 134, 139, 140, 165, 169, 173, 174, 182, 183, 195, 197, 201, 202, 210, 214, 221, 224, 230, 241, 246, 247}
    | {257, 258, 260, 261, 265, 277, 279, 281, 359, 360, 362, 385, 393, 399, 402}
)
"""Crawling, held, reclining in a seat, a face only: a person whose posture is not taught."""
_INFANTS_TRAIN, _INFANTS_VALIDATION = 340, 365

_TALL = 1.6
"""A COCO person whose box is this much taller than wide stands or sits."""


@dataclass(slots=True)
class Item:
    """One picture.

    Attributes:
        source: coco, gmdcsa24, gmdcsa24_empty, rooms, messy_rooms, infants.
        split: train, validation, test.
        target: which labels it may have.
        tall: whether the target is "upright" for a body whose axis is known, so that turning it makes it lie.
        path: relative to the folder of pictures; empty for a made one.
        picture: (height, width, 3) RGB.
    """

    source: str
    split: str
    target: Target
    tall: bool
    path: str
    picture: Picture = field(repr=False)


def load(folder: Path, *, leave_room_out: bool = False) -> list[Item]:
    """All pictures of `folder` (``data/vision``) with targets and splits.

    Args:
        folder: holds manifest.csv.
        leave_room_out: put all of gmdcsa24 into the test split, to measure a room that was never seen.
    """
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    items = []
    for row in tqdm(rows, desc="reading pictures", unit="picture"):
        told = _tell(row)
        if told is None:
            continue
        source, split, target, tall = told
        if leave_room_out and source == "gmdcsa24":
            split = "test"
        items.append(Item(source, split, target, tall, row["path"], _read(folder / row["path"])))
    return items + _empty_rooms(items)


def _read(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path}: cannot be read as a picture")
    return np.ascontiguousarray(picture[:, :, ::-1])


def _tell(row: dict[str, str]) -> tuple[str, str, Target, bool] | None:
    source, group = row["path"].split("/")[0], row["group"]
    match source:
        case "infants_generated":
            number = int(group.rpartition(":")[2])
            if number in _UNCLEAR:
                return None
            target = NOBODY if number in _EMPTY else UPRIGHT if number in _UPRIGHT else LYING
            target = PERSON if number in _OTHER else target
            train, validation = number <= _INFANTS_TRAIN, number <= _INFANTS_VALIDATION
            return "infants", "train" if train else "validation" if validation else "test", target, False
        case "gmdcsa24":
            target = {"lying": LYING, "upright": UPRIGHT, "sitting": UPRIGHT}.get(row["posture"], PERSON)
            second_place = any(name in group for name in ("s3_adl_07", "s3_fall_01"))
            split = "train" if "s2_" in group else "validation" if second_place else "test"
            return source, split, target, False
        case "coco":
            tall = row["people"] == "1" and _is_tall(row["boxes_xywhn"])
            target = NOBODY if row["people"] == "0" else UPRIGHT if tall else PERSON
            return source, _by_hash(group), target, tall
        case _:
            return source, _by_hash(group), NOBODY, False


def _is_tall(boxes: str) -> bool:
    _, _, width, height, *_ = json.loads(boxes)[0]
    # Boxes are in shares of pictures of 320 x 240.
    return bool(height * 240 > _TALL * width * 320)


def _by_hash(group: str) -> str:
    draw = hashlib.sha256(group.encode()).digest()[0] / 256
    return "test" if draw < 0.2 else "validation" if draw < 0.35 else "train"


def _empty_rooms(items: list[Item], each: int = 8) -> list[Item]:
    """Median pictures of the frames of one person, each from another draw of frames; the person drops out."""
    made = []
    rng = np.random.default_rng(2)
    for person in ("s2_", "s3_"):
        # The second place has too few frames in which the person moves: a ghost would stay.
        frames = [item for item in items if item.path.startswith(f"gmdcsa24/{person}") and item.split != "validation"]
        frames = [item for item in frames if not any(name in item.path for name in ("s3_adl_07", "s3_fall_01"))]
        if not frames:
            continue
        height, width = frames[0].picture.shape[:2]
        stack = np.stack([cv2.resize(item.picture, (width, height)) for item in frames])
        for _ in range(each):
            drawn = stack[rng.choice(len(stack), size=min(61, len(stack)), replace=False)]
            empty = np.median(drawn, axis=0).astype(np.uint8)
            made.append(Item("gmdcsa24_empty", frames[0].split, NOBODY, tall=False, path="", picture=empty))
    return made
