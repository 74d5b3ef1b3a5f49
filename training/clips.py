"""The recordings to learn from: the manifest, what each clip counts as, and the split by `group`.

A group is one telephone, uploader or speaker. No group is ever in two splits: a network knows a telephone's noise
again, so a split by clip would look good here and fail in the next house.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from monitord.audio.features import RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

Samples = npt.NDArray[np.int16]

FOLDS = ("a", "b", "c")
SPLITS = ("test", *FOLDS)
"""The test split is held out of everything. The shipped network learns from the three folds; thresholds come from the
negatives of each fold as scored by a network that learned from the other two."""
PLACED = {"kerstin_de": "test"}
"""A data set of one group is of more use for hours of false alarms than for one more voice to learn from."""

CRY = "cry"


@dataclass(frozen=True, slots=True)
class Clip:
    """One line of the manifest.

    Attributes:
        path: file, mono.
        name: path inside the data folder, with forward slashes; the key of every cache.
        dataset, label, group, licence: as in the manifest.
        kind: "cry", "doubtful", or the family of negatives ("speech", "music", "cat", ...).
        narrow: whether nothing above 4 kHz is in it (recorded at, or sent through, 8 kHz).
        seconds: duration.
    """

    path: Path
    name: str
    dataset: str
    label: str
    group: str
    licence: str
    kind: str
    narrow: bool
    seconds: float


def kind_of(dataset: str, label: str) -> str:
    """Family of a clip, the unit in which splits are balanced and results are reported."""
    if label == "cry":
        return CRY
    if label in {"rejected_noncry?", "unvetted"}:
        return "rejected" if label.startswith("rejected") else "unvetted"
    if label.startswith("env:"):
        name = label[4:].lower()
        return name if name in {"cat", "rooster", "siren", "laughing", "dog", "chirping birds"} else "household, nature"
    if label.startswith("speech:"):
        return {"kerstin_de": "speech, sentences", "fsdd": "speech, digits"}.get(dataset, "speech, words")
    return "music" if label.startswith("music") else "background noise"


def read_manifest(data: Path) -> list[Clip]:
    """Every clip of `data`/audio/manifest.csv, in the manifest's order.

    Raises:
        SystemExit: there is no such file; the sentence says where it was looked for.
    """
    manifest = data / "audio" / "manifest.csv"
    if not manifest.is_file():
        raise SystemExit(f"{manifest}: no such file; name the folder of recordings with --data")
    with manifest.open(newline="", encoding="utf-8") as lines:
        return [
            Clip(
                path=data / "audio" / row["path"],
                name=row["path"],
                dataset=row["dataset"],
                label=row["label"],
                group=row["group"],
                licence=row["licence"],
                kind=kind_of(row["dataset"], row["label"]),
                narrow=int(row["source_rate_hz"]) <= RATE_HZ // 2,
                seconds=float(row["duration_s"]),
            )
            for row in csv.DictReader(lines)
        ]


def split_groups(clips: list[Clip], seed: str = "monitord") -> dict[str, str]:
    """Assign each group to one of `SPLITS`, a quarter of each kind's groups to each.

    Within each (dataset, kind), groups are ordered by a hash of their name and dealt out in turn; a group that
    another kind has dealt already keeps its place (rare kinds are dealt first, so that they reach every split), and
    ties go to the split with the least sound so far.
    """
    members: dict[tuple[str, str], set[str]] = {}
    seconds: dict[str, float] = {}
    for clip in clips:
        members.setdefault((clip.dataset, clip.kind), set()).add(clip.group)
        seconds[clip.group] = seconds.get(clip.group, 0.0) + clip.seconds
    splits: dict[str, str] = {}
    so_far = dict.fromkeys(SPLITS, 0.0)
    for (dataset, _), groups in sorted(members.items(), key=lambda item: (len(item[1]), item[0])):
        ordered = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
        dealt = {name: sum(splits.get(group) == name for group in ordered) for name in SPLITS}
        for group in ordered:
            if group not in splits:
                fewest = min(SPLITS, key=lambda name: (dealt[name], so_far[name], name))
                splits[group] = PLACED.get(dataset, fewest)
                dealt[splits[group]] += 1
                so_far[splits[group]] += seconds[group]
    return splits


def read_sound(path: Path) -> Samples:
    """Samples of a sound file, int16, mono, 16 kHz."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != RATE_HZ:
        mono = soxr.resample(mono, rate, RATE_HZ)
    return np.clip(np.rint(mono * 32767.0), -32768, 32767).astype(np.int16)
