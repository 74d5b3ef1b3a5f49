"""The nightly self-test: when it is due, and whether it has run.

The voice has no sound card, so it starts nothing itself: at the owner's time it writes a file beside the sockets. That
is seen by systemd (`monitord-selftest.path`) or the supervisor of `monitord run`, which start `monitord selftest
--nightly`. That one plays, asks the voice what became of it, and tells it the result. No result in time is a fault: a
self-test that silently stopped running would be worse than none.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from monitord.notify.morning import Morning

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

log = logging.getLogger(__name__)

RESULT_S = 300.0
"""Seconds in which the result must have come; it takes less than a minute."""


class Nightly:
    """When it runs.

    Args:
        path: of the file whose writing starts it.
        at: time of day, "03:30"; "": never.
        seen: as of `Morning`.
    """

    def __init__(self, path: Path, at: str, seen: datetime | None) -> None:
        self._path = path
        self._due = Morning(at, seen)
        self._result_by: float | None = None

    def tick(self, local: datetime, now: float, *, paused: bool) -> bool:
        """Start it if it is due; returns whether it has not run, which is told once.

        Args:
            local: what the clock on the wall shows.
            now: seconds, monotonic.
            paused: whether the owner's pause is in force: nothing is to be heard then.
        """
        if self._due.due(local):
            if paused:
                log.warning("no self-test tonight: the owner has paused the monitor")
            else:
                return not self._start(now)
        if self._result_by is not None and now >= self._result_by:
            self._result_by = None
            log.error("the nightly self-test told no result in %g s", RESULT_S)
            return True
        return False

    def told(self) -> None:
        """A self-test has told its result."""
        self._result_by = None

    def _start(self, now: float) -> bool:
        log.info("the nightly self-test begins")
        try:
            self._path.write_text(f"{now:.3f}\n", "ascii")
        except OSError as cause:
            log.error("%s: the nightly self-test cannot be started: %s", self._path, cause.strerror)  # noqa: TRY400
            return False
        self._result_by = now + RESULT_S
        return True
