"""One incident: what it is, what may happen to it, and what the voice has to do then. Pure.

Theory of operation. An incident begins with a sound, or with a fault of the monitor itself. Under the rule "at once"
it begins in ALERTING and the alert goes out with the sound. Under the rule "after the look" it begins in OPEN and
waits for the camera; whatever the camera answers ends the waiting (a verdict, a fault, a refusal), and if it
answers nothing the DEADLINE does. So a camera can change what the alert says, and never whether it goes out. Quiet
hours keep an alert of the priorities that the owner named in HELD, until they end or it has become more urgent.

An alert that nobody takes rings again every `repeat_s`, and after `escalate_s`, or when its group could not be reached,
it is ESCALATED: the next group is told, and those before it once more. MUTED stops the tones for MUTE_S and nothing
else: the incident goes on, and so does the time until the next group is told (muting is no acknowledgement, as in
IEC 60601-1-8). A person who acknowledges ends all of that (ACKNOWLEDGED). What still goes on `remind_s` later is an
alert again: whoever took it may have fallen asleep over it.

CLEARED is the end. A fault is over when it RECOVERED, a sound when no SOUND frame came within QUIET_S. A latching
sound that nobody has acknowledged does not end that way: somebody who called once and is silent since needs help more,
not less. A person may still tick off an incident that nobody saw in time. The next sound of the same label is a new
incident with an alert of its own, or, of a latching one that is still open, rings AGAIN: an unanswered alert of the
morning must not swallow the one of the evening.

Everything that is heard or seen meanwhile is an UPDATE of the same incident. An acknowledgement is idempotent: the
first one counts, a second client's changes nothing. An event that TABLE does not list for a state raises
`IllegalEventError` and changes nothing.

Times are seconds on one monotonic clock that the caller brings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, unique
from typing import TYPE_CHECKING

from monitord.config import AlertWhen
from monitord.config.rules import Calling
from monitord.events import Fault, Look, Sight, Sound

if TYPE_CHECKING:
    from typing import Any

QUIET_S = 60.0
"""A sound is over when it was not renewed for so long; the ear renews every 10 s, and a cry pauses for breath."""
MUTE_S = 120.0
"""Tones come back after so long without an acknowledgement."""


@unique
class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    HELD = "held"
    ALERTING = "alerting"
    ESCALATED = "escalated"
    MUTED = "muted"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


UNANSWERED = frozenset({State.ALERTING, State.ESCALATED, State.MUTED})
"""An alert went out and nobody has acknowledged it."""


@unique
class Event(Enum):
    """What may happen to an incident."""

    SOUND = "the sound is heard again"
    SOUND_END = "the sound has stopped"
    LOOK = "the camera is asked, or begins to look"
    SIGHT = "the camera's verdict"
    LOOK_FAILED = "the camera cannot look"
    DEADLINE = "the camera has not answered in time"
    FAULT = "the fault is reported again"
    RECOVERED = "the fault is over"
    QUIET = "not renewed for a while"
    AGAIN = "the sound is heard again after quiet"
    URGENT = "it has become more urgent"
    HOLD = "quiet hours hold it back"
    RELEASE = "nothing holds it back any more"
    REPEAT = "nobody has taken it yet"
    ESCALATE = "the group has not taken it, or was not reached"
    MUTE = "a person mutes the tones"
    MUTE_OVER = "muted for long enough"
    REMIND = "it still goes on long after the acknowledgement"
    ACK = "a person acknowledges"


@unique
class Action(Enum):
    """What the voice has to do."""

    ALERT = "send the alert"
    REPEAT = "ring again"
    ESCALATE = "tell the next group"
    REMIND = "alert once more"
    UPDATE = "show what changed"
    TELL_SEEN = "add what the camera said"
    TELL_TAKEN = "say who takes care"
    TELL_OVER = "say that it is over"


RINGS = frozenset({Action.ALERT, Action.REPEAT, Action.ESCALATE, Action.REMIND})
"""What must reach a person."""


class Urgency(StrEnum):
    """Priority of an incident; the first three are the owner's choice per sound, the last is for faults."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    FAULT = "fault"


Step = tuple[State, tuple[Action, ...]]

START: dict[AlertWhen, Step] = {
    AlertWhen.AT_ONCE: (State.ALERTING, (Action.ALERT,)),
    AlertWhen.AFTER_LOOK: (State.OPEN, (Action.UPDATE,)),
}
"""Where an incident begins, by its rule; faults begin at once."""
START_HELD: Step = (State.HELD, (Action.UPDATE,))
"""Where one begins that would alert at once, while quiet hours hold it back."""

_SHOW = (Action.UPDATE,)
_SEND = (Action.ALERT,)
_SEEN = (Action.UPDATE, Action.TELL_SEEN)
_TAKEN = (Action.UPDATE, Action.TELL_TAKEN)
_OVER = (Action.UPDATE, Action.TELL_OVER)


