"""The ledger of a ward: what alerted in which room, when and where it was taken, when each room was protected.

SQLite beside the journal of the station, whose incidents are about ringing; this is about the ward, in times of the
wall clock, and what the report of the ward is made of. It also keeps what the next life of the station has to know:
whose its incidents are, and which lives of the rooms are over. Rows are gathered and written together within a second.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from monitord.events import Sound
from monitord.notify.database import JournalError
from monitord.notify.incident import UNANSWERED
from monitord.notify.incident import State as Course

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from monitord.wardtalk.message import Report

LEDGER = "ward.sqlite3"
"""The file, in the state folder of the station."""
VERSION = 1
SAME_S = 5.0
"""A room that starts anew tells the times of its incidents so exactly."""

_SCHEMA = """
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    urgency TEXT NOT NULL,
    since REAL NOT NULL,
    heard REAL NOT NULL,
    alerted REAL,
    acknowledged REAL,
    via TEXT,
    station TEXT,
    over REAL,
    repeats INTEGER NOT NULL,
    score INTEGER NOT NULL,
    sight TEXT
) STRICT;
CREATE INDEX alerts_by_number ON alerts (room, number);
CREATE INDEX alerts_by_time ON alerts (since);
CREATE TABLE spans (
    id INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    guard TEXT NOT NULL,
    began REAL NOT NULL,
    ended REAL
) STRICT;
CREATE INDEX spans_by_room ON spans (room, began);
CREATE TABLE acts (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    room TEXT NOT NULL,
    number INTEGER NOT NULL,
    act TEXT NOT NULL,
    station TEXT NOT NULL,
    by TEXT NOT NULL
) STRICT;
CREATE TABLE mirrors (
    incident INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    number INTEGER NOT NULL,
    heeded INTEGER NOT NULL
) STRICT;
CREATE TABLE lives (
    room TEXT NOT NULL,
    boot INTEGER NOT NULL,
    seen INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE station (alive REAL NOT NULL) STRICT;
"""


class Ledger:
    """The ledger at `path`.

    Args:
        path: the file.
        station: this station's name.
        reading: beside a station that runs: nothing is made and nothing written.

    Raises:
        JournalError: it cannot be used.
    """

    def __init__(self, path: Path, station: str, *, reading: bool = False) -> None:
        self._path, self._station = path, station
        try:
            if reading:
                self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
                found = int(self._database.execute("PRAGMA user_version").fetchone()[0])
            else:
                found = self._open(path)
        except (OSError, sqlite3.Error) as cause:
            raise JournalError(f"{path}: the ledger of the ward cannot be used: {cause}") from None
        if found > VERSION:
            raise JournalError(f"{path}: a newer monitord wrote this ledger of the ward; install that one again")
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self._mirrors: dict[int, tuple[str, int, bool]] = self.mirrors()
        self._guards: dict[str, str] = {}

    def _open(self, path: Path) -> int:
        """Returns the version of what is there."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA secure_delete = ON")
        found = int(self._database.execute("PRAGMA user_version").fetchone()[0])
        if found == 0:
            self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        return found

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def lives(self) -> dict[str, tuple[list[int], int | None]]:
        """Of each room, the lives that are over, oldest first, and the last."""
        found: dict[str, list[int]] = {}
        for room, boot in self._database.execute("SELECT room, boot FROM lives ORDER BY seen"):
            found.setdefault(room, []).append(boot)
        return {room: (boots[:-1], boots[-1]) for room, boots in found.items()}

    def mirrors(self) -> dict[int, tuple[str, int, bool]]:
        """Number of an incident of the station -> room, number there, whether the room has heeded."""
        rows = self._database.execute("SELECT incident, room, number, heeded FROM mirrors")
        return {incident: (room, number, bool(heeded)) for incident, room, number, heeded in rows}

    def begin(self, wall: float) -> None:
        """The station starts: what a former life left open ended with its last sign of life."""
        row = self._database.execute("SELECT alive FROM station").fetchone()
        ended = wall if row is None else min(float(row[0]), wall)
        self._put("UPDATE spans SET ended = max(began, ?) WHERE ended IS NULL", ended)
        self._put("DELETE FROM station")
        self._put("INSERT INTO station (alive) VALUES (?)", wall)

    def alive(self, wall: float) -> None:
        """The station lives."""
        self._put("UPDATE station SET alive = ?", wall)

    def life(self, room: str, boot: int) -> None:
        """A room has begun another life."""
        self._put("INSERT INTO lives (room, boot) VALUES (?, ?)", room, boot)
        self._put(
            "DELETE FROM lives WHERE room = ? AND seen NOT IN"
            " (SELECT seen FROM lives WHERE room = ? ORDER BY seen DESC LIMIT 64)",
            room, room,
        )  # fmt: skip

    def report(self, each: Report, wall: float) -> None:
        """A room says how an incident is."""
        taken = each.acknowledged
        kind = "Sound" if isinstance(each.subject, Sound) else "Fault"
        values = (each.room, each.id, f"{kind}.{each.subject.name}", each.urgency.value, each.since, wall)
        self._put(
            "INSERT INTO alerts (room, number, subject, urgency, since, heard, repeats, score)"
            " SELECT ?, ?, ?, ?, ?, ?, 0, 0 WHERE NOT EXISTS"
            " (SELECT 1 FROM alerts WHERE room = ? AND number = ? AND subject = ? AND abs(since - ?) < ?)",
            *values, each.room, each.id, values[2], each.since, SAME_S,
        )  # fmt: skip
        self._put(
            "UPDATE alerts SET urgency = ?, repeats = max(repeats, ?), score = max(score, ?),"
            " sight = coalesce(?, sight), alerted = coalesce(alerted, ?),"
            " acknowledged = coalesce(acknowledged, ?), via = coalesce(via, ?),"
            " over = coalesce(over, ?) WHERE room = ? AND number = ? AND subject = ? AND abs(since - ?) < ?",
            each.urgency.value, each.repeats, each.score, None if each.sight is None else f"Sight.{each.sight.name}",
            wall if each.state in UNANSWERED else None, None if taken is None else taken.at,
            None if taken is None else taken.via.value, wall if each.state is Course.CLEARED else None,
            each.room, each.id, values[2], each.since, SAME_S,
        )  # fmt: skip

    def act(self, room: str, number: int, act: str, by: str, wall: float) -> None:
        """A person did something at this station; number 0: about the room's silence."""
        self._put(
            "INSERT INTO acts (at, room, number, act, station, by) VALUES (?, ?, ?, ?, ?, ?)",
            wall, room, number, act, self._station, by,
        )  # fmt: skip
        if act == "ack" and number:
            self._put(
                "UPDATE alerts SET station = coalesce(station, ?) WHERE id ="
                " (SELECT max(id) FROM alerts WHERE room = ? AND number = ?)",
                self._station, room, number,
            )  # fmt: skip

    def guard(self, room: str, guard: str, since: float) -> None:
        """From `since` on (seconds since 1970) a room is "protected", "paused", "unprotected" or "unseen"."""
        if self._guards.get(room) == guard:
            return
        self._guards[room] = guard
        self._put("UPDATE spans SET ended = max(began, ?) WHERE room = ? AND ended IS NULL", since, room)
        self._put("INSERT INTO spans (room, guard, began) VALUES (?, ?, ?)", room, guard, since)

    def keep_mirrors(self, mirrors: Mapping[int, tuple[str, int, bool]]) -> None:
        """Whose the station's incidents are."""
        for incident in set(self._mirrors) - set(mirrors):
            self._put("DELETE FROM mirrors WHERE incident = ?", incident)
        for incident, (room, number, heeded) in mirrors.items():
            if self._mirrors.get(incident) != (room, number, heeded):
                self._put(
                    "INSERT OR REPLACE INTO mirrors (incident, room, number, heeded) VALUES (?, ?, ?, ?)",
                    incident, room, number, heeded,
                )  # fmt: skip
        self._mirrors = dict(mirrors)

    def forget(self, before: float) -> None:
        """Delete what was over before `before`, seconds since 1970."""
        self._put("DELETE FROM alerts WHERE coalesce(over, since) < ?", before)
        self._put("DELETE FROM spans WHERE ended < ?", before)
        self._put("DELETE FROM acts WHERE at < ?", before)

    def flush(self) -> None:
        """Write what waits, in one transaction.

        Raises:
            JournalError: it was not written; it waits on.
        """
        if not self._waiting:
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for query, values in self._waiting:
                self._database.execute(query, values)
            self._database.execute("COMMIT")
        except sqlite3.Error as cause:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise JournalError(f"{self._path}: the ledger of the ward cannot be written: {cause}") from None
        self._waiting.clear()

    def alerts(self, since: float = 0.0) -> list[dict[str, Any]]:
        """What alerted since then, oldest first."""
        return self._rows("SELECT * FROM alerts WHERE since >= ? ORDER BY since, id", since)

    def spans(self, since: float = 0.0) -> list[dict[str, Any]]:
        """When each room was protected, and when not, oldest first; `ended` None: it goes on."""
        return self._rows("SELECT * FROM spans WHERE coalesce(ended, ?) >= ? ORDER BY room, began, id", since, since)

    def acts(self, since: float = 0.0) -> list[dict[str, Any]]:
        """What persons did at this station, oldest first."""
        return self._rows("SELECT * FROM acts WHERE at >= ? ORDER BY id", since)

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        found = self._database.execute(query, values)
        names = [each[0] for each in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _put(self, query: str, *values: Any) -> None:
        self._waiting.append((query, values))


def unprotected_s(spans: Iterable[Mapping[str, Any]], begin: float, end: float) -> dict[str, float]:
    """Of each room, the seconds from `begin` to `end` in which it is not known to have been protected or paused."""
    bad: dict[str, float] = {}
    for each in spans:
        length = min(end, each["ended"] or end) - max(begin, each["began"])
        if each["guard"] in ("unprotected", "unseen") and length > 0:
            bad[each["room"]] = bad.get(each["room"], 0.0) + length
    return bad
