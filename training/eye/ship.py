"""The head that ships: trained, thresholds from the validation split, exported, measured as the daemon runs it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import minimize

from monitord.model import Card, Network
from monitord.video import boxes
from monitord.video.classifier import LABELS
from training.eye import cached, examples, head, learn, measure, ranges
from training.eye.export import OUTPUTS, to_int8
from training.eye.variations import plain
from training.eye_room import lit, projection
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.eye.examples import Example
    from training.eye.rounding import Rounding
    from training.eye.whole import Whole

MISSED = 0.05
"""Share of people that may be called nobody with confidence."""
POSTURE = 0.6
_SEEDS = (1, 2, 3)
_SOURCES = (
    ("YOLOX-Nano (all of the body, as it is; Megvii; trained on COCO; arXiv:2107.08430)", "Apache-2.0"),
    ("COCO train2017, 318 pictures (Lin et al., arXiv:1405.0312)", "per picture, Flickr; many non-commercial"),
    ("gmdcsa24, 321 frames of one bedroom with two adults", "MIT"),
    ("rooms of 430 houses, 1,720 photographs (arXiv:1609.08399)", "none stated"),
    ("messy_rooms, 152 photographs", "none stated"),
    ("infants_generated, 333 AI-generated pictures", "none stated"),
    ("renders of our own (bodies: anny, Apache-2.0, body data CC0)", "as this project"),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A network with its card's figures."""

    content: bytes
    facts: Mapping[str, object]


def make(
    folder: Path, data: Path, weights: Path, *, room_out: bool, steps: int, renders: bool
) -> tuple[Made, dict[str, str]]:
    """Train on cached views in `folder`, export, choose thresholds, measure on the test split.

    Args:
        folder: of `training.eye.cached`.
        data: holds vision/manifest.csv.
        weights: yolox_nano.onnx.
        room_out: keep all of gmdcsa24 for the test.
        steps: of the head.
        renders: whether to learn from them.
    """
    known = examples.load(data / "vision", leave_room_out=room_out)
    network, rounding, _ = cached.body(folder, weights, known)
    taught, tested = cached.load(folder, "varied"), cached.load(folder, "plain")
    without = () if renders else ("renders+", "renders-")
    tried = [learn.one(learn.Trial("ship", without, room_out=room_out), taught, tested, seed, steps) for seed in _SEEDS]
    # The seed that is best on validation, by the area that counts: people against empty rooms.
    best = max(tried, key=lambda one: _worth(one[1]))
    network.head = best[0] or head.Head()
    _describe(network, folder, known)
    content = to_int8(network, _ranges(network, rounding, known), cached.HEIGHT, cached.WIDTH)
    judge = _judge(content)
    scored = measure.score(known, judge)
    presence, lying = _calibrated(scored)
    at = measure.threshold(scored)
    people = scored.person[scored.which((), measure.PEOPLE, "validation")]
    absent = min(at, float(np.quantile(people, MISSED)))
    several = _several(scored)
    table = measure.figures(scored, at)

    def probability(logit: float) -> float:
        return round(float(1 / (1 + np.exp(-(presence[0] * logit + presence[1])))), 4)

    operating = {
        "present": probability(at),
        "absent": probability(absent),
        "posture": POSTURE,
        "several": probability(several),
    }
    facts = {"presence": presence, "lying": lying, "operating": operating, "measured": table}
    return Made(content, facts), table


