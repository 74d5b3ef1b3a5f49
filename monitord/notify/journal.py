"""The journal: what was told, what became of it, and what was delivered. SQLite.

One frame and all that follows from it (incidents, deliveries) are one transaction, and the frame is taken from the
socket only after it. So a voice that dies at any instant either finds the frame in the socket again, or finds it in the
journal (`last_frame`) and skips it: nothing is lost and nothing doubled. WAL with synchronous=FULL keeps what was
committed through a power cut (https://sqlite.org/wal.html, https://sqlite.org/pragma.html#pragma_synchronous).

While its file cannot be written (a full disk, a folder without rights) it is in memory, and moves to the disk as soon
as it can. The file itself is the matter of `monitord.notify.database`, its rows that of `monitord.notify.rows`, and
what is asked of it that of `monitord.notify.history`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitord.notify.database import (
    JournalError,
    VersionError,
    clashes,
    copy,
    forget_spans,
    open_database,
    open_in_memory,
    rescue,
    sentence,
    set_aside,
)
from monitord.notify.history import History
from monitord.notify.rows import DELIVERY, INCIDENT, span_id, to_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitord.notify.clock import Clock
    from monitord.notify.delivery import Delivery
    from monitord.notify.incident import Act, Incident
    from monitord.notify.ledger import Span
    from monitord.notify.timeline import Life

ROOM_BYTES = 128 * 1024
"""With less, the next transactions that are longer than usual would not fit."""

FORGET_AT_ONCE = 500
_FORGET_FRAMES = """
    DELETE FROM frames WHERE id IN (SELECT id FROM frames
    WHERE received_at < ? AND id < (SELECT max(id) FROM frames) ORDER BY received_at LIMIT ?)"""
_FORGET_INCIDENTS = """
    DELETE FROM incidents WHERE id IN (SELECT id FROM incidents
    WHERE state = 'cleared' AND cleared_at < ? ORDER BY cleared_at LIMIT ?)"""


class Journal(History):
    """The journal at `path`, opened for writing; in memory while its file cannot be written.

    Attributes:
        set_aside: where a damaged journal was moved to when this one was opened; None: there was none.
        rescued: how many rows of the damaged one could be copied into this one.
        in_memory: why it is only in memory, one sentence; "": it is on the disk.

    Args:
        path: the file.
        clock: both clocks.
        or_in_memory: begin in memory where the file cannot be written; `to_disk` moves it there later.

    Raises:
        JournalError: its folder cannot be used (not `or_in_memory`), or a newer monitord wrote it.
    """

    def __init__(self, path: Path, clock: Clock, *, or_in_memory: bool = False) -> None:
        self.set_aside: Path | None = None
        self.rescued = 0
        self.in_memory = ""
        self._copied = False
        self._took_s = 0.0
        try:
            database = self._open(path, clock)
        except VersionError:
            raise
        except JournalError as cause:
            if not or_in_memory:
                raise
            self.in_memory = str(cause)
            database, self._copied = open_in_memory(path)
        super().__init__(database, path, clock)
        self._version = self._data_version()

    def _open(self, path: Path, clock: Clock) -> sqlite3.Connection:
        """The file; one that is damaged is set aside, and what can be read of it is in the new one."""
        try:
            database = open_database(path)
            trial = History(database, path, clock)
            try:
                trial.live_incidents(), trial.unfinished()
            except (JournalError, ValueError, KeyError, sqlite3.DatabaseError):
                # A page is missing, or all are whole and what is on them makes no sense.
                database.close()
                raise sqlite3.DatabaseError from None
        except sqlite3.DatabaseError:
            try:
                self.set_aside = set_aside(path, clock)
            except OSError as cause:
                raise JournalError(sentence(path, "is damaged and cannot be moved aside", cause)) from None
            database = open_database(path)
            self.rescued = rescue(self.set_aside, database, clock)
        return database

    def to_disk(self) -> None:
        """Move what is in memory into the file, if it can be written now.

        Raises:
            JournalError: it still cannot; everything stays in memory.
        """
        if not self.in_memory:
            return
        disk = self._open(self._path, self._clock)
        try:
            if not self._copied and clashes(self._database, disk):
                disk.close()
                self.set_aside = set_aside(self._path, self._clock)
                disk = open_database(self._path)
            copy(self._database, disk)
        except sqlite3.Error as cause:
            disk.close()
            raise JournalError(sentence(self._path, "cannot be written", cause)) from None
        self._database.close()
        self._database, self.in_memory = disk, ""
        self._version = self._data_version()

    def changed_by_another(self) -> bool:
        """Whether another process has written to it since this was asked last (`monitord forget`)."""
        before, self._version = self._version, self._data_version()
        return before != self._version

    def _data_version(self) -> int:
        return int(self._rows("PRAGMA data_version")[0][0])

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is committed together, or not at all.

        Raises:
            JournalError: it was not committed.
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            began = self._clock.monotonic()  # Another process that held the lock is no slow disk.
            yield
            self._database.execute("COMMIT")
            self._took_s = max(self._took_s, self._clock.monotonic() - began)
        except sqlite3.Error as cause:
            self._roll_back()
            raise JournalError(sentence(self._path, "cannot be written", cause)) from None
        except BaseException:
            self._roll_back()
            raise

    def slowest_s(self) -> float:
        """How long the slowest transaction took since this was asked last, seconds."""
        slowest, self._took_s = self._took_s, 0.0
        return slowest

    def look_at_the_disk(self) -> None:
        """Whether the next transaction has a chance; nothing is written for that, since each write wears a card.

        Raises:
            JournalError: the disk is full, or has become read-only, as Linux makes one that fails.
        """
        if self.in_memory:
            return
        try:
            found = os.statvfs(self._path.parent)
            # The log beside the file: no lock of SQLite's lies on it, which closing it would take away.
            os.close(os.open(f"{self._path}-wal", os.O_WRONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            return  # Folded into the file; the next transaction makes it anew.
        except OSError as cause:
            raise JournalError(sentence(self._path, "cannot be written", cause)) from None
        if found.f_bavail * found.f_frsize < ROOM_BYTES:
            raise JournalError(f"{self._path}: the journal has no room left on its disk; free some space")

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def probe(self) -> None:
        """Take the lock for writing and give it back: what the watchdog asks; it writes nothing to a wearing card.

        Raises:
            JournalError: it cannot be written.
        """
        with self.transaction():
            self._database.execute("SELECT id FROM frames ORDER BY id DESC LIMIT 1").fetchone()

    def add_frame(self, data: bytes, now: float) -> None:
        """Write the 8 bytes of a frame; inside `transaction`."""
        self._database.execute("INSERT INTO frames (received_at, data) VALUES (?, ?)", (self._clock.to_utc(now), data))

    def add_act(self, each: Act) -> None:
        """Write what a person did; inside `transaction`, after its incident."""
        values = (each.incident, self._clock.to_utc(each.at), each.event.name, each.by, each.via)
        self._database.execute("INSERT INTO acts (incident, at, event, by, via) VALUES (?, ?, ?, ?, ?)", values)

    def save_incident(self, each: Incident) -> None:
        """Write `each` as it now is; inside `transaction`."""
        self._save("incidents", INCIDENT, each)

    def save_delivery(self, each: Delivery) -> None:
        """Write `each` as it now is; inside `transaction`, after its incident."""
        self._save("deliveries", DELIVERY, each)

    def save_life(self, each: Life) -> None:
        """Write a life of the voice as it now is; inside `transaction`. Its beginning stays what it was."""
        self._database.execute(
            "INSERT INTO lives (id, boot, ahead, began, alive, stopped) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE"
            " SET ahead = excluded.ahead, alive = excluded.alive, stopped = excluded.stopped",
            (each.id, each.boot, each.ahead, each.began, each.alive, each.stopped),
        )

    def save_span(self, life: int, number: int, each: Span) -> None:
        """Write the span of that number in that life; inside `transaction`, after the life."""
        self._database.execute(
            "INSERT OR REPLACE INTO spans (id, life, state, why, began, ended) VALUES (?, ?, ?, ?, ?, ?)",
            (span_id(life, number), life, each.guard.value, str(each.why), each.began, each.ended),
        )

    def forget_spans(self, before: float) -> None:
        """Delete what the ledger has of the time before `before` (UTC, seconds since 1970); inside `transaction`."""
        forget_spans(self._database, before)

    @property
    def device(self) -> int:
        """Number of the device that its folder lies on.

        Raises:
            OSError: it has none.
        """
        return self._path.parent.stat().st_dev

    def forget(self, keep_days: int) -> bool:
        """Delete what is older than `keep_days`, at most `FORGET_AT_ONCE` of a kind, so that no alert waits for it.

        Live incidents and the last frame stay. Returns whether there may be more.

        Raises:
            JournalError: it cannot be written.
        """
        before = datetime.fromtimestamp(self._clock.wall(), UTC) - timedelta(days=keep_days)
        limit = before.isoformat(timespec="milliseconds")
        with self.transaction():
            queries = (_FORGET_FRAMES, _FORGET_INCIDENTS)
            gone = [self._database.execute(query, (limit, FORGET_AT_ONCE)).rowcount for query in queries]
            self.forget_spans(before.timestamp())
        self.fold()  # What is deleted is not to live on in the log.
        return FORGET_AT_ONCE in gone

    def fold(self) -> None:
        """Fold the log beside the file into it, and empty it: on a disk that is full, that may be the room it takes.

        Raises:
            JournalError: it cannot be done.
        """
        self._rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def _save(self, table: str, names: tuple[str, ...], each: Incident | Delivery) -> None:
        updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        self._database.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - our own names
            f" ON CONFLICT (id) DO UPDATE SET {updates}",
            to_row(each, self._clock),
        )
