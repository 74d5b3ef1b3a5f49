"""The book of live incidents, and what the owner's rules say of each: who is called, how often, quiet hours. Pure.

The caller brings `now` and keeps what comes back; see `monitord.notify.incident` for what happens to one incident. How
what is heard becomes incidents is the matter of who derives from it: `monitord.notify.triage` for a room,
`monitord.ward.triage` for a ward.

The wall clock is an input (`it_is`): a core without a clock of its own cannot be surprised by summer time, or by a
clock that jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitord.config import AlertWhen, FaultConfig, QuietConfig, RuleConfig, RulesConfig, Until
from monitord.events import EAR_FAULTS, LOOK_FAULTS, SELFTEST_FAULTS, Fault, Sight, Sound
from monitord.notify.incident import MUTE_S, UNANSWERED, Action, Event, Incident, State, Urgency, begin, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from monitord.notify.expected import Window

LASTING = (EAR_FAULTS - {Fault.MICROPHONE_OVERRUN}) | LOOK_FAULTS
LASTING |= {Fault.CAMERA_MOVED, Fault.EAR_SILENT, Fault.UNCONFINED, Fault.VOICE_UNCONFINED, Fault.ALERT_UNDELIVERED}
LASTING |= {Fault.CONFIGURATION, Fault.MODELS_CHANGED, Fault.EAR_UNSTEADY, Fault.VOICE_UNSTEADY}
LASTING |= {Fault.ROOM_SILENT, Fault.BROKER_AWAY} | SELFTEST_FAULTS
"""Faults that last until somebody says that they are over; the others lapse when they are not told again."""
OF_TESTS = RuleConfig(repeat_s=0.0, escalate_s=0.0, remind_s=0.0, until=Until.QUIET)
"""A self-test goes to every channel once: each is to be tried, and nobody to be called."""


@dataclass(frozen=True, slots=True)
class Change:
    """An incident after something happened to it, and what the voice has to do now."""

    incident: Incident
    actions: tuple[Action, ...]


class Book:
    """The live incidents.

    Args:
        room: what the owner calls it.
        rules: one rule per sound.
        wait_s: seconds an alert under "after_look" may wait (``look_s + LOOK_GRACE_S``).
        quiet: the owner's quiet hours.
        live: incidents of a former life of the voice, from the journal.
        next_id: number of the next incident.
    """

    def __init__(
        self,
        room: str,
        rules: RulesConfig,
        wait_s: float,
        *,
        quiet: QuietConfig | None = None,
        live: Iterable[Incident] = (),
        next_id: int = 1,
    ) -> None:
        self._room = room
        self._rules = rules
        self._wait_s = wait_s
        self._quiet = quiet or QuietConfig()
        self._local: datetime | None = None
        self._next_id = next_id
        self._live = {incident.id: incident for incident in live if incident.state is not State.CLEARED}

    @property
    def live(self) -> list[Incident]:
        """Incidents that are not cleared, oldest first."""
        return list(self._live.values())

    def follow(self, rules: RulesConfig, quiet: QuietConfig) -> None:
        """The owner has other rules from now on; what an incident waits for already stays as it is."""
        self._rules, self._quiet = rules, quiet

    def it_is(self, local: datetime) -> None:
        """What the clock on the wall shows now; to be said before anything else happens, and before `tick`."""
        self._local = local

    def rule(self, incident: Incident) -> RuleConfig | FaultConfig:
        """The owner's rule for it."""
        return OF_TESTS if incident.test else self._rule_of(incident.subject)

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

    def tick(self, now: float) -> list[Change]:
        """Everything that is due at `now`: quiet hours that begin or end, ringing again, what is over."""
        changes = []
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
        times = (when(incident) for incident in self.live for when, _ in self._timers())
        return min((time for time in times if time is not None), default=None)

    @property
    def awaits_the_wall_clock(self) -> bool:
        """Whether quiet hours that begin or end could change something: then `tick` is due each minute."""
        return bool(self._quiet.begin and self._live)

    def _recover(self, faults: frozenset[Fault], now: float) -> list[Change]:
        over = [
            incident for incident in self.live if isinstance(incident.subject, Fault) and incident.subject in faults
        ]
        return [self._apply(incident, Event.RECOVERED, now) for incident in over]

    def _find(self, subject: Sound | Fault) -> Incident | None:
        same = (each for each in self.live if each.subject is subject and not each.test)
        return next(same, None)

    def _begin(
        self,
        subject: Sound | Fault,
        at: float,
        rule: RuleConfig,
        urgency: Urgency,
        score: int = 0,
        *,
        window: Window | None = None,
        room: str = "",
    ) -> Change:
        incident, actions = begin(
            self._next_id,
            subject,
            at,
            room=room or self._room,
            urgency=urgency,
            alert=rule.alert,
            wait_s=self._wait_s,
            score=score,
            lasting=isinstance(subject, Fault) and subject in LASTING,
            latching=isinstance(subject, Sound) and rule.until is Until.ACKNOWLEDGED,
            held=self._holds_back(urgency) if window is None else window.quiet,
            test_until=None if window is None else window.until,
            calling=self._rule_of(subject) if window is None else OF_TESTS,
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


def _lapses_at(incident: Incident) -> float | None:
    """An alert that waits for the camera does not lapse before it went out; a latching one not before it is taken."""
    waits = incident.state is State.OPEN or (incident.latching and incident.state is not State.ACKNOWLEDGED)
    return None if waits else incident.lapses_at
