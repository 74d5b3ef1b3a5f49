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
from training.eye import backbone, cached, examples, head, learn, measure, pose, where
from training.eye.bodies import Bodies
from training.eye.export import CELLS, OUTPUTS, Linear, Parts, to_tflite
from training.eye_room import lit, projection
from training.person.data import LYING, NOBODY, PERSON, UPRIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.eye.examples import Example

MISSED = 0.05
"""Share of people that may be called nobody with confidence."""
DOUBTED, DOUBTED_GREY = 0.15, 0.25
"""Share of empty rooms that may not be called empty with confidence: who lies looks much like them, and more so without
colour."""
POSTURE = 0.6
_SEEDS = (1, 2, 3)
_CHANNELS, _DESCRIBED = 5, 120
_SOURCES = (
    ("YOLOX-Nano (all of the body, as it is; Megvii; trained on COCO; arXiv:2107.08430)", "Apache-2.0"),
    ("BlazePose's person detector (all of the body, as it is; Google; arXiv:2006.10204)", "Apache-2.0"),
    ("COCO train2017, 318 pictures (Lin et al., arXiv:1405.0312)", "per picture, Flickr; many non-commercial"),
    ("gmdcsa24, 321 frames of one bedroom with two adults", "MIT"),
    ("rooms of 430 houses, 1,720 photographs (arXiv:1609.08399)", "none stated"),
    ("messy_rooms, 152 photographs", "none stated"),
    ("infants_generated, 333 AI-generated pictures", "none stated"),
)
_RENDERS = ("renders of our own (bodies: anny, Apache-2.0, body data CC0)", "as this project")


@dataclass(frozen=True, slots=True)
class Made:
    """A network with its card's figures."""

    content: bytes
    facts: Mapping[str, object]


def make(
    folder: Path, data: Path, weights: tuple[Path, Path], *, room_out: bool, steps: int, renders: bool
) -> tuple[Made, dict[str, str]]:
    """Train on cached views in `folder`, export, choose thresholds, measure on the test split.

    Args:
        folder: of `training.eye.cached`.
        data: holds vision/manifest.csv.
        weights: yolox_nano.onnx and pose_detection.tflite.
        room_out: keep all of gmdcsa24 for the test.
        steps: of each head.
        renders: whether to learn from them.
    """
    known = examples.load(data / "vision", leave_room_out=room_out)
    bodies = Bodies(*weights, cached.HEIGHT, cached.WIDTH)
    without = () if renders else ("renders+", "renders-")
    learnt = _head(folder, learn.Trial("ship", without, room_out=room_out), steps)
    room, boxed = _describe(bodies, known), where.learn(bodies, known, cached.HEIGHT, cached.WIDTH)
    parts = Parts(backbone.read(weights[0]), pose.read(weights[1]), learnt, boxed, room)
    choosing = [one for one in known if one.split == "validation"]
    moved = torch.tensor(measure.shifts(measure.score(choosing, _judge(_exported(parts)))))
    with torch.no_grad():
        learnt.shift += moved
        learnt.line[1] -= learnt.line[0] * (moved[1] - moved[0])
    content = _exported(parts)
    scored = measure.score(known, _judge(content))
    presence, lying = _calibrated(scored)
    scored.line = presence
    at = measure.threshold(scored)
    grey = measure.score(measure.colourless(known), _judge(content))
    grey.line = presence
    absent = _absent(scored, at, DOUBTED)
    operating = {"present": at, "absent": absent, "absent_grey": _absent(grey, absent, DOUBTED_GREY)}
    operating |= {"posture": POSTURE, "several": _several(scored)}
    table = measure.figures(scored, at)
    table |= {f"grey: {row}": value for row, value in measure.figures(grey, at).items()}
    sources = (*_SOURCES, _RENDERS) if renders else _SOURCES
    facts = {
        "presence": presence,
        "lying": lying,
        "operating": {name: round(value, 4) for name, value in operating.items()},
        "measured": table,
        "sources": sources,
    }
    return Made(content, facts), table


def _absent(scored: measure.Scored, most: float, doubted: float) -> float:
    people = scored.person[scored.which((), measure.PEOPLE, "validation")]
    rooms = scored.person[scored.which(measure.ROOMS, (NOBODY,), "validation")]
    return min(most, float(np.quantile(people, MISSED)), float(np.quantile(rooms, 1 - doubted)))


def _exported(parts: Parts) -> bytes:
    return to_tflite(parts, cached.HEIGHT, cached.WIDTH)


