"""How incidents and deliveries become rows of the journal, and back. No SQL is run here.

Times are seconds on the monotonic clock in Python and UTC text in the rows; a member of the vocabulary is
"Sight.LYING".
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from monitord.events import Fault, Look, Sight, Sound
from monitord.notify import delivery, incident
from monitord.notify.delivery import Delivery
from monitord.notify.incident import Act, Incident, Urgency
from monitord.notify.ledger import Guard
from monitord.wire import WireError, decode

if TYPE_CHECKING:
    from monitord.notify.clock import Clock

FIRST = """
CREATE TABLE frames (
    id INTEGER PRIMARY KEY,
    received_at TEXT NOT NULL,
    data BLOB NOT NULL CHECK (length(data) = 8)
) STRICT;
CREATE INDEX frames_by_time ON frames (received_at);
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    room TEXT NOT NULL,
    urgency TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    score INTEGER NOT NULL,
    seen TEXT,
    look_by TEXT,
    lapses_at TEXT,
    lasting INTEGER NOT NULL,
    sounding INTEGER NOT NULL,
    alerted_at TEXT,
    acked_at TEXT,
    cleared_at TEXT
) STRICT;
CREATE INDEX incidents_by_time ON incidents (opened_at);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    delivered_at TEXT
) STRICT;
CREATE INDEX deliveries_by_incident ON deliveries (incident);
"""
"""Version 1. What came later is in MIGRATIONS, for a new journal as for an old one."""

MIGRATIONS = (
    # 2: who acknowledged, escalation, why a delivery was made and how it failed, and the name of the journal.
    """
    ALTER TABLE incidents ADD COLUMN lowered_from TEXT;
    ALTER TABLE incidents ADD COLUMN latching INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE incidents ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE incidents ADD COLUMN escalated_at TEXT;
    ALTER TABLE incidents ADD COLUMN muted_at TEXT;
    ALTER TABLE incidents ADD COLUMN repeat_at TEXT;
    ALTER TABLE incidents ADD COLUMN escalate_at TEXT;
    ALTER TABLE incidents ADD COLUMN remind_at TEXT;
    ALTER TABLE incidents ADD COLUMN acked_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE incidents ADD COLUMN acked_via TEXT NOT NULL DEFAULT '';
    ALTER TABLE deliveries ADD COLUMN reason TEXT NOT NULL DEFAULT 'alert';
    ALTER TABLE deliveries ADD COLUMN error TEXT NOT NULL DEFAULT '';
    ALTER TABLE deliveries ADD COLUMN begun_at TEXT;
    CREATE TABLE acts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        incident INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
        at TEXT NOT NULL,
        event TEXT NOT NULL,
        by TEXT NOT NULL,
        via TEXT NOT NULL
    ) STRICT;
    CREATE INDEX acts_by_time ON acts (at);
    CREATE TABLE journal (id TEXT NOT NULL) STRICT;
    INSERT INTO journal VALUES (lower(hex(randomblob(4))));
    """,
    # 3: the ledger; times in seconds since the machine started (`monitord.notify.timeline`).
    """
    CREATE TABLE lives (
        id INTEGER PRIMARY KEY,
        boot TEXT NOT NULL,
        ahead REAL NOT NULL,
        began REAL NOT NULL,
        alive REAL NOT NULL,
        stopped INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        life INTEGER NOT NULL REFERENCES lives (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        why TEXT NOT NULL,
        began REAL NOT NULL,
        ended REAL
    ) STRICT;
    CREATE INDEX spans_by_life ON spans (life);
    """,
    # 4: which incidents are the sound of a self-test.
    """
    ALTER TABLE incidents ADD COLUMN test_until TEXT;
    """,
    # 5: nothing is looked for by reading all of the past. The first two hold only what is not over yet.
    """
    CREATE INDEX IF NOT EXISTS incidents_live ON incidents (id) WHERE state != 'cleared';
    CREATE INDEX IF NOT EXISTS deliveries_open ON deliveries (id) WHERE state IN ('pending', 'sending');
    CREATE INDEX IF NOT EXISTS incidents_by_end ON incidents (cleared_at) WHERE state = 'cleared';
    CREATE INDEX IF NOT EXISTS deliveries_by_sink ON deliveries (sink, begun_at);
    CREATE INDEX IF NOT EXISTS acts_by_incident ON acts (incident);
    """,
)
"""How a journal of version 1, 2, ... becomes one of the next. Never change a released one; add yours at the end."""
SCHEMA_VERSION = 1 + len(MIGRATIONS)
LEDGER = ("lives", "spans")
"""Tables of the ledger: their numbers are given so that those of one voice are never another's (`span_id`)."""
TABLES = ("frames", "incidents", "deliveries", "acts", *LEDGER)
"""Tables that hold history, each after those that it refers to; each has a column `id`."""
TIMED = {"frames": "received_at", "incidents": "opened_at"}
"""What is forgotten by its time, and the column that has it; the others go with their incident."""

INCIDENT = tuple(field.name for field in fields(Incident))
"""Columns of the table of incidents."""
DELIVERY = tuple(field.name for field in fields(Delivery))
"""Columns of the table of deliveries."""

_PAST = frozenset({"opened_at", "last_at", "alerted_at", "acked_at", "cleared_at", "delivered_at", "begun_at"})
_PAST |= {"escalated_at", "muted_at"}
_TIMES = _PAST | {"look_by", "lapses_at", "due_at", "expires_at", "repeat_at", "escalate_at", "remind_at", "test_until"}
_FLAGS = ("lasting", "sounding", "latching")
_WORDS: dict[str, type[Sound | Sight | Look | Fault]] = {kind.__name__: kind for kind in (Sound, Sight, Look, Fault)}


def word(member: Sound | Sight | Look | Fault) -> str:
    """How a member of the vocabulary is spelled in the journal and in JSON: "Sight.LYING"."""
    return f"{type(member).__name__}.{member.name}"


def member(text: object) -> Sound | Sight | Look | Fault:
    """The reverse of `word`.

    Raises:
        KeyError: no such word.
    """
    kind, _, name = str(text).partition(".")
    return _WORDS[kind][name]


def to_act(row: tuple[Any, ...], clock: Clock) -> Act:
    """One row of the table of acts: incident, at, event, by, via."""
    number, at, event, by, via = row
    return Act(number, min(clock.from_utc(at), clock.monotonic()), incident.Event[event], by, via)


def makes_sense(table: str, values: dict[str, Any], clock: Clock) -> bool:
    """Whether a row of a damaged journal is still one: everything in it is a word, a number or a time that there is."""
    try:
        match table:
            case "frames":
                decode(bytes(values["data"]))
                clock.from_utc(values["received_at"])
            case "incidents":
                to_incident(tuple(values[name] for name in INCIDENT), clock)
            case "deliveries":
                to_delivery(tuple(values[name] for name in DELIVERY), clock)
            case "acts":
                to_act(tuple(values[name] for name in ("incident", "at", "event", "by", "via")), clock)
            case "spans":
                Guard(str(values["state"]))
    except (KeyError, ValueError, TypeError, WireError):
        return False
    return True


def span_id(life: int, number: int) -> int:
    """The number of the row of a span: that of its life, and which one it is in it."""
    return life << 24 | number


def to_row(each: Incident | Delivery, clock: Clock) -> list[object]:
    """The values of the columns, in the order of INCIDENT or DELIVERY."""
    return [_stored(name, getattr(each, name), clock) for name in (field.name for field in fields(each))]


def to_incident(row: tuple[object, ...], clock: Clock) -> Incident:
    """The reverse of `to_row`."""
    values = {name: _loaded(name, value, clock) for name, value in zip(INCIDENT, row, strict=True)}
    values["subject"] = member(values["subject"])
    values["seen"] = None if values["seen"] is None else member(values["seen"])
    values["urgency"] = Urgency(str(values["urgency"]))
    values["lowered_from"] = None if values["lowered_from"] is None else Urgency(str(values["lowered_from"]))
    values["state"] = incident.State(str(values["state"]))
    values |= {name: bool(values[name]) for name in _FLAGS}
    return Incident(**values)  # type: ignore[arg-type] # The schema and the lines above hold the types.


def to_delivery(row: tuple[object, ...], clock: Clock) -> Delivery:
    """The reverse of `to_row`."""
    values = {name: _loaded(name, value, clock) for name, value in zip(DELIVERY, row, strict=True)}
    values["state"] = delivery.State(str(values["state"]))
    values["reason"] = delivery.Reason(str(values["reason"]))
    return Delivery(**values)  # type: ignore[arg-type] # As above.


def _stored(name: str, value: object, clock: Clock) -> object:
    if isinstance(value, float | int) and name in _TIMES:
        return clock.to_utc(value)
    return word(value) if isinstance(value, Sound | Sight | Look | Fault) else value


def _loaded(name: str, value: object, clock: Clock) -> object:
    if isinstance(value, str) and name in _TIMES:
        at = clock.from_utc(value)
        # The machine's clock may have been behind when this was written; the past is not in the future.
        return min(at, clock.monotonic()) if name in _PAST else at
    return value
