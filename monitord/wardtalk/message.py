"""The messages of a ward: small JSON objects of enumerations, numbers, times and names; never text, sound or picture.

Each kind has one table of shapes (`TABLES`), from which the parser and ``docs/schema`` are made. Whoever reads one
reads it strictly: an unknown key, a word that is not in the table, a number outside of its range, a payload that is too
long make `TalkError`, and nothing else ever leaves `parse`.

`boot` is drawn anew by each life of a sender, and `seq` grows by one with each message of that life; what is not newer
than the last of its topic is no news (`monitord.ward.board`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from monitord.events import Fault, Gate, Sight, Sound
from monitord.notify.incident import State as Course
from monitord.notify.incident import Urgency
from monitord.wardtalk.shape import Each, Flag, Maybe, Name, Record, Seconds, Shape, Whole, Word
from monitord.wardtalk.topics import NUMBER_MAX, Kind, TalkError

VERSION = 1
PAYLOAD_MAX = 16384
"""Bytes; the longest is the state of a station in whose ward everything is silent."""
BOOT_MAX = (1 << 53) - 1
SEQ_MAX = (1 << 53) - 1
"""What a double holds exactly, so that no reader of JSON changes it."""
TAKEN_MAX = 400
"""Rooms that a station's state can name."""
REPEATS_MAX = 1_000_000


@unique
class Microphone(StrEnum):
    """How the hearing of a room is."""

    LISTENING = "listening"
    PAUSED = "paused"
    STARTING = "starting"
    SILENT = "silent"
    FAULTY = "faulty"


@unique
class Camera(StrEnum):
    """How the seeing of a room is; what a look saw is in its incident."""

    IDLE = "idle"
    LOOKING = "looking"
    SEES = "sees"
    CANNOT_TELL = "cannot_tell"
    FAULTY = "faulty"


@unique
class Via(StrEnum):
    """Where an incident was acknowledged."""

    ROOM = "room"
    WARD = "ward"


@unique
class Act(StrEnum):
    """What a station asks of a room."""

    ACK = "ack"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class State:
    """The state of a room. `refused`: acknowledgements that it refused in this life."""

    room: str
    boot: int
    seq: int
    at: float
    gate: Gate | None
    paused_until: float | None
    protected: bool
    microphone: Microphone
    camera: Camera
    faults: tuple[Fault, ...]
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """That a room lives; alive False: its last will, or its goodbye.

    `line`: the number of the last will of the connection that this comes by, so that the will of a former connection,
    which a broker may publish late, is known for what it is.
    """

    room: str
    boot: int
    seq: int
    at: float
    alive: bool
    line: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """That a person took an incident."""

    at: float
    via: Via


@dataclass(frozen=True, slots=True)
class Report:
    """One incident of a room, as it now is.

    Attributes:
        room: the room's name.
        boot: the life of the room's voice that says this.
        seq: which message of that life.
        at: when it was said.
        id: the incident's number in the room.
        subject: what it is about.
        urgency: as it now is.
        state: where it stands.
        score: highest of its sound, percent.
        since: when it began.
        repeats: how often it rang again in this life of the room.
        sight: what the camera saw.
        acknowledged: when, and where.
    """

    room: str
    boot: int
    seq: int
    at: float
    id: int
    subject: Sound | Fault
    urgency: Urgency
    state: Course
    score: int
    since: float
    repeats: int
    sight: Sight | None
    acknowledged: Acknowledged | None


@dataclass(frozen=True, slots=True)
class Ack:
    """A station says that a person took, or muted, an incident that the room named in its life `incident_boot`."""

    station: str
    boot: int
    seq: int
    at: float
    id: int
    incident_boot: int
    action: Act


@dataclass(frozen=True, slots=True)
class Station:
    """A station says how it is, so that two of one ward agree.

    Attributes:
        ward: the ward's name.
        station: its own.
        boot: its life.
        seq: which message of that life.
        at: when it was said.
        alive: False: its last will, or its goodbye.
        rings: whether it rings by the ward's channels now.
        shift: which of its shifts is on, by its number in the file from 0; None: none.
        taken: rooms whose silence a person took here.
    """

    ward: str
    station: str
    boot: int
    seq: int
    at: float
    alive: bool
    rings: bool
    shift: int | None
    taken: tuple[str, ...]


Message = State | Health | Report | Ack | Station

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


def format(message: Message) -> str:  # noqa: A001 - the reverse of `parse`, and read as `message.format` where it is used
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
