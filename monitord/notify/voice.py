"""The voice without its sockets: what is received becomes incidents, incidents become deliveries, all is journalled.

One call, one transaction. Where the journal cannot be written, the alert goes out all the same, the trouble becomes a
fault incident, and what is unwritten is written with the next transaction that succeeds: alarm first, record second.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from monitord.config import LOOK_GRACE_S
from monitord.events import (
    LOOK_FAULTS,
    Fault,
    Gate,
    Kind,
    Life,
    Look,
    Role,
    Sight,
    level_to_calibration,
    level_to_measures,
)
from monitord.notify import delivery, incident, texts, view
from monitord.notify.delivery import Delivery
from monitord.notify.journal import JournalError
from monitord.notify.sinks import Notice
from monitord.notify.sinks.page import NAME as PAGE
from monitord.notify.triage import Change, Triage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitord.config import Config
    from monitord.events import Frame, Measure
    from monitord.notify.clock import Clock
    from monitord.notify.inbox import Received
    from monitord.notify.incident import Incident
    from monitord.notify.journal import Journal
    from monitord.notify.view import Json

log = logging.getLogger(__name__)

SHOWN = 50
"""Incidents that the page shows, newest first; older ones stay in the journal."""
_REPORT_S = 10.0
"""A fault of the channel or the journal that goes on is told so often, not once a datagram."""


class Voice:
    """Everything between the inbox and the sinks.

    Args:
        config: the configuration.
        journal: opened for writing.
        sinks: names of the channels that every alert goes to.
        clock: both clocks.
        transmit: called with the name of a sink and what it is to bring.
        publish: called with the name and the content of everything that open pages should learn.
        jitter: gives a number 0..1 for the back-off.
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
    ) -> None:
        self._config, self._journal, self._sinks, self._clock = config, journal, tuple(sinks), clock
        self._transmit, self._publish, self._jitter = transmit, publish, jitter
        self.senses = view.Senses()
        next_incident, self._next_delivery = journal.next_ids()
        self._wait_s = config.video.look_s + LOOK_GRACE_S
        live = journal.live_incidents()
        self._triage = Triage(
            config.room.name,
            config.rules,
            self._wait_s,
            camera=not config.video.off,
            live=live,
            next_id=next_incident,
            now=clock.monotonic(),
        )
        self._shown = {each.id: each for each in sorted([*live, *journal.incidents(SHOWN)], key=lambda each: each.id)}
        self._deliveries = {each.id: each for each in journal.deliveries(list(self._shown))}
        self._unwritten: dict[tuple[str, int], Incident | Delivery] = {}
        self._reported: dict[Fault, float] = {}
        self._channels: dict[str, str] = {}
        now = clock.monotonic()
        for each in journal.unfinished():
            self._deliver(each, delivery.Event.RESTART, now)
        if journal.set_aside is not None:
            log.error("the journal was damaged; it was moved to %s and a new one begun", journal.set_aside)
            self._settle(self._triage.fault(Fault.JOURNAL, now))

    def receive(self, received: Received) -> None:
        """Take in one datagram; when this returns, it is in the journal and may be consumed."""
        now = self._clock.monotonic()
        changes: list[Change] = []
        if received.fault is not None and self._may_report(received.fault, now):
            log.warning("events socket: %s", received.reason)
            changes += self._triage.fault(received.fault, now)
        frame = received.frame
        if frame is None:
            self._settle(changes)
            return
        dull = self._says_nothing_new(frame)
        self._sense(frame, now)
        changes += self._triage.take(frame.message, frame.role, now, frame.age_s)
        self._settle(changes, None if dull else received.data)

    def tick(self) -> None:
        """Do what is due: looks and sounds that are over, a silent ear, deliveries."""
        now = self._clock.monotonic()
        self._give_up_looking(now)
        self._settle(self._triage.tick(now))
        events = [(each, delivery.due_event(each, now)) for each in self._deliveries.values()]
        due = [(each, event) for each, event in events if event is not None]
        for each, event in due:
            self._deliver(each, event, now)
        if due or self._unwritten:
            self._write(None)

    def next_due(self) -> float | None:
        """When `tick` has something to do next, seconds, monotonic."""
        times = [self._triage.next_due(), *(delivery.due(each) for each in self._deliveries.values())]
        return min((time for time in times if time is not None), default=None)

    def acknowledge(self, number: int, by: str = "", via: str = "") -> Json | None:
        """A person acknowledges an incident; None: there is none of that number.

        Args:
            number: of the incident.
            by: who, as far as the channel knows.
            via: the channel that it came by.
        """
        known = self._shown.get(number) or self._journal.incident(number)
        if known is None:
            return None
        now = self._clock.monotonic()
        change = self._triage.acknowledge(known, now)
        self._shown.setdefault(number, known)
        for each in [each for each in self._deliveries.values() if each.incident == number and each.sink == PAGE]:
            self._deliver(each, delivery.Event.CONFIRMED, now)  # Who acknowledges has seen it.
        log.info("incident %d is acknowledged%s", number, "".join(f", {each}" for each in (by, via) if each))
        self._settle([change])
        return self.incident(change.incident)

    def report(self, number: int, event: delivery.Event) -> Json | None:
        """What became of a delivery; None: there is none of that number."""
        known = self._deliveries.get(number) or self._journal.delivery(number)
        if known is None:
            return None
        if event in delivery.TABLE[known.state]:
            after = self._deliver(known, event, self._clock.monotonic())
            if after != known:
                self._write(None)
                self._show(known.incident)
            known = after
        return view.delivery_json(known, self._clock)

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

    def state(self) -> Json:
        """The state of the monitor, for JSON."""
        state = view.state_json(self.senses, self._triage.live, self._config.room.name, self._clock)
        return {**state, "channels": [{"name": name, "trouble": self._channels.get(name, "")} for name in self._sinks]}

    def incidents(self) -> list[Json]:
        """The newest incidents, newest first, for JSON."""
        return [self.incident(each) for each in sorted(self._shown.values(), key=lambda each: -each.id)]

    def incident(self, each: Incident) -> Json:
        """One incident, for JSON."""
        mine = [other for other in self._deliveries.values() if other.incident == each.id]
        return view.incident_json(each, mine, self._clock)

    def _says_nothing_new(self, frame: Frame) -> bool:
        """A heartbeat like the one before is not written: 17,000 syncs a day would wear out an SD card."""
        return frame.message.kind is Kind.HEARTBEAT and frame.message.label is self.senses.gate

    def _sense(self, frame: Frame, now: float) -> None:
        message, senses = frame.message, self.senses
        if frame.role is Role.EAR:
            senses.ear_at = now
        match message.label:
            case Gate():
                senses.gate, senses.level_dbfs = message.label, -message.level
            case Life() if message.level:
                senses.measures["ear"] = level_to_measures(message.level)
            case Look.ENDED if isinstance(senses.seen, Sight | Fault):
                pass  # The verdict came before it and says more.
            case Look() | Sight():
                if message.label is Look.BEGAN and message.level:
                    senses.measures["eye"] = level_to_measures(message.level)
                senses.seen, senses.seen_at = message.label, now - frame.age_s
                if isinstance(message.label, Sight):
                    senses.calibration = level_to_calibration(message.level)
            case Fault() as fault if fault in LOOK_FAULTS:
                senses.seen, senses.seen_at = fault, now - frame.age_s
        if message.kind in (Kind.SOUND, Kind.SOUND_END):
            senses.sound_at = now - frame.age_s
            senses.level_dbfs = -message.level if message.level else senses.level_dbfs

    def _give_up_looking(self, now: float) -> None:
        """A look that never ended must not be shown for ever."""
        senses = self.senses
        pending = isinstance(senses.seen, Look) and senses.seen in (Look.ASKED, Look.BEGAN)
        if pending and senses.seen_at is not None and now - senses.seen_at >= self._wait_s:
            senses.seen, senses.seen_at = Fault.CAMERA_TIMEOUT, now

    def _may_report(self, fault: Fault, now: float) -> bool:
        if now - self._reported.get(fault, -_REPORT_S) < _REPORT_S:
            return False
        self._reported[fault] = now
        return True

    def _settle(self, changes: Sequence[Change], data: bytes | None = None) -> None:
        now = self._clock.monotonic()
        changed = [change for change in changes if change.actions]
        for change in changed:
            each = change.incident
            self._shown[each.id] = each
            self._unwritten["incident", each.id] = each
            if incident.Action.ALERT in change.actions:
                for sink in self._sinks:
                    begun = delivery.begin(self._next_delivery, each.id, sink, now)
                    self._next_delivery += 1
                    self._deliveries[begun.id] = begun
                    self._unwritten["delivery", begun.id] = begun
        if changed or data is not None:
            self._write(data)
        for number in dict.fromkeys(change.incident.id for change in changed):
            self._show(number)
        self._forget_old()
        if changed or data is not None:
            self._publish("state", self.state())

    def _deliver(self, each: Delivery, event: delivery.Event, now: float) -> Delivery:
        after, actions = delivery.step(each, event, now, jitter=self._jitter())
        if after == each:
            return each
        self._deliveries[after.id] = after
        self._unwritten["delivery", after.id] = after
        known = self._shown.get(after.incident) or self._journal.incident(after.incident)
        if known is None:
            return after
        if delivery.Action.TRANSMIT in actions:
            self._transmit(after.sink, Notice(after.id, known))
        if delivery.Action.TELL_OWNER in actions:
            log.error("alert %d, %s: %s", known.id, after.sink, texts.text(after.state))
            self._show(known.id)
        return after

    def _write(self, data: bytes | None) -> None:
        """One transaction with the frame `data` and everything unwritten."""
        now = self._clock.monotonic()
        try:
            with self._journal.transaction():
                if data is not None:
                    self._journal.add_frame(data, now)
                for each in sorted(self._unwritten.values(), key=lambda each: isinstance(each, Delivery)):
                    if isinstance(each, Delivery):
                        self._journal.save_delivery(each)
                    else:
                        self._journal.save_incident(each)
        except JournalError as cause:
            if self._may_report(Fault.JOURNAL, now):
                log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
                self._settle(self._triage.fault(Fault.JOURNAL, now))
        else:
            self._unwritten.clear()

    def _show(self, number: int) -> None:
        if number in self._shown:
            self._publish("incident", self.incident(self._shown[number]))

    def _forget_old(self) -> None:
        live = {each.id for each in self._triage.live}
        for number in [number for number in self._shown if number not in live][:-SHOWN]:
            del self._shown[number]
        gone = [each.id for each in self._deliveries.values() if each.incident not in self._shown]
        for number in gone:
            if self._deliveries[number].state in delivery.FINAL:
                del self._deliveries[number]
