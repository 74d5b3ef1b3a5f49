"""YAMNet's opinion of every clip: a teacher for weak labels, and the measuring stick of `training.compare`.

YAMNet (Apache-2.0) is not shipped. Its scores are cached by clip name, because 19,000 seconds of sound take minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter
from tqdm import tqdm

from training.clips import Clip, read_sound

if TYPE_CHECKING:
    from pathlib import Path

WINDOW = 15_600
HOP = 7_800
"""Samples: half of YAMNet's own 0.975 s; every second score is its own hop."""
CRY_CLASS = 20
"""Row of "Baby cry, infant cry" in YAMNet's class map."""

Floats = npt.NDArray[np.float32]


def teach(clips: list[Clip], model: Path, cache: Path) -> dict[str, Floats]:
    """Score of class `CRY_CLASS` of each clip, one value per `HOP`, the last windows padded with zeros."""
    known: dict[str, Floats] = {}
    if cache.is_file():
        with np.load(cache) as stored:
            known = {name: stored[name] for name in stored.files}
    missing = [clip for clip in clips if clip.name not in known]
    if not missing:
        return known
    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    for clip in tqdm(missing, desc="teacher", mininterval=2.0):
        samples = read_sound(clip.path).astype(np.float32) / 32768.0
        count = max(1, -(-(len(samples) - WINDOW) // HOP) + 1)
        padded = np.zeros((count - 1) * HOP + WINDOW, np.float32)
        padded[: len(samples)] = samples[: len(padded)]
        scores = np.empty(count, np.float32)
        for index in range(count):
            interpreter.set_tensor(into, padded[index * HOP : index * HOP + WINDOW])
            interpreter.invoke()
            scores[index] = interpreter.get_tensor(out)[0, CRY_CLASS]
        known[clip.name] = scores
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **known)
    return known
