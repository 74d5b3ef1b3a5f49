"""Which incident of the book a message of the ear or the eye belongs to, in one room. Pure.

One incident per sound label, one per fault. What the eye says belongs to every sound that goes on, or that waits for
it: the camera looks at the room, not at a sound. What an incident is begun with, and what becomes of it by the owner's
rules, is the matter of `monitord.notify.book`.

A fault of the ear or the eye lasts until its sender says RECOVERED, of it or of all that it has told. A sender that
starts anew cannot know what its former life suffered from, so its lasting faults lapse unless it reports them again.
Faults of the camera are also over when a look has an answer. That the camera was moved stops no look: a verdict says so
beside what it saw, and the next one that finds the camera in its place ends it.

The sound of a self-test has an incident of its own (`monitord.notify.expected`), which rings by no rule. A sound that
outlasts the test begins another one, of the usual kind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitord.config import AlertWhen
from monitord.events import (
    EAR_FAULTS,
    LOOK_FAULTS,
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
from monitord.notify.book import OF_TESTS, Book, Change
from monitord.notify.earwatch import EarWatch
from monitord.notify.incident import QUIET_S, TABLE, Action, Event, Incident, State, Urgency
from monitord.notify.ledger import DEAFENING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitord.config import QuietConfig, RuleConfig, RulesConfig
    from monitord.notify.expected import Window

_DIES_OF = frozenset({Fault.DETECTOR_MODEL, Fault.EAR_NOT_CONFINED, Fault.MICROPHONE_STALLED})
"""Faults that end the ear: one that was told needs no second alarm for what follows from it."""
_OF_ROLE = {Role.EAR: EAR_FAULTS | {Fault.EYE_UNREACHABLE}, Role.EYE: LOOK_FAULTS}


class Triage(Book):
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
        super().__init__(room, rules, wait_s, quiet=quiet, live=live, next_id=next_id)
        self._camera = camera
        self._ear = EarWatch(now, unsteady=self._find(Fault.EAR_UNSTEADY) is not None)
        self._window: Window | None = None

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

    def tick(self, now: float) -> list[Change]:
        """Everything that is due at `now`: looks that did not answer, sounds that are over, a silent ear, ringing."""
        changes = []
        if self._ear.is_silent(now):
            changes += self.fault(Fault.EAR_SILENT, now)
        if self._steady_at is not None and now >= self._steady_at:
            changes += self._recover(frozenset({Fault.EAR_UNSTEADY}), now)
        for incident in self.live:
            outlasts_at = _outlasts_at(incident)
            if outlasts_at is not None and now >= outlasts_at:
                changes += self._outlasted(incident, now)
        return changes + super().tick(now)

    def next_due(self) -> float | None:
        """As `Book.next_due`."""
        times = [super().next_due(), self._ear.silent_at, self._steady_at, *map(_outlasts_at, self.live)]
        return min((time for time in times if time is not None), default=None)

    def _hear_of(self, role: Role, now: float) -> list[Change]:
        if role is not Role.EAR or not self._ear.spoke(now):
            return []
        return self._recover(frozenset({Fault.EAR_SILENT}), now)

    def _lives(self, message: Message, role: Role, now: float) -> list[Change]:
        if role is not Role.EAR or not self._ear.dies_too_often(message, now):
            return []
        if any(self._find(each) for each in _DIES_OF):
            return []
        return self.fault(Fault.EAR_UNSTEADY, now)

    @property
    def _steady_at(self) -> float | None:
        return self._ear.steady_at if self._find(Fault.EAR_UNSTEADY) else None

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
            event = Event.AGAIN if over and Event.AGAIN in TABLE[known.state] else Event.SOUND
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
        return self._begin(Sound.CRY, at, OF_TESTS, urgency, score=message.score, window=window)

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

    def _expect_again(self, role: Role, now: float) -> list[Change]:
        changes = []
        for incident in self.live:
            if isinstance(incident.subject, Fault) and incident.subject in _OF_ROLE[role]:
                self._live[incident.id] = replace(incident, lapses_at=now + QUIET_S)
                changes.append(Change(self._live[incident.id], (Action.UPDATE,)))
        return changes

    def _find_test(self, subject: Sound) -> Incident | None:
        return next((each for each in self.live if each.subject is subject and each.test), None)


def _over_by(tested: Incident) -> float:
    return expected.over_by(tested.test_until or 0.0)


def _outlasts_at(incident: Incident) -> float | None:
    """When the sound of a self-test, which has not ended yet, is a real one."""
    return _over_by(incident) if incident.test and incident.sounding else None


def _awaits_the_eye(incident: Incident) -> bool:
    """A sound that was over before this look was asked for keeps the answer of its own."""
    waiting = incident.state is State.OPEN or isinstance(incident.seen, Look)
    return isinstance(incident.subject, Sound) and (incident.sounding or waiting)
