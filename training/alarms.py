"""How well alarms are told by their cadence: made-up alarms in made-up rooms, and every recording as a false alarm.

    python -m training.alarms --data ../shared/data

Prints the tables and writes them between the markers of docs/alarms.md. Nothing here is tuned on a recording.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from monitord.audio.cadence import LABELS, POSTERIORS, Alarms
from monitord.audio.features import RATE_HZ, FrontEnd, LogMel
from monitord.audio.level import PIECE, LevelGate, dbfs, piece_energies
from training.alarm_sounds import BEEPERS, KINDS, Beeps, drawn
from training.augment import Sound, loud_level_db, tones
from training.clips import Clip, read_manifest, read_sound
from training.rooms import in_room, pink, white

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitord.audio.features import Samples

SEED = 20261124
TRIALS = 20
FRONT = FrontEnd()
QUIET_DBFS = -65.0
"""A quiet room, under everything."""
TONE_DBFS = -26.0
KEPT = 80
"""Frames that the detector keeps for stage one, and shows when the gate opens."""
BEGIN, END = "<!-- alarms: begin -->", "<!-- alarms: end -->"
ALARM = 0.5


def listen(samples: Samples, hop_s: float = 0.5, *, gated: bool = True) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Time and posteriors at the end of each hop, as the daemon's detector feeds them: behind the level gate.

    All frames are made at once, which is the same and faster. `gated` False: the gate always stands open.
    """
    hop, per_hop = round(hop_s * RATE_HZ), round(hop_s * RATE_HZ) // FRONT.hop
    gate, alarms = LevelGate(), Alarms(FRONT)
    samples = samples[: len(samples) // hop * hop]
    frames = LogMel(FRONT).frames(np.concatenate([np.zeros(FRONT.window - FRONT.hop, np.int16), samples]))
    pieces = [dbfs(energy) for energy in piece_energies(samples)]
    in_hop = hop // PIECE
    for number in range(1, len(samples) // hop + 1):
        end = number * hop
        if not gated or gate.update(pieces[(number - 1) * in_hop : number * in_hop], hearing=False):
            window = frames[max(0, number * per_hop - KEPT) : number * per_hop]
            yield end / RATE_HZ, alarms.feed(window, end)
        else:
            yield end / RATE_HZ, alarms.posteriors(end)


def as_samples(sound: Sound) -> Samples:
    """Full scale is 1.0; what is louder is clipped, as a microphone's converter does."""
    return np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16)


Scene = "Callable[[np.random.Generator, Beeps, float], Sound]"


def alarm_at(rng: np.random.Generator, beeps: Beeps, seconds: float, level_dbfs: float = TONE_DBFS) -> Sound:
    """The alarm alone, tones at `level_dbfs` (RMS while they sound), beginning after 1 to 2 s."""
    sound = beeps.sound(rng, seconds, START_S)
    return sound * np.float32(10.0 ** (level_dbfs / 20.0) / (1.0 if beeps.square else math.sqrt(0.5)))


START_S = 2.0


def with_noise(rng: np.random.Generator, sound: Sound, dbfs_rms: float, kind: Callable[..., Sound] = white) -> Sound:
    """`sound` in noise of that level, whole band."""
    return sound + kind(rng, len(sound)) * np.float32(10.0 ** (dbfs_rms / 20.0))


def rate(kind: str, scene: Callable[[np.random.Generator, Beeps], Sound], *, gated: bool = True) -> str:
    """Share of `TRIALS` alarms of `kind` found within two cadences, within three, and the median time."""
    label = LABELS.index(KINDS[kind][0].label)
    times = []
    for trial in range(TRIALS):
        rng = np.random.default_rng([SEED, trial])
        beeps = drawn(rng, kind)
        found = (t for t, posteriors in listen(as_samples(scene(rng, beeps)), gated=gated) if posteriors[label] > ALARM)
        times.append((next(found, math.inf) - START_S) / beeps.cycle_s)
    two, three = (float(np.mean(np.array(times) <= cycles)) for cycles in (2.0, 3.0))
    return f"{two:.2f} / {three:.2f}"


def table(title: str, rows: dict[str, Callable[[np.random.Generator, Beeps], Sound]], *, gated: bool = True) -> list[str]:
    """One row per scene, one column per kind of alarm."""
    lines = [f"| {title} | {' | '.join(KINDS)} |", "|---|" + "---|" * len(KINDS)]
    for name, scene in tqdm(rows.items(), desc=title, mininterval=2.0):
        lines.append(f"| {name} | {' | '.join(rate(kind, scene, gated=gated) for kind in KINDS)} |")
    return [*lines, ""]
