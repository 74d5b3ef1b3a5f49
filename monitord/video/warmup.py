"""The first frames of a camera are too bright or too dark; when its exposure has settled. Pure."""

from __future__ import annotations

WARM_UP_S = 1.5
"""Longest time that frames are thrown away while the exposure settles."""
SETTLED = 0.02
"""Exposure has settled when the mean brightness changed by less than this share over `STEADY` frames in a row."""
STEADY = 3


class Settling:
    """Whether the exposure has settled, or `WARM_UP_S` have passed. The caller brings brightness and time.

    Args:
        now: when the camera was opened, seconds.
    """

    def __init__(self, now: float) -> None:
        self._began = now
        self._last: float | None = None
        self._steady = 0
        self._done = False

    def by(self, mean: float, now: float) -> bool:
        """Take the next frame's mean brightness (0..255) at `now` (seconds); True once settled, for good."""
        if not self._done:
            close = self._last is not None and abs(mean - self._last) <= SETTLED * max(self._last, 1.0)
            self._steady = self._steady + 1 if close else 0
            self._last = mean
            self._done = self._steady >= STEADY or now - self._began >= WARM_UP_S
        return self._done
