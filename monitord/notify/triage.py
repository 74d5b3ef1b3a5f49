"""Which incident a message belongs to: the book of live incidents of one room. Pure.

One incident per sound label, one per fault. What the eye says belongs to every sound that goes on, or that waits for
it: the camera looks at the room, not at a sound. The caller brings `now` and keeps what comes back; see
`monitord.notify.incident` for what happens to one incident.

A fault of the ear or the eye lasts until its sender says RECOVERED, of it or of all that it has told. A sender that
starts anew cannot know what its former life suffered from, so its lasting faults lapse unless it reports them again.
Faults of the camera are also over when a look has an answer. That the camera was moved stops no look: a verdict says so
beside what it saw, and the next one that finds the camera in its place ends it.

The sound of a self-test has an incident of its own (`monitord.notify.expected`), which rings by no rule. A sound that
outlasts the test begins another one, of the usual kind.

What the owner's rules say is looked up here: priority, who is called and how often, quiet hours. The wall clock is an
input (`it_is`): a core without a clock of its own cannot be surprised by summer time, or by a clock that jumps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from monitord.config import AlertWhen, FaultConfig, QuietConfig, RuleConfig, RulesConfig, Until
from monitord.events import (
    EAR_FAULTS,
    LOOK_FAULTS,
    SELFTEST_FAULTS,
    Calibration,
    Fault,
    Kind,
    Life,
    Look,
    Message,
    Role,
    Sight,
    Sound,
    level_to_calibration,
    level_to_over,
)
from monitord.notify import expected
from monitord.notify import incident as table
from monitord.notify.incident import MUTE_S, QUIET_S, UNANSWERED, Action, Event, Incident, State, Urgency, begin, step
from monitord.notify.ledger import DEAFENING
from monitord.steadiness import Steadiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from monitord.notify.expected import Window

EAR_SILENT_S = 15.0
"""No frame of the ear for so long (three heartbeats) is an alarm of its own."""

_LASTING = (EAR_FAULTS - {Fault.MICROPHONE_OVERRUN}) | LOOK_FAULTS
_LASTING |= {Fault.CAMERA_MOVED, Fault.EAR_SILENT, Fault.UNCONFINED, Fault.VOICE_UNCONFINED, Fault.ALERT_UNDELIVERED}
_LASTING |= {Fault.CONFIGURATION, Fault.MODELS_CHANGED, Fault.EAR_UNSTEADY, Fault.VOICE_UNSTEADY}
_LASTING |= {Fault.ROOM_SILENT, Fault.BROKER_AWAY} | SELFTEST_FAULTS
_DIES_OF = frozenset({Fault.DETECTOR_MODEL, Fault.EAR_NOT_CONFINED, Fault.MICROPHONE_STALLED})
"""Faults that end the ear: one that was told needs no second alarm for what follows from it."""
_OF_ROLE = {Role.EAR: EAR_FAULTS | {Fault.EYE_UNREACHABLE}, Role.EYE: LOOK_FAULTS}
_OF_TESTS = RuleConfig(repeat_s=0.0, escalate_s=0.0, remind_s=0.0, until=Until.QUIET)
"""A self-test goes to every channel once: each is to be tried, and nobody to be called."""


@dataclass(frozen=True, slots=True)
class Change:
    """An incident after something happened to it, and what the voice has to do now."""

    incident: Incident
    actions: tuple[Action, ...]


class Triage:
    """The live incidents of one room.

    Args:
        room: what the owner calls it.
        rules: one rule per sound.
        wait_s: seconds an alert under "after_look" may wait (``look_s + LOOK_GRACE_S``).
        quiet: the owner's quiet hours.
        camera: False where the owner wants no camera; then no alert waits.
        live: incidents of a former life of the voice, from the journal.
        next_id: number of the next incident.
        now: when the watch over the ear begins; None: nobody watches it (replay).
    """

    def __init__(
        self,
        room: str,
        rules: RulesConfig,
        wait_s: float,
        *,
        quiet: QuietConfig | None = None,
        camera: bool = True,
        live: Iterable[Incident] = (),
        next_id: int = 1,
        now: float | None = None,
    ) -> None:
        self._room = room
        self._rules = rules
        self._wait_s = wait_s
        self._quiet = quiet or QuietConfig()
        self._local: datetime | None = None
        self._camera = camera
        self._next_id = next_id
        self._live = {incident.id: incident for incident in live if incident.state is not State.CLEARED}
        self._ear_by = None if now is None else now + EAR_SILENT_S
        self._watched = now is not None
        self._ear_lives = False
        self._steadiness = Steadiness([now or 0.0] if self._find(Fault.EAR_UNSTEADY) else ())
        self._window: Window | None = None

    @property
    def live(self) -> list[Incident]:
        """Incidents that are not cleared, oldest first."""
        return list(self._live.values())

    def follow(self, rules: RulesConfig, quiet: QuietConfig) -> None:
        """The owner has other rules from now on; what an incident waits for already stays as it is."""
        self._rules, self._quiet = rules, quiet

    @property
    def window(self) -> Window | None:
        """That of the last self-test."""
        return self._window

    def expect_test(self, seconds: float, now: float, *, quiet: bool) -> Window:
        """A self-test begins: a cry that is heard in the next `seconds` is its sound.

        Args:
            seconds: how long.
            now: seconds, monotonic.
            quiet: nobody is to be rung by it.

        Raises:
            WindowError: not now, or not so long.
        """
        busy, tested = self._find(Sound.CRY) is not None, self._find_test(Sound.CRY) is not None
        self._window = expected.expect(self._window, now, seconds, quiet=quiet, busy=busy, tested=tested)
        return self._window

    def it_is(self, local: datetime) -> None:
        """What the clock on the wall shows now; to be said before anything else happens, and before `tick`."""
        self._local = local

    def take(self, message: Message, role: Role, now: float, age_s: float = 0.0) -> list[Change]:
        """What `message` of `role` changes; it waited `age_s` in its sender."""
        changes = self._hear_of(role, now) + self._lives(message, role, now)
        at = now - age_s
        label = message.label
        match label:
            case Sound():
                changes += self._sound(label, message, at)
            case Look():
                changes += self._look(label, at)
            case Sight():
                changes += self._to_sounds(Event.SIGHT, at, seen=label)
                changes += self._recover(LOOK_FAULTS, now)
                changes += self._calibration(level_to_calibration(message.level), now)
            case Fault.RECOVERED:
                over = level_to_over(message.level)
                changes += self._recover(_OF_ROLE[role] if over is None else _OF_ROLE[role] & {over}, now)
            case Fault():
                if label in LOOK_FAULTS:
                    changes += self._to_sounds(Event.LOOK_FAILED, at, seen=label)
                changes += self._deafened(label, at)
                changes += self.fault(label, now)
            case Life.STARTED if message.kind is Kind.HELLO:
                changes += self._expect_again(role, now)
                changes += self._recover(frozenset({Fault.UNCONFINED, Fault.EAR_NOT_CONFINED}), now)
            case Life.UNCONFINED if message.kind is Kind.HELLO:
                changes += self._expect_again(role, now)
                changes += self.fault(Fault.UNCONFINED, now)
        return changes

    def fault(self, fault: Fault, now: float) -> list[Change]:
        """The voice itself, or a sender, reports `fault`."""
        known = self._find(fault)
        if known is not None:
            return [self._apply(known, Event.FAULT, now)]
        return [self._begin(fault, now, RuleConfig(alert=AlertWhen.AT_ONCE), Urgency.FAULT)]

    def recovered(self, fault: Fault, now: float) -> list[Change]:
        """The voice itself knows that `fault` is over."""
        return self._recover(frozenset({fault}), now)

    def acknowledge(self, incident: Incident, now: float, by: str = "", via: str = "") -> Change:
        """A person acknowledges `incident`, live or from the journal."""
        return self._apply(self._live.get(incident.id, incident), Event.ACK, now, by=by, via=via)

    def mute(self, number: int, now: float) -> Change | None:
        """A person mutes the tones of the incident of that number; None: nothing of it rings."""
        known = self._live.get(number)
        if known is None or known.state not in UNANSWERED:
            return None
        return self._apply(known, Event.MUTE, now)

    def unreached(self, number: int, now: float) -> list[Change]:
        """The group that has the incident could not be reached: the next one is told, if there is one."""
        known = self._live.get(number)
        if known is None or known.state not in UNANSWERED or known.level + 1 >= len(self.rule(known).notify):
            return []
        return [self._apply(known, Event.ESCALATE, now)]

    def rule(self, incident: Incident) -> RuleConfig | FaultConfig:
        """The owner's rule for it."""
        return _OF_TESTS if incident.test else self._rule_of(incident.subject)

    def tick(self, now: float) -> list[Change]:
        """Everything that is due at `now`: looks that did not answer, sounds that are over, a silent ear, ringing."""
        changes = []
        if self._ear_by is not None and now >= self._ear_by:
            self._ear_by = None
            changes += self.fault(Fault.EAR_SILENT, now)
        if self._steady_at is not None and now >= self._steady_at:
            changes += self._recover(frozenset({Fault.EAR_UNSTEADY}), now)
        for incident in self.live:
            outlasts_at = _outlasts_at(incident)
            if outlasts_at is not None and now >= outlasts_at:
                changes += self._outlasted(incident, now)
        for incident in self.live:
            changes += [self._apply(incident, event, now) for event in self._quiet_hours(incident)]
        for when, event in self._timers():
            for incident in self.live:
                at = when(incident)
                if at is not None and now >= at:
                    changes.append(self._apply(incident, event, now))
        return changes

    def next_due(self) -> float | None:
        """When `tick` has something to do next; None: never, as things stand. Quiet hours end by the wall clock."""
        times = [when(incident) for incident in self.live for when, _ in self._timers()]
        times += [_outlasts_at(incident) for incident in self.live]
        return min((time for time in [*times, self._ear_by, self._steady_at] if time is not None), default=None)

    @property
    def awaits_the_wall_clock(self) -> bool:
        """Whether quiet hours that begin or end could change something: then `tick` is due each minute."""
        return bool(self._quiet.begin and self._live)

    def _hear_of(self, role: Role, now: float) -> list[Change]:
        if role is not Role.EAR or not self._watched:
            return []
        self._ear_by = now + EAR_SILENT_S
        return self._recover(frozenset({Fault.EAR_SILENT}), now)

    def _lives(self, message: Message, role: Role, now: float) -> list[Change]:
        """An ear that begins anew and never said goodbye has died."""
        if role is not Role.EAR:
            return []
        died, self._ear_lives = message.kind is Kind.HELLO and self._ear_lives, message.kind is not Kind.GOODBYE
        if not died or not self._steadiness.died(now) or any(self._find(each) for each in _DIES_OF):
            return []
        return self.fault(Fault.EAR_UNSTEADY, now)

    @property
    def _steady_at(self) -> float | None:
        return self._steadiness.steady_at if self._find(Fault.EAR_UNSTEADY) else None

    def _sound(self, label: Sound, message: Message, at: float) -> list[Change]:
        known, tested = self._find(label), self._find_test(label)
        if message.kind is Kind.SOUND_END:
            if tested is not None and tested.sounding and known is None and at > _over_by(tested):
                return self._outlasted(tested, at)
            return [self._apply(each, Event.SOUND_END, at) for each in (known, tested) if each is not None]
        if known is None and label is Sound.CRY and self._window is not None and self._window.covers(at):
            return [self._test_heard(tested, self._window, message, at)]
        if known is None and tested is not None and tested.sounding:
            return self._outlasted(tested, at, message.score)
        if known is not None:
            over = known.latching and known.lapses_at is not None and at >= known.lapses_at
            event = Event.AGAIN if over and Event.AGAIN in table.TABLE[known.state] else Event.SOUND
            return [self._apply(known, event, at, score=message.score)]
        rule: RuleConfig = getattr(self._rules, label.name.lower())
        if not self._camera:
            rule = rule.model_copy(update={"alert": AlertWhen.AT_ONCE})
        return [self._begin(label, at, rule, Urgency(rule.priority.value), score=message.score)]

    def _test_heard(self, known: Incident | None, window: Window, message: Message, at: float) -> Change:
        """The sound that a self-test plays is heard."""
        if known is not None:
            return self._apply(known, Event.SOUND, at, score=message.score)
        self._window = window = window.heard(at, self._next_id)
        urgency = Urgency(self._rules.cry.priority.value)
        return self._begin(Sound.CRY, at, _OF_TESTS, urgency, score=message.score, window=window)

    def _deafened(self, fault: Fault, at: float) -> list[Change]:
        """Nobody hears any more whether the sound of a self-test ends with it."""
        concerned = [each for each in self.live if each.test and each.sounding and fault in DEAFENING]
        return [change for each in concerned for change in self._outlasted(each, at)]

    def _outlasted(self, tested: Incident, at: float, score: int = 0) -> list[Change]:
        """What was taken for the test goes on when that is over: somebody cries, and an alert has waited already."""
        over = self._apply(tested, Event.SOUND_END, at)
        if self._find(tested.subject) is not None:
            return [over]
        urgency = Urgency(self._rules.cry.priority.value)
        rule = self._rules.cry.model_copy(update={"alert": AlertWhen.AT_ONCE})
        begun = self._begin(tested.subject, at, rule, urgency, score=score or tested.score)
        seen = replace(begun.incident, seen=tested.seen)
        self._live[seen.id] = seen
        return [over, Change(seen, begun.actions)]

    def _look(self, label: Look, at: float) -> list[Change]:
        match label:
            case Look.ASKED | Look.BEGAN:
                changes = self._to_sounds(Event.LOOK, at, seen=label, look_by=at + self._wait_s)
                return changes + (self._recover(frozenset({Fault.EYE_UNREACHABLE}), at) if label is Look.BEGAN else [])
            case Look.NOT_ASKED:
                return self._to_sounds(Event.LOOK_FAILED, at, seen=label)
            case Look.ENDED:  # Says something only where no verdict came before it.
                waiting = [incident for incident in self.live if isinstance(incident.seen, Look) and incident.look_by]
                return [self._apply(incident, Event.LOOK_FAILED, at, seen=label) for incident in waiting]

    def _calibration(self, calibration: Calibration, now: float) -> list[Change]:
        match calibration:
            case Calibration.MOVED:
                return self.fault(Fault.CAMERA_MOVED, now)
            case Calibration.HOLDS | Calibration.NONE:  # In its place, or nobody knows any more where that is.
                return self._recover(frozenset({Fault.CAMERA_MOVED}), now)
        return []

    def _to_sounds(
        self, event: Event, at: float, *, seen: Look | Sight | Fault, look_by: float | None = None
    ) -> list[Change]:
        concerned = [incident for incident in self.live if _awaits_the_eye(incident)]
        return [self._apply(incident, event, at, seen=seen, look_by=look_by) for incident in concerned]

    def _recover(self, faults: frozenset[Fault], now: float) -> list[Change]:
        over = [
            incident for incident in self.live if isinstance(incident.subject, Fault) and incident.subject in faults
        ]
        return [self._apply(incident, Event.RECOVERED, now) for incident in over]

    def _expect_again(self, role: Role, now: float) -> list[Change]:
        changes = []
        for incident in self.live:
            if isinstance(incident.subject, Fault) and incident.subject in _OF_ROLE[role]:
                self._live[incident.id] = replace(incident, lapses_at=now + QUIET_S)
                changes.append(Change(self._live[incident.id], (Action.UPDATE,)))
        return changes

    def _find(self, subject: Sound | Fault) -> Incident | None:
        same = (each for each in self.live if each.subject is subject and not each.test)
        return next(same, None)

    def _find_test(self, subject: Sound) -> Incident | None:
        return next((each for each in self.live if each.subject is subject and each.test), None)

    def _begin(  # noqa: PLR0917 - what an incident begins with
        self,
        subject: Sound | Fault,
        at: float,
        rule: RuleConfig,
        urgency: Urgency,
        score: int = 0,
        window: Window | None = None,
    ) -> Change:
        incident, actions = begin(
            self._next_id,
            subject,
            at,
            room=self._room,
            urgency=urgency,
            alert=rule.alert,
            wait_s=self._wait_s,
            score=score,
            lasting=isinstance(subject, Fault) and subject in _LASTING,
            latching=isinstance(subject, Sound) and rule.until is Until.ACKNOWLEDGED,
            held=self._holds_back(urgency) if window is None else window.quiet,
            test_until=None if window is None else window.until,
            calling=self._rule_of(subject) if window is None else _OF_TESTS,
        )
        self._next_id += 1
        self._live[incident.id] = incident
        return Change(incident, actions)

    def _apply(self, incident: Incident, event: Event, now: float, **told: Any) -> Change:
        rule = self.rule(incident)
        if event is Event.SIGHT and told["seen"] is Sight.SEVERAL and isinstance(rule, RuleConfig):
            told["lowered_to"] = Urgency(rule.carer_lowers_to.value) if rule.carer_lowers_to else None
        after, actions = step(incident, event, now, calling=rule, **told)
        if incident.test:  # Quiet hours are nothing to it: a person has asked for it, or it rings nobody.
            return self._keep(after, actions)
        if Action.ALERT in actions and self._holds_back(after.urgency):
            # The alert would come in quiet hours: they hold the incident back before it happens.
            held, _ = step(incident, Event.HOLD, now, calling=rule)
            after, actions = step(held, event, now, calling=rule, **told)
        elif (
            after.state in UNANSWERED
            and after.urgency.grade < incident.urgency.grade
            and not self._holds_back(after.urgency)
        ):
            after, actions = step(after, Event.URGENT, now, calling=rule)
        elif after.state is State.HELD and not self._holds_back(after.urgency):
            after, actions = step(after, Event.RELEASE, now, calling=rule)
        return self._keep(after, actions)

    def _keep(self, after: Incident, actions: tuple[Action, ...]) -> Change:
        if after.state is State.CLEARED:
            self._live.pop(after.id, None)
        else:
            self._live[after.id] = after
        return Change(after, actions)

    def _timers(self) -> tuple[tuple[Callable[[Incident], float | None], Event], ...]:
        """What says when something is due, in the order in which it happens."""
        return (
            (lambda each: each.look_by, Event.DEADLINE),
            (lambda each: each.escalate_at, Event.ESCALATE),  # Before REPEAT: who is told by both is told once.
            (lambda each: each.repeat_at, Event.REPEAT),
            (self._remind_at, Event.REMIND),
            (_mute_until, Event.MUTE_OVER),
            (_lapses_at, Event.QUIET),
        )

    def _quiet_hours(self, incident: Incident) -> tuple[Event, ...]:
        if incident.test:
            return ()
        held = self._holds_back(incident.urgency)
        if incident.state is State.HELD:
            return () if held else (Event.RELEASE,)
        return (Event.HOLD,) if held and incident.state in UNANSWERED else ()

    def _remind_at(self, incident: Incident) -> float | None:
        """A sound that pauses at that moment is an alert again as soon as it goes on."""
        goes_on = incident.sounding or isinstance(incident.subject, Fault)
        taken = incident.state is State.ACKNOWLEDGED and goes_on
        return incident.remind_at if taken and not self._holds_back(incident.urgency) else None

    def _holds_back(self, urgency: Urgency) -> bool:
        return self._local is not None and self._quiet.holds_back(urgency.value, self._local)

    def _rule_of(self, subject: Sound | Fault) -> RuleConfig | FaultConfig:
        rule: RuleConfig | FaultConfig = (
            self._rules.fault if isinstance(subject, Fault) else getattr(self._rules, subject.name.lower())
        )
        return rule


def _mute_until(incident: Incident) -> float | None:
    return None if incident.state is not State.MUTED or incident.muted_at is None else incident.muted_at + MUTE_S


def _over_by(tested: Incident) -> float:
    return expected.over_by(tested.test_until or 0.0)


def _outlasts_at(incident: Incident) -> float | None:
    """When the sound of a self-test, which has not ended yet, is a real one."""
    return _over_by(incident) if incident.test and incident.sounding else None


def _lapses_at(incident: Incident) -> float | None:
    """An alert that waits for the camera does not lapse before it went out; a latching one not before it is taken."""
    waits = incident.state is State.OPEN or (incident.latching and incident.state is not State.ACKNOWLEDGED)
    return None if waits else incident.lapses_at


def _awaits_the_eye(incident: Incident) -> bool:
    """A sound that was over before this look was asked for keeps the answer of its own."""
    waiting = incident.state is State.OPEN or isinstance(incident.seen, Look)
    return isinstance(incident.subject, Sound) and (incident.sounding or waiting)
