"""Made-up alarms and made-up beepers that are none, to try the cadence detector on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitord.audio.cadence import CARBON_MONOXIDE, SMOKE, Cadence
from monitord.audio.features import RATE_HZ

if TYPE_CHECKING:
    from training.augment import Sound


@dataclass(frozen=True, slots=True)
class Beeps:
    """A signal of tones in groups.

    Attributes:
        tones: in a group.
        on_s, off_s, pause_s: seconds of a tone, between two, between two groups.
        hz: pitch.
        square: a square wave of seven harmonics, not a sine.
        scale: all times are this much longer.
        jitter: each single time is up to this share longer or shorter.
        drift: share by which the pitch rises in ten seconds.
        steps_db: each tone is up to this much louder or fainter.
    """

    tones: int
    on_s: float
    off_s: float
    pause_s: float
    hz: float
    square: bool = False
    scale: float = 1.0
    jitter: float = 0.0
    drift: float = 0.0
    steps_db: float = 0.0

    @property
    def cycle_s(self) -> float:
        """From group to group."""
        return self.scale * (self.tones * self.on_s + (self.tones - 1) * self.off_s + self.pause_s)

    def sound(self, rng: np.random.Generator, seconds: float, start_s: float = 0.0) -> Sound:
        """`seconds` of the signal, the first group beginning at `start_s`; a sine or square of amplitude 1."""
        when = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        loud = np.zeros(len(when), np.float32)
        at = start_s
        while at < seconds:
            for tone in range(self.tones):
                on, off = (t * self.scale * (1 + rng.uniform(-1, 1) * self.jitter) for t in (self.on_s, self.off_s))
                level = 10.0 ** (rng.uniform(-1, 1) * self.steps_db / 20.0)
                loud[round(at * RATE_HZ) : round((at + on) * RATE_HZ)] = level
                at += on + (off if tone < self.tones - 1 else 0.0)
            at += self.pause_s * self.scale * (1 + rng.uniform(-1, 1) * self.jitter)
        # A sounder takes a few milliseconds to swing up and down.
        loud = np.convolve(loud, np.full(64, 1 / 64, np.float32), mode="same")
        turn = 2 * np.pi * np.cumsum(self.hz * (1 + self.drift * when / 10.0)) / RATE_HZ
        if not self.square:
            return (loud * np.sin(turn)).astype(np.float32)
        harmonics = [k for k in range(1, 15, 2) if k * self.hz < RATE_HZ / 2 - 200]
        return (loud * np.sum([np.sin(k * turn) / k for k in harmonics], axis=0) * 4 / np.pi).astype(np.float32)


def _alarm(cadence: Cadence, hz: float, *, square: bool) -> Beeps:
    return Beeps(cadence.tones, cadence.on_s, cadence.off_s, cadence.pause_s, hz, square)


KINDS: dict[str, tuple[Cadence, bool]] = {
    "smoke, piezo": (SMOKE, False),
    "smoke, 520 Hz": (SMOKE, True),
    "CO, piezo": (CARBON_MONOXIDE, False),
    "CO, 520 Hz": (CARBON_MONOXIDE, True),
}


def drawn(rng: np.random.Generator, kind: str) -> Beeps:
    """An alarm of `kind`: pitch anywhere in its range, its clock up to 5 % slow or fast."""
    cadence, square = KINDS[kind]
    hz = 520.0 * rng.uniform(0.9, 1.1) if square else rng.uniform(2800.0, 3500.0)
    return replace(_alarm(cadence, hz, square=square), scale=rng.uniform(0.95, 1.05))


_PITCH = 3100.0
BEEPERS: dict[str, Beeps] = {
    "low battery, a chirp every 40 s": Beeps(1, 0.08, 0.0, 40.0, _PITCH),
    "low battery, a chirp every 60 s": Beeps(1, 0.15, 0.0, 60.0, _PITCH),
    "steady beeps, 0.5 s on and off": Beeps(1, 0.5, 0.0, 0.5, _PITCH),
    "steady beeps, 0.1 s on and off": Beeps(1, 0.1, 0.0, 0.1, _PITCH),
    "steady beeps, 1 s on and off": Beeps(1, 1.0, 0.0, 1.0, _PITCH),
    "alarm clock, 4 x 0.06 s every second": Beeps(4, 0.0625, 0.0625, 0.5625, _PITCH),
    "alarm clock, 4 x 0.1 s every second": Beeps(4, 0.1, 0.1, 0.3, _PITCH),
    "timer, 3 x 0.1 s every second": Beeps(3, 0.1, 0.1, 0.5, _PITCH),
    "timer, 4 x 0.1 s every 2 s": Beeps(4, 0.1, 0.1, 1.3, _PITCH),
    "oven, 3 x 0.5 s every 10 s": Beeps(3, 0.5, 0.5, 7.5, _PITCH),
    "microwave, 3 x 1 s every minute": Beeps(3, 1.0, 0.5, 56.0, _PITCH),
    "microwave, 5 x 0.5 s every minute": Beeps(5, 0.5, 0.5, 55.5, _PITCH),
    "two tones for three": Beeps(2, 0.5, 0.5, 1.5, _PITCH),
    "two tones for three, cycle kept": Beeps(2, 0.5, 0.5, 2.5, _PITCH),
    "four tones for three": Beeps(4, 0.5, 0.5, 1.5, _PITCH),
    "three, tones of 0.3 s": Beeps(3, 0.3, 0.5, 1.5, _PITCH),
    "three, tones of 0.3 s, onsets kept": Beeps(3, 0.3, 0.7, 1.7, _PITCH),
    "three, tones of 0.7 s": Beeps(3, 0.7, 0.5, 1.5, _PITCH),
    "three, tones of 0.7 s, onsets kept": Beeps(3, 0.7, 0.3, 1.3, _PITCH),
    "three, gaps of 0.3 s": Beeps(3, 0.5, 0.3, 1.5, _PITCH),
    "three, gaps of 0.7 s": Beeps(3, 0.5, 0.7, 1.5, _PITCH),
    "three, pause of 0.9 s": Beeps(3, 0.5, 0.5, 0.9, _PITCH),
    "three, pause of 2.2 s": Beeps(3, 0.5, 0.5, 2.2, _PITCH),
    "three, pause of 5 s": Beeps(3, 0.5, 0.5, 5.0, _PITCH),
    "three, all 20 % fast": Beeps(3, 0.5, 0.5, 1.5, _PITCH, scale=0.8),
    "three, all 20 % slow": Beeps(3, 0.5, 0.5, 1.5, _PITCH, scale=1.2),
    "three tones for four": Beeps(3, 0.1, 0.1, 5.0, _PITCH),
    "five tones for four": Beeps(5, 0.1, 0.1, 5.0, _PITCH),
    "four, tones of 0.05 s": Beeps(4, 0.05, 0.1, 5.0, _PITCH),
    "four, tones of 0.2 s": Beeps(4, 0.2, 0.1, 5.0, _PITCH),
    "four, gaps of 0.2 s": Beeps(4, 0.1, 0.2, 5.0, _PITCH),
    "four, pause of 2.5 s": Beeps(4, 0.1, 0.1, 2.5, _PITCH),
    "four, pause of 3.5 s": Beeps(4, 0.1, 0.1, 3.5, _PITCH),
    "four, pause of 7 s": Beeps(4, 0.1, 0.1, 7.0, _PITCH),
    "four, all 25 % fast": Beeps(4, 0.1, 0.1, 5.0, _PITCH, scale=0.75),
    "four, all 25 % slow": Beeps(4, 0.1, 0.1, 5.0, _PITCH, scale=1.25),
}
"""Signals that are none of the two. Those of wrong timing miss the standards' 10 % by as much again or more."""
