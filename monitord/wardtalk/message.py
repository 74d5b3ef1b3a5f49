"""The messages of a ward: small JSON objects of enumerations, numbers, times and names; never text, sound or picture.

How they are written and read: `monitord.wardtalk.codec`.

`boot` is drawn anew by each life of a sender, and `seq` grows by one with each message of that life; what is not newer
than the last of its topic is no news (`monitord.ward.board`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitord.events import Fault, Gate, Sight, Sound
    from monitord.notify.incident import State as Course
    from monitord.notify.incident import Urgency

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
