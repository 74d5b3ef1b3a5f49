"""One delivery: an alert on its way out through one sink. Pure.

Theory of operation. Every alert gets one delivery per sink, PENDING until it is due. A sink that takes it (SENDING)
either confirms it, or needs a confirmation from the far end (the page: a person's screen has shown it). An attempt
that fails, or is not confirmed within CONFIRM_S, goes back to PENDING with exponential back-off. What is not
confirmed by `expires_at` has FAILED, and the owner is told so; a confirmation that comes later still counts. A voice
that died while SENDING does not know whether it arrived, so it sends again (RESTART): at least once, never
silently lost.

Times are seconds on one monotonic clock that the caller brings; so is the jitter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, unique

CONFIRM_S = 10.0
"""Seconds that one attempt may take before it is tried again."""
EXPIRE_S = 600.0
"""Seconds after which an alert that nobody confirmed counts as not delivered, and the owner is told."""
BACK_OFF_S = 2.0
BACK_OFF_MAX_S = 60.0


@unique
class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


@unique
class Event(Enum):
    """What may happen to a delivery."""

    SEND = "it is due"
    CONFIRMED = "it arrived"
    ERROR = "this attempt failed"
    RESTART = "the voice started anew"
    EXPIRE = "its time is up"


@unique
class Action(Enum):
    """What the voice has to do."""

    TRANSMIT = "hand it to the sink"
    RETRY = "try again later"
    TELL_OWNER = "say that it was not delivered"


Step = tuple[State, tuple[Action, ...]]

TABLE: dict[State, dict[Event, Step]] = {
    State.PENDING: {
        Event.SEND: (State.SENDING, (Action.TRANSMIT,)),
        Event.CONFIRMED: (State.DELIVERED, ()),
        Event.RESTART: (State.PENDING, ()),
        Event.EXPIRE: (State.FAILED, (Action.TELL_OWNER,)),
    },
    State.SENDING: {
        Event.CONFIRMED: (State.DELIVERED, ()),
        Event.ERROR: (State.PENDING, (Action.RETRY,)),
        Event.RESTART: (State.PENDING, ()),
        Event.EXPIRE: (State.FAILED, (Action.TELL_OWNER,)),
    },
    State.DELIVERED: {
        Event.CONFIRMED: (State.DELIVERED, ()),
    },
    State.FAILED: {
        Event.CONFIRMED: (State.DELIVERED, ()),
    },
}
"""State -> event -> (next state, what the voice has to do)."""

FINAL = frozenset({State.DELIVERED, State.FAILED})


class Reason(StrEnum):
    """Why something is brought to a channel."""

    ALERT = "alert"
    REPEAT = "repeat"
    ESCALATED = "escalated"
    STILL = "still"
    UPDATE = "update"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    TEST = "test"
    SUMMARY = "summary"


RINGS = frozenset({Reason.ALERT, Reason.REPEAT, Reason.ESCALATED, Reason.STILL, Reason.TEST})
"""What must reach a person, and rings; the others only go after it, quietly."""


class IllegalEventError(Exception):
    """An event that cannot happen to this delivery now; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery.

    Attributes:
        id: number, unique in one journal.
        incident: number of the incident whose alert this is.
        sink: name of the sink.
        state: where it stands.
        due_at: PENDING: when to send it next. SENDING: when this attempt counts as failed.
        expires_at: when it counts as not delivered.
        attempts: how often it was handed to the sink.
        delivered_at: when it was confirmed first.
        reason: why it is brought.
        error: how the last attempt failed, one sentence; "": it did not.
        begun_at: when it was begun.
    """

    id: int
    incident: int
    sink: str
    state: State
    due_at: float
    expires_at: float
    attempts: int = 0
    delivered_at: float | None = None
    reason: Reason = Reason.ALERT
    error: str = ""
    begun_at: float | None = None


def begin(
    id: int,  # noqa: A002 - it is the field's name
    incident: int,
    sink: str,
    now: float,
    reason: Reason = Reason.ALERT,
) -> Delivery:
    """A new delivery, due at once."""
    expires_at = now + EXPIRE_S
    return Delivery(id, incident, sink, State.PENDING, due_at=now, expires_at=expires_at, reason=reason, begun_at=now)


def due(delivery: Delivery) -> float | None:
    """When something is due for `delivery`; None: it is final."""
    return None if delivery.state in FINAL else min(delivery.due_at, delivery.expires_at)


def due_event(delivery: Delivery, now: float) -> Event | None:
    """The event that is due at `now`, if any."""
    if delivery.state in FINAL:
        return None
    if now >= delivery.expires_at:
        return Event.EXPIRE
    if now < delivery.due_at:
        return None
    return Event.SEND if delivery.state is State.PENDING else Event.ERROR


def back_off_s(attempts: int, jitter: float) -> float:
    """Seconds before the next attempt after `attempts` (1 or more); `jitter` 0..1 spreads them over the upper half.

    Exponential back-off with equal jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    top: float = min(BACK_OFF_MAX_S, BACK_OFF_S * 2.0 ** min(attempts - 1, 16))
    return top / 2 + top / 2 * jitter


def step(
    delivery: Delivery, event: Event, now: float, *, jitter: float = 0.0, error: str = ""
) -> tuple[Delivery, tuple[Action, ...]]:
    """`delivery` after `event` at `now`, and what to do.

    Args:
        delivery: before.
        event: what happened.
        now: when, seconds.
        jitter: 0..1, with ERROR.
        error: how the attempt failed, one sentence, with ERROR.

    Raises:
        IllegalEventError: TABLE does not list it.
    """
    if event not in TABLE[delivery.state]:
        raise IllegalEventError(f"{event.name} cannot happen to a delivery in {delivery.state.name}")
    state, actions = TABLE[delivery.state][event]
    after = replace(delivery, state=state)
    match event:
        case Event.SEND:
            after = replace(after, due_at=now + CONFIRM_S, attempts=delivery.attempts + 1)
        case Event.ERROR:
            error = error or "nobody confirmed it in time"
            after = replace(after, due_at=now + back_off_s(delivery.attempts, jitter), error=error)
        case Event.RESTART:
            after = replace(after, due_at=now)
        case Event.CONFIRMED if delivery.delivered_at is None:
            after = replace(after, delivered_at=now, error="")
    return after, actions
