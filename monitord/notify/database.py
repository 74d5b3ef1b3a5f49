"""The journal's file: opened, brought up to date, set aside when it is damaged and rescued from, and erased from.

A journal that is damaged is set aside under a name with the time, never deleted: it may still be read by hand. What can
still be read of it is copied into the new one, row by row; a row that no longer makes sense is left where it is.
"""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitord.notify.rows import FIRST, LEDGER, MIGRATIONS, SCHEMA_VERSION, TABLES, TIMED, makes_sense

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitord.notify.clock import Clock

NOWHERE = Path(":memory:")
"""SQLite's name for a database without a file; a journal of that name is gone with the process."""
CHECKED_WHOLE = 64 << 20
"""Bytes of a file that is read from end to end when it is opened, which takes 0.2 s of a PC. That is years of alerts;
in a larger one, damage shows when what is damaged is read, and no start takes longer for it."""
_PATIENCE_S = 5.0
"""How long to wait for another process that holds the lock (`monitord forget`)."""
_PRAGMAS = (
    *("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"),
    # Half a megabyte of log: one that has eaten the last of a disk could not be folded into the file any more.
    *("wal_autocheckpoint = 128", "journal_size_limit = 524288"),
)
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})


class JournalError(Exception):
    """The journal cannot be read or written; the text says why in one sentence."""


class VersionError(JournalError):
    """Another version of monitord wrote it."""


def sentence(path: Path, what: str, cause: Exception) -> str:
    """What is wrong with the file at `path`, and what to do."""
    if isinstance(cause, OSError):
        return f"{path}: the journal {what}: {cause.strerror}"
    remedy = "; free some space" if getattr(cause, "sqlite_errorcode", 0) in _FULL else ""
    return f"{path}: the journal {what}: {cause}{remedy}"


def open_database(path: Path) -> sqlite3.Connection:
    """The file at `path`, made if there is none (and it is not `NOWHERE`), brought up to date.

    Raises:
        JournalError: it or its folder cannot be used.
        sqlite3.DatabaseError: it is damaged.
    """
    if path == NOWHERE:
        return _prepared(sqlite3.connect(path, isolation_level=None), path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives the files beside it the rights of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return _prepared(sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_S), path)
    except OSError as cause:
        raise JournalError(sentence(path, "cannot be written", cause)) from None
    except sqlite3.OperationalError as cause:
        raise JournalError(sentence(path, "cannot be opened", cause)) from None


def open_in_memory(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A database in memory, with all that the file at `path` lets itself be read; whether that is all of it."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with contextlib.suppress(sqlite3.Error, JournalError):
        source = open_for_reading(path)
        try:
            source.backup(memory)
        finally:
            source.close()
        return _prepared(memory, path), True
    memory.close()
    return _prepared(sqlite3.connect(":memory:", isolation_level=None), path), False


def open_for_reading(path: Path) -> sqlite3.Connection:
    """The file at `path` for reading only, whether or not a voice is writing to it.

    Raises:
        JournalError: there is none, or it cannot be read.
    """
    if not path.exists():
        raise JournalError(f"{path}: there is no journal yet; it begins when monitord runs for the first time")
    why: sqlite3.Error | None = None
    # A reader who may not create the files beside it can only read it as it lies there.
    for options in ("mode=ro", "mode=ro&immutable=1"):
        database = sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, isolation_level=None)
        try:
            database.execute("SELECT count(*) FROM incidents").fetchone()
        except sqlite3.Error as cause:
            database.close()
            why = cause
        else:
            return database
    raise JournalError(f"{path}: the journal cannot be read: {why}")


def require_version(database: sqlite3.Connection, path: Path) -> None:
    """Raises: VersionError: the database is not of this version of monitord."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        remedy = "install the newer monitord again, or move the file away"
        if version < SCHEMA_VERSION:
            remedy = "start monitord once, which brings it up to date"
        raise VersionError(f"{path}: the journal has version {version}, this monitord reads {SCHEMA_VERSION}; {remedy}")


def set_aside(path: Path, clock: Clock) -> Path:
    """Move the file at `path` and those beside it out of the way; returns where to."""
    stamp = datetime.fromtimestamp(clock.wall(), UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside


def rescue(damaged: Path, database: sqlite3.Connection, clock: Clock) -> int:
    """Copy what can still be read of `damaged` into the new and empty `database`; returns how many rows that were."""
    source = sqlite3.connect(f"{damaged.resolve().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        return sum(_rescue_table(source, database, table, clock) for table in TABLES)
    finally:
        database.execute("COMMIT")
        source.close()


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted, and what was not.

    Attributes:
        rows: how many of each table that is forgotten by its time.
        kept: incidents of that time that still go on.
        asides: damaged journals, deleted with everything or left as they are.
    """

    rows: dict[str, int]
    kept: int
    asides: list[Path]