def write(path: Path, made: Made, note: str) -> None:
    """Write the model and its card at `path` (NAME.toml)."""
    path.with_suffix(".tflite").write_bytes(made.content)
    head_lines = {
        "name": "person",
        "sha256": hashlib.sha256(made.content).hexdigest(),
        "labels": list(LABELS),
        "input_shape": [cached.HEIGHT, cached.WIDTH, 3],
        "input": "red, green, blue, 0..255; the whole picture, centred, bars of grey 114",
        "outputs": list(OUTPUTS),
        "note": note,
        "presence": [round(value, 4) for value in made.facts["presence"]],  # type: ignore[attr-defined]
        "lying": [round(value, 4) for value in made.facts["lying"]],  # type: ignore[attr-defined]
    }
    lines = ["# Written by `python -m training.eye ship`; see docs/models-person.md."]
    lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in head_lines.items()]
    for name in ("operating", "measured"):
        section: Mapping[str, object] = made.facts[name]  # type: ignore[assignment]
        lines += ["", f"[{name}]", *(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in section.items())]
    for name, licence in _SOURCES:
        lines += ["", "[[source]]", f"name = {json.dumps(name)}", f"licence = {json.dumps(licence)}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _worth(scored: measure.Scored) -> float:
    there = scored.which((), measure.PEOPLE, "validation")
    empty = scored.which(measure.ROOMS, (NOBODY,), "validation")
    return measure.auc(scored.person[there], scored.person[empty])


def _judge(content: bytes):  # noqa: ANN202 - see `measure.score`
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "person.toml"
        path.with_suffix(".tflite").write_bytes(content)
        extra = {"outputs": list(OUTPUTS)}
        shape = (cached.HEIGHT, cached.WIDTH, 3)
        network = Network(Card(path, "person", hashlib.sha256(content).hexdigest(), LABELS, shape, extra))

    def ask(picture: np.ndarray) -> tuple[float, float, float]:
        told = network(_fitted(picture))
        seen = boxes.sum_up(told["person"], told["posture"], told["boxes"], cached.HEIGHT, cached.WIDTH)
        return seen.person, seen.lying, seen.second

    return ask


def _fitted(picture: np.ndarray) -> np.ndarray:
    from training.person.augment import fit  # noqa: PLC0415

    return fit(picture, cached.HEIGHT, cached.WIDTH).astype(np.float32)


def _ranges(network: Whole, rounding: Rounding, known: list[Example]) -> Rounding:
    """The body's ranges as they were, the head's from training pictures."""
    rng = np.random.default_rng(3)
    there = [one for one in known if one.split == "train"]
    chosen = rng.choice(len(there), 24, replace=False)
    made = ranges.observe(network, np.stack([plain(there[at], cached.HEIGHT, cached.WIDTH) for at in chosen]))
    new = ("look_", "said_", "gained_", "posture", "describe")
    rounding.ranges = made.ranges | {name: pair for name, pair in rounding.ranges.items() if not name.startswith(new)}
    return rounding


def _describe(network: Whole, folder: Path, known: list[Example]) -> None:
    """The layer that describes the room: people change it, light hardly does."""
    from training.eye.views import Body  # noqa: PLC0415

    look = Body((folder / "body.tflite").read_bytes())
    rng = np.random.default_rng(4)

    def cells(picture: np.ndarray) -> np.ndarray:
        asked = look(_fitted(lit(picture, rng)).astype(np.uint8))["room"]
        return np.asarray(asked.reshape(-1, 64))

    rooms = [one for one in known if one.split == "train" and one.source in ("rooms", "messy_rooms", "gmdcsa24_empty")]
    people = [
        one for one in known if one.split == "train" and one.source in ("renders", "gmdcsa24", "infants") and one.bodies
    ]
    by_light, mean = [], []
    for at in rng.choice(len(rooms), min(120, len(rooms)), replace=False):
        first, second = cells(rooms[at].picture), cells(rooms[at].picture)
        by_light.append(first - second)
        mean.append(first)
    by_people = []
    for at in rng.choice(len(people), min(120, len(people)), replace=False):
        one = people[at]
        # Who is there is wiped out by what surrounds them: the same room, the same light, nobody.
        emptied = _emptied(one)
        state = rng.bit_generator.state
        first = cells(one.picture)
        rng.bit_generator.state = state
        by_people.append(first - cells(emptied))
    kernel, bias = projection(np.concatenate(by_people), np.concatenate(by_light), np.concatenate(mean).mean(axis=0))
    with torch.no_grad():
        network.describe.weight.copy_(torch.from_numpy(kernel)[:, :, None, None])
        network.describe.bias.copy_(torch.from_numpy(bias))


def _emptied(one: Example) -> np.ndarray:
    import cv2  # noqa: PLC0415

    height, width = one.picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for body in one.bodies or []:
        left, top, wide, high = body.box
        mask[
            max(0, int(top * height)) : int((top + high) * height),
            max(0, int(left * width)) : int((left + wide) * width),
        ] = 1
    return np.asarray(cv2.inpaint(one.picture, mask, 3, cv2.INPAINT_TELEA))


def _calibrated(scored: measure.Scored) -> tuple[tuple[float, float], tuple[float, float]]:
    """Slope and shift (Platt, 1999) of presence and of lying on the validation split; both sides count the same."""
    there, empty = scored.which((), measure.PEOPLE, "validation"), scored.which((), (NOBODY,), "validation")
    down, up = (scored.which(("gmdcsa24", "infants"), (target,), "validation") for target in (LYING, UPRIGHT))
    return _platt(scored.person[there], scored.person[empty]), _platt(scored.lies[down], scored.lies[up])


def _platt(yes: np.ndarray, no: np.ndarray) -> tuple[float, float]:
    def loss(values: np.ndarray) -> float:
        slope, shift = values
        wrong = np.logaddexp(0, -(slope * yes + shift)).mean() + np.logaddexp(0, slope * no + shift).mean()
        return float(wrong + 1e-3 * slope**2)

    found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, 6.0), (-20, 20)])
    return float(found.x[0]), float(found.x[1])


def _several(scored: measure.Scored) -> float:
    """The logit of a second body that 3 % of the validation split's pictures of one person reach."""
    alone = [
        at
        for at, one in enumerate(scored.examples)
        if one.split == "validation"
        and one.target in (PERSON, LYING, UPRIGHT)
        and one.bodies is not None
        and len(one.bodies) == 1
    ]
    return float(np.quantile(scored.second[alone], 1 - measure.FALSE_ALARMS))
