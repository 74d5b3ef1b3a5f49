"""Writes the model card: what the daemon needs to run the model, and what a person needs to trust it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from monitord.audio.features import FrontEnd

if TYPE_CHECKING:
    from pathlib import Path

    from training.clips import Clip
    from training.operating import Interval

SMOOTHING_S = 1.0
RELEASE = 0.6

CREDITS = {
    "donateacry": "https://github.com/gveres/donateacry-corpus",
    "esc10": "https://github.com/karolpiczak/ESC-50",
    "esc50_fold4": "https://github.com/karolpiczak/ESC-50",
    "giulbia_baby_cry": "https://github.com/giulbia/baby_cry_detection",
    "picovoice_wakeword": "https://github.com/Picovoice/wake-word-benchmark",
    "precise_community": "https://github.com/MycroftAI/Precise-Community-Data",
    "shawnhymel_custom_kw": "https://github.com/ShawnHymel/custom-speech-commands-dataset",
    "fsdd": "https://github.com/Jakobovski/free-spoken-digit-dataset",
    "kerstin_de": "https://github.com/rhasspy/dataset-voice-kerstin",
    "librosa_music": "https://github.com/librosa/data",
    "speechcmd_background": "https://arxiv.org/abs/1804.03209",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One operating point: a threshold for a profile and a sensitivity, and what it did on the test split."""

    profile: str
    sensitivity: str
    threshold: float
    recall: Interval
    false_alarms: int
    false_alarms_per_hour: float


def write(
    path: Path,
    model: bytes,
    shape: tuple[int, ...],
    *,
    points: list[Point],
    clips: list[Clip],
    notes: dict[str, object],
) -> None:
    """Write `model` to `path` with the suffix .tflite, and its card beside it.

    Args:
        path: models/NAME.toml.
        model: the int8 network.
        shape: of one example.
        points: all operating points.
        clips: everything it learned from, for the sources.
        notes: further plain facts (how thresholds were chosen, hours, clips), written under [measured].
    """
    path.with_suffix(".tflite").write_bytes(model)
    lines = [
        "# Written by training/cry.py. Thresholds and figures belong to exactly this file's hash: do not edit by hand.",
        f'name = "{path.stem}"',
        f'sha256 = "{hashlib.sha256(model).hexdigest()}"',
        'labels = ["cry"]',
        f"input_shape = {list(shape)}",
        "",
        "[front_end]",
        *(f"{key} = {value}" for key, value in asdict(FrontEnd()).items()),
        "",
        "[smoothing]",
        f"window_s = {SMOOTHING_S}",
        f"release = {RELEASE}",
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
    for dataset, named in sorted(licences.items()):
        lines += [
            "",
            "[[source]]",
            f'name = "{dataset}"',
            f"licence = {json.dumps(', '.join(sorted(named)))}",
            f'url = "{CREDITS[dataset]}"',
            f"clips = {sum(clip.dataset == dataset for clip in clips)}",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
