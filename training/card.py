"""Writes model cards: what the daemon needs to run a model, and what a person needs to trust it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from training.clips import Clip
    from training.operating import Interval


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
    """One operating point: a threshold for a profile and a sensitivity, and what it did on the test split.

    `at_once` is that of the mean over the short window; None: no sound begins by it.
    """

    profile: str
    sensitivity: str
    threshold: float
    recall: Interval
    false_alarms: int
    false_alarms_per_hour: float
    at_once: float | None = None

    def section(self) -> Mapping[str, object]:
        """The point as a row of ``[[operating]]``."""
        further = {} if self.at_once is None else {"at_once": round(self.at_once, 4)}
        return {
            "profile": self.profile,
            "sensitivity": self.sensitivity,
            "threshold": round(self.threshold, 4),
            **further,
            "recall": round(self.recall.value, 3),
            "recall_interval": [round(self.recall.low, 3), round(self.recall.high, 3)],
            "false_alarms_per_hour": round(self.false_alarms_per_hour, 2),
            "false_alarms": self.false_alarms,
        }


def sources(clips: list[Clip], *further: Mapping[str, object]) -> list[Mapping[str, object]]:
    """A row of ``[[source]]`` for each data set among `clips`, then `further` ones."""
    licences: dict[str, set[str]] = {}
    for clip in clips:
        licences.setdefault(clip.dataset, set()).add(clip.licence)
    return [
        {
            "name": dataset,
            "licence": ", ".join(sorted(named)),
            "url": CREDITS[dataset],
            "clips": sum(clip.dataset == dataset for clip in clips),
        }
        for dataset, named in sorted(licences.items())
    ] + list(further)


def write(
    path: Path,
    model: bytes,
    labels: Sequence[str],
    shape: tuple[int, ...],
    facts: Mapping[str, object],
) -> None:
    """Write `model` to `path` with the suffix .tflite, and its card beside it.

    Args:
        path: models/NAME.toml.
        model: the int8 network.
        labels: of its outputs.
        shape: of one example.
        facts: the rest of the card: values, then sections (mappings) and tables (lists of mappings), in order.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".tflite").write_bytes(model)
    head = {
        "name": path.stem,
        "sha256": hashlib.sha256(model).hexdigest(),
        "labels": list(labels),
        "input_shape": list(shape),
    }
    lines = ["# Written by training. Thresholds and figures belong to exactly this file's hash: do not edit by hand."]
    for key, value in (head | dict(facts)).items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]", *_values(value)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for row in value:
                lines += ["", f"[[{key}]]", *_values(row)]
        else:
            lines += _values({key: value})
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _values(section: Mapping[str, object]) -> list[str]:
    """Lines of TOML; for strings, numbers and lists of them JSON writes the same."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in section.items()]
