"""Seconds on the monotonic clock inside, UTC at the edges.

A Raspberry Pi has no clock of its own: its UTC may jump by months when the network comes up, and no deadline may.
The ledger counts the seconds since the machine started instead: they go on while a laptop sleeps, and mean the same in
the next life of the voice, as long as the machine was not started anew (`boot_id`).
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo


BOOT_ID = "MONITORD_BOOT_ID"
"""Environment variable that names this run of the machine: the voice's unit hides the kernel's file from it."""


def boot_id() -> str:
    """Which run of the machine this is (proc(5), random/boot_id); a name of its own where nothing tells."""
    given = os.environ.get(BOOT_ID, "")
    if not given:
        try:
            given = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        except OSError:
            given = uuid.uuid4().hex
    return given.strip().replace("-", "")


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of this machine, and its time zone; tests bring their own."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    zone: tzinfo | None = None
    boottime: Callable[[], float] = _since_boot

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
