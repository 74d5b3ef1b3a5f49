"""One incident: what it is, what may happen to it, and what the voice has to do then. Pure.

Theory of operation. An incident begins with a sound, or with a fault of the monitor itself. Under the rule "at once"
it begins in ALERTING and the alert goes out with the sound. Under the rule "after the look" it begins in OPEN and
waits for the camera; whatever the camera answers ends the waiting (a verdict, a fault, a refusal), and if it
answers nothing the DEADLINE does. So a camera can change what the alert says, and never whether it goes out.

ALERTING lasts until a person acknowledges (ACKNOWLEDGED) or the cause is over: no further SOUND frame within QUIET_S,
or a fault that RECOVERED. CLEARED is the end; a person may still tick off an incident that nobody saw in time.
The next sound of the same label after that is a new incident with an alert of its own: an unanswered alert of the
morning must not swallow the one of the evening.

Everything that is heard or seen meanwhile is an UPDATE of the same incident. An acknowledgement is idempotent: the
first one counts, a second client's changes nothing. An event that TABLE does not list for a state raises
`IllegalEventError` and changes nothing.

Times are seconds on one monotonic clock that the caller brings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, unique

from monitord.config import AlertWhen
from monitord.events import Fault, Look, Sight, Sound

QUIET_S = 60.0
"""A sound is over when it was not renewed for so long; the ear renews every 10 s, and a cry pauses for breath."""


@unique
class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ALERTING = "alerting"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


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
    ACK = "a person acknowledges"


@unique
class Action(Enum):
    """What the voice has to do."""

    ALERT = "send the alert"
    UPDATE = "show what changed"


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

_SHOW = (Action.UPDATE,)
_SEND = (Action.ALERT,)

TABLE: dict[State, dict[Event, Step]] = {
    State.OPEN: {
        Event.SOUND: (State.OPEN, _SHOW),
        Event.SOUND_END: (State.OPEN, _SHOW),
        Event.LOOK: (State.OPEN, _SHOW),
        Event.SIGHT: (State.ALERTING, _SEND),
        Event.LOOK_FAILED: (State.ALERTING, _SEND),
        Event.DEADLINE: (State.ALERTING, _SEND),
        Event.ACK: (State.ACKNOWLEDGED, _SHOW),
    },
    State.ALERTING: {
        Event.SOUND: (State.ALERTING, _SHOW),
        Event.SOUND_END: (State.ALERTING, _SHOW),
        Event.LOOK: (State.ALERTING, _SHOW),
        Event.SIGHT: (State.ALERTING, _SHOW),
        Event.LOOK_FAILED: (State.ALERTING, _SHOW),
        Event.DEADLINE: (State.ALERTING, _SHOW),
        Event.FAULT: (State.ALERTING, _SHOW),
        Event.RECOVERED: (State.CLEARED, _SHOW),
        Event.QUIET: (State.CLEARED, _SHOW),
        Event.ACK: (State.ACKNOWLEDGED, _SHOW),
    },
    State.ACKNOWLEDGED: {
        Event.SOUND: (State.ACKNOWLEDGED, _SHOW),
        Event.SOUND_END: (State.ACKNOWLEDGED, _SHOW),
        Event.LOOK: (State.ACKNOWLEDGED, _SHOW),
        Event.SIGHT: (State.ACKNOWLEDGED, _SHOW),
        Event.LOOK_FAILED: (State.ACKNOWLEDGED, _SHOW),
        Event.DEADLINE: (State.ACKNOWLEDGED, _SHOW),
        Event.FAULT: (State.ACKNOWLEDGED, _SHOW),
        Event.RECOVERED: (State.CLEARED, _SHOW),
        Event.QUIET: (State.CLEARED, _SHOW),
        Event.ACK: (State.ACKNOWLEDGED, ()),
    },
    State.CLEARED: {
        Event.ACK: (State.CLEARED, _SHOW),
    },
}
"""State -> event -> (next state, what the voice has to do)."""

_OF_SOUNDS = frozenset(Event) - {Event.FAULT, Event.RECOVERED}
_OF_FAULTS = frozenset({Event.FAULT, Event.RECOVERED, Event.QUIET, Event.ACK})


class IllegalEventError(Exception):
    """An event that cannot happen to this incident now; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident.

    Attributes:
        id: number, unique in one journal.
        subject: the sound that was heard, or the fault of the monitor.
        room: where, as the owner calls it.
        urgency: priority.
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
        alerted_at: when the alert went out.
        acked_at: when a person acknowledged.
        cleared_at: when it was over.
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


Outcome = tuple[Incident, tuple[Action, ...]]


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
    """
    state, actions = START[alert]
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
        alerted_at=now if Action.ALERT in actions else None,
    )
    return incident, actions


def step(
    incident: Incident,
    event: Event,
    now: float,
    *,
    score: int = 0,
    seen: Look | Sight | Fault | None = None,
    look_by: float | None = None,
) -> Outcome:
    """`incident` after `event` at `now`, and what to do.

    Args:
        incident: the incident before.
        event: what happened.
        now: when, seconds.
        score: with SOUND, percent.
        seen: with LOOK, SIGHT and LOOK_FAILED: what is now known of the camera.
        look_by: with LOOK: by when the camera has to answer.

    Raises:
        IllegalEventError: TABLE does not list it, or it is an event of the other kind of incident.
    """
    fitting = _OF_SOUNDS if isinstance(incident.subject, Sound) else _OF_FAULTS
    if event not in fitting or event not in TABLE[incident.state]:
        raise IllegalEventError(f"{event.name} cannot happen to {incident.subject!r} in {incident.state.name}")
    state, actions = TABLE[incident.state][event]
    after = replace(
        _learn(incident, event, now, score=score, seen=seen, look_by=look_by),
        state=state,
        alerted_at=now if Action.ALERT in actions else incident.alerted_at,
        acked_at=now if event is Event.ACK and incident.acked_at is None else incident.acked_at,
        cleared_at=now if state is State.CLEARED and incident.cleared_at is None else incident.cleared_at,
    )
    return after, actions


def _learn(
    incident: Incident,
    event: Event,
    now: float,
    *,
    score: int,
    seen: Look | Sight | Fault | None,
    look_by: float | None,
) -> Incident:
    """What `event` tells, apart from the state."""
    after = incident
    match event:
        case Event.SOUND | Event.FAULT:
            lapses_at = None if incident.lasting else now + QUIET_S
            sounding = event is Event.SOUND
            top = max(incident.score, score)
            after = replace(incident, last_at=now, score=top, lapses_at=lapses_at, sounding=sounding)
        case Event.SOUND_END:
            after = replace(incident, last_at=now, lapses_at=now + QUIET_S, sounding=False)
        case Event.LOOK:
            # The first deadline stands: a camera that begins again and again must not put off the alert.
            after = replace(incident, seen=seen, look_by=look_by if incident.look_by is None else incident.look_by)
        case Event.SIGHT | Event.LOOK_FAILED:
            after = replace(incident, seen=seen, look_by=None)
        case Event.DEADLINE:
            asked = isinstance(incident.seen, Look)
            after = replace(incident, seen=Fault.CAMERA_TIMEOUT if asked else incident.seen, look_by=None)
        case Event.RECOVERED | Event.QUIET:
            after = replace(incident, look_by=None, lapses_at=None, sounding=False)
    return after