def _goes_on(state: State, seen: tuple[Action, ...] = _SEEN) -> dict[Event, Step]:
    """What leaves `state` as it is."""
    return {
        Event.SOUND: (state, _SHOW),
        Event.SOUND_END: (state, _SHOW),
        Event.LOOK: (state, _SHOW),
        Event.SIGHT: (state, seen),
        Event.LOOK_FAILED: (state, seen),
        Event.DEADLINE: (state, seen),
        Event.FAULT: (state, _SHOW),
    }


TABLE: dict[State, dict[Event, Step]] = {
    State.OPEN: {
        Event.SOUND: (State.OPEN, _SHOW),
        Event.SOUND_END: (State.OPEN, _SHOW),
        Event.LOOK: (State.OPEN, _SHOW),
        Event.SIGHT: (State.ALERTING, _SEND),
        Event.LOOK_FAILED: (State.ALERTING, _SEND),
        Event.DEADLINE: (State.ALERTING, _SEND),
        Event.HOLD: (State.HELD, _SHOW),
        Event.ACK: (State.ACKNOWLEDGED, _SHOW),
    },
    State.HELD: {
        **_goes_on(State.HELD, _SHOW),
        Event.AGAIN: (State.HELD, _SHOW),
        Event.RELEASE: (State.ALERTING, _SEND),
        Event.RECOVERED: (State.CLEARED, _SHOW),
        Event.QUIET: (State.CLEARED, _SHOW),
        Event.ACK: (State.ACKNOWLEDGED, _SHOW),
    },
    State.ALERTING: {
        **_goes_on(State.ALERTING),
        Event.AGAIN: (State.ALERTING, _SEND),
        Event.URGENT: (State.ALERTING, _SEND),
        Event.HOLD: (State.HELD, _SHOW),
        Event.REPEAT: (State.ALERTING, (Action.REPEAT,)),
        Event.ESCALATE: (State.ESCALATED, (Action.ESCALATE,)),
        Event.MUTE: (State.MUTED, _SHOW),
        Event.RECOVERED: (State.CLEARED, _OVER),
        Event.QUIET: (State.CLEARED, _OVER),
        Event.ACK: (State.ACKNOWLEDGED, _TAKEN),
    },
    State.ESCALATED: {
        **_goes_on(State.ESCALATED),
        Event.AGAIN: (State.ESCALATED, _SEND),
        Event.URGENT: (State.ESCALATED, _SEND),
        Event.HOLD: (State.HELD, _SHOW),
        Event.REPEAT: (State.ESCALATED, (Action.REPEAT,)),
        Event.ESCALATE: (State.ESCALATED, (Action.ESCALATE,)),
        Event.MUTE: (State.MUTED, _SHOW),
        Event.RECOVERED: (State.CLEARED, _OVER),
        Event.QUIET: (State.CLEARED, _OVER),
        Event.ACK: (State.ACKNOWLEDGED, _TAKEN),
    },
    State.MUTED: {
        **_goes_on(State.MUTED),
        Event.AGAIN: (State.ALERTING, _SEND),
        Event.URGENT: (State.ALERTING, _SEND),
        Event.HOLD: (State.HELD, _SHOW),
        Event.ESCALATE: (State.ESCALATED, (Action.ESCALATE,)),
        Event.MUTE: (State.MUTED, ()),
        Event.MUTE_OVER: (State.ALERTING, (Action.REPEAT,)),
        Event.RECOVERED: (State.CLEARED, _OVER),
        Event.QUIET: (State.CLEARED, _OVER),
        Event.ACK: (State.ACKNOWLEDGED, _TAKEN),
    },
    State.ACKNOWLEDGED: {
        **_goes_on(State.ACKNOWLEDGED),
        Event.REMIND: (State.ALERTING, (Action.REMIND,)),
        Event.RECOVERED: (State.CLEARED, _OVER),
        Event.QUIET: (State.CLEARED, _OVER),
        Event.ACK: (State.ACKNOWLEDGED, ()),
    },
    State.CLEARED: {
        Event.ACK: (State.CLEARED, _SHOW),
    },
}
"""State -> event -> (next state, what the voice has to do)."""

_OF_SOUNDS = frozenset(Event) - {Event.FAULT, Event.RECOVERED}
_OF_FAULTS = frozenset(Event) - {
    Event.SOUND,
    Event.SOUND_END,
    Event.LOOK,
    Event.SIGHT,
    Event.LOOK_FAILED,
    Event.DEADLINE,
    Event.AGAIN,
    Event.URGENT,
}


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

    @property
    def priority(self) -> Urgency:
        """What its rule says."""
        return self.lowered_from or self.urgency


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
    fitting = _OF_SOUNDS if isinstance(incident.subject, Sound) else _OF_FAULTS
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
            if lowered_to is not None and _GRADES.index(lowered_to) > _GRADES.index(incident.priority):
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


_GRADES = (Urgency.HIGH, Urgency.MEDIUM, Urgency.LOW)
"""Most urgent first."""
