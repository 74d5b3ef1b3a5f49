"""The process of the voice: sockets, timers and signals around `monitord.notify.voice`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
from typing import TYPE_CHECKING, Any

from monitord import paths, service
from monitord.config import Config, ConfigError
from monitord.config.changes import changes
from monitord.confine import Process, confine
from monitord.events import Fault
from monitord.notify import delivery, trial
from monitord.notify.channels import channels, page_for_others
from monitord.notify.clock import Clock
from monitord.notify.inbox import SENDERS, Inbox, InboxError, Receiver, allowed_senders
from monitord.notify.journal import Journal, JournalError
from monitord.notify.machine import Machine
from monitord.notify.openpage import open_page
from monitord.notify.outlets import Outlets
from monitord.notify.pause import PauseError
from monitord.notify.record import Record
from monitord.notify.sinks import wording
from monitord.notify.sinks.log import LogSink
from monitord.notify.sinks.page import NAME as PAGE_SINK
from monitord.notify.sinks.page import PageSink
from monitord.notify.voice import Voice
from monitord.notify.web import ntfy
from monitord.notify.web.answers import NotNowError
from monitord.notify.web.feed import Feed
from monitord.notify.web.hub import Hub
from monitord.notify.web.server import ServerError
from monitord.notify.web.tls import TlsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitord.confine import Confinement
    from monitord.notify.sinks import Notice

log = logging.getLogger(__name__)

BEAT_S = 5.0
"""Seconds between two states on the stream; a page that hears none for three of them says so."""
_FORGET_S = 6 * 3600.0
_MACHINE_S = 30.0
_AT_ONCE = 4
"""Datagrams that are taken before the loop does anything else: each syncs the disk, and alerts wait meanwhile."""


def main(config: Config, path: Path | None = None) -> int:
    """Run the voice until SIGTERM or SIGINT; on SIGHUP it reads `path` again. Returns the exit code."""
    confinement = confine(Process.VOICE)
    try:
        return asyncio.run(_Process(config, path, Clock(), confinement).run())
    except (JournalError, InboxError, ServerError, TlsError) as cause:
        log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
        return 1


class _Process:
    def __init__(self, config: Config, path: Path | None, clock: Clock, confinement: Confinement) -> None:
        self._config, self._path = config, path
        self._confinement = confinement
        self._clock = clock
        self._status = 0
        self._timer: asyncio.TimerHandle | None = None
        self._machine = Machine()
        self._tested: dict[str, Any] | None = None

    async def run(self) -> int:
        """Raises: JournalError, InboxError, ServerError, TlsError."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._loop.set_exception_handler(self._broken)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop.set)
        async with contextlib.AsyncExitStack() as cleanup:
            await self._start(cleanup)
            await self._stop.wait()
            service.notify("STOPPING=1")
        return self._status

    async def _start(self, cleanup: contextlib.AsyncExitStack) -> None:
        receiver = Receiver(allowed_senders(os.environ.get(SENDERS, "")))
        self._journal = Journal(paths.state_dir() / paths.JOURNAL, self._clock, or_in_memory=True)
        cleanup.callback(self._journal.close)
        handed_over = next(iter(service.listen_fds()), None)
        self._inbox = Inbox(receiver, paths.runtime_dir() / paths.EVENTS_SOCKET, handed_over)
        cleanup.callback(self._inbox.close)
        self._hub = Hub(lambda: {"state": self.state(), "incidents": self.incidents()})
        self._feed = Feed(wall=self._clock.wall, monotonic=self._clock.monotonic)
        others = channels(self._config, page_for_others(self._config))
        self._outlets = Outlets((PageSink(self._push), LogSink(), *others), self._report)
        self._skip_what_is_committed()
        self._record = Record(
            self._config, self._journal, self._clock, paths.runtime_dir(), fault=self._fault, tell=self._brief
        )
        cleanup.callback(self._record.close)
        self._voice = Voice(
            self._config,
            self._journal,
            self._outlets.names,
            self._clock,
            transmit=self._outlets.transmit,
            publish=self._publish,
            jitter=random.random,
            followers=self._outlets.followers,
        )
        cleanup.callback(self._voice.flush)
        self._voice.confined(self._confinement.held, complete=self._confinement.complete)
        self._voice.configured(right=True)
        self._recall()
        self._doorkeeper, url = await open_page(
            self,
            self._hub,
            self._feed,
            config=self._config.page,
            language=self._config.room.language,
            folders=(paths.state_dir(), paths.runtime_dir()),
            cleanup=cleanup,
            every=self._every,
        )
        cleanup.push_async_callback(self._outlets.stop)
        self._outlets.start(self)
        self._loop.add_reader(self._inbox.fileno(), self._readable)
        cleanup.callback(self._loop.remove_reader, self._inbox.fileno())
        self._every(BEAT_S, self._beat)
        self._every(_FORGET_S, self._forget)
        self._every(_MACHINE_S, self._look_after_the_machine)
        self._forget()
        watchdog_s = service.watchdog_s()
        if watchdog_s is not None:
            self._every(watchdog_s, self._feed_watchdog)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload)
        self._tick()
        log.info("the page is at %s", url)
        self._url = url
        service.notify(f"READY=1\nSTATUS=The page is at {url}")

    def state(self) -> dict[str, Any]:
        """For the server: the state of the monitor."""
        return self._voice.state() | self._record.state()

    def incidents(self) -> list[dict[str, Any]]:
        """For the server: the newest incidents."""
        return self._voice.incidents()

    def acknowledge(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """For the server and the channels: a person acknowledges."""
        result = self._voice.acknowledge(number, by, via)
        self._arm()
        return result

    def find(self, number: int) -> dict[str, Any] | None:
        """For the server: one incident."""
        return self._voice.find(number)

    def mute(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """For the server and the channels: a person mutes the tones."""
        result = self._voice.mute(number, by, via)
        self._arm()
        return result

    def pause(self, minutes: int, by: str, via: str) -> dict[str, Any]:
        """For the server and the channels: close the microphone for a while; returns the state. Raises: NotNowError."""
        return self._change_pause(lambda: self._record.pause(minutes, by, via))

    def resume(self, by: str, via: str) -> dict[str, Any]:
        """For the server and the channels: open the microphone again; returns the state. Raises: NotNowError."""
        return self._change_pause(lambda: self._record.resume(by, via))

    def nights(self, days: int) -> list[dict[str, Any]]:
        """For the server: the last nights, oldest first (`monitord.notify.nights.night_json`). Raises: JournalError."""
        return self._record.nights(days)

    def channel(self, name: str, trouble: str) -> None:
        """For the channels: one works, or does not."""
        self._voice.channel(name, trouble)

    def seen(self, number: int) -> dict[str, Any] | None:
        """For the server: a screen has shown an alert."""
        if self._outlets.seen(number):
            return trial.seen_json(number)
        return self._voice.report(number, delivery.Event.CONFIRMED)

    async def test_alert(self, sink: str) -> list[dict[str, Any]] | None:
        """For the server: send a test by `sink`, "" by all; None: there is no such channel."""
        results = await trial.run(self._outlets, sink, self._config.room.name)
        if self._tested is not None:  # The pages were shown one.
            self._hub.publish("incident", trial.for_the_page(self._tested, 0, self._config.room.language, over=True))
            self._tested = None
        return results

    def _reload(self) -> None:
        """Read the file again; a wrong one changes nothing here."""
        try:
            changed = changes(self._config, Config.load(self._path))
        except ConfigError as cause:
            for line in str(cause).splitlines():
                log.error("%s", line)  # noqa: TRY400 - a sentence for a person, not a traceback
            log.error("the old configuration is kept; mend the file: with it, nothing would start again")  # noqa: TRY400
            self._voice.configured(right=False)
            self._status_line("The configuration file is wrong; the old one is kept")
            return
        self._config = changed.config
        self._voice.follow(changed.config)
        self._voice.configured(right=True)
        log.info("the configuration was read again; in effect now: %s", ", ".join(changed.applied) or "nothing new")
        if changed.waiting:
            log.warning("changed, and in effect after a restart: %s", ", ".join(changed.waiting))
        self._status_line(f"Needs a restart: {', '.join(changed.waiting)}" if changed.waiting else "")
        self._tick()

    def _status_line(self, more: str) -> None:
        """What `systemctl status` shows."""
        service.notify("STATUS=" + "; ".join(filter(None, (more, f"the page is at {self._url}"))))

    def _skip_what_is_committed(self) -> None:
        """The voice may have died after the commit and before it took the frame."""
        head, last = self._inbox.head(), self._journal.last_frame()
        if head is not None and head[0] == last:
            self._inbox.consume()

    def _readable(self) -> None:
        self._record.tick()
        for _ in range(_AT_ONCE):
            received = self._inbox.peek(self._clock.monotonic())
            if received is None:
                break
            self._voice.receive(received)
            if received.frame is not None:
                self._record.hear(received.frame)
            self._inbox.consume()
        self._tick()

    def _tick(self) -> None:
        self._record.tick()
        self._voice.tick()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._voice.next_due()
        # asyncio's clock is the monotonic one too; it rounds, so a little later rather than a little early.
        self._timer = None if due is None else self._loop.call_at(due + 0.001, self._tick)

    def _every(self, seconds: float, call: Callable[[], None]) -> None:
        def again() -> None:
            call()
            self._loop.call_later(seconds, again)

        self._loop.call_later(seconds, again)

    def _beat(self) -> None:
        self._hub.recheck(self._doorkeeper.holds)
        self._feed.recheck(self._doorkeeper.holds)
        self._publish("state", self._voice.state())
        self._voice.heal()
        self._tick()

    def _forget(self) -> None:
        try:
            self._journal.forget(self._config.journal.keep_days)
        except JournalError:
            self._voice.fault(Fault.JOURNAL)

    def _look_after_the_machine(self) -> None:
        for fault in self._machine.news(self._clock.monotonic()):
            self._voice.fault(fault)
        self._arm()

    def _feed_watchdog(self) -> None:
        try:
            self._journal.probe()
        except JournalError as cause:
            log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
            self._voice.fault(Fault.JOURNAL)
        # A disk that is full is told, and is no reason to be killed for: what is not written would die with us.
        service.notify("WATCHDOG=1")

    def _push(self, notice: Notice) -> None:
        if notice.reason is delivery.Reason.TEST:
            self._tested = self._voice.incident(notice.incident)
            shown = trial.for_the_page(self._tested, notice.delivery, self._config.room.language, over=False)
            self._hub.publish("alert", {"delivery": notice.delivery, "incident": shown})
            self._feed.trial(notice.key, shown)
            return
        told = self._voice.incident(notice.incident)
        self._hub.publish("alert", {"delivery": notice.delivery, "incident": told})
        if notice.urgency is not None:
            self._feed.alert(notice.key, told, self._voice.repeat_s(notice.incident))

    def _recall(self) -> None:
        """What ntfy apps may have missed while the voice was down."""
        now = self._clock.monotonic()
        since = self._clock.to_utc(now - ntfy.KEPT_S)
        alerts, acked = [], {}
        for each in self._journal.deliveries_since(PAGE_SINK, since):
            known = self._voice.find(each.incident)
            if known is None or each.begun_at is None or each.reason not in delivery.RINGS:
                continue
            alerts.append((f"{self._journal.id}-{each.id}", self._unix(each.begun_at), known))
            if known["acked_at"] is not None:
                acked[each.incident] = self._unix(self._clock.from_utc(known["acked_at"]))
        self._feed.recall(alerts, acked)

    def _unix(self, at: float) -> int:
        return int(at - self._clock.monotonic() + self._clock.wall())

    def _change_pause(self, change: Callable[[], None]) -> dict[str, Any]:
        try:
            change()
        except PauseError as cause:
            raise NotNowError(str(cause)) from None
        self._publish("state", self._voice.state())
        return self.state()

    def _fault(self, fault: Fault) -> None:
        self._voice.fault(fault)

    def _brief(self, notice: Notice) -> None:
        title, text = wording.title(notice), wording.body(notice, self._config.room.language)
        log.info("%s: %s", title, text)
        self._hub.publish("summary", {"title": title, "text": text})
        self._outlets.brief(notice)

    def _publish(self, name: str, content: dict[str, Any]) -> None:
        if name == "state":
            content = content | self._record.state()
        if name == "incident":
            self._feed.incident(content)
        self._hub.publish(name, content)
        self._outlets.show(name, content)

    def _report(self, number: int, event: delivery.Event, error: str) -> None:
        self._voice.report(number, event, error)
        self._arm()

    def _broken(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of ours: end, loudly, and be started again; the frame is still in the socket."""
        cause = context.get("exception")
        log.critical("the voice ends: %s: %r", context.get("message"), cause)
        self._status = 1
        self._stop.set()
