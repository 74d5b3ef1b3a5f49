"""Smoke and carbon monoxide alarms, told by their cadence. No network, nothing learned: the standards say what it is.

- Smoke: temporal-three, three tones of 0.5 s with 0.5 s between, then 1.5 s of quiet (ISO 8201; NFPA 72, UL 217).
- Carbon monoxide: temporal-four, four tones of 0.1 s with 0.1 s between, then 5 s of quiet (UL 2034, NFPA 72).

Each time within +-10 %. The tone is a piezo's (about 3.1 kHz, products 2.8 to 3.5) or a square wave of 520 Hz +-10 %.

Theory of operation. In each mel bin where such a tone may lie, a frame counts by how far the bin stands above bins to
both its sides: speech, splashes and hammering lie on both sides as well, a tone does not; gain and the room's noise
cancel out. Where that figure rises and falls as a group of tones would (a cheap test on every frame, hardly ever
passed), the edges of each tone are found to a fraction of a frame and measured: onsets, which no room can blur, within
10 %, lengths with some room for reverberation, and quiet before the first tone. One such group proves nothing: ovens
do three tones. Two groups whose onsets lie one cycle apart, at the same pitch, are an alarm; a group may be missing
between them (a door slams), so two cycles apart also count.

Everything is decided frame by frame on the stream's own grid of frames, so the hop only says how often one asks.

Pure. Frames come as stage one has them; those that were never given (the level gate was closed) were silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitord.audio.features import RATE_HZ, FrontEnd
from monitord.audio.soundcard import Rule

if TYPE_CHECKING:
    from monitord.audio.features import Frames

Curve = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]
_DB = np.float32(10.0 / math.log(10.0))

PIEZO_BINS = range(33, 40)
SQUARE_BINS = range(8, 11)
"""Mel bins of `FrontEnd`'s defaults: centres 2651 to 3614 Hz, and 469 to 572 Hz."""
PIEZO_BESIDE = (2, 4)
SQUARE_BESIDE = (3, 5)
"""Bins compared on either side. A tone reaches the next bin (piezo; at 520 Hz, where bins are narrower than the
transform's lobe, the next two), and a second alarm at another pitch never lies on both of one side."""

TOLERANCE = 0.10
"""What the standards allow each time."""
TIMING_ERROR_S = 0.0125
"""Half a frame: what an onset between two frames of 25 ms may seem shifted by."""
LENGTH_ERROR_S = 0.0375
"""What a length may be measured too short by: between a loud frame and a silent one the edge is taken near the loud."""
STANDS_OUT_DB = 5.0
"""A tone stands at least so far above the bins beside it."""
SPREAD_DB = 12.0
"""Between the loudest and the faintest tone of a group: doors close, people turn round."""
EDGE_DB = 6.0
"""A tone lasts until it is this far below its own level, or half-way down to the gap if that is nearer."""
QUIET_SHARE = 0.95
"""Of the frames before a group; the rest is forgiven."""
SAME_CLOCK = 0.05
"""Share by which groups two cycles apart may differ from the clock that their tones keep."""
BESIDE_DB = 3.0
"""Between two bins a tone is as loud in one as in the other."""
STRETCHES = (0.9, 0.95, 1.0, 1.05, 1.1)
POSTERIORS = (0.0, 0.3, 0.95, 0.99)
"""By the number of groups in a row. A ranking, not a measured probability: one group is a coincidence, two are not."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Times of one standard's signal, seconds.

    Attributes:
        label: what it means.
        tones: how many in a group.
        on_s, off_s: of one tone, and between two.
        pause_s: between two groups.
        dip_db: how far the level falls between two tones at least; a short gap fills in a live room.
        ring_s: what a room may add to a tone's length, measured `EDGE_DB` down.
        core: share of a tone, and of a gap, that is looked at first.
    """

    label: str
    tones: int
    on_s: float
    off_s: float
    pause_s: float
    dip_db: float
    ring_s: float
    core: float

    @property
    def period_s(self) -> float:
        """From one onset in a group to the next."""
        return self.on_s + self.off_s

    @property
    def cycle_s(self) -> float:
        """From one group to the next."""
        return self.tones * self.on_s + (self.tones - 1) * self.off_s + self.pause_s


