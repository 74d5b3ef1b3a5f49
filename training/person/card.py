"""Writes models/person.toml, the card beside the model."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from training.person.data import LABELS
from training.person.measure import FALSE_ALARMS, MISSED, POSTURE
from training.person.network import HEIGHT, WIDTH

if TYPE_CHECKING:
    from pathlib import Path

_SOURCES = (
    ("YOLOX-Nano (starting weights; Megvii; trained on COCO)", "Apache-2.0"),
    ("COCO train2017, 318 pictures (Lin et al., arXiv:1405.0312)", "per picture, Flickr; many non-commercial"),
    ("gmdcsa24, 321 frames of one bedroom with two adults", "MIT"),
    ("rooms of 430 houses, 1,720 photographs (arXiv:1609.08399)", "none stated"),
    ("messy_rooms, 152 photographs", "none stated"),
    ("infants_generated, 333 AI-generated pictures", "none stated"),
)


def write(path: Path, model: bytes, heat: float, chosen: tuple[float, float], measured: dict[str, str]) -> None:
    """Write the card of `model` to `path`.

    Args:
        path: NAME.toml.
        model: the TFLite file.
        heat: temperature.
        chosen: thresholds (present, absent).
        measured: figures on the test split.
    """
    lines = [
        "# Written by `python -m training.person`; see docs/models-person.md.",
        'name = "person"',
        f'sha256 = "{hashlib.sha256(model).hexdigest()}"',
        f"labels = {json.dumps(LABELS)}",
        f"input_shape = [{HEIGHT}, {WIDTH}, 3]",
        'input = "red, green, blue, 0..255; the whole picture, centred, bars of grey 114"',
        "# Divides the logits before the softmax; fitted on the validation split.",
        f"temperature = {heat:.2f}",
        "",
        "# Chosen on the validation split, never on the test split.",
        "[operating]",
        f"# {FALSE_ALARMS:.0%} of the empty rooms there are called a person.",
        f"present = {chosen[0]:.4f}",
        f"# {MISSED:.0%} of the people there fall below; never above present.",
        f"absent = {chosen[1]:.4f}",
        f"posture = {POSTURE}",
        "",
        "# Test split of the quantised network: other houses, other pictures, another adult in the same bedroom.",
        "[measured]",
        *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in measured.items()),
    ]
    for name, licence in _SOURCES:
        lines += ["", "[[source]]", f"name = {json.dumps(name)}", f"licence = {json.dumps(licence)}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
