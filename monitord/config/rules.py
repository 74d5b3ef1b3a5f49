"""What each sound leads to: how urgent it is, who is told, how often, and who comes next when nobody answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from monitord.config.section import Section

EVERYONE = "everyone"
"""The group of all channels, which is there without being named."""


class AlertWhen(StrEnum):
    """Whether an alert waits for the look. It never waits longer than the look may last."""

    AT_ONCE = "at_once"
    AFTER_LOOK = "after_look"


class Priority(StrEnum):
    """Priorities of an incident, after IEC 60601-1-8."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Lowered(StrEnum):
    """The priority that is left while a carer is in the picture; NOT: the owner wants it to stay as it is."""

    NOT = ""
    MEDIUM = "medium"
    LOW = "low"


class Until(StrEnum):
    """What ends an incident that nobody has acknowledged (IEC 60601-1-8: non-latching and latching signals)."""

    QUIET = "quiet"
    ACKNOWLEDGED = "acknowledged"


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("names one twice")
    return names


Name = Annotated[str, Field(min_length=1, max_length=40)]
Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1), AfterValidator(_each_once)]
Groups = Annotated[dict[Name, Names], Field(max_length=20)]
"""Name of a group -> names of the channels that reach it."""
Wait = Annotated[float, Field(ge=0, le=86400)]
"""Seconds; 0: never."""


class Calling(Section):
    """Who is told, and how often.

    Attributes:
        repeat_s: seconds after which an alert that nobody took rings again; 0: never.
        escalate_s: seconds without an acknowledgement after which the next group is told; 0: never.
        remind_s: seconds after an acknowledgement after which what still goes on is an alert again; 0: never.
        notify: groups; the first is told at once, each further one at the next escalation.
    """

    repeat_s: Wait = 60.0
    escalate_s: Wait = 180.0
    remind_s: Wait = 600.0
    notify: Names = (EVERYONE,)


class RuleConfig(Calling):
    """What a sound of one kind leads to.

    Attributes:
        until: whether an alert that nobody took ends by itself when it is quiet again.
        carer_lowers_to: priority while the camera sees more than one person.
    """

    alert: Annotated[AlertWhen, Field(strict=False)] = AlertWhen.AT_ONCE
    priority: Annotated[Priority, Field(strict=False)] = Priority.HIGH
    until: Annotated[Until, Field(strict=False)] = Until.ACKNOWLEDGED
    carer_lowers_to: Annotated[Lowered, Field(strict=False)] = Lowered.NOT


class CryConfig(RuleConfig):
    """As any other sound, but that a child which has calmed down needs nobody any more."""

    until: Annotated[Until, Field(strict=False)] = Until.QUIET


class FaultConfig(Calling):
    """What a fault of the monitor leads to; its priority is its own, and it lasts until it is over."""

    repeat_s: Wait = 600.0
    escalate_s: Wait = 600.0
    remind_s: Wait = 3600.0


class RulesConfig(Section):
    """One rule per sound, by the names of ``monitord.events.Sound`` in small letters, and one for all faults."""

    cry: CryConfig = CryConfig()
    help: RuleConfig = RuleConfig()
    hilfe: RuleConfig = RuleConfig()
    smoke_alarm: RuleConfig = RuleConfig()
    co_alarm: RuleConfig = RuleConfig()
    word: RuleConfig = RuleConfig()
    fault: FaultConfig = FaultConfig()
