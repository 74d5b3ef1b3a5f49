"""The voice without its sockets: what is received becomes incidents, incidents become deliveries, all is journalled.

One frame, one transaction, which also holds the deliveries that follow from it: an alert is written before it is sent.
What becomes of a delivery is written up to WRITE_WITHIN_S later: a voice that dies before that sends it again, under
the same key, and no alert waits for the disk to be synced for another. Where the journal cannot be written, the alert
goes out all the same, the trouble becomes a fault incident, and what is unwritten is written with the next transaction
that succeeds: alarm first, record second.

An alert that reached nobody escalates to the next group; where there is none, that is a fault of its own
(ALERT_UNDELIVERED), told by every channel there is. That such a fault reached nobody either is not told again: the
page shows it as soon as anybody opens it.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from monitord.config import LOOK_GRACE_S, PAGE
from monitord.events import SELFTEST_FAULTS, Fault, Sound
from monitord.notify import delivery, incident, texts, view
from monitord.notify.addressees import Addressees
from monitord.notify.delivery import Reason
from monitord.notify.incident import Act, Action
from monitord.notify.journal import JournalError
from monitord.notify.outbox import Outbox
from monitord.notify.sensing import give_up_looking, says_nothing_new, sense
from monitord.notify.sinks import Notice
from monitord.notify.tally import Reading
from monitord.notify.triage import Triage
from monitord.notify.unwritten import Unwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from monitord.config import Config
    from monitord.events import Measure
    from monitord.notify.book import Change
    from monitord.notify.clock import Clock
    from monitord.notify.delivery import Delivery
    from monitord.notify.inbox import Received
    from monitord.notify.incident import Incident
    from monitord.notify.journal import Journal
    from monitord.notify.ledger import Guard
    from monitord.notify.view import Json

log = logging.getLogger(__name__)

SHOWN = 50
"""Incidents that the page shows, newest first; older ones stay in the journal."""
WRITE_WITHIN_S = 0.5
"""What became of a delivery is written within this time, or with the next frame."""
SLOW_S = 3.0
"""A memory card that clears its cells may take one second; an alert that waits for longer is to be told of."""
SLOW_FOR_S = 60.0
"""For so long after such a write, what is told does not wait until it is written; it is `WRITE_WITHIN_S` later."""
_REPORT_S = 10.0
"""A fault of the channel or the journal that goes on is told so often, not once a datagram."""
_KNOWN_IS_ENOUGH = SELFTEST_FAULTS | {Fault.ALERT_UNDELIVERED}
"""Faults that are over once a person knows: they are about something that has happened."""
_REASONS = {
    Action.ALERT: Reason.ALERT,
    Action.REPEAT: Reason.REPEAT,
    Action.ESCALATE: Reason.ESCALATED,
    Action.REMIND: Reason.STILL,
    Action.TELL_SEEN: Reason.UPDATE,
    Action.TELL_TAKEN: Reason.ACKNOWLEDGED,
    Action.TELL_OVER: Reason.CLEARED,
}


class Voice:
    """Everything between the inbox and the sinks.

    Args:
        config: the configuration.
        journal: opened for writing.
        sinks: names of all channels.
        clock: both clocks.
        transmit: called with the name of a sink and what it is to bring.
        publish: called with the name and the content of everything that open pages should learn.
        jitter: gives a number 0..1 for the back-off.
        followers: names of the channels that are also brought what comes after an alert.
        book: makes the book of live incidents from those of a former life, the next number and the time; None: that
            of one room. A station of a ward brings its own (`monitord.ward`).
    """

    def __init__(
        self,
        config: Config,
        journal: Journal,
        sinks: Sequence[str],
        clock: Clock,
        *,
        transmit: Callable[[str, Notice], None],
        publish: Callable[[str, Json], None],
        jitter: Callable[[], float],
        followers: Collection[str] = (),
        book: Callable[[list[Incident], int, float], Triage] | None = None,
    ) -> None:
        self._config, self._journal, self._sinks, self._clock = config, journal, tuple(sinks), clock
        self._transmit, self._publish, self._jitter = transmit, publish, jitter
        self._addressees = Addressees(self._sinks, config.groups, followers)
        self.senses = view.Senses()
        next_incident, next_delivery = journal.next_ids()
        self._wait_s = config.video.look_s + LOOK_GRACE_S
        live = journal.live_incidents()
        now = clock.monotonic()
        self._triage = (book or self._book_of_a_room)(live, next_incident, now)
        self._shown = {each.id: each for each in sorted([*live, *journal.incidents(SHOWN)], key=lambda each: each.id)}
        self._outbox = Outbox([*journal.deliveries(list(self._shown)), *journal.unfinished()], next_delivery)
        self._unwritten = Unwritten()
        self._write_by: float | None = None
        self._reported: dict[Fault, float] = {}
        self._slow_until = -math.inf
        self._channels: dict[str, str] = {}
        self._minute_at = self._tell_time(now)
        for each in journal.unfinished():
            self._deliver(each, delivery.Event.RESTART, now)
        if journal.set_aside is not None:
            aside, rescued = journal.set_aside, journal.rescued
            log.error("the journal was damaged and is now %s; %d rows of it could be read", aside, rescued)
            self._settle(self._triage.fault(Fault.JOURNAL, now))
        if journal.in_memory:
            log.error("%s; until then it is kept in memory only", journal.in_memory)
            self.fault(Fault.JOURNAL)

    def _book_of_a_room(self, live: list[Incident], next_id: int, now: float) -> Triage:
        config = self._config
        return Triage(
            config.room.name,
            config.rules,
            self._wait_s,
            quiet=config.quiet_hours,
            camera=not config.video.off,
            live=live,
            next_id=next_id,
            now=now,
        )

    def settle(self, changes: Sequence[Change]) -> None:
        """What the caller's own book says has changed: write it, tell it, show it."""
        self._settle(changes)

    def tell_by(self, sinks: Sequence[str]) -> None:
        """Alerts go out by these channels from now on; what is under way by another one stays so."""
        self._addressees = replace(self._addressees, sinks=tuple(sinks))

    def heal(self) -> None:
        """Try again what the journal could not do: to be on the disk, to take what is unwritten."""
        try:
            self._journal.to_disk()
            if self._unwritten:
                self._journal.fold()
        except JournalError:
            self.fault(Fault.JOURNAL)
        self.flush()

    def flush(self) -> None:
        """Write what is unwritten, now."""
        self._write_by = None
        if self._unwritten:
            self._write()

    def receive(self, received: Received) -> None:
        """Take in one datagram; when this returns, it is in the journal, or kept for it, and may be consumed."""
        now = self._clock.monotonic()
        self._tell_time(now)
        changes: list[Change] = []
        if received.fault is not None and self._may_report(received.fault, now):
            log.warning("events socket: %s", received.reason)
            changes += self._triage.fault(received.fault, now)
        frame = received.frame
        if frame is None:
            self._settle(changes)
            return
        dull = says_nothing_new(self.senses, frame)
        sense(self.senses, frame, now)
        changes += self._triage.take(frame.message, frame.role, now, frame.age_s)
        self._settle(changes, None if dull else received.data)
        self._mind_the_disk()

    def tick(self) -> None:
        """Do what is due: looks and sounds that are over, ringing again, a silent ear, deliveries."""
        now = self._clock.monotonic()
        self._minute_at = self._tell_time(now)
        give_up_looking(self.senses, now, self._wait_s)
        self._mind_the_disk()
        self._settle(self._triage.tick(now))
        changes: list[Change] = []
        for each, event in self._outbox.due(now):
            after = self._deliver(each, event, now)
            if after.state is delivery.State.FAILED:
                changes += self._unreached(after, now)
            self._write_later(now)
        self._settle(changes)
        if self._write_by is not None and now >= self._write_by:
            self.flush()

    def _mind_the_disk(self) -> None:
        took_s = self._journal.slowest_s()
        if took_s >= SLOW_S:
            log.warning("the disk took %.1f s to write; for a while nobody waits for it", took_s)
            self._slow_until = self._clock.monotonic() + SLOW_FOR_S
            self.fault(Fault.DISK_SLOW)

    def next_due(self) -> float | None:
        """When `tick` has something to do next, seconds, monotonic."""
        times = [self._triage.next_due(), self._outbox.next_due(), self._write_by]
        if self._triage.awaits_the_wall_clock:
            times.append(self._minute_at)
        return min((time for time in times if time is not None), default=None)

    def acknowledge(self, number: int, by: str = "", via: str = "") -> Json | None:
        """A person acknowledges an incident; None: there is none of that number.

        Args:
            number: of the incident.
            by: who, as far as the channel knows.
            via: the channel that it came by.
        """
        known = self._known(number)
        if known is None:
            return None
        now = self._clock.monotonic()
        changes = [self._triage.acknowledge(known, now, by, via)]
        self._shown.setdefault(number, known)
        for each in self._outbox.of(number):
            if each.sink in (PAGE, via) and each.reason in delivery.RINGS:
                self._deliver(each, delivery.Event.CONFIRMED, now)  # Who acknowledges has seen it.
        if changes[0].actions:
            self._unwritten.act(Act(number, now, incident.Event.ACK, by, via))
            log.info("incident %d is acknowledged%s", number, "".join(f", {each}" for each in (by, via) if each))
        if known.subject in _KNOWN_IS_ENOUGH and changes[0].incident.state is not incident.State.CLEARED:
            # Somebody knows now, and that was all it was about. A former one says nothing of one that stands.
            changes += self._triage.recovered(known.subject, now)
        self._write_later(now)
        self._settle(changes)
        return self.incident(changes[-1].incident)

    def mute(self, number: int, by: str = "", via: str = "") -> Json | None:
        """A person mutes the tones of an incident for a while; None: there is none of that number. As `acknowledge`."""
        known = self._known(number)
        if known is None:
            return None
        now = self._clock.monotonic()
        change = self._triage.mute(number, now)
        if change is None:
            return self.incident(known)
        if change.actions:
            self._unwritten.act(Act(number, now, incident.Event.MUTE, by, via))
            log.info("incident %d is muted%s", number, "".join(f", {each}" for each in (by, via) if each))
        self._settle([change])
        return self.incident(change.incident)

    def expect_test(self, seconds: float, *, quiet: bool) -> Json:
        """A self-test begins, and its sound is to come within `seconds`; returns `selftest`.

        Raises:
            WindowError: not now, or not for so long.
        """
        window = self._triage.expect_test(seconds, self._clock.monotonic(), quiet=quiet)
        log.warning("a self-test: for %g s a cry is taken for its sound", window.until - window.begin)
        return self.selftest()

    def selftest(self) -> Json:
        """What has become of the last self-test, for JSON."""
        window = self._triage.window
        if window is None:
            return {"until": None, "incident": None, "written": False}
        on_disk = not self._journal.in_memory and self._journal.incident(window.incident or 0) is not None
        return {
            "until": self._clock.to_utc(window.until),
            "incident": None if window.incident is None else self.find(window.incident),
            "written": on_disk,
        }

    def tested(self, found: Fault | None) -> None:
        """A self-test is over: what it found; None: everything is as it should be."""
        now = self._clock.monotonic()
        over = [each for fault in sorted(SELFTEST_FAULTS - {found}, key=lambda each: each.value)
                for each in self._triage.recovered(fault, now)]  # fmt: skip
        self._settle([*over, *(() if found is None else self._triage.fault(found, now))])

    def report(self, number: int, event: delivery.Event, error: str = "") -> Json | None:
        """What became of a delivery, and how it failed; None: there is none of that number."""
        known = self._outbox.get(number) or self._journal.delivery(number)
        if known is None:
            return None
        if event in delivery.TABLE[known.state]:
            after = self._deliver(known, event, self._clock.monotonic(), error)
            if after != known:
                self._write_later(self._clock.monotonic())
                self._show(known.incident)
            known = after
        return view.delivery_json(known, self._clock, self._config.room.language)

    def channel(self, name: str, trouble: str) -> None:
        """A channel works (""), or does not (why)."""
        if self._channels.get(name) != trouble:
            self._channels[name] = trouble
            if trouble:
                log.warning("channel %s: %s", name, trouble)
            self._publish("state", self.state())

    def fault(self, fault: Fault) -> None:
        """The voice itself has found a fault."""
        now = self._clock.monotonic()
        if self._may_report(fault, now):
            self._settle(self._triage.fault(fault, now))

    def confined(self, measures: frozenset[Measure], *, complete: bool) -> None:
        """What confines the voice itself; it tells at any rate, since an alert must never wait for that."""
        self.senses.measures["voice"] = measures
        now = self._clock.monotonic()
        over = self._triage.recovered(Fault.VOICE_UNCONFINED, now)
        self._settle(over if complete else self._triage.fault(Fault.VOICE_UNCONFINED, now))

    def follow(self, config: Config) -> None:
        """The owner has other rules, groups and quiet hours from now on."""
        self._config = config
        self._addressees = replace(self._addressees, groups=config.groups)
        self._triage.follow(config.rules, config.quiet_hours)

    def configured(self, *, right: bool) -> None:
        """Whether the file is right: what is started anew would not start with a wrong one."""
        self.stands(Fault.CONFIGURATION, holds=not right)

    def stands(self, fault: Fault, *, holds: bool) -> None:
        """Whether a fault that the voice itself looks for stands."""
        now = self._clock.monotonic()
        self._settle(self._triage.fault(fault, now) if holds else self._triage.recovered(fault, now))

    def state(self) -> Json:
        """The state of the monitor, for JSON."""
        state = view.state_json(
            self.senses, self._triage.live, self._config.room.name, self._clock, self._config.room.language
        )
        return {**state, "channels": [{"name": name, "trouble": self._channels.get(name, "")} for name in self._sinks]}

    def reading(self, kinds: Mapping[str, str], protection: Mapping[Guard, float]) -> Reading:
        """What holds now, for the metrics.

        Args:
            kinds: name of each channel -> its kind.
            protection: seconds by guard, as the ledger has them.
        """
        live, ear_at = self._triage.live, self.senses.ear_at
        unanswered = (each for each in live if isinstance(each.subject, Sound) and each.state in incident.UNANSWERED)
        return Reading(
            ear_age_s=None if ear_at is None else max(0.0, self._clock.monotonic() - ear_at),
            level_dbfs=self.senses.level_dbfs,
            faults=frozenset(each.subject for each in live if isinstance(each.subject, Fault)),
            unanswered=Counter(each.urgency.value for each in unanswered),
            outbox=self._outbox.under_way(),
            troubled=Counter(kinds[name] for name, trouble in self._channels.items() if trouble),
            protection=protection,
        )

    def incidents(self) -> list[Json]:
        """The newest incidents, newest first, for JSON."""
        return [self.incident(each) for each in sorted(self._shown.values(), key=lambda each: -each.id)]

    def incident(self, each: Incident) -> Json:
        """One incident, for JSON."""
        return view.incident_json(each, self._outbox.of(each.id), self._clock, self._config.room.language)

    def repeat_s(self, each: Incident) -> float:
        """Seconds after which an alert of `each` that nobody took is to ring again; 0.0: never."""
        return self._triage.rule(each).repeat_s

    def find(self, number: int) -> Json | None:
        """The incident of that number, for JSON; None: there is none."""
        known = self._known(number)
        return None if known is None else self.incident(known)

    def _known(self, number: int) -> Incident | None:
        """The incident of that number: of those that are shown, else from the journal."""
        return self._shown.get(number) or self._journal.incident(number)

    def _tell_time(self, now: float) -> float:
        """Tell the wall clock's time to the rules; returns when its next minute begins, monotonic."""
        local = self._clock.local()
        self._triage.it_is(local)
        return now + 60.0 - local.second - local.microsecond / 1e6

    def _may_report(self, fault: Fault, now: float) -> bool:
        if now - self._reported.get(fault, -_REPORT_S) < _REPORT_S:
            return False
        self._reported[fault] = now
        return True

    def _settle(self, changes: Sequence[Change], data: bytes | None = None) -> None:
        now = self._clock.monotonic()
        changed = [change for change in changes if change.actions]
        for change in changed:
            self._shown[change.incident.id] = change.incident
            self._unwritten.put(change.incident)
            for reason in [_REASONS[action] for action in change.actions if action in _REASONS]:
                each, notify = change.incident, self._triage.rule(change.incident).notify
                sinks = self._addressees.of(each, reason, notify, self._outbox.told(each.id))
                for begun in self._outbox.begin(each.id, sinks, reason, now):
                    self._unwritten.put(begun)
        if data is not None:
            self._unwritten.frame(data, now)
        if self._slow_until > now:
            self._write_later(now)  # Alarm first, record second.
        elif changed or data is not None:
            self._write()
        for number in dict.fromkeys(change.incident.id for change in changed):
            self._show(number)
        self._forget_old()
        if changed or data is not None:
            self._publish("state", self.state())

    def _unreached(self, failed: Delivery, now: float) -> list[Change]:
        """What follows from a delivery that has failed for good."""
        each = self._known(failed.incident)
        if each is None or failed.reason not in delivery.RINGS or each.acked_at is not None or each.test:
            return []
        if self._outbox.lost(each.id, self._addressees.in_charge(each, self._triage.rule(each).notify)):
            escalated = self._triage.unreached(each.id, now)
            if escalated:
                return escalated
        if each.subject is Fault.ALERT_UNDELIVERED or not self._outbox.lost(each.id, self._addressees.people()):
            return []
        return self._triage.fault(Fault.ALERT_UNDELIVERED, now)

    def _deliver(self, each: Delivery, event: delivery.Event, now: float, error: str = "") -> Delivery:
        if event not in delivery.TABLE[each.state]:
            return each
        after, actions = delivery.step(each, event, now, jitter=self._jitter(), error=error)
        if after == each:
            return each
        self._outbox.put(after)
        self._unwritten.put(after)
        known = self._known(after.incident)
        if known is None:
            return after
        if delivery.Action.TRANSMIT in actions:
            self._transmit(after.sink, Notice(after.id, known, f"{self._journal.id}-{after.id}", after.reason))
        if delivery.Action.TELL_OWNER in actions and after.reason in delivery.RINGS:
            log.error("alert %d, %s: %s", known.id, after.sink, texts.text(after.state, self._config.room.language))
            self._show(known.id)
        return after

    def _write_later(self, now: float) -> None:
        if self._write_by is None:
            self._write_by = now + WRITE_WITHIN_S

    def _write(self) -> None:
        """Everything unwritten in one transaction; if that fails, again a little later."""
        self._write_by = None
        try:
            if self._journal.changed_by_another():
                self._drop_what_was_forgotten()
            self._unwritten.write(self._journal)
        except JournalError as cause:
            now = self._clock.monotonic()
            self._write_later(now)
            if self._may_report(Fault.JOURNAL, now):
                log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
                self._settle(self._triage.fault(Fault.JOURNAL, now))

    def _drop_what_was_forgotten(self) -> None:
        """Somebody had the history deleted while it was in use (`monitord forget`)."""
        live = {each.id for each in self._triage.live}
        gone = [each for each in self._shown if each not in live and self._journal.incident(each) is None]
        for number in gone:
            del self._shown[number]
            self._outbox.drop(number)
            self._unwritten.drop(number)
        if gone:
            self._publish("snapshot", {"state": self.state(), "incidents": self.incidents()})

    def _show(self, number: int) -> None:
        if number in self._shown:
            self._publish("incident", self.incident(self._shown[number]))

    def _forget_old(self) -> None:
        live = {each.id for each in self._triage.live}
        for number in [number for number in self._shown if number not in live][:-SHOWN]:
            del self._shown[number]
        self._outbox.forget(self._shown)
