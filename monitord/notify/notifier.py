"""From incidents to whom they concern: incidents become deliveries, all is journalled, and pages are shown it.

One happening, one transaction, which also holds the deliveries that follow from it: an alert is written before it is
sent. What becomes of a delivery is written up to WRITE_WITHIN_S later (`monitord.notify.unwritten`): a voice that dies
before that sends it again, under the same key, and no alert waits for the disk to be synced for another. Where the
journal cannot be written, the alert goes out all the same, the trouble becomes a fault incident, and what is unwritten
is written with the next transaction that succeeds: alarm first, record second.

An alert that reached nobody escalates to the next group; where there is none, that is a fault of its own
(ALERT_UNDELIVERED), told by every channel there is. That such a fault reached nobody either is not told again: the
page shows it as soon as anybody opens it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from monitord.events import SELFTEST_FAULTS, Fault
from monitord.notify import delivery, incident, texts, view
from monitord.notify.addressees import Addressees
from monitord.notify.database import JournalError
from monitord.notify.dispatch import Dispatch
from monitord.notify.incident import Act
from monitord.notify.outbox import Outbox
from monitord.notify.shown import Shown
from monitord.notify.unwritten import Unwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from monitord.config import Config
    from monitord.events import Measure
    from monitord.notify.book import Book, Change
    from monitord.notify.clock import Clock
    from monitord.notify.delivery import Delivery
    from monitord.notify.incident import Incident
    from monitord.notify.journal import Journal
    from monitord.notify.sinks import Notice
    from monitord.notify.view import Json

log = logging.getLogger(__name__)

SLOW_S = 3.0
"""A memory card that clears its cells may take one second; an alert that waits for longer is to be told of."""
_REPORT_S = 10.0
"""A fault of the channel or the journal that goes on is told so often, not once a datagram."""
_KNOWN_IS_ENOUGH = SELFTEST_FAULTS | {Fault.ALERT_UNDELIVERED}
"""Faults that are over once a person knows: they are about something that has happened."""


class Notifier:
    """Everything between a book of incidents and the sinks.

    Args:
        config: the configuration.
        journal: opened for writing.
        sinks: names of all channels.
        clock: both clocks.
        book: makes the book of live incidents from those of a former life, the next number and the time.
        transmit: called with the name of a sink and what it is to bring.
        publish: called with the name and the content of everything that open pages should learn.
        jitter: gives a number 0..1 for the back-off.
        followers: names of the channels that are also brought what comes after an alert.
    """

    def __init__(
        self,
        config: Config,
        journal: Journal,
        sinks: Sequence[str],
        clock: Clock,
        *,
        book: Callable[[list[Incident], int, float], Book],
        transmit: Callable[[str, Notice], None],
        publish: Callable[[str, Json], None],
        jitter: Callable[[], float],
        followers: Collection[str] = (),
    ) -> None:
        self._config, self._journal, self._sinks, self._clock = config, journal, tuple(sinks), clock
        self._publish = publish
        self.senses = view.Senses()
        next_incident, next_delivery = journal.next_ids()
        live = journal.live_incidents()
        now = clock.monotonic()
        self._book = book(live, next_incident, now)
        self._shown = Shown(journal, live)
        known = [*journal.deliveries(list(self._shown.numbers())), *journal.unfinished()]
        self._outbox = Outbox(known, next_delivery)
        self._unwritten = Unwritten()
        self._dispatch = Dispatch(
            self._outbox,
            Addressees(self._sinks, config.groups, followers),
            journal.id,
            find=self._shown.find,
            transmit=transmit,
            keep=self._unwritten.put,
            jitter=jitter,
        )
        self._reported: dict[Fault, float] = {}
        self._channels: dict[str, str] = {}
        self._minute_at = self._tell_time(now)
        for each in journal.unfinished():
            self._dispatch.step(each, delivery.Event.RESTART, now)
        if journal.set_aside is not None:
            aside, rescued = journal.set_aside, journal.rescued
            log.error("the journal was damaged and is now %s; %d rows of it could be read", aside, rescued)
            self.settle(self._book.fault(Fault.JOURNAL, now))
        if journal.in_memory:
            log.error("%s; until then it is kept in memory only", journal.in_memory)
            self.fault(Fault.JOURNAL)

    def settle(self, changes: Sequence[Change], data: bytes | None = None) -> None:
        """Write, tell and show what has changed in the book, and the frame `data` that it follows from."""
        now = self._clock.monotonic()
        changed = [change for change in changes if change.actions]
        for change in changed:
            self._shown.put(change.incident)
            self._unwritten.put(change.incident)
            self._dispatch.begin(change, self._book.rule(change.incident).notify, now)
        if data is not None:
            self._unwritten.frame(data, now)
        if self._unwritten.is_slow(now):
            self._unwritten.write_later(now)  # Alarm first, record second.
        elif changed or data is not None:
            self._write()
        for number in dict.fromkeys(change.incident.id for change in changed):
            self._show(number)
        self._shown.forget_old({each.id for each in self._book.live})
        self._outbox.forget(self._shown.numbers())
        if changed or data is not None:
            self._publish("state", self.state())

    def tell_by(self, sinks: Sequence[str]) -> None:
        """Alerts go out by these channels from now on; what is under way by another one stays so."""
        self._dispatch.tell_by(sinks)

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
        self._unwritten.write_by = None
        if self._unwritten:
            self._write()

    def tick(self) -> None:
        """Do what is due: incidents that are over, ringing again, deliveries, what is to be written."""
        now = self._clock.monotonic()
        self._minute_at = self._tell_time(now)
        self._mind_the_disk()
        self.settle(self._book.tick(now))
        changes: list[Change] = []
        for each, event in self._outbox.due(now):
            after = self._dispatch.step(each, event, now)
            if after.state is delivery.State.FAILED:
                changes += self._unreached(after, now)
            self._unwritten.write_later(now)
        self.settle(changes)
        if self._unwritten.write_by is not None and now >= self._unwritten.write_by:
            self.flush()

    def next_due(self) -> float | None:
        """When `tick` has something to do next, seconds, monotonic."""
        times = [self._book.next_due(), self._outbox.next_due(), self._unwritten.write_by]
        if self._book.awaits_the_wall_clock:
            times.append(self._minute_at)
        return min((time for time in times if time is not None), default=None)

    def acknowledge(self, number: int, by: str = "", via: str = "") -> Json | None:
        """A person acknowledges an incident; None: there is none of that number.

        Args:
            number: of the incident.
            by: who, as far as the channel knows.
            via: the channel that it came by.
        """
        known = self._shown.find(number)
        if known is None:
            return None
        now = self._clock.monotonic()
        changes = [self._book.acknowledge(known, now, by, via)]
        self._shown.put(known)
        self._dispatch.seen(number, via, now)
        if changes[0].actions:
            self._unwritten.act(Act(number, now, incident.Event.ACK, by, via))
            log.info("incident %d is acknowledged%s", number, "".join(f", {each}" for each in (by, via) if each))
        if known.subject in _KNOWN_IS_ENOUGH and changes[0].incident.state is not incident.State.CLEARED:
            # Somebody knows now, and that was all it was about. A former one says nothing of one that stands.
            changes += self._book.recovered(known.subject, now)
        self._unwritten.write_later(now)
        self.settle(changes)
        return self.incident(changes[-1].incident)

    def mute(self, number: int, by: str = "", via: str = "") -> Json | None:
        """A person mutes the tones of an incident for a while; None: there is none of that number. As `acknowledge`."""
        known = self._shown.find(number)
        if known is None:
            return None
        now = self._clock.monotonic()
        change = self._book.mute(number, now)
        if change is None:
            return self.incident(known)
        if change.actions:
            self._unwritten.act(Act(number, now, incident.Event.MUTE, by, via))
            log.info("incident %d is muted%s", number, "".join(f", {each}" for each in (by, via) if each))
        self.settle([change])
        return self.incident(change.incident)

    def report(self, number: int, event: delivery.Event, error: str = "") -> Json | None:
        """What became of a delivery, and how it failed; None: there is none of that number."""
        known = self._outbox.get(number) or self._journal.delivery(number)
        if known is None:
            return None
        now = self._clock.monotonic()
        after = self._dispatch.step(known, event, now, error)
        if after != known:
            self._unwritten.write_later(now)
            self._show(known.incident)
        return view.delivery_json(after, self._clock, self._config.room.language)

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
            self.settle(self._book.fault(fault, now))

    def stands(self, fault: Fault, *, holds: bool) -> None:
        """Whether a fault that the voice itself looks for stands."""
        now = self._clock.monotonic()
        self.settle(self._book.fault(fault, now) if holds else self._book.recovered(fault, now))

    def confined(self, measures: frozenset[Measure], *, complete: bool) -> None:
        """What confines the voice itself; it tells at any rate, since an alert must never wait for that."""
        self.senses.measures["voice"] = measures
        self.stands(Fault.VOICE_UNCONFINED, holds=not complete)

    def state(self) -> Json:
        """The state of the monitor, for JSON."""
        state = view.state_json(
            self.senses, self._book.live, self._config.room.name, self._clock, self._config.room.language
        )
        return {**state, "channels": [{"name": name, "trouble": self._channels.get(name, "")} for name in self._sinks]}

    def incidents(self) -> list[Json]:
        """The newest incidents, newest first, for JSON."""
        return [self.incident(each) for each in self._shown.newest_first()]

    def incident(self, each: Incident) -> Json:
        """One incident, for JSON."""
        return view.incident_json(each, self._outbox.of(each.id), self._clock, self._config.room.language)

    def repeat_s(self, each: Incident) -> float:
        """Seconds after which an alert of `each` that nobody took is to ring again; 0.0: never."""
        return self._book.rule(each).repeat_s

    def find(self, number: int) -> Json | None:
        """The incident of that number, for JSON; None: there is none."""
        known = self._shown.find(number)
        return None if known is None else self.incident(known)

    def _tell_time(self, now: float) -> float:
        """Tell the wall clock's time to the rules; returns when its next minute begins, monotonic."""
        local = self._clock.local()
        self._book.it_is(local)
        return now + 60.0 - local.second - local.microsecond / 1e6

    def _may_report(self, fault: Fault, now: float) -> bool:
        if now - self._reported.get(fault, -_REPORT_S) < _REPORT_S:
            return False
        self._reported[fault] = now
        return True

    def _unreached(self, failed: Delivery, now: float) -> list[Change]:
        """What follows from a delivery that has failed for good."""
        each = self._shown.find(failed.incident)
        if each is None or failed.reason not in delivery.RINGS:
            return []
        log.error("alert %d, %s: %s", each.id, failed.sink, texts.text(failed.state, self._config.room.language))
        self._show(each.id)
        if each.acked_at is not None or each.test:
            return []
        if self._dispatch.missed_the_group(each, self._book.rule(each).notify):
            escalated = self._book.unreached(each.id, now)
            if escalated:
                return escalated
        if each.subject is Fault.ALERT_UNDELIVERED or not self._dispatch.missed_everybody(each):
            return []
        return self._book.fault(Fault.ALERT_UNDELIVERED, now)

    def _mind_the_disk(self) -> None:
        took_s = self._journal.slowest_s()
        if took_s >= SLOW_S:
            log.warning("the disk took %.1f s to write; for a while nobody waits for it", took_s)
            self._unwritten.slow(self._clock.monotonic())
            self.fault(Fault.DISK_SLOW)

    def _write(self) -> None:
        """Everything unwritten in one transaction; if that fails, again a little later."""
        self._unwritten.write_by = None
        try:
            if self._journal.changed_by_another():
                self._drop_what_was_forgotten()
            self._unwritten.write(self._journal)
        except JournalError as cause:
            now = self._clock.monotonic()
            self._unwritten.write_later(now)
            if self._may_report(Fault.JOURNAL, now):
                log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
                self.settle(self._book.fault(Fault.JOURNAL, now))

    def _drop_what_was_forgotten(self) -> None:
        """Somebody had the history deleted while it was in use (`monitord forget`)."""
        gone = self._shown.drop_what_is_gone({each.id for each in self._book.live})
        for number in gone:
            self._outbox.drop(number)
            self._unwritten.drop(number)
        if gone:
            self._publish("snapshot", {"state": self.state(), "incidents": self.incidents()})

    def _show(self, number: int) -> None:
        known = self._shown.get(number)
        if known is not None:
            self._publish("incident", self.incident(known))
