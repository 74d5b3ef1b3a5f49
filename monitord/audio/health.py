"""Whether what the microphone delivers can be sound of a room at all. Pure; time is counted in samples.

Each detector is one row of `DETECTORS`: what a block must be like, how long, and which fault that is. A row's time is a
leaky one: seconds in which it holds count up, others down, so a fault that flickers is found and a bang is not one.

Digital silence (every sample 0) is judged by `monitord.audio.ear`, which sees the level of each hop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitord.audio.features import RATE_HZ, Samples
from monitord.events import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

_FULL = 32768.0
_RAIL = 32700
"""From here on a sample counts as clipped; converters and their filters do not always reach the last step."""
CLIPPED_SHARE = 0.005
"""A loud cry touches the rail with single peaks; half a percent of all samples is a flattened wave."""
FAINT_DBFS = -93.0
"""Less than the noise of one step of a 16-bit converter: the quietest of usual microphones, at 65 dB of signal to noise
and -26 dBFS for 94 dB, delivers -91 dBFS in an anechoic room."""
OFFSET_SHARE = 0.05
"""A mean so far from zero is a wrong bias voltage or a wrong input; sound cards have less than a hundredth."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one block is like; levels are of what is left when the mean is taken away.

    Attributes:
        low: smallest sample.
        high: largest sample.
        mean: as a share of full scale, -1..1.
        level_dbfs: RMS level; -inf where all samples are the same.
        clipped: share of samples at the rails, 0..1.
    """

    low: int
    high: int
    mean: float
    level_dbfs: float
    clipped: float

    @classmethod
    def of(cls, block: Samples) -> Figures:
        """The figures of `block`, shape (n,), int16, n > 0."""
        low, high, mean = int(block.min()), int(block.max()), float(block.mean())
        level = -math.inf if low == high else 20.0 * math.log10(float(block.std(dtype=np.float64)) / _FULL)
        rails = low <= -_RAIL or high >= _RAIL
        clipped = float(np.mean((block >= _RAIL) | (block <= -_RAIL))) if rails else 0.0
        return cls(low, high, mean / _FULL, level, clipped)


@dataclass(frozen=True, slots=True)
class Detector:
    """One thing that may be wrong.

    Attributes:
        fault: what it is told as.
        holds: whether a block shows it.
        after_s: seconds after which it is told.
    """

    fault: Fault
    holds: Callable[[Figures], bool]
    after_s: float


DETECTORS = (
    Detector(Fault.MICROPHONE_CONSTANT, lambda block: block.low == block.high != 0, 20.0),
    Detector(Fault.MICROPHONE_CLIPS, lambda block: block.clipped >= CLIPPED_SHARE, 30.0),
    Detector(Fault.MICROPHONE_FAINT, lambda block: -math.inf < block.level_dbfs < FAINT_DBFS, 55.0),
    Detector(Fault.MICROPHONE_OFFSET, lambda block: block.low < block.high and abs(block.mean) >= OFFSET_SHARE, 30.0),
)
"""All of them; each is told within its `after_s` and a block."""
FAULTS = frozenset(each.fault for each in DETECTORS)


class Health:
    """Watches one stream."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(FAULTS, 0.0)
        self._standing: frozenset[Fault] = frozenset()

    def take(self, block: Samples) -> frozenset[Fault]:
        """The faults that stand after `block`, shape (n,), int16, 16 kHz."""
        if not len(block):
            return self._standing
        figures, length_s = Figures.of(block), len(block) / RATE_HZ
        standing = set()
        for each in DETECTORS:
            held = self._seconds[each.fault] + (length_s if each.holds(figures) else -length_s)
            held = self._seconds[each.fault] = min(max(held, 0.0), each.after_s)
            if held >= each.after_s or (each.fault in self._standing and held > 0.0):
                standing.add(each.fault)
        self._standing = frozenset(standing)
        return self._standing
