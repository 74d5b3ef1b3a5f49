"""The gate: which sound opens the camera, and when not. One table, and the driver that feeds it.

Theory of operation. The gate rests in IDLE while the room is quiet and is ARMED while the level gate is open and the
detector listens. A sound that the detector knows asks for one look. What follows is a matter of time alone, because
nothing flows back from the eye: LOOKING lasts as long as a look may take, with the grace after which the supervisor
kills the eye; then COOLDOWN, in which no look is asked for, so that a sound that comes and goes does not turn the
camera into a stream of looks. A sound that began in the cooldown and still goes on afterwards gets its look then.

Looks are also bounded by the hour. When they are used up the gate says so and stays ARMED. A camera that is switched
off gives no look and no word about it. Neither ever holds the alert back: the gate decides on looks only, and the
sound was told before it is asked.

Like every state machine here it is pure: `now` comes in (seconds, monotonic), actions come out, and an event that a
state does not know raises and changes nothing.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, unique
from typing import TYPE_CHECKING

from monitord.events import Gate
from monitord.settings import LOOK_GRACE_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.settings import Seeing

HOUR_S = 3600.0


@unique
class Event(Enum):
    """What can happen to the gate."""

    LEVEL_OPENED = "the room is no longer quiet"
    LEVEL_CLOSED = "the room is quiet"
    SOUND = "a known sound, a look is allowed"
    SOUND_OVER_BUDGET = "a known sound, the looks of this hour are used up"
    SOUND_CAMERA_OFF = "a known sound, the camera is switched off"
    LOOK_OVER = "the time of the look is over"
    LOOK_FAILED = "the eye could not be asked"
    COOLDOWN_OVER = "the cooldown is over"


@unique
class Action(Enum):
    """What the gate wants done."""

    ASK_LOOK = "ask the eye for one look"
    SAY_NOT_ASKED = "say that no look is asked for"
    START_LOOK_TIMER = "time the look"
    START_COOLDOWN_TIMER = "time the cooldown"


TABLE: Mapping[Gate, Mapping[Event, tuple[Gate, tuple[Action, ...]]]] = {
    Gate.IDLE: {
        Event.LEVEL_OPENED: (Gate.ARMED, ()),
    },
    Gate.ARMED: {
        Event.LEVEL_CLOSED: (Gate.IDLE, ()),
        Event.SOUND: (Gate.LOOKING, (Action.ASK_LOOK, Action.START_LOOK_TIMER)),
        Event.SOUND_OVER_BUDGET: (Gate.ARMED, (Action.SAY_NOT_ASKED,)),
        Event.SOUND_CAMERA_OFF: (Gate.ARMED, ()),
    },
    Gate.LOOKING: {
        Event.LOOK_OVER: (Gate.COOLDOWN, (Action.START_COOLDOWN_TIMER,)),
        Event.LOOK_FAILED: (Gate.COOLDOWN, (Action.START_COOLDOWN_TIMER,)),
    },
    Gate.COOLDOWN: {
        Event.COOLDOWN_OVER: (Gate.IDLE, ()),
    },
}


class IllegalEvent(ValueError):  # noqa: N818 - named for what happened, as the table's other words are
    """An event that the state does not know: a mistake in the driver, never in what was heard."""


def step(state: Gate, event: Event) -> tuple[Gate, tuple[Action, ...]]:
    """The next state, and what is to be done, after `event` in `state`.

    Raises:
        IllegalEvent: `state` does not know `event`.
    """
    try:
        return TABLE[state][event]
    except KeyError:
        raise IllegalEvent(f"{event.name} cannot happen in {state.name}") from None


def diagram() -> str:
    """The table as a mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {Gate.IDLE.name}"]
    for state, row in TABLE.items():
        for event, (after, actions) in row.items():
            done = f" / {', '.join(action.value for action in actions)}" if actions else ""
            lines.append(f"    {state.name} --> {after.name}: {event.value}{done}")
    return "\n".join(lines) + "\n"


class LookBudget:
    """At most `per_hour` looks in any hour."""

    def __init__(self, per_hour: int) -> None:
        self._per_hour = per_hour
        self._taken: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Whether one more look is allowed at `now`; counts it if so."""
        while self._taken and now - self._taken[0] >= HOUR_S:
            self._taken.popleft()
        if len(self._taken) >= self._per_hour:
            return False
        self._taken.append(now)
        return True


class LookGate:
    """Drives the table from what the detector makes of each hop.

    Attributes:
        state: where the gate is.
    """

    def __init__(self, video: Seeing) -> None:
        self.state = Gate.IDLE
        self._camera_off = video.off
        self._budget = LookBudget(video.looks_per_hour)
        self._lasts_s = {
            Action.START_LOOK_TIMER: video.look_s + LOOK_GRACE_S,
            Action.START_COOLDOWN_TIMER: video.cooldown_s,
        }
        self._over_at = 0.0
        self._unseen = False

    def update(self, now: float, *, level_open: bool, began: bool, sounding: bool) -> tuple[Action, ...]:
        """Take one hop, or just the passing of time; returns what is to be done, in order.

        Args:
            now: seconds, monotonic.
            level_open: whether the level gate is open.
            began: whether a known sound began with this hop.
            sounding: whether any known sound goes on.
        """
        if self.state is Gate.IDLE and not (level_open or sounding):  # As almost always.
            self._unseen = False
            return ()
        actions = self._time_passes(now)
        if self.state is Gate.IDLE and level_open:
            actions += self._take(Event.LEVEL_OPENED, now)
        elif self.state is Gate.ARMED and not level_open:
            actions += self._take(Event.LEVEL_CLOSED, now)
        # A look that is under way shows what a sound that begins now is about.
        self._unseen = sounding and (self._unseen or (began and self.state is not Gate.LOOKING))
        if self._unseen and self.state is Gate.ARMED:
            self._unseen = False
            actions += self._take(self._sound(now), now)
        return actions

    def look_failed(self, now: float) -> tuple[Action, ...]:
        """The look that was just asked for could not be asked."""
        return self._take(Event.LOOK_FAILED, now)

    def _sound(self, now: float) -> Event:
        if self._camera_off:
            return Event.SOUND_CAMERA_OFF
        return Event.SOUND if self._budget.take(now) else Event.SOUND_OVER_BUDGET

    def _time_passes(self, now: float) -> tuple[Action, ...]:
        actions: tuple[Action, ...] = ()
        if self.state is Gate.LOOKING and now >= self._over_at:
            actions += self._take(Event.LOOK_OVER, now)
        if self.state is Gate.COOLDOWN and now >= self._over_at:
            actions += self._take(Event.COOLDOWN_OVER, now)
        return actions

    def _take(self, event: Event, now: float) -> tuple[Action, ...]:
        self.state, actions = step(self.state, event)
        for action in actions:
            if action in self._lasts_s:
                self._over_at = now + self._lasts_s[action]
        return actions