# At 0.8 s of reverberation a level falls by 75 dB/s: 6 dB in 0.08 s, and by only 7 dB within 0.1 s.
SMOKE = Cadence("smoke_alarm", 3, 0.5, 0.5, 1.5, dip_db=6.0, ring_s=0.08, core=0.6)
CARBON_MONOXIDE = Cadence("co_alarm", 4, 0.1, 0.1, 5.0, dip_db=3.0, ring_s=0.06, core=0.5)
LABELS = (SMOKE.label, CARBON_MONOXIDE.label)
_NONE = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group of tones: onset of its first (in frames of the stream), its bin, the clock it keeps, groups in a row."""

    onset: float
    column: int
    scale: float
    row: int


class _Matcher:
    """Finds the groups of one cadence in the curves of the bins, and counts those in a row."""

    def __init__(self, cadence: Cadence, frame_s: float) -> None:
        self.cadence = cadence
        self._frame_s = frame_s
        period = cadence.period_s / frame_s
        self.core = round(cadence.core * cadence.on_s / frame_s)
        self._half = round(period / 2)
        # How far beyond the end of the last tone's core one must see: half a second, or where a fifth tone would be.
        self.ahead = round(min(cadence.period_s, 0.5) / frame_s)
        span = (cadence.tones - 1) * cadence.period_s * (1 + TOLERANCE) + cadence.on_s
        self._span = (cadence.tones - 1) * period + self.core
        self.behind = math.ceil((span + 0.8 * cadence.pause_s) / frame_s) + 2 * self.core
        back = np.arange(cadence.tones)[:, None] * period
        gap_back = (np.arange(cadence.tones - 1)[:, None] + 0.5) * period
        # Where to look for tones and gaps, relative to the end of the last tone's core: (stretches, tones, core).
        stretches = np.array(STRETCHES)[:, None, None]
        window = np.arange(1 - self.core, 1)
        self._on = window - np.rint(stretches * back).astype(int)
        self._gap = window - np.rint(stretches * gap_back).astype(int)
        self.groups: list[_Group] = []

    def look(self, curves: Curve, new: int, end: int) -> None:
        """Take up the groups that `new` frames complete.

        Args:
            curves: shape (frames, bins), dB; the newest last; at least `behind` + `ahead` + new frames.
            new: how many of them have not been looked at.
            end: number of the frame after the last.
        """
        core, ahead, half = self.core, self.ahead, self._half
        if curves[len(curves) - ahead - new - core : len(curves) - ahead].max() < STANDS_OUT_DB:
            return  # No mean of them stands out, then.
        reach = half + ahead + new
        # means[i] is the mean of the `core` frames that end with frame i of the last `reach` ones.
        sums = np.cumsum(curves[-reach - core :], axis=0)
        means = (sums[core:] - sums[:-core]) * np.float32(1.0 / core)
        tone = means[half : half + new]
        beside = np.maximum(means[:new], means[half + ahead :]) + np.float32(self.cadence.dip_db)
        ends = tone >= np.maximum(beside, np.float32(STANDS_OUT_DB))
        if not ends.any():
            return
        first = len(curves) - ahead - new
        zero = end - len(curves)
        rows, columns = np.nonzero(ends)
        stretches = self._fits(curves, first + rows, columns)
        for at, column, stretch in zip((first + rows).tolist(), columns.tolist(), stretches.tolist(), strict=True):
            if stretch >= 0 and not self._known(zero + at - self._span, column):
                self._measure(curves, at, stretch, column, zero)

    def _known(self, onset: float, column: int) -> bool:
        """Whether a group of about that onset has been found, here or in the next bin."""
        near = self.cadence.cycle_s / self._frame_s / 4
        return any(abs(onset - group.onset) < near and abs(column - group.column) <= 1 for group in self.groups)

    def _fits(self, curves: Curve, ats: Places, columns: Places) -> Places:
        """For each place, the stretch at which tones and gaps before it stand apart most; -1 where none does."""
        columns = columns[:, None, None, None]
        ats = ats[:, None, None, None]
        on = np.add.reduce(curves[ats + self._on, columns], axis=3) * np.float32(1.0 / self.core)
        gap = np.add.reduce(curves[ats + self._gap, columns], axis=(2, 3)) * np.float32(1.0 / self._gap[0].size)
        faintest = on.min(axis=2)
        apart = faintest - gap
        apart[(faintest < STANDS_OUT_DB) | (on.max(axis=2) - faintest > SPREAD_DB)] = 0.0
        best = apart.argmax(axis=1)
        fits: Places = np.where(apart.max(axis=1) >= self.cadence.dip_db, best, -1)
        return fits

    def _measure(self, curves: Curve, at: int, stretch: int, column: int, zero: int) -> None:
        """Measure the edges of the tones before `at`; if they are right, a group is found."""
        cadence, frame_s, core = self.cadence, self._frame_s, self.core
        curve = curves[:, column]
        gap = float(np.mean(curve[at + self._gap[stretch]]))
        onsets, lengths, levels = [], [], []
        longest = math.ceil((cadence.on_s * (1 + TOLERANCE) + cadence.ring_s) / frame_s) + 1
        for ends in self._on[stretch, ::-1, -1]:
            middle = int(at + ends - core // 2)
            level = float(np.mean(curve[middle - core // 2 : middle - core // 2 + core]))
            edge = max(level - EDGE_DB, (level + gap) / 2.0)
            rise = _crossing(curve[middle - longest : middle + 1][::-1], edge, core // 6)
            fall = _crossing(curve[middle : middle + longest + 1], edge, core // 6)
            if rise is None or fall is None:
                return
            onsets.append(middle - rise)
            lengths.append((rise + fall) * frame_s)
            levels.append(level)
        periods = np.diff(onsets) * frame_s
        slack = TOLERANCE * cadence.period_s
        if np.abs(periods - cadence.period_s).max() > slack + TIMING_ERROR_S:
            return
        if abs(float(np.mean(periods)) - cadence.period_s) > slack + TIMING_ERROR_S / len(periods):
            return
        shortest_s = cadence.on_s * (1 - TOLERANCE) - LENGTH_ERROR_S
        longest_s = cadence.on_s * (1 + TOLERANCE) + TIMING_ERROR_S + cadence.ring_s
        if not shortest_s <= float(np.median(lengths)) <= longest_s:
            return
        quiet = min(levels) - cadence.dip_db
        first = math.floor(onsets[0])
        one_more = round(cadence.period_s / frame_s)
        before = curve[first - round(0.8 * cadence.pause_s / frame_s) : first - 1] < quiet
        # No tone too many at either end.
        after = curve[at - core + 1 + self.ahead : at + 1 + self.ahead]
        if min(np.mean(before), np.mean(before[-one_more:])) < QUIET_SHARE - 1 / one_more or after.max() >= quiet:
            return
        # At its edges a tone spills into other bins for a moment: only the bin that it lies in tells its length.
        tone = curves[middle - core // 2 : middle - core // 2 + core, max(0, column - 1) : column + 2].mean(axis=0)
        if tone.max() > levels[-1] + BESIDE_DB:
            return
        self._add(zero + onsets[0], column, float(np.mean(periods)) / cadence.period_s)

    def _add(self, onset: float, column: int, scale: float) -> None:
        cycle = self.cadence.cycle_s / self._frame_s
        row = 1
        for group in self.groups:
            if abs(group.column - column) > 1:
                continue
            cycles = (onset - group.onset) / cycle
            # Across a missing group, a long way off, the alarm must keep the clock that its tones keep.
            next_but_one = abs(cycles - 2) <= 2 * TOLERANCE and abs(cycles / scale - 2) <= SAME_CLOCK
            if abs(cycles - 1) <= TOLERANCE + 0.01 or (next_but_one and abs(scale / group.scale - 1) <= SAME_CLOCK):
                row = max(row, group.row + 1)
        self.groups.append(_Group(onset, column, scale, row))

    def posterior(self, end: int) -> float:
        """At the frame before `end`. A group counts until two further ones have failed to come."""
        if not self.groups:
            return 0.0
        lasts = (3.0 + 2 * TOLERANCE) * self.cadence.cycle_s / self._frame_s
        self.groups = [group for group in self.groups if end - group.onset < lasts]
        return max((POSTERIORS[min(group.row, len(POSTERIORS) - 1)] for group in self.groups), default=0.0)


def _crossing(curve: Curve, level: float, more: int) -> float | None:
    """Frames from the start of `curve` to where it falls below `level` for more than `more` frames; None: never."""
    below = curve < level
    run = below.copy()
    for ahead in range(1, more + 1):
        run[:-ahead] &= below[ahead:]
        run[-ahead:] = False
    at = int(np.argmax(run))
    if not run[at] or at == 0:
        return None
    upper, lower = float(curve[at - 1]), float(curve[at])
    return at - 1 + (upper - level) / (upper - lower)


class Alarms:
    """Frames of stage one in, posteriors of `LABELS` out.

    Args:
        front: the front end that the frames come from. Its bins must be those of `FrontEnd`'s defaults.

    Raises:
        ValueError: they are not.
    """

    rules = tuple(Rule(label, window=1, release=1.0, threshold=0.5) for label in LABELS)
    """Nothing is left to be smoothed: the figure changes with a group, not with a frame."""

    def __init__(self, front: FrontEnd) -> None:
        usual = FrontEnd()
        if front != usual:
            raise ValueError(f"the cadence of alarms is read from frames of {usual}, not of {front}")
        frame_s = front.hop / RATE_HZ
        self._hop = front.hop
        self._matchers = [_Matcher(cadence, frame_s) for cadence in (SMOKE, CARBON_MONOXIDE)]
        columns = [(bin_, beside) for bin_ in SQUARE_BINS for beside in (SQUARE_BESIDE,)]
        columns += [(bin_, PIEZO_BESIDE) for bin_ in PIEZO_BINS]
        self._bins = np.array([bin_ for bin_, _ in columns])
        lower = np.array([[bin_ - step for step in beside] for bin_, beside in columns])
        upper = np.array([[bin_ + step for step in beside] for bin_, beside in columns])
        # Beside the uppermost bins there is nothing above: what is there counts twice.
        upper[:, 1] = np.where(upper[:, 1] < front.bins, upper[:, 1], upper[:, 0])
        upper = np.where(upper < front.bins, upper, lower)
        self._beside = np.concatenate([lower.T, upper.T]).ravel()
        longest = max(matcher.behind + matcher.ahead for matcher in self._matchers)
        self._most = 80
        self._curves = np.zeros((longest + self._most, len(columns)), np.float32)
        self._end = 0

    def feed(self, frames: Frames, end: int) -> tuple[float, ...]:
        """Take the newest frames of the stream.

        Args:
            frames: shape (n, bins), as `LogMel.frames` makes them, the last one ending at `end`. Those taken before
                are left out; those missing since the last call were silence.
            end: position in the stream, samples; a whole number of frames.

        Returns:
            One posterior (0..1) per label.
        """
        new = min(end // self._hop - self._end, len(frames))
        if new > 0:
            self._silence(end // self._hop - new)
        for start in range(len(frames) - max(new, 0), len(frames), self._most):
            self._take(frames[start : start + self._most])
        return self.posteriors(end)

    def _take(self, newest: Frames) -> None:
        new, curves = len(newest), self._curves
        curves[:-new] = curves[new:]
        beside = newest[:, self._beside].reshape(new, 4, -1)
        lower, upper = np.minimum(beside[:, 0], beside[:, 1]), np.minimum(beside[:, 2], beside[:, 3])
        np.subtract(newest[:, self._bins], np.maximum(lower, upper), out=curves[-new:])
        curves[-new:] *= _DB
        self._end += new
        for matcher in self._matchers:
            matcher.look(curves, new, self._end)

    def posteriors(self, end: int) -> tuple[float, ...]:
        """One posterior per label at `end` (samples), when there are no frames for it: the level gate is closed."""
        if not any([matcher.groups for matcher in self._matchers]):  # noqa: C419 - a list of two is there sooner
            return _NONE
        return tuple(matcher.posterior(end // self._hop) for matcher in self._matchers)

    def _silence(self, until: int) -> None:
        """Fill up with silence to frame `until`; what waited to be looked at is looked at."""
        while self._end < until:
            count = min(until - self._end, self._most)
            self._curves[:-count] = self._curves[count:]
            self._curves[-count:] = 0.0
            self._end += count
            if not self._curves.any():
                self._end = until
                return
            for matcher in self._matchers:
                matcher.look(self._curves, count, self._end)
