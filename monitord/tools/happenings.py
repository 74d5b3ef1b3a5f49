"""What can happen in a night that a person writes down (`monitord.tools.night`), and the night itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, time
    from zoneinfo import ZoneInfo

    from monitord.events import Fault, Role, Sight, Sound


class Trouble(Enum):
    """How a channel behaves."""

    WORKS = "works"
    FAILS = "fails"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Heard:
    """A sound that goes on for so many seconds; 0: reported once, and its end is not."""

    label: Sound
    score: int
    for_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A sound stops."""

    label: Sound


@dataclass(frozen=True, slots=True)
class Seen:
    """The camera looks and answers; a fault: it cannot."""

    what: Sight | Fault


@dataclass(frozen=True, slots=True)
class Broken:
    """The ear or the eye reports a fault; RECOVERED: its faults are over."""

    fault: Fault
    role: Role


@dataclass(frozen=True, slots=True)
class Listening:
    """The ear lives, or does not."""

    alive: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A person acknowledges or mutes: the incident of that label, of that number, or (None) the newest that rings."""

    mutes: bool
    which: Sound | Fault | int | None
    by: str
    via: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel works, fails, or takes alerts that nobody sees."""

    name: str
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Set:
    """Somebody sets the clock on the wall."""

    to: time


@dataclass(frozen=True, slots=True)
class Restart:
    """The voice is killed and started again."""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more happens; the timeline goes so far."""


Happening = Heard | Ended | Seen | Broken | Listening | Person | Channel | Set | Restart | End


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `when` is a time of day, the next that comes, or seconds after the line before."""

    number: int
    when: time | float
    text: str
    what: Happening


@dataclass(frozen=True, slots=True)
class Night:
    """All lines, when the night begins (local time), and where."""

    start: datetime
    zone: ZoneInfo | None
    lines: tuple[Line, ...]
