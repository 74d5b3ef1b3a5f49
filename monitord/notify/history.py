"""What is asked of the journal: by the voice that writes it, and by commands that only read it. SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from monitord.notify.clock import Clock
from monitord.notify.database import JournalError, open_for_reading, require_version
from monitord.notify.ledger import Guard, Span
from monitord.notify.rows import DELIVERY, INCIDENT, to_act, to_delivery, to_incident
from monitord.notify.timeline import Life
from monitord.wire import decode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitord.events import Frame
    from monitord.notify.delivery import Delivery
    from monitord.notify.incident import Act, Incident


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A frame in the journal and when it was received, UTC."""

    received_at: str
    frame: Frame


class History:
    """A journal that is read.

    Args:
        database: the open file.
        path: its name, for messages.
        clock: both clocks of this machine.
    """

    def __init__(self, database: sqlite3.Connection, path: Path, clock: Clock) -> None:
        self._database = database
        self._path = path
        self._clock = clock

    def close(self) -> None:
        """Close the file; the last writer folds the log into it."""
        self._database.close()

    def last_frame(self) -> bytes | None:
        """The 8 bytes of the frame committed last."""
        rows = self._rows("SELECT data FROM frames ORDER BY id DESC LIMIT 1")
        return bytes(rows[0][0]) if rows else None

    def live_incidents(self) -> list[Incident]:
        """The incidents that are not cleared, oldest first."""
        return self._incidents("WHERE state != 'cleared' ORDER BY id")

    def incidents(self, limit: int) -> list[Incident]:
        """The newest `limit` incidents, newest first."""
        return self._incidents("ORDER BY id DESC LIMIT ?", limit)

    def incidents_since(self, utc: str) -> list[Incident]:
        """The incidents that began at `utc` (as `Clock.to_utc` spells it) or later, oldest first."""
        return self._incidents("WHERE opened_at >= ? ORDER BY opened_at, id", utc)

    def incident(self, number: int) -> Incident | None:
        """The incident of that number."""
        return next(iter(self._incidents("WHERE id = ?", number)), None)

    def frames_since(self, utc: str) -> list[StoredFrame]:
        """The frames that were received at `utc` or later, oldest first."""
        # The plus keeps SQLite from reading all of them for the order that it has them in.
        query = "SELECT received_at, data FROM frames WHERE received_at >= ? ORDER BY +id"
        return [StoredFrame(at, decode(bytes(data))) for at, data in self._rows(query, utc)]

    def deliveries(self, incidents: Sequence[int]) -> list[Delivery]:
        """The deliveries of the incidents of those numbers, oldest first."""
        marks = ", ".join("?" * len(incidents))
        return self._deliveries(f"WHERE incident IN ({marks}) ORDER BY id", *incidents)

    def deliveries_since(self, sink: str, utc: str) -> list[Delivery]:
        """The deliveries through `sink` that were begun at `utc` or later, oldest first."""
        return self._deliveries("WHERE sink = ? AND begun_at >= ? ORDER BY id", sink, utc)

    def unfinished(self) -> list[Delivery]:
        """The deliveries that are neither delivered nor failed."""
        return self._deliveries("WHERE state IN ('pending', 'sending') ORDER BY id")

    def delivery(self, number: int) -> Delivery | None:
        """The delivery of that number."""
        return next(iter(self._deliveries("WHERE id = ?", number)), None)

    def acts_since(self, utc: str) -> list[Act]:
        """What persons did at `utc` or later (acknowledged, muted), oldest first."""
        query = "SELECT incident, at, event, by, via FROM acts WHERE at >= ? ORDER BY +id"
        return [to_act(row, self._clock) for row in self._rows(query, utc)]

    @cached_property
    def id(self) -> str:
        """The name of this journal: with the number of a delivery, a key that no other journal ever gives."""
        return str(self._rows("SELECT id FROM journal")[0][0])

    def next_ids(self) -> tuple[int, int]:
        """Numbers of the next incident and the next delivery; none is ever given twice."""
        given = dict(self._rows("SELECT name, seq FROM sqlite_sequence"))
        return given.get("incidents", 0) + 1, given.get("deliveries", 0) + 1

    def lives(self) -> list[Life]:
        """The lives of the voice, oldest first."""
        rows = self._rows("SELECT id, boot, ahead, began, alive, stopped FROM lives ORDER BY id")
        return [
            Life(number, boot, ahead, began, alive, stopped=bool(stopped))
            for number, boot, ahead, began, alive, stopped in rows
        ]

    def spans(self) -> dict[int, list[Span]]:
        """The spans of each life, by its number, oldest first."""
        found: dict[int, list[Span]] = {}
        for life, state, *row in self._rows("SELECT life, state, why, began, ended FROM spans ORDER BY id"):
            with contextlib.suppress(ValueError):  # A damaged row is one that was not recorded.
                found.setdefault(life, []).append(Span(Guard(state), *row))
        return found

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as cause:
            raise JournalError(f"{self._path}: the journal cannot be read: {cause}") from None

    def _incidents(self, rest: str, *values: object) -> list[Incident]:
        query = f"SELECT {', '.join(INCIDENT)} FROM incidents {rest}"  # noqa: S608 - our own names
        return [to_incident(row, self._clock) for row in self._rows(query, *values)]

    def _deliveries(self, rest: str, *values: object) -> list[Delivery]:
        query = f"SELECT {', '.join(DELIVERY)} FROM deliveries {rest}"  # noqa: S608 - our own names
        return [to_delivery(row, self._clock) for row in self._rows(query, *values)]


def read(path: Path) -> History:
    """The journal at `path` for reading only, whether or not a voice is writing to it.

    Raises:
        JournalError: there is none, it cannot be read, or it is of another version.
    """
    database = open_for_reading(path)
    try:
        require_version(database, path)
    except JournalError:
        database.close()
        raise
    return History(database, path, Clock())
