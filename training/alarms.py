"""How well alarms are told by their cadence: made-up alarms in made-up rooms, and every recording as a false alarm.

    python -m training.alarms --data ../shared/data

Prints the tables and writes them between the markers of docs/alarms.md. Nothing here is tuned on a recording.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats
from tqdm import tqdm

from monitord.audio.cadence import CARBON_MONOXIDE, LABELS, POSTERIORS, SMOKE, Alarms
from monitord.audio.features import RATE_HZ, FrontEnd, LogMel
from monitord.audio.level import FLOOR_MIN_DBFS, FLOOR_START_DBFS, PIECE, LevelGate, dbfs, piece_energies
from training.alarm_sounds import BEEPERS, KINDS, Beeps, drawn
from training.augment import Sound, scaled, tones
from training.clips import Clip, read_manifest, read_sound
from training.pages import put_between
from training.rooms import in_room, pink, white

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitord.audio.features import Samples

Noise = Callable[[np.random.Generator, int], Sound]

SEED = 20261124
TRIALS = 10
FRONT = FrontEnd()
QUIET_DBFS = -65.0
"""A quiet room, under everything."""
TONE_DBFS = -26.0
KEPT = 80
"""Frames that the detector keeps for stage one, and shows when the gate opens."""
START_S = 2.0
"""When the alarm begins."""
ALARM = 0.5


def listen(
    samples: Samples, hop_s: float = 0.5, *, gated: bool = True, floor_dbfs: float = FLOOR_START_DBFS
) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Time and posteriors at the end of each hop, as the daemon's detector feeds them: behind the level gate.

    All frames are made at once, which is the same and faster. `gated` False: the gate always stands open.
    `floor_dbfs` is the quiet that the gate has got used to.
    """
    hop, per_hop = round(hop_s * RATE_HZ), round(hop_s * RATE_HZ) // FRONT.hop
    gate, alarms = LevelGate(), Alarms(FRONT)
    gate.floor_dbfs = max(floor_dbfs, FLOOR_MIN_DBFS)
    samples = samples[: len(samples) // hop * hop]
    frames = LogMel(FRONT).frames(np.concatenate([np.zeros(FRONT.window - FRONT.hop, np.int16), samples]))
    pieces = [dbfs(energy) for energy in piece_energies(samples)]
    in_hop = hop // PIECE
    posteriors = alarms.posteriors(0)
    for number in range(1, len(samples) // hop + 1):
        end = number * hop
        hearing = max(posteriors) > ALARM
        if not gated or gate.update(pieces[(number - 1) * in_hop : number * in_hop], hearing=hearing):
            posteriors = alarms.feed(frames[max(0, number * per_hop - KEPT) : number * per_hop], end)
        else:
            posteriors = alarms.posteriors(end)
        yield end / RATE_HZ, posteriors


def as_samples(sound: Sound) -> Samples:
    """Full scale is 1.0; what is louder is clipped, as a microphone's converter does."""
    return np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16)


def tone_gain(beeps: Beeps, dbfs_rms: float) -> np.float32:
    """What makes the tones `dbfs_rms` loud while they sound."""
    return np.float32(10.0 ** (dbfs_rms / 20.0) / (1.0 if beeps.square else math.sqrt(0.5)))


def with_noise(rng: np.random.Generator, sound: Sound, dbfs_rms: float, kind: Noise = white) -> Sound:
    """`sound` in noise of that level, whole band."""
    return sound + kind(rng, len(sound)) * np.float32(10.0 ** (dbfs_rms / 20.0))


@dataclass(frozen=True, slots=True)
class Scene:
    """How an alarm reaches the microphone.

    Attributes:
        level_dbfs: of the tones while they sound.
        noise_dbfs: of the noise, whole band (0 to 8 kHz), so that level - noise is the signal-to-noise ratio.
        noise: its colour.
        room: reverberation time (s) and direct-to-reverberant ratio (dB).
        second_db: a second alarm of the same kind, at another time and pitch, is this much fainter.
        over_db: level of a recording on top (its loud parts), over the tones'.
        over: the recordings to draw from.
        changes: what is unlike a plain alarm.
    """

    level_dbfs: float = TONE_DBFS
    noise_dbfs: float = QUIET_DBFS
    noise: Noise = white
    room: tuple[float, float] | None = None
    second_db: float | None = None
    over_db: float = 0.0
    over: tuple[Sound, ...] = ()
    changes: dict[str, float] = field(default_factory=dict)

    def heard(self, rng: np.random.Generator, kind: str) -> tuple[Beeps, Samples]:
        """An alarm drawn, and three and a half cadences of it as the microphone hears them."""
        beeps = replace(drawn(rng, kind), **self.changes)
        seconds = START_S + 3.5 * beeps.cycle_s
        sound = beeps.sound(rng, seconds, START_S) * tone_gain(beeps, self.level_dbfs)
        if self.second_db is not None:
            other = drawn(rng, kind)
            later = START_S + rng.uniform(0.0, other.cycle_s)
            sound += other.sound(rng, seconds, later) * tone_gain(other, self.level_dbfs + self.second_db)
        if self.room is not None:
            sound = in_room(rng, sound, *self.room)
        if self.over:
            clip = self.over[rng.integers(len(self.over))]
            sound += scaled(np.resize(clip, len(sound)), self.level_dbfs + self.over_db)
        return beeps, as_samples(with_noise(rng, sound, self.noise_dbfs, self.noise))


def cell(task: tuple[str, Scene, int, bool]) -> str:
    """Share of alarms found within two cadences, within three and a half, and the median time in cadences.

    Args:
        task: kind of alarm, scene, number of alarms, whether the level gate works.
    """
    kind, scene, trials, gated = task
    label = LABELS.index(KINDS[kind][0].label)
    times = []
    for trial in range(trials):
        beeps, samples = scene.heard(np.random.default_rng([SEED, trial]), kind)
        heard = listen(samples, gated=gated, floor_dbfs=scene.noise_dbfs)
        found = (t_s for t_s, posteriors in heard if posteriors[label] > ALARM)
        times.append((next(found, math.inf) - START_S) / beeps.cycle_s)
    two, all_ = (float(np.mean(np.array(times) <= cycles)) for cycles in (2.0, 3.6))
    middle = float(np.median(times))
    return f"{two:.2f}, {all_:.2f}" + (f" ({middle:.1f})" if middle < math.inf else "")


def table(title: str, rows: dict[str, Scene], trials: int, *, gated: bool = True) -> list[str]:
    """One row per scene, one column per kind of alarm."""
    lines = [f"| {title} | {' | '.join(KINDS)} |", "|---|" + "---|" * len(KINDS)]
    tasks = [(kind, scene, trials, gated) for scene in rows.values() for kind in KINDS]
    with multiprocessing.Pool(2) as pool:
        cells = list(tqdm(pool.imap(cell, tasks), total=len(tasks), desc=title, mininterval=5.0))
    for number, name in enumerate(rows):
        lines.append(f"| {name} | {' | '.join(cells[number * len(KINDS) : (number + 1) * len(KINDS)])} |")
    return [*lines, ""]


def found_tables(clips: list[Clip], trials: int) -> list[str]:
    """The tables of detection."""
    cries, speech = (tuple(as_sound(clip) for clip in some(clips, kind)) for kind in ("cry", "speech, sentences"))
    noisy, open_ = (
        {
            f"{name}, {ratio} dB": Scene(noise_dbfs=TONE_DBFS - ratio, noise=noise)
            for name, noise in (("white", white), ("pink", pink))
            for ratio in ratios
        }
        for ratios in ((10, 5, 0, -5), (5, 0, -5))
    )
    rooms = {
        f"RT60 {rt60} s, direct {direct:+d} dB": Scene(noise_dbfs=TONE_DBFS - 20, room=(rt60, direct))
        for rt60, direct in ((0.2, 0), (0.4, 0), (0.8, 6), (0.8, 0), (0.8, -6), (1.2, 0))
    }
    gains = {
        f"{gain:+d} dB": Scene(level_dbfs=TONE_DBFS + gain, noise_dbfs=max(QUIET_DBFS + gain, -80.0))
        for gain in (-30, -20, 0, 10)
    }
    gains["+30 dB, clipped"] = Scene(level_dbfs=TONE_DBFS + 30)
    other = {
        "each time within 5 % of its own": Scene(changes={"jitter": 0.05, "scale": 1.0}),
        "all times 8 % short": Scene(changes={"scale": 0.92}),
        "all times 8 % long": Scene(changes={"scale": 1.08}),
        "pitch drifts 3 % in 10 s": Scene(changes={"drift": 0.03}),
        "each tone up to 4 dB louder or fainter": Scene(changes={"steps_db": 4.0}),
        "a cry on top, as loud": Scene(over=cries),
        "a cry on top, 10 dB louder": Scene(over=cries, over_db=10.0),
        "speech on top, as loud": Scene(over=speech),
        "speech on top, 10 dB louder": Scene(over=speech, over_db=10.0),
        "a second alarm, 15 dB fainter": Scene(second_db=-15.0),
        "a second alarm, 6 dB fainter": Scene(second_db=-6.0),
        "a second alarm, as loud": Scene(second_db=0.0),
    }
    lines = table("noise that the level gate is used to", noisy, trials)
    lines += table("noise, level gate held open", open_, trials, gated=False)
    lines += table("room, at 20 dB", rooms, trials)
    lines += table("gain", gains, trials)
    return lines + table("other", other, trials)


def some(clips: list[Clip], kind: str) -> list[Clip]:
    """Up to thirty clips of `kind`, of different groups where there are so many."""
    own = sorted((clip for clip in clips if clip.kind == kind), key=lambda clip: (len(clip.name), clip.name))
    by_group = list({clip.group: clip for clip in own}.values())
    return (by_group + own)[:30]


def as_sound(clip: Clip) -> Sound:
    """The clip, full scale 1."""
    return read_sound(clip.path).astype(np.float32) / np.float32(32768.0)


def began(samples: Samples) -> tuple[int, int]:
    """How often a group, and how often an alarm, began to be heard in `samples`."""
    counts, before = [0, 0], (0.0,) * len(LABELS)
    for _, posteriors in listen(samples):
        for label, value in enumerate(posteriors):
            counts[0] += value >= POSTERIORS[1] > before[label]
            counts[1] += value > ALARM >= before[label]
        before = posteriors
    return counts[0], counts[1]


def at_most(alarms: int, hours: float) -> float:
    """Upper 95 % bound of the rate per hour (Poisson, exact)."""
    return float(scipy.stats.chi2.ppf(0.95, 2 * alarms + 2) / 2.0 / hours)


def silent_tables(clips: list[Clip]) -> list[str]:
    """The tables of false alarms on recordings."""
    lines = ["| recordings, end to end | clips | hours | groups | alarms | alarms per hour, 95 % bound |"]
    lines.append("|---|---|---|---|---|---|")
    kinds: dict[str, list[Clip]] = {}
    for clip in clips:
        kinds.setdefault(clip.kind, []).append(clip)
    total = [0.0, 0, 0]
    for kind, own in tqdm(sorted(kinds.items()), desc="recordings", mininterval=5.0):
        hours = sum(clip.seconds for clip in own) / 3600.0
        groups, alarms = began(np.concatenate([read_sound(clip.path) for clip in own]))
        total = [total[0] + hours, total[1] + groups, total[2] + alarms]
        lines.append(f"| {kind} | {len(own)} | {hours:.2f} | {groups} | {alarms} | {at_most(alarms, hours):.1f} |")
    bound = at_most(int(total[2]), total[0])
    lines += [f"| all | {len(clips)} | {total[0]:.2f} | {total[1]} | {total[2]} | {bound:.2f} |", ""]
    repeated = [
        clip for clip in clips if clip.kind not in {"cry", "rejected", "unvetted"} and "speech" not in clip.kind
    ]
    lines += ["| each clip four times over | clips | with a group | with an alarm |", "|---|---|---|---|"]
    for cadence in (SMOKE, CARBON_MONOXIDE):
        length = round(cadence.cycle_s * RATE_HZ)
        heard = [began(np.tile(fitted(read_sound(clip.path), length), 4)) for clip in tqdm(repeated, mininterval=5.0)]
        groups, alarms = (sum(each[number] > 0 for each in heard) for number in (0, 1))
        lines.append(f"| every {cadence.cycle_s:.1f} s | {len(repeated)} | {groups} | {alarms} |")
    return [*lines, ""]


def fitted(samples: Samples, length: int) -> Samples:
    """Its first `length` samples, filled up with silence."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def beeper_table() -> list[str]:
    """The table of made-up beepers that are no alarms; where one is taken for an alarm, it says so."""
    lines = ["| beeper | taken for |", "|---|---|"]
    for name, beeps in tqdm(BEEPERS.items(), desc="beepers", mininterval=5.0):
        taken = set()
        for number, (hz, noise_dbfs) in enumerate(((3100.0, -50.0), (2900.0, -90.0), (520.0, -50.0), (520.0, -90.0))):
            rng = np.random.default_rng([SEED, number])
            own = replace(beeps, hz=hz, square=hz < 1000.0)
            sound = own.sound(rng, 40.0, rng.uniform(1.0, 2.0)) * tone_gain(own, TONE_DBFS)
            for _, posteriors in listen(as_samples(with_noise(rng, sound, noise_dbfs))):
                taken |= {label for label, value in zip(LABELS, posteriors, strict=True) if value > ALARM}
        lines.append(f"| {name} | {', '.join(sorted(taken)) or 'nothing'} |")
    rng = np.random.default_rng(SEED)
    heard = [began(as_samples(np.tile(tones(rng, 10 * RATE_HZ), 2))) for _ in tqdm(range(180), desc="tones")]
    lines.append(f"| an hour of random beeps, sirens, notes and chirps | {sum(each[1] for each in heard)} alarms |")
    return [*lines, ""]


def main() -> None:
    """Measure, print, and write the tables between the markers of the document."""
    parser = argparse.ArgumentParser(description="Measure the detector of smoke and carbon monoxide alarms.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--trials", type=int, default=TRIALS, help="alarms per cell of the tables")
    parser.add_argument("--document", type=Path, default=Path("docs/alarms.md"), help="where the tables go")
    given = parser.parse_args()
    clips = read_manifest(given.data)
    text = "\n".join(found_tables(clips, given.trials) + beeper_table() + silent_tables(clips))
    print(text)
    put_between(given.document, "alarms", text)


if __name__ == "__main__":
    main()
