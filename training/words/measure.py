"""Misses and false alarms of a word detector, as the ear would count them, with 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import stats

from monitord.audio.features import RATE_HZ
from training.words.recordings import STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]

PIECE_S = 10.0
"""A recording counts one alarm in each ten seconds at most."""


def per_hop(logits: npt.NDArray[np.float32], hop_s: float, phase: int = 0) -> npt.NDArray[np.float32]:
    """Logits at the ends of hops of a stream, from those of its examples (number k ends with sample 1280 (k + 1)).

    Args:
        logits: of every example.
        hop_s: seconds from one look to the next.
        phase: samples by which the first hop is shorter.
    """
    ends = np.arange(round(hop_s * RATE_HZ) - phase, len(logits) * STEP + 1, round(hop_s * RATE_HZ))
    newest = ends // STEP - 1
    return logits[newest[newest >= 0]]


def smoothed(logits: npt.NDArray[np.float32], hops: int) -> Floats:
    """Mean over the last `hops` of the posteriors, as logits; before the first hop, posteriors were zero."""
    posterior = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -30.0, 30.0)))
    mean = np.convolve(np.concatenate([np.zeros(hops - 1), posterior]), np.ones(hops) / hops, "valid")
    return np.log((mean + 1e-12) / (1.0 - mean + 1e-12))


def peaks(values: Floats, hop_s: float) -> list[float]:
    """The highest value in each `PIECE_S` of a stream."""
    size = round(PIECE_S / hop_s)
    return [float(values[start : start + size].max()) for start in range(0, len(values), size)]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share or a rate, with its 95 % interval."""

    value: float
    low: float
    high: float


def share(count: int, of: int) -> Rate:
    """`count` out of `of`, with the exact (Clopper-Pearson) interval."""
    low = stats.beta.ppf(0.025, count, of - count + 1) if count else 0.0
    high = stats.beta.ppf(0.975, count + 1, of - count) if count < of else 1.0
    return Rate(count / of, float(low), float(high))


def rate(count: int, hours: float) -> Rate:
    """`count` in `hours`, per hour, with the exact (Garwood) interval."""
    low = stats.chi2.ppf(0.025, 2 * count) / 2.0 if count else 0.0
    return Rate(count / hours, float(low / hours), float(stats.chi2.ppf(0.975, 2 * count + 2) / 2.0 / hours))


def threshold(negatives: Sequence[float], hours: float, per_hour: float) -> float:
    """The lowest value that at most `per_hour` x `hours` of `negatives` reach: half-way to the next that does not."""
    ordered = np.sort(np.asarray(negatives))[::-1]
    allowed = int(per_hour * hours)
    if allowed >= len(ordered):
        return float(ordered[-1]) - 1.0
    barred = ordered[allowed]
    above = ordered[allowed - 1] if allowed else barred + 1.0
    return float(max((barred + min(above, barred + 1.0)) / 2.0, np.nextafter(barred, np.inf)))
