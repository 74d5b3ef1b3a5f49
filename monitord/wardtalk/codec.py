"""How the messages of a ward are written and read: one table of shapes for each kind, and JSON.

The parser and ``docs/schema`` are made from the tables (`TABLES`). Whoever reads a message reads it strictly: an
unknown key, a word that is not in the table, a number outside of its range, a payload that is too long make
`TalkError`, and nothing else ever leaves `parse`.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from monitord.events import Fault, Gate, Sight, Sound
from monitord.notify.incident import State as Course
from monitord.notify.incident import Urgency
from monitord.wardtalk.message import (
    BOOT_MAX,
    REPEATS_MAX,
    SEQ_MAX,
    TAKEN_MAX,
    Ack,
    Acknowledged,
    Act,
    Camera,
    Health,
    Message,
    Microphone,
    Report,
    State,
    Station,
    Via,
)
from monitord.wardtalk.shape import Each, Flag, Maybe, Name, Record, Seconds, Shape, Whole, Word
from monitord.wardtalk.topics import NUMBER_MAX, Kind, TalkError

VERSION = 1
PAYLOAD_MAX = 16384
"""Bytes; the longest is the state of a station in whose ward everything is silent."""

_HEAD: dict[str, Shape] = {
    "v": Whole(VERSION, VERSION),
    "boot": Whole(0, BOOT_MAX),
    "seq": Whole(0, SEQ_MAX),
    "at": Seconds(),
}
_ROOM: dict[str, Shape] = {"room": Name(), **_HEAD}
_FAULTS = Word(tuple(each.name for each in Fault if each is not Fault.RECOVERED))


def _words(kind: type[StrEnum]) -> Word:
    return Word(tuple(each.value for each in kind))


def _names(kind: type[Sound | Sight | Gate]) -> Word:
    return Word(tuple(each.name for each in kind))


TABLES: dict[Kind, Record] = {
    Kind.STATE: Record(
        {
            **_ROOM,
            "gate": Maybe(_names(Gate)),
            "paused_until": Maybe(Seconds()),
            "protected": Flag(),
            "microphone": _words(Microphone),
            "camera": _words(Camera),
            "faults": Each(_FAULTS, len(Fault)),
            "refused": Whole(0, SEQ_MAX),
        }
    ),
    Kind.HEALTH: Record({**_ROOM, "alive": Flag(), "line": Whole(0, SEQ_MAX)}),
    Kind.INCIDENT: Record(
        {
            **_ROOM,
            "id": Whole(1, NUMBER_MAX),
            "urgency": _words(Urgency),
            "state": _words(Course),
            "score": Whole(0, 100),
            "since": Seconds(),
            "repeats": Whole(0, REPEATS_MAX),
            "sight": Maybe(_names(Sight)),
            "acknowledged": Maybe(Record({"at": Seconds(), "via": _words(Via)})),
        },
        either={"sound": _names(Sound), "fault": _FAULTS},
    ),
    Kind.ACK: Record(
        {
            "station": Name(),
            **_HEAD,
            "id": Whole(1, NUMBER_MAX),
            "incident_boot": Whole(0, BOOT_MAX),
            "action": _words(Act),
        }
    ),
    Kind.STATION: Record(
        {
            "ward": Name(),
            "station": Name(),
            **_HEAD,
            "alive": Flag(),
            "rings": Flag(),
            "shift": Maybe(Whole(0, 31)),
            "taken": Each(Name(), TAKEN_MAX),
        }
    ),
}
"""What each kind of message looks like."""


def parse(kind: Kind, payload: bytes) -> Message:
    """What `payload`, found below a topic of `kind`, says.

    Raises:
        TalkError: it is not in order.
    """
    if len(payload) > PAYLOAD_MAX:
        raise TalkError(f"is longer than {PAYLOAD_MAX} bytes")
    try:
        said = json.loads(payload.decode("utf-8"), object_pairs_hook=_once)
    except TalkError:
        raise
    except (ValueError, RecursionError):
        raise TalkError("is no JSON") from None
    read = TABLES[kind].read(said)
    del read["v"]
    match kind:
        case Kind.STATE:
            return _state(read)
        case Kind.HEALTH:
            return Health(**read)
        case Kind.INCIDENT:
            return _report(read)
        case Kind.ACK:
            return Ack(**{**read, "action": Act(read["action"])})
        case Kind.STATION:
            return Station(**read)


def format(message: Message) -> str:  # noqa: A001 - the reverse of `parse`, and read as `codec.format` where it is used
    """The payload that says `message`; it holds no room's secret and no free text, so it may be shown.

    Raises:
        TalkError: a value of it is not in order, so nobody would take it.
    """
    said = _said(message)
    TABLES[kind_of(message)].read(said)
    return json.dumps(said, separators=(",", ":"))


def kind_of(message: Message) -> Kind:
    """The kind of topic that it belongs to."""
    match message:
        case State():
            return Kind.STATE
        case Health():
            return Kind.HEALTH
        case Report():
            return Kind.INCIDENT
        case Ack():
            return Kind.ACK
        case Station():
            return Kind.STATION


def _state(read: dict[str, Any]) -> State:
    gate = read["gate"]
    return State(
        **{
            **read,
            "gate": None if gate is None else Gate[gate],
            "microphone": Microphone(read["microphone"]),
            "camera": Camera(read["camera"]),
            "faults": tuple(Fault[each] for each in read["faults"]),
        }
    )


def _report(read: dict[str, Any]) -> Report:
    sound, fault = read.pop("sound", None), read.pop("fault", None)
    taken = read["acknowledged"]
    return Report(
        **{
            **read,
            "subject": Fault[fault] if sound is None else Sound[sound],
            "urgency": Urgency(read["urgency"]),
            "state": Course(read["state"]),
            "sight": None if read["sight"] is None else Sight[read["sight"]],
            "acknowledged": None if taken is None else Acknowledged(taken["at"], Via(taken["via"])),
        }
    )


def _said(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"v": VERSION}
    for name in message.__slots__:
        value = getattr(message, name)
        match name, value:
            case "subject", Sound():
                said["sound"] = value.name
            case "subject", Fault():
                said["fault"] = value.name
            case _, Gate() | Sight():
                said[name] = value.name
            case _, Acknowledged():
                said[name] = {"at": value.at, "via": value.via.value}
            case _, StrEnum():
                said[name] = value.value
            case _, tuple():
                said[name] = [each.name if isinstance(each, Fault) else each for each in value]
            case _:
                said[name] = value
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise TalkError("has one key twice")
    return made
