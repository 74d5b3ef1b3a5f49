"""Writes a word's card: what the daemon needs to run the head, and what a person needs to trust it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.card import CREDITS

if TYPE_CHECKING:
    from pathlib import Path

    from training.clips import Clip
    from training.words.measure import Rate

SMOOTHING_S = 0.5
RELEASE = 0.6
UNSEEN = -12.0
"""Logit of a hop that stage one rejected: below all that a head says."""
BIAS = -3.0
"""Added to the head's logit, so that thresholds lie where posteriors have room."""
ENROLMENT = {"gain": 20.0, "offset": 0.6, "most": 6.0}
"""What an enrolled voice is worth; see docs/models-words.md."""

MADE_UP = (
    ("Kokoro-82M v1.0 (hexgrad), voices for training", "Apache-2.0", "https://github.com/hexgrad/kokoro"),
    ("espeak-ng, voices for training", "GPL-3.0-or-later", "https://github.com/espeak-ng/espeak-ng"),
    (
        "flite and festival with HTS voice, voices for training",
        "BSD-like",
        "https://www.cstr.ed.ac.uk/projects/festival",
    ),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One operating point: what a profile and a sensitivity mean, and what they did."""

    profile: str
    sensitivity: str
    threshold: float
    recall: Rate
    false_alarms: int
    false_alarms_per_hour: float


def write(
    path: Path,
    model: bytes,
    *,
    phrase: str,
    language: str,
    points: list[Point],
    clips: list[Clip],
    notes: dict[str, object],
) -> None:
    """Write `model` to `path` with the suffix .tflite, and its card beside it.

    Args:
        path: models/WORD.toml.
        model: the int8 head.
        phrase: what it hears.
        language: espeak-ng's name of the language.
        points: all operating points.
        clips: all recordings it learned from.
        notes: plain facts for [measured].
    """
    path.with_suffix(".tflite").write_bytes(model)
    lines = [
        "# Written by training/word.py. Thresholds and figures belong to exactly this file's hash: edit nothing.",
        f'name = "{path.stem}"',
        f'sha256 = "{hashlib.sha256(model).hexdigest()}"',
        f'labels = ["{path.stem}"]',
        "input_shape = [16, 96]",
        'candidate = "voice"',
        'backbone = "speech_embedding"',
        f"phrase = {json.dumps(phrase, ensure_ascii=False)}",
        f'language = "{language}"',
        "",
        "[combine]",
        "stage_one = 0.0",
        "stage_two = 1.0",
        f"bias = {BIAS}",
        f"unseen = {UNSEEN}",
        "",
        "[smoothing]",
        f"window_s = {SMOOTHING_S}",
        f"release = {RELEASE}",
        "",
        "[enrolment]",
        *(f"{name} = {value:.4f}" for name, value in ENROLMENT.items()),
        "",
        "[measured]",
        *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in notes.items()),
    ]
    for point in points:
        lines += [
            "",
            "[[operating]]",
            f'profile = "{point.profile}"',
            f'sensitivity = "{point.sensitivity}"',
            f"threshold = {point.threshold:.4f}",
            f"recall = {point.recall.value:.3f}",
            f"recall_interval = [{point.recall.low:.3f}, {point.recall.high:.3f}]",
            f"false_alarms_per_hour = {point.false_alarms_per_hour:.2f}",
            f"false_alarms = {point.false_alarms}",
        ]
    licences: dict[str, set[str]] = {}
    for clip in clips:
        licences.setdefault(clip.dataset, set()).add(clip.licence)
    sources = [(name, licence, url, "") for name, licence, url in MADE_UP]
    for dataset, named in sorted(licences.items()):
        count = sum(clip.dataset == dataset for clip in clips)
        sources.append((dataset, ", ".join(sorted(named)), CREDITS[dataset], f"clips = {count}"))
    for name, licence, url, more in sources:
        lines += ["", "[[source]]", f'name = "{name}"', f"licence = {json.dumps(licence)}", f'url = "{url}"']
        lines += [more] if more else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
