"""What rooms, noise, distance, telephones and gain cost: recall of real cries at the balanced threshold, as a table.

    python -m training.robustness --data ../shared/data --teacher ../shared/models/yamnet.tflite

Cries of the test split, the shipped models, the daemon's own detector. A noise is there for `BEFORE_S` before the cry,
so that the level gate has met it, and signal-to-noise is the RMS of the cry's loud parts over that of the noise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from monitord.audio.features import RATE_HZ
from monitord.audio.models import EarModels
from monitord.model import Card
from monitord.tools.evaluate import highest
from training import augment, rooms
from training.clips import CRY, Clip, read_sound
from training.cry import judged
from training.data import open_corpus
from training.made_up import int16
from training.pages import put_between
from training.score import listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.augment import Sound

BEFORE_S = 10.0
LOUD_DB = -20.0
"""Level of a cry's loud parts, dBFS, where a condition says nothing else."""
NOISES = {
    "white noise": (),
    "television speech": ("speech, sentences", "speech, words"),
    "music": ("music",),
    "washing machine": ("env:Washing machine", "env:Vacuum cleaner"),
}
"""Kinds or labels of the recordings that make each noise."""
RATIOS_DB, GAINS_DB, RT60S, METRES = (20, 10, 5, 0, -5), (-30, -20, -10, 0, 10), (0.2, 0.4, 0.8, 1.2), (1, 2, 4, 8)

Condition = tuple[str, str, float | str]
"""What is done (a column's family), with what, how much."""


class AlwaysOpen:
    """A level gate that lets everything through."""

    floor_dbfs = 0.0

    def update(self, levels: Sequence[float], *, hearing: bool) -> bool:  # noqa: ARG002 - it needs no level
        """Open."""
        return True


def conditions() -> Iterator[Condition]:
    """All of them, in the order of the table."""
    yield "as recorded", "", 0.0
    yield from (("gain", "", gain) for gain in GAINS_DB)
    yield from (("snr", noise, ratio) for noise in NOISES for ratio in RATIOS_DB)
    yield from (("snr, no level gate", noise, 10) for noise in NOISES)
    yield from (("reverberation", "", rt60) for rt60 in RT60S)
    yield from (("distance", "", metres) for metres in METRES)
    yield from (("codec", "", codec) for codec in augment.CODECS if codec != "mp3")


def changed(condition: Condition, cry: Sound, noise: Sound, rng: np.random.Generator) -> Sound:
    """`cry` under `condition`, full scale -1..1."""
    family, _, amount = condition
    if family == "as recorded":
        return cry
    if family == "codec":
        return augment.through_codec([cry], str(amount))[0]
    much = float(amount)
    if family == "gain":
        return np.clip(cry * np.float32(10.0 ** (much / 20.0)), -1.0, 1.0)
    if family == "reverberation":
        return rooms.in_room(rng, augment.scaled(cry, LOUD_DB), much, 0.0)
    if family == "distance":  # A furnished room of 0.4 s, in which both are equally loud at 1.5 m; level from 1 m.
        far = rooms.in_room(rng, augment.scaled(cry, LOUD_DB), 0.4, -20.0 * np.log10(much / 1.5))
        heard = far * np.float32(10.0 ** (-max(0.0, 20.0 * np.log10(min(much, 3.0))) / 20.0))
        return heard + rooms.white(rng, len(heard)) * np.float32(10.0 ** (-65.0 / 20.0))
    before = int(BEFORE_S * RATE_HZ)
    bed = np.resize(noise, before + len(cry)) * np.float32(10.0 ** ((LOUD_DB - much) / 20.0))
    bed[before:] += augment.scaled(cry, LOUD_DB)
    return bed


