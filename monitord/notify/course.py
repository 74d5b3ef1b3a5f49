"""The course of an incident: one table of what may happen to it, and what the voice has to do then. Pure.

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
`IllegalEventError` and changes nothing (`monitord.notify.incident`).
"""

from __future__ import annotations

from enum import Enum, StrEnum, unique

from monitord.config import AlertWhen

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


def _rings(state: State) -> dict[Event, Step]:
    """What may happen while it rings: the same, whichever group has it."""
    return {
        **_goes_on(state),
        Event.AGAIN: (state, _SEND),
        Event.URGENT: (state, _SEND),
        Event.HOLD: (State.HELD, _SHOW),
        Event.REPEAT: (state, (Action.REPEAT,)),
        Event.ESCALATE: (State.ESCALATED, (Action.ESCALATE,)),
        Event.MUTE: (State.MUTED, _SHOW),
        Event.RECOVERED: (State.CLEARED, _OVER),
        Event.QUIET: (State.CLEARED, _OVER),
        Event.ACK: (State.ACKNOWLEDGED, _TAKEN),
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
    State.ALERTING: _rings(State.ALERTING),
    State.ESCALATED: _rings(State.ESCALATED),
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

OF_SOUNDS = frozenset(Event) - {Event.FAULT, Event.RECOVERED}
OF_FAULTS = frozenset(Event) - {
    Event.SOUND,
    Event.SOUND_END,
    Event.LOOK,
    Event.SIGHT,
    Event.LOOK_FAILED,
    Event.DEADLINE,
    Event.AGAIN,
    Event.URGENT,
}
"""What can happen to a sound, and what to a fault."""
