"""Seconds on the monotonic clock inside, UTC at the edges.

A Raspberry Pi has no clock of its own: its UTC may jump by months when the network comes up, and no deadline may.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Clock:
    """Both clocks of this machine, and its time zone; tests bring their own."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    zone: tzinfo | None = None

    def local(self) -> datetime:
        """What a clock on the wall shows now: no offset, so an hour that summer time repeats comes twice."""
        return datetime.fromtimestamp(self.wall(), self.zone).replace(tzinfo=None)

    def to_utc(self, at: float) -> str:
        """`at` (seconds, monotonic) in UTC, ISO 8601 with milliseconds and offset."""
        seconds = at - self.monotonic() + self.wall()
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

    def from_utc(self, text: str) -> float:
        """The reverse of `to_utc`, as both clocks stand now.

        Raises:
            ValueError: `text` is no ISO 8601 time.
        """
        return datetime.fromisoformat(text).timestamp() - self.wall() + self.monotonic()