def noises(clips: list[Clip], rng: np.random.Generator) -> dict[str, Sound]:
    """A minute of each noise, RMS 1, from recordings of the test split where there are any, else of all."""
    made = {}
    for name, wanted in NOISES.items():
        if not wanted:
            made[name] = rooms.white(rng, 60 * RATE_HZ)
            continue
        own = [clip for clip in clips if clip.kind in wanted or clip.label in wanted]
        parts: list[Sound] = []
        while sum(map(len, parts)) < 60 * RATE_HZ:
            parts.append(read_sound(own[rng.integers(len(own))].path).astype(np.float32))
        joined = np.concatenate([augment.scaled(part, -20.0) for part in parts])[: 60 * RATE_HZ]
        made[name] = joined / np.float32(np.sqrt(np.mean(joined**2)))
    return made


_models: EarModels
_noises: dict[str, Sound]


def _start(folder: Path, beds: dict[str, Sound]) -> None:
    global _models, _noises
    _models, _noises = EarModels.load(listening("eco"), folder), beds


def _score(job: tuple[Condition, Clip]) -> float:
    condition, clip = job
    rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
    cry = read_sound(clip.path).astype(np.float32) / np.float32(32768.0)
    bed = _noises.get(condition[1], np.zeros(1, np.float32))
    sound = changed(condition, cry, np.roll(bed, int(rng.integers(len(bed)))), rng)
    gate = AlwaysOpen() if "no level gate" in condition[0] else None
    return highest([int16(sound)], _models.detector(gate))[CRY]


def table(found: dict[Condition, float], count: int, threshold: float) -> list[str]:
    """The Markdown table of the shares `found`."""
    lines = [f"{count} cries of the test split, profile eco, balanced threshold {threshold:.4f}.", ""]
    lines += [f"As recorded: {found['as recorded', '', 0.0]:.2f}.", ""]
    heads = (("gain", "gain, dB"), ("reverberation", "RT60, s"), ("distance", "distance, m"), ("codec", "codec"))
    for family, head in heads:
        own = [(condition[2], share) for condition, share in found.items() if condition[0] == family]
        lines += [f"| {head} | {' | '.join(str(amount) for amount, _ in own)} |", "|---|" + "---|" * len(own)]
        lines += [f"| recall | {' | '.join(f'{share:.2f}' for _, share in own)} |", ""]
    head = " | ".join(f"{ratio} dB" for ratio in RATIOS_DB)
    lines += [f"| signal-to-noise | {head} | 10 dB, no level gate |", "|---|" + "---|" * (len(RATIOS_DB) + 1)]
    for noise in NOISES:
        shares = [found["snr", noise, ratio] for ratio in RATIOS_DB] + [found["snr, no level gate", noise, 10]]
        lines.append(f"| {noise} | {' | '.join(f'{share:.3f}' for share in shares)} |")
    return lines


def main() -> None:
    """Measure, print, and write the table between the markers of the document."""
    parser = argparse.ArgumentParser(prog="python -m training.robustness", description="Measure what rooms cost.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of ear.* and cry.*")
    parser.add_argument("--document", type=Path, default=Path("docs/models-cry.md"), help="where the table goes")
    given = parser.parse_args()
    corpus = open_corpus(given.data, given.teacher)
    cries = [clip for clip in judged(corpus.of("test")) if clip.kind == CRY]
    beds = noises(corpus.clips, np.random.default_rng(1))
    rows = Card.read(given.models / "cry.toml").extra["operating"]
    threshold = next(r["threshold"] for r in rows if (r["profile"], r["sensitivity"]) == ("eco", "balanced"))
    jobs = [(condition, clip) for condition in conditions() for clip in cries]
    with multiprocessing.get_context("spawn").Pool(2, _start, (given.models, beds)) as pool:
        scores = list(tqdm(pool.imap(_score, jobs, chunksize=8), total=len(jobs), desc="scoring", mininterval=2.0))
    reached: dict[Condition, list[bool]] = {}
    for (condition, _), score in zip(jobs, scores, strict=True):
        reached.setdefault(condition, []).append(score >= threshold)
    text = "\n".join(table({c: float(np.mean(own)) for c, own in reached.items()}, len(cries), threshold))
    print(text)
    put_between(given.document, "robustness", text)


if __name__ == "__main__":
    main()
