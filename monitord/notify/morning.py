"""When the summary in the morning is due. Pure; local time as a clock on the wall shows it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

LATE = timedelta(hours=4)
"""A summary that could not be sent in time, because the machine was off, is of no use later than that."""


class Morning:
    """Says once a day that it is time.

    Args:
        at: time of day, "07:30"; "": never.
        seen: until when an earlier life of the voice would have sent it; None: there was none.
    """

    def __init__(self, at: str, seen: datetime | None) -> None:
        self._at = time.fromisoformat(at) if at else None
        self._seen = seen
        self._told = date.min

    def due(self, now: datetime) -> bool:
        """Whether the time has come since it was asked last."""
        seen, self._seen = self._seen, now
        if self._at is None or seen is None or self._told == now.date():
            return False
        today = datetime.combine(now.date(), self._at)
        if not (seen < today <= now < today + LATE):
            return False
        self._told = now.date()
        return True
