"""From one posterior per hop to a sound that begins, goes on and ends: a mean over time, then hysteresis.

A sound that is clear need not wait until that mean has filled: it begins at once where a shorter mean reaches a higher
threshold. How it ends is the matter of the longer mean alone, but while it is clear it goes on.

Apart from inference, so that the thresholds on a model card mean the same in training, evaluation and the daemon.
"""

from __future__ import annotations


class Smoothing:
    """The mean posterior of one label over the last `window` hops; before the first hop, posteriors were zero."""

    def __init__(self, window: int) -> None:
        self._last = [0.0] * window
        self._next = 0

    def update(self, posterior: float) -> float:
        """Take the posterior (0..1) of one hop; returns the mean."""
        self._last[self._next] = posterior
        self._next = (self._next + 1) % len(self._last)
        return sum(self._last) / len(self._last)


class Hysteresis:
    """On from `threshold` upwards, off below `release` times it."""

    def __init__(self, threshold: float, release: float) -> None:
        self._on_at = threshold
        self._off_below = threshold * release
        self.on = False

    def update(self, value: float, *, clear: bool = False) -> bool:
        """Take one smoothed posterior, and whether the sound is clear at once; returns whether the label is on now."""
        self.on = clear or value >= (self._off_below if self.on else self._on_at)
        return self.on


class AtOnce:
    """The other way to begin: the mean over the last `window` hops, fewer than those of the smoothing.

    Attributes:
        mean: of the posteriors so far, 0..1.
        clear: whether it is at or above the threshold.
    """

    def __init__(self, window: int, threshold: float) -> None:
        self._short = Smoothing(window)
        self._threshold = threshold
        self.mean = 0.0
        self.clear = False

    def update(self, posterior: float) -> bool:
        """Take the posterior (0..1) of one hop; returns `clear`."""
        self.mean = self._short.update(posterior)
        self.clear = self.mean >= self._threshold
        return self.clear
