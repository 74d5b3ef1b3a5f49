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
_FAINT = _FULL * 10.0 ** (FAINT_DBFS / 20.0)
OFFSET_SHARE = 0.05
"""A mean so far from zero is a wrong bias voltage or a wrong input; sound cards have less than a hundredth."""
_FAR = OFFSET_SHARE * _FULL


class Figures:
    """What one block is like; levels are of what is left when the mean is taken away.

    Its two ends are cheap to find and rule most faults out; the rest is computed only where they do not.

    Args:
        block: shape (n,), int16, n > 0.

    Attributes:
        low: smallest sample.
        high: largest sample.
    """

    def __init__(self, block: Samples) -> None:
        self._block = block
        # As `min` and `max` do it, without the functions in Python that they are.
        self.low, self.high = int(np.minimum.reduce(block)), int(np.maximum.reduce(block))

    @property
    def well(self) -> bool:
        """Whether its two ends alone rule every fault out, as with almost every block of a quiet room."""
        reach = max(self.high, -self.low)
        return reach < min(_FAR, _RAIL) and self.high - self.low >= _FAINT * math.sqrt(2 * len(self._block))

    @property
    def clips(self) -> bool:
        """Whether too large a share of the samples is at the rails."""
        if self.low > -_RAIL and self.high < _RAIL:
            return False
        return bool(np.mean((self._block >= _RAIL) | (self._block <= -_RAIL)) >= CLIPPED_SHARE)

    @property
    def faint(self) -> bool:
        """Whether there is something, and less than any microphone's own noise."""
        spread = self.high - self.low
        # The smallest deviation that n samples of this spread can have: two at the ends, the others in the middle.
        if spread == 0 or spread >= _FAINT * math.sqrt(2 * len(self._block)):
            return False
        return self.level_dbfs < FAINT_DBFS

    @property
    def level_dbfs(self) -> float:
        """RMS level; -inf where all samples are the same."""
        if self.low == self.high:
            return -math.inf
        return 20.0 * math.log10(float(self._block.std(dtype=np.float64)) / _FULL)

    @property
    def offset(self) -> bool:
        """Whether it lies too far from zero."""
        reach = max(self.high, -self.low)
        return self.low < self.high and reach >= _FAR and abs(float(self._block.mean())) >= _FAR


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
    Detector(Fault.MICROPHONE_CLIPS, lambda block: block.clips, 30.0),
    Detector(Fault.MICROPHONE_FAINT, lambda block: block.faint, 55.0),
    Detector(Fault.MICROPHONE_OFFSET, lambda block: block.offset, 30.0),
)
"""All of them; each is told within its `after_s` and a block."""
FAULTS = frozenset(each.fault for each in DETECTORS)


class Health:
    """Watches one stream.

    Attributes:
        changes: whether the last block was more than one value over and over.
    """

    def __init__(self) -> None:
        self._seconds: dict[Fault, float] = {}
        self._standing: frozenset[Fault] = frozenset()
        self.changes = False

    def take(self, block: Samples) -> frozenset[Fault]:
        """The faults that stand after `block`, shape (n,), int16, 16 kHz."""
        if not len(block):
            return self._standing
        figures, length_s = Figures(block), len(block) / RATE_HZ
        self.changes = figures.low < figures.high
        if figures.well and not self._seconds:
            return self._standing  # Nothing: what stands has seconds.
        standing = set()
        for each in DETECTORS:
            holds = each.holds(figures)
            if not holds and each.fault not in self._seconds:
                continue
            held = self._seconds.pop(each.fault, 0.0) + (length_s if holds else -length_s)
            if held <= 0.0:
                continue
            held = self._seconds[each.fault] = min(held, each.after_s)
            if held >= each.after_s or each.fault in self._standing:
                standing.add(each.fault)
        self._standing = frozenset(standing)
        return self._standing
