"""What the detector learns from: pictures with boxes, postures and splits.

Splits are those of `training.person.data`. gmdcsa24 has no boxes: they come from the difference to the room's median
over time, which also gives the room without its person.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from monitord.video.picture import letterbox
from training.person import data
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.video.picture import Picture
    from training.person.data import Item, Target

VIEWS = (
    ("s2_",),
    ("s3_adl_18", "s3_adl_19", "s3_adl_20", "s3_fall_19", "s3_fall_20"),
    ("s3_adl_15", "s3_fall_15", "s3_fall_16"),
    ("s3_adl_07", "s3_fall_01"),
)
"""gmdcsa24's clips by where the camera stood. In the last too little moves for an empty picture."""
_DIFFERS = 26
_SMALLEST = 0.008


@dataclass(frozen=True, slots=True)
class Body:
    """Somebody in a picture: box (left, top, width, height) in shares of the picture, and posture.

    Attributes:
        box: see above.
        target: LYING, UPRIGHT or PERSON (unknown).
        tall: whether it is a body that stands, so that turning the picture on its side makes it lie.
    """

    box: tuple[float, float, float, float]
    target: Target
    tall: bool = False


@dataclass(slots=True)
class Example:
    """One picture.

    Attributes:
        source: coco, gmdcsa24, gmdcsa24_empty, rooms, messy_rooms, infants, renders.
        split: train, validation, test.
        target: which labels the picture may have, as in `training.person.data`.
        bodies: who is there; None where somebody is there, but it is not known where.
        path: relative to the folder of pictures.
        picture: (height, width, 3) RGB.
        group: what must not be parted by a split.
    """

    source: str
    split: str
    target: Target
    bodies: list[Body] | None
    path: str
    picture: Picture = field(repr=False)
    group: str = ""


def load(folder: Path, *, leave_room_out: bool) -> list[Example]:
    """The photographs below `folder` (``data/vision``); see `training.person.data.load`."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    items = [one for one in data.load(folder, leave_room_out=leave_room_out) if one.source != "gmdcsa24_empty"]
    backgrounds = _backgrounds(items)
    examples = []
    for item in items:
        row = rows[item.path]
        examples.append(
            Example(
                item.source,
                item.split,
                item.target,
                _bodies(item, row, backgrounds),
                item.path,
                item.picture,
                row["group"],
            )
        )
    for name, pictures in backgrounds.items():
        split = (
            "test" if leave_room_out else "train" if name == VIEWS[0] else "validation" if name == VIEWS[3] else "test"
        )
        if name == VIEWS[3]:
            continue
        examples += [Example("gmdcsa24_empty", split, NOBODY, [], "", picture) for picture in pictures]
    return examples


def load_renders(folder: Path, most: int) -> list[Example]:
    """The renders in `folder`, at most `most`: four fifths of the rooms for training, the rest for validation."""
    examples = []
    for labels in tqdm(sorted(folder.glob("*.json"))[:most], desc="reading renders", unit="picture"):
        told = json.loads(labels.read_text("utf-8"))
        if told.get("skipped"):
            continue
        picture = cv2.imread(str(labels.with_suffix(".jpg")))
        if picture is None:
            continue
        bodies = []
        for person in told["people"]:
            box = person["box"]
            corner = (box["x"] - box["width"] / 2, box["y"] - box["height"] / 2, box["width"], box["height"])
            target = {"lying": LYING, "upright": UPRIGHT}.get(person["posture"], PERSON)
            bodies.append(Body(corner, target, person["pose"] == "standing"))
        target = NOBODY if not bodies else bodies[0].target if len(bodies) == 1 else PERSON
        split = "validation" if int(told["group"].split(":")[1]) % 5 == 0 else "train"
        rgb = np.ascontiguousarray(picture[:, :, ::-1])
        examples.append(Example("renders", split, target, bodies, labels.stem, rgb, told["group"]))
    return examples


def _bodies(item: Item, row: dict[str, str], backgrounds: dict[tuple[str, ...], list[Picture]]) -> list[Body] | None:
    if item.target == NOBODY:
        return []
    match item.source:
        case "coco":
            boxes = [box[:4] for box in json.loads(row["boxes_xywhn"])]
            return [Body(tuple(box), item.target if len(boxes) == 1 else PERSON, item.tall) for box in boxes]
        case "infants":
            boxes = [box[1:] for box in json.loads(row["boxes_xywhn"]) if box[0] == "baby"]
            return [Body(tuple(boxes[0]), item.target)] if len(boxes) == 1 else None
        case _:
            view = _view(item.path)
            box = None if view not in backgrounds else difference(item.picture, backgrounds[view][0])
            return None if box is None else [Body(box, item.target)]


def _view(path: str) -> tuple[str, ...]:
    name = path.rsplit("/", maxsplit=1)[-1]
    return next(view for view in VIEWS if name.startswith(view))


def _backgrounds(items: list[Item]) -> dict[tuple[str, ...], list[Picture]]:
    """Medians over time of each of gmdcsa24's views: the first of all frames, further ones of draws of frames."""
    rng = np.random.default_rng(2)
    made = {}
    for view in VIEWS:
        frames = [item.picture for item in items if item.source == "gmdcsa24" and _view(item.path) == view]
        if not frames:
            continue
        height, width = frames[0].shape[:2]
        stack = np.stack([cv2.resize(frame, (width, height)) for frame in frames])
        draws = [np.arange(len(stack)), *(rng.choice(len(stack), min(61, len(stack)), replace=False) for _ in range(7))]
        made[view] = [np.median(stack[draw], axis=0).astype(np.uint8) for draw in draws]
    return made


def difference(picture: Picture, background: Picture) -> tuple[float, float, float, float] | None:
    """The box around what differs from `background`, or None where that is next to nothing."""
    height, width = background.shape[:2]
    picture = cv2.resize(picture, (width, height))
    blurred = [cv2.GaussianBlur(one, (0, 0), 1.5).astype(np.float32) for one in (picture, background)]
    # A lighter or darker picture as a whole is no difference.
    differs = np.abs(blurred[0] - blurred[1] - np.median(blurred[0] - blurred[1], axis=(0, 1))).max(axis=2)
    mask = cv2.morphologyEx((differs > _DIFFERS).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    left, top, wide, high, area = stats[1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])]
    if area < _SMALLEST * height * width:
        return None
    return left / width, top / height, wide / width, high / height


def fitted(example: Example, height: int, width: int) -> np.ndarray:
    """Boxes of who is there, (bodies, 4) left, top, right, bottom in pixels of the fitted picture."""
    place = letterbox(*example.picture.shape[:2], height, width)
    boxes = np.array([body.box for body in example.bodies or ()]).reshape(-1, 4)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    sides, moved = np.array([place.width, place.height] * 2), np.array([place.left, place.top] * 2)
    return np.asarray(corners * sides + moved)
