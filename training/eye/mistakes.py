"""A contact sheet of a model's worst mistakes, on pictures that may be shown: renders of ours, and gmdcsa24 (MIT)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from monitord.video.classifier import Classifier
from training.eye import examples
from training.person.augment import fit
from training.person.data import LYING, NOBODY, UPRIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from training.eye.examples import Example

_ACROSS, _DOWN = 6, 4
_SIZE = (144, 192)


def sheet(models: Path, data: Path, renders: Path, most: int, out: Path) -> dict[str, str]:
    """Write the sheet to `out`; returns how often the model errs, by source and kind of picture."""
    classifier = Classifier.load(models)
    known = [one for one in examples.load(data / "vision", leave_room_out=False) if one.source == "gmdcsa24"]
    known = [one for one in known if one.split == "test"] + examples.load_renders(renders, most)
    wrong: list[tuple[float, str, Example]] = []
    counts: dict[str, list[bool]] = {}
    for one in tqdm(known, desc="looking", unit="picture"):
        seen = classifier.probabilities(fit(one.picture, *_shape()))
        presence = 1 - seen["nobody"]
        kind = {NOBODY: "nobody", LYING: "lying", UPRIGHT: "upright"}.get(one.target, "somebody")
        present = presence >= classifier.operating.present
        counts.setdefault(f"{one.source}, {kind}: called somebody", []).append(bool(present))
        if kind in ("lying", "upright") and present:
            right = (seen["lying"] > seen["upright"]) == (kind == "lying")
            counts.setdefault(f"{one.source}, {kind}, found: posture right", []).append(bool(right))
        error = presence if kind == "nobody" else 1 - presence
        if kind in ("lying", "upright"):
            error = max(error, seen["upright" if kind == "lying" else "lying"])
        told = max(seen, key=lambda each: seen[each])
        wrong.append((error, f"{kind}? {told} {seen[told]:.0%}", one))
    wrong.sort(key=lambda each: -each[0])
    # Half of the sheet each, or one source would fill it.
    half = _ACROSS * _DOWN // 2
    ours = [each for each in wrong if each[2].source == "renders"][:half]
    theirs = [each for each in wrong if each[2].source == "gmdcsa24"][:half]
    cells = [_cell(each[2], each[1]) for each in (*theirs, *ours)]
    rows = [np.hstack(cells[at : at + _ACROSS]) for at in range(0, len(cells) - _ACROSS + 1, _ACROSS)]
    cv2.imwrite(str(out), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return {name: f"{np.mean(each):.3f} ({sum(each)} of {len(each)})" for name, each in counts.items()}


def _shape() -> tuple[int, int]:
    from monitord.video.picture import SHAPE  # noqa: PLC0415

    return SHAPE


def _cell(one: Example, text: str) -> np.ndarray:
    made = np.ascontiguousarray(fit(one.picture, *_SIZE)[:, :, ::-1])
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(made, text, (4, _SIZE[0] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, thick, cv2.LINE_AA)
    return made