def _head(folder: Path, trial: learn.Trial, steps: int) -> head.Head:
    """A head for each seed, kept in `folder` as soon as it is there, and all of them joined."""
    made = []
    taught = None
    for seed in _SEEDS:
        held = folder / f"head-{'out' if trial.room_out else 'in'}-{seed}.pt"
        if not held.exists():
            taught = taught or cached.load(folder, *learn.TAUGHT)
            torch.save(learn.heads(trial, taught, [seed], steps).state_dict(), held)
        one = head.Head()
        one.load_state_dict(torch.load(held, weights_only=True), strict=False)
        made.append(one)
    whole = head.joined(made)
    taught = taught or cached.load(folder, *learn.TAUGHT)
    rows = np.concatenate(list(taught.pools(room_out=trial.room_out).values()))
    head.teach_posture(whole, taught.places, rows, taught.source)
    return whole


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
    for name, licence in made.facts["sources"]:  # type: ignore[attr-defined]
        lines += ["", "[[source]]", f"name = {json.dumps(name)}", f"licence = {json.dumps(licence)}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _judge(content: bytes):  # noqa: ANN202 - see `measure.score`
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "person.toml"
        path.with_suffix(".tflite").write_bytes(content)
        extra = {"outputs": list(OUTPUTS)}
        shape = (cached.HEIGHT, cached.WIDTH, 3)
        network = Network(Card(path, "person", hashlib.sha256(content).hexdigest(), LABELS, shape, extra))

    def ask(picture: np.ndarray) -> tuple[float, float, float, float]:
        told = network(_fitted(picture))
        seen = boxes.sum_up(told["bodies"], told["boxes"], cached.HEIGHT, cached.WIDTH)
        upright, lying = np.sort(told["bodies"][:2], axis=1)[:, -head.STRONGEST :].mean(axis=1)
        return float(upright), float(lying), seen.second, seen.lying

    return ask


def _fitted(picture: np.ndarray) -> np.ndarray:
    from training.person.augment import fit  # noqa: PLC0415

    return fit(picture, cached.HEIGHT, cached.WIDTH).astype(np.float32)


def _describe(bodies: Bodies, known: list[Example]) -> Linear:
    """The layer that describes the room: people change it, light hardly does."""
    rng = np.random.default_rng(4)

    def cells(picture: np.ndarray) -> np.ndarray:
        early = bodies(_fitted(lit(picture, rng))).room
        high, wide = (side // count for side, count in zip(early.shape[:2], CELLS, strict=True))
        whole = early[: high * CELLS[0], : wide * CELLS[1]].reshape(CELLS[0], high, CELLS[1], wide, -1)
        return np.asarray(whole.mean(axis=(1, 3)).reshape(CELLS[0] * CELLS[1], -1))

    rooms = [one for one in known if one.split == "train" and one.source in ("rooms", "messy_rooms", "gmdcsa24_empty")]
    people = [
        one for one in known if one.split == "train" and one.source in ("renders", "gmdcsa24", "infants") and one.bodies
    ]
    by_light, mean = [], []
    for at in rng.choice(len(rooms), min(_DESCRIBED, len(rooms)), replace=False):
        first, second = cells(rooms[at].picture), cells(rooms[at].picture)
        by_light.append(first - second)
        mean.append(first)
    by_people = []
    for at in rng.choice(len(people), min(_DESCRIBED, len(people)), replace=False):
        one = people[at]
        # Who is there is wiped out by what surrounds them: the same room, the same light, nobody.
        emptied = _emptied(one)
        state = rng.bit_generator.state
        first = cells(one.picture)
        rng.bit_generator.state = state
        by_people.append(first - cells(emptied))
    return Linear(
        *projection(np.concatenate(by_people), np.concatenate(by_light), np.concatenate(mean).mean(axis=0), _CHANNELS)
    )


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
    person = np.maximum(scored.upright, scored.lying)
    return _platt(person[there], person[empty]), _platt(scored.lies[down], scored.lies[up])


def _platt(yes: np.ndarray, no: np.ndarray) -> tuple[float, float]:
    def loss(values: np.ndarray) -> float:
        slope, shift = values
        wrong = np.logaddexp(0, -(slope * yes + shift)).mean() + np.logaddexp(0, slope * no + shift).mean()
        return float(wrong + 1e-3 * slope**2)

    found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, 6.0), (-20, 20)])
    return float(found.x[0]), float(found.x[1])


def _several(scored: measure.Scored) -> float:
    """The probability of a second body that 3 % of the validation split's pictures of one person reach."""
    alone = [
        at
        for at, one in enumerate(scored.examples)
        if one.split == "validation"
        and one.target in (PERSON, LYING, UPRIGHT)
        and one.bodies is not None
        and len(one.bodies) == 1
    ]
    return float(np.quantile(scored.probability(scored.second[alone]).mean(axis=1), 1 - measure.FALSE_ALARMS))