def erase(path: Path, begin: str, end: str, *, everything: bool) -> Erased:
    """Delete the history from `begin` to before `end` (UTC as `Clock.to_utc` spells it), from the free space too.

    What is deleted is overwritten with zeros (secure_delete), the file is written anew without it (VACUUM) and the log
    beside it is emptied. What a memory card keeps in cells that it no longer shows is out of reach of any program.

    Args:
        path: the journal; a voice may be writing to it.
        begin: the first moment.
        end: the first moment after.
        everything: damaged journals that were set aside are deleted as well.

    Raises:
        JournalError: there is none, or it cannot be written.
    """
    if not path.exists():
        raise JournalError(f"{path}: there is no journal")
    rows: dict[str, int] = {}
    try:
        database = open_database(path)
        try:
            database.execute("BEGIN IMMEDIATE")
            for table, column in TIMED.items():
                query = f"DELETE FROM {table} WHERE {column} >= ? AND {column} < ?"  # noqa: S608 - our own names
                query += " AND state = 'cleared'" if table == "incidents" else ""
                rows[table] = database.execute(query, (begin, end)).rowcount
            if everything:
                forget_spans(database, math.inf)
            live = "SELECT count(*) FROM incidents WHERE opened_at >= ? AND opened_at < ?"
            kept = int(database.execute(live, (begin, end)).fetchone()[0])
            database.execute("COMMIT")
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            database.close()
    except sqlite3.DatabaseError as cause:
        raise JournalError(sentence(path, "cannot be written", cause)) from None
    asides = sorted(path.parent.glob(f"{path.name}.damaged-*"))
    for aside in asides if everything else ():
        aside.unlink(missing_ok=True)
    return Erased(rows, kept, asides)


def forget_spans(database: sqlite3.Connection, before: float) -> None:
    """Delete what the ledger has of the time before `before` (UTC, seconds since 1970) and is over."""
    for query in (
        "DELETE FROM spans WHERE ended + (SELECT ahead FROM lives WHERE id = life) < ?",
        "DELETE FROM lives WHERE alive + ahead < ? AND id < (SELECT max(id) FROM lives)",
    ):
        database.execute(query, (before,))
    database.execute("UPDATE lives SET began = coalesce((SELECT min(began) FROM spans WHERE life = lives.id), began)")


def copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Bring everything of `source` into `target`: what is new there is added, what is known there becomes as here."""
    target.execute("BEGIN IMMEDIATE")
    try:
        for table in TABLES:
            names = _columns(source, table)
            for row in source.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY id"):  # noqa: S608 - our own names
                _put(target, table, names, row)
        target.execute("UPDATE journal SET id = ?", source.execute("SELECT id FROM journal").fetchone())
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            target.execute("ROLLBACK")
        raise
    target.execute("COMMIT")


def clashes(source: sqlite3.Connection, target: sqlite3.Connection) -> bool:
    """Whether both give the same numbers to different things, if `source` does not come from `target`."""
    tables = [table for table in TABLES if table not in LEDGER]
    return all(
        any(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)  # noqa: S608 - our own names
        for database in (source, target)
    )


def _prepared(database: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        for pragma in _PRAGMAS:
            database.execute(f"PRAGMA {pragma}")
        (size,) = database.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
        if size <= CHECKED_WHOLE:
            (report,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if report != "ok":
                raise sqlite3.DatabaseError(report)  # noqa: TRY301 - the connection is to be closed, as for the others
        (version,) = database.execute("PRAGMA user_version").fetchone()
        steps = (FIRST, *MIGRATIONS)[version:]
        if steps:
            script = f"BEGIN IMMEDIATE; {''.join(steps)} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            database.executescript(script)
        require_version(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def _put(database: sqlite3.Connection, table: str, names: list[str], row: tuple[Any, ...]) -> None:
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
    database.execute(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - our own names
        f" ON CONFLICT (id) DO UPDATE SET {updates}",
        row,
    )


def _rescue_table(source: sqlite3.Connection, database: sqlite3.Connection, table: str, clock: Clock) -> int:
    try:
        names = [name for name in _columns(source, table) if name in _columns(database, table)]
    except sqlite3.Error:
        return 0
    rescued = 0
    seen = set()
    # From both ends, for a damaged page in the middle hides everything behind it.
    for order in ("ASC", "DESC"):
        for row in _readable(source, f"SELECT {', '.join(names)} FROM {table} ORDER BY id {order}"):  # noqa: S608 - our own names
            if row[0] in seen:
                break
            seen.add(row[0])
            if makes_sense(table, dict(zip(names, row, strict=True)), clock):
                with contextlib.suppress(sqlite3.Error):  # Of an incident that is lost, for instance.
                    _put(database, table, names, row)
                    rescued += 1
    return rescued


def _readable(source: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    with contextlib.suppress(sqlite3.Error):
        yield from source.execute(query)
