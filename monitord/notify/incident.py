"""One incident: what is known of it, and what becomes of it by the table of `monitord.notify.course`. Pure.

Times are seconds on one monotonic clock that the caller brings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from monitord.config import AlertWhen
from monitord.config.rules import Calling
from monitord.events import Fault, Look, Sight, Sound
from monitord.notify.course import (
    MUTE_S,
    OF_FAULTS,
    OF_SOUNDS,
    QUIET_S,
    RINGS,
    START,
    START_HELD,
    TABLE,
    UNANSWERED,
    Action,
    Event,
    State,
)

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "MUTE_S",
    "NO_CALLING",
    "QUIET_S",
    "RINGS",
    "START",
    "START_HELD",
    "TABLE",
    "UNANSWERED",
    "Act",
    "Action",
    "Event",
    "IllegalEventError",
    "Incident",
    "Outcome",
    "State",
    "Urgency",
    "begin",
    "step",
]


class Urgency(StrEnum):
    """Priority of an incident; the first three are the owner's choice per sound, the last is for faults."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    FAULT = "fault"

    @property
    def grade(self) -> int:
        """Its place: 0 is the most urgent."""
        return _GRADE[self]


_GRADE = {each: grade for grade, each in enumerate(Urgency)}


class IllegalEventError(Exception):
    """An event that cannot happen to this incident now; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident.

    Attributes:
        id: number, unique in one journal.
        subject: the sound that was heard, or the fault of the monitor.
        room: where, as the owner calls it.
        urgency: priority, as it now is.
        state: where it stands.
        opened_at: when it began.
        last_at: when it was renewed last.
        score: highest score of its sound, percent; 0 for a fault.
        seen: what is known of the camera: how the look goes (Look), its verdict (Sight), why there is none (Fault);
            None: the camera was not asked.
        look_by: by when the camera has to answer; None: nothing is expected of it.
        lapses_at: when QUIET is due unless it is renewed; None: it lasts until it recovers.
        lasting: whether only RECOVERED ends it, once it is renewed.
        sounding: whether the sound goes on.
        alerted_at: when the alert went out first.
        acked_at: when a person acknowledged.
        cleared_at: when it was over.
        lowered_from: priority of its rule, while a carer in the picture lowers it; None: nothing lowers it.
        latching: whether it stays until a person acknowledges, though it is quiet again.
        level: of escalation: 0 while the first group has it.
        escalated_at: when the next group was told last.
        muted_at: when the tones were muted; None: they are not.
        repeat_at: when to ring again.
        escalate_at: when to tell the next group.
        remind_at: when what goes on in spite of an acknowledgement is an alert again.
        acked_by: who acknowledged, as far as the channel knows.
        acked_via: the channel that the acknowledgement came by.
        test_until: until when the sound that a self-test plays may be heard; None: this is no test.
    """

    id: int
    subject: Sound | Fault
    room: str
    urgency: Urgency
    state: State
    opened_at: float
    last_at: float
    score: int = 0
    seen: Look | Sight | Fault | None = None
    look_by: float | None = None
    lapses_at: float | None = None
    lasting: bool = False
    sounding: bool = False
    alerted_at: float | None = None
    acked_at: float | None = None
    cleared_at: float | None = None
    lowered_from: Urgency | None = None
    latching: bool = False
    level: int = 0
    escalated_at: float | None = None
    muted_at: float | None = None
    repeat_at: float | None = None
    escalate_at: float | None = None
    remind_at: float | None = None
    acked_by: str = ""
    acked_via: str = ""
    test_until: float | None = None

    @property
    def priority(self) -> Urgency:
        """What its rule says."""
        return self.lowered_from or self.urgency

    @property
    def test(self) -> bool:
        """Whether it is the sound of a self-test."""
        return self.test_until is not None


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did about an incident, for the record.

    Attributes:
        incident: its number.
        at: when.
        event: ACK or MUTE.
        by: who, as far as the channel knows.
        via: name of the channel.
    """

    incident: int
    at: float
    event: Event
    by: str
    via: str


Outcome = tuple[Incident, tuple[Action, ...]]

NO_CALLING = Calling(repeat_s=0.0, escalate_s=0.0, remind_s=0.0)
"""For a caller who wants no timers."""


def begin(
    id: int,  # noqa: A002 - it is the field's name
    subject: Sound | Fault,
    now: float,
    *,
    room: str,
    urgency: Urgency = Urgency.FAULT,
    alert: AlertWhen = AlertWhen.AT_ONCE,
    wait_s: float = 0.0,
    score: int = 0,
    lasting: bool = False,
    latching: bool = False,
    held: bool = False,
    test_until: float | None = None,
    calling: Calling = NO_CALLING,
) -> Outcome:
    """A new incident at `now`, and what to do.

    Args:
        id: number, unique in the journal.
        subject: what it is about.
        now: when it began, seconds.
        room: where.
        urgency: priority.
        alert: the owner's rule.
        wait_s: seconds that the alert may wait for the camera under AFTER_LOOK.
        score: of the sound, percent.
        lasting: whether it lasts until RECOVERED rather than until it is quiet.
        latching: whether it stays until a person acknowledges.
        held: whether quiet hours hold back an alert of this urgency.
        test_until: of a self-test: until when its sound may be heard.
        calling: who is told, and how often.
    """
    state, actions = START[alert]
    if held and Action.ALERT in actions:
        state, actions = START_HELD
    incident = Incident(
        id,
        subject,
        room,
        urgency,
        state,
        opened_at=now,
        last_at=now,
        score=score,
        look_by=now + wait_s if state is State.OPEN else None,
        lapses_at=None if lasting else now + QUIET_S,
        lasting=lasting,
        sounding=isinstance(subject, Sound),
        latching=latching,
        test_until=test_until,
    )
    return _wind(incident, actions, now, calling), actions


def step(
    incident: Incident,
    event: Event,
    now: float,
    *,
    score: int = 0,
    seen: Look | Sight | Fault | None = None,
    look_by: float | None = None,
    lowered_to: Urgency | None = None,
    by: str = "",
    via: str = "",
    calling: Calling = NO_CALLING,
) -> Outcome:
    """`incident` after `event` at `now`, and what to do.

    Args:
        incident: the incident before.
        event: what happened.
        now: when, seconds.
        score: with SOUND and AGAIN, percent.
        seen: with LOOK, SIGHT and LOOK_FAILED: what is now known of the camera.
        look_by: with LOOK: by when the camera has to answer.
        lowered_to: with SIGHT: the priority that a carer in the picture leaves; None: that of the rule.
        by: with ACK: who.
        via: with ACK: by which channel.
        calling: who is told, and how often.

    Raises:
        IllegalEventError: TABLE does not list it, or it is an event of the other kind of incident.
    """
    fitting = OF_SOUNDS if isinstance(incident.subject, Sound) else OF_FAULTS
    if event not in fitting or event not in TABLE[incident.state]:
        raise IllegalEventError(f"{event.name} cannot happen to {incident.subject!r} in {incident.state.name}")
    state, actions = TABLE[incident.state][event]
    after = replace(
        _learn(incident, event, now, score=score, seen=seen, look_by=look_by, lowered_to=lowered_to), state=state
    )
    match event:
        case Event.ACK if incident.acked_at is None:
            after = replace(after, acked_at=now, acked_by=by, acked_via=via, **_NO_TIMERS)
            if state is State.ACKNOWLEDGED:
                after = replace(after, remind_at=now + calling.remind_s if calling.remind_s else None)
        case Event.MUTE if incident.state is not State.MUTED:
            after = replace(after, muted_at=now, repeat_at=None)
        case Event.HOLD:
            after = replace(after, **_NO_TIMERS)
        case Event.REMIND:
            after = replace(after, acked_at=None, acked_by="", acked_via="", remind_at=None)
    if state is State.CLEARED and incident.cleared_at is None:
        after = replace(after, cleared_at=now, **_NO_TIMERS)
    return _wind(after, actions, now, calling), actions


_NO_TIMERS: dict[str, Any] = {"repeat_at": None, "escalate_at": None, "remind_at": None, "muted_at": None}


def _wind(incident: Incident, actions: tuple[Action, ...], now: float, calling: Calling) -> Incident:
    """The timers and times that follow from `actions`."""
    rings = next((action for action in actions if action in RINGS), None)
    if rings is None:
        return incident
    level = incident.level + (rings is Action.ESCALATE)
    further = calling.escalate_s > 0 and level + 1 < len(calling.notify)
    escalate_at = now + calling.escalate_s if further else None
    return replace(
        incident,
        level=level,
        alerted_at=now if incident.alerted_at is None else incident.alerted_at,
        escalated_at=now if rings is Action.ESCALATE else incident.escalated_at,
        muted_at=None,
        repeat_at=now + calling.repeat_s if calling.repeat_s else None,
        escalate_at=incident.escalate_at if rings is Action.REPEAT else escalate_at,
    )


def _learn(
    incident: Incident,
    event: Event,
    now: float,
    *,
    score: int,
    seen: Look | Sight | Fault | None,
    look_by: float | None,
    lowered_to: Urgency | None,
) -> Incident:
    """What `event` tells, apart from the state."""
    after = incident
    match event:
        case Event.SOUND | Event.AGAIN | Event.FAULT:
            lapses_at = None if incident.lasting else now + QUIET_S
            sounding = event is not Event.FAULT
            top = max(incident.score, score)
            after = replace(incident, last_at=now, score=top, lapses_at=lapses_at, sounding=sounding)
        case Event.SOUND_END:
            after = replace(incident, last_at=now, lapses_at=now + QUIET_S, sounding=False)
        case Event.LOOK:
            # The first deadline stands: a camera that begins again and again must not put off the alert.
            after = replace(incident, seen=seen, look_by=look_by if incident.look_by is None else incident.look_by)
        case Event.SIGHT:
            urgency, lowered_from = incident.priority, None
            if lowered_to is not None and lowered_to.grade > incident.priority.grade:
                urgency, lowered_from = lowered_to, incident.priority
            after = replace(incident, seen=seen, look_by=None, urgency=urgency, lowered_from=lowered_from)
        case Event.LOOK_FAILED | Event.DEADLINE:
            if event is Event.DEADLINE:
                seen = Fault.CAMERA_TIMEOUT if isinstance(incident.seen, Look) else incident.seen
            # Nobody knows any longer whether the carer is still there.
            after = replace(incident, seen=seen, look_by=None, urgency=incident.priority, lowered_from=None)
        case Event.RECOVERED | Event.QUIET:
            after = replace(incident, look_by=None, lapses_at=None, sounding=False)
    return after
