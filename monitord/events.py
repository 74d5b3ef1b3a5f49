"""The whole vocabulary that crosses a process boundary.

Nothing else is ever said between the ear, the eye and the voice: enumerations and bounded integers. There is no
text, no bytes, no array of numbers, so there is no place for sound, words or pictures. ``monitord.wire`` turns a
``Frame`` into 8 bytes and back; a value that is not listed here cannot be sent and is refused on arrival.

Labels of different kinds are never equal, though their numbers on the wire are: ``Look.ENDED != Sight.SEVERAL``.

To add a word to the vocabulary, add a member here: the wire format, its property tests and the voice's texts
(``monitord.notify.texts``) are checked against these enumerations.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, unique

SCORE_MAX = 100
"""Scores are whole percent, 0..100."""
LEVEL_MAX = 127
"""Levels are whole decibels below full scale, 0..127 (0 is 0 dBFS, 127 is -127 dBFS or quieter)."""
SEQUENCE_MODULUS = 1 << 16
AGE_MAX_S = 255


@unique
class Role(IntEnum):
    """Who sends: the two processes that may write to the events socket, or be asked through the look socket."""

    EAR = 0
    EYE = 1


@unique
class Kind(IntEnum):
    """What a frame is about; it decides which enumeration its label is from."""

    HELLO = 1
    HEARTBEAT = 2
    SOUND = 3
    SOUND_END = 4
    LOOK = 5
    SIGHT = 6
    FAULT = 7
    GOODBYE = 8


@unique
class Life(Enum):
    """Label of HELLO and GOODBYE. UNCONFINED: started all the same where a mandatory measure does not hold."""

    STARTED = 1
    STOPPED = 2
    UNCONFINED = 3


@unique
class Measure(Enum):
    """What confines a process (``monitord.confine``). HELLO of the ear and LOOK BEGAN of the eye tell which hold.

    The value is the bit in the `level` of these two frames, whose kinds have no level of their own.
    """

    NO_NEW_PRIVILEGES = 0
    SECCOMP = 1
    NOT_DUMPABLE = 2
    NO_CAPABILITIES = 3
    NO_FILE_WRITES = 4
    LANDLOCK = 5
    EMPTY_NETWORK = 6

    def __str__(self) -> str:
        """As a person reads it."""
        return self.name.lower().replace("_", "-")


def measures_to_level(measures: frozenset[Measure]) -> int:
    """The set as bits."""
    return sum(1 << measure.value for measure in measures)


def level_to_measures(level: int) -> frozenset[Measure]:
    """The reverse of `measures_to_level`."""
    return frozenset(measure for measure in Measure if level >> measure.value & 1)


@unique
class Gate(Enum):
    """Label of HEARTBEAT: the state of the gate in the ear (``monitord.audio.gate``)."""

    IDLE = 1
    ARMED = 2
    LOOKING = 3
    COOLDOWN = 4
    PAUSED = 5


@unique
class Sound(Enum):
    """Label of SOUND and SOUND_END: what was heard."""

    CRY = 1
    HELP = 2
    HILFE = 3
    SMOKE_ALARM = 4
    CO_ALARM = 5
    WORD = 6


@unique
class Look(Enum):
    """Label of LOOK: the life of one look. ASKED and NOT_ASKED come from the ear, the rest from the eye."""

    ASKED = 1
    NOT_ASKED = 2
    BEGAN = 3
    ENDED = 4


@unique
class Sight(Enum):
    """Label of SIGHT: the verdict of one look. The last five say that the camera cannot tell, and why."""

    NOBODY = 1
    LYING = 2
    UPRIGHT = 3
    SEVERAL = 4
    CANNOT_TELL = 5
    DARK = 6
    COVERED = 7
    FROZEN = 8
    BLURRED = 9


@unique
class Calibration(Enum):
    """How a look compares with the empty room; the `level` of SIGHT, whose kind has no level of its own."""

    NOT_TOLD = 0
    NONE = 1
    HOLDS = 2
    MOVED = 3
    OTHER_LIGHT = 4


def level_to_calibration(level: int) -> Calibration:
    """What the level of a SIGHT says; a value of no meaning says nothing."""
    return next((each for each in Calibration if each.value == level), Calibration.NOT_TOLD)


@unique
class Fault(Enum):
    """Label of FAULT: whatever stops the daemon from hearing, seeing or telling."""

    MICROPHONE_MISSING = 1
    MICROPHONE_BUSY = 2
    MICROPHONE_STALLED = 3
    MICROPHONE_OVERRUN = 4
    MICROPHONE_SILENT = 5
    DETECTOR_MODEL = 6
    EAR_NOT_CONFINED = 7
    MICROPHONE_CONSTANT = 8
    MICROPHONE_CLIPS = 9
    MICROPHONE_FAINT = 10
    MICROPHONE_OFFSET = 11
    ROOM_TOO_LOUD = 12
    CAMERA_MISSING = 16
    CAMERA_BUSY = 17
    CAMERA_BROKEN = 18
    CAMERA_TIMEOUT = 19
    CLASSIFIER_MODEL = 20
    EYE_UNREACHABLE = 21
    EYE_NOT_CONFINED = 22
    CAMERA_MOVED = 23
    RECOVERED = 32
    WIRE_REJECTED = 48
    WIRE_RATE = 49
    WIRE_GAP = 50
    EAR_SILENT = 51
    JOURNAL = 52
    UNCONFINED = 53
    VOICE_UNCONFINED = 54
    ALERT_UNDELIVERED = 55
    PAUSE_OVER = 56
    PAUSE_STUCK = 57
    POWER_LOW = 58
    THROTTLED = 59
    TOO_HOT = 60
    MEMORY_LOW = 61
    CONFIGURATION = 62
    ROOM_SILENT = 63
    BROKER_AWAY = 64


EAR_FAULTS = frozenset(fault for fault in Fault if fault.value < Fault.CAMERA_MISSING.value)
LOOK_FAULTS = frozenset(
    fault for fault in Fault if Fault.CAMERA_MISSING.value <= fault.value < Fault.CAMERA_MOVED.value
)
"""Faults that stop the hearing, and faults that stop the seeing; the others are the channel's and the voice's own.
CAMERA_MOVED stops nothing: it is never sent, but what the voice makes of a SIGHT whose level is `Calibration.MOVED`."""


Label = Life | Gate | Sound | Look | Sight | Fault

LABELS: dict[Kind, type[Life | Gate | Sound | Look | Sight | Fault]] = {
    Kind.HELLO: Life,
    Kind.HEARTBEAT: Gate,
    Kind.SOUND: Sound,
    Kind.SOUND_END: Sound,
    Kind.LOOK: Look,
    Kind.SIGHT: Sight,
    Kind.FAULT: Fault,
    Kind.GOODBYE: Life,
}
"""Which enumeration the label of each kind of frame is from."""

SPEAKS: dict[Role, frozenset[Kind]] = {
    Role.EAR: frozenset(Kind) - {Kind.SIGHT},
    Role.EYE: frozenset({Kind.LOOK, Kind.SIGHT, Kind.FAULT}),
}
"""Which kinds of frame each role may send."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a process has to say, before it is numbered.

    Attributes:
        kind: what it is about.
        label: a member of ``LABELS[kind]``.
        score: confidence in whole percent, 0..100; 0 where the kind has none.
        level: sound level in whole dB below full scale, 0..127; 0 where the kind has none. In HELLO and LOOK BEGAN:
            a set of `Measure` (0: not told). In SIGHT: a `Calibration`.
    """

    kind: Kind
    label: Label
    score: int = 0
    level: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it travels, numbered by its sender.

    Attributes:
        message: what is said.
        role: who says it.
        boot: a random byte chosen when the sender's process started; tells one life of it from the next.
        sequence: 0..65535, one more with each frame of this sender, wrapping.
        age_s: whole seconds that the frame waited in the sender before it could be sent, 0..255 (255: or longer).
    """

    message: Message
    role: Role
    boot: int
    sequence: int
    age_s: int = 0
