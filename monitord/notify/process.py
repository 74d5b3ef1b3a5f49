"""The process of the voice: sockets, timers and signals around `monitord.notify.voice`."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from typing import TYPE_CHECKING, Any

from monitord import memory, paths, service
from monitord.config import Config
from monitord.config.changes import changes
from monitord.confine import Process, confine
from monitord.events import Fault
from monitord.notify import delivery
from monitord.notify.channels import channel_kinds, channels, page_for_others
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.expected import WindowError
from monitord.notify.host import Host
from monitord.notify.inbox import SENDERS, Inbox, InboxError, Receiver, allowed_senders
from monitord.notify.journal import Journal
from monitord.notify.machine import Machine
from monitord.notify.openpage import open_page
from monitord.notify.outlets import Outlets
from monitord.notify.pause import PauseError
from monitord.notify.record import Record
from monitord.notify.shelf import Shelf
from monitord.notify.sinks import wording
from monitord.notify.sinks.log import LogSink
from monitord.notify.sinks.page import NAME as PAGE_SINK
from monitord.notify.sinks.page import PageSink
from monitord.notify.tally import Tally
from monitord.notify.voice import Voice
from monitord.notify.web import ntfy, scrape
from monitord.notify.web.answers import NotNowError
from monitord.notify.web.feed import Feed
from monitord.notify.web.hub import Hub
from monitord.notify.web.server import ServerError
from monitord.notify.web.tls import TlsError
from monitord.settings import ConfigError

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable
    from pathlib import Path

    from monitord.confine import Confinement
    from monitord.notify.sinks import Notice

log = logging.getLogger(__name__)

BEAT_S = 5.0
"""Seconds between two states on the stream; a page that hears none for three of them says so."""
DISK_S = 4.0
"""Seconds between two looks at the disk, which is to be told of within five."""
_FORGET_S = 6 * 3600.0
_MACHINE_S = 30.0
_OF_LINKS = {
    "speaker": Fault.SELFTEST_SPEAKER,
    "microphone": Fault.SELFTEST_MICROPHONE,
    "detector": Fault.SELFTEST_DETECTOR,
}
"""What a broken link of the self-test is told as; others are SELFTEST_FAILED."""
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


class _Process(Host):
    _WHAT = "voice"
    _voice: Voice

    def __init__(self, config: Config, path: Path | None, clock: Clock, confinement: Confinement) -> None:
        super().__init__(config, clock)
        self._path, self._confinement = path, confinement
        self._machine = Machine()
        self._disk_trouble = ""

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
        self._say_what_is_known()
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
            metrics=self._metrics,
        )
        cleanup.push_async_callback(self._outlets.stop)
        self._outlets.start(self)
        self._loop.add_reader(self._inbox.fileno(), self._readable)
        cleanup.callback(self._loop.remove_reader, self._inbox.fileno())
        self._every(BEAT_S, self._beat)
        self._every(DISK_S, self._look_at_the_disk)
        self._every(_FORGET_S, self._forget)
        self._every(_FORGET_S, self._look_at_the_models)
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
        memory.settle()

    def _say_what_is_known(self) -> None:
        """Of this voice itself, and of what lies on the disk, before anybody else has spoken."""
        self._voice.confined(self._confinement.held, complete=self._confinement.complete)
        self._voice.configured(right=True)
        self._shelf = Shelf(paths.models_dir())
        self._look_at_the_models()
        self._unsteady = self._record.unsteady
        self._voice.stands(Fault.VOICE_UNSTEADY, holds=self._unsteady)

    def _metrics(self) -> Callable[[], bytes]:
        """Begin to count; gives what Prometheus reads. Raises: ScrapeError."""
        room = scrape.load().room
        kinds = channel_kinds(self._config)
        self._tally = Tally(kinds)
        for each in self._voice.incidents():
            self._tally.know(each)
        counted: Callable[[], bytes] = room(self._tally, lambda: self._voice.reading(kinds, self._record.spent()))
        return counted

    def state(self) -> dict[str, Any]:
        """For the server: the state of the monitor."""
        return self._voice.state() | self._record.state()

    def acknowledge(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """For the server and the channels: a person acknowledges."""
        result = self._voice.acknowledge(number, by, via)
        self._arm()
        return result

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

    def expect_test(self, seconds: int, *, quiet: bool) -> dict[str, Any]:
        """For the server: a self-test begins. Raises: NotNowError."""
        try:
            told = self._voice.expect_test(seconds, quiet=quiet)
        except WindowError as cause:
            raise NotNowError(str(cause)) from None
        self._arm()
        return told

    def selftest(self) -> dict[str, Any]:
        """For the server: what has become of the last self-test."""
        return self._voice.selftest()

    def tested(self, broken: str, *, nightly: bool) -> None:
        """For the server: the result of a self-test, the first link that is broken; "": none is."""
        log.log(logging.WARNING if broken else logging.INFO, "self-test: %s", broken or "every link is good")
        self._record.tested()
        if nightly or not broken:  # A person who runs it reads the result.
            self._voice.tested(_OF_LINKS.get(broken, Fault.SELFTEST_FAILED) if broken else None)
        self._arm()

    def untested(self) -> None:
        """For the server: a self-test was refused, so it says neither that all is good nor that something is broken."""
        self._record.tested()

    def _reload(self) -> None:
        """Read the file again, and look at the models; what is wrong changes nothing here."""
        try:
            changed = changes(self._config, Config.load(self._path))
        except ConfigError as cause:
            for line in str(cause).splitlines():
                log.error("%s", line)  # noqa: TRY400 - a sentence for a person, not a traceback
            log.error("the old configuration is kept; mend the file: with it, nothing would start again")  # noqa: TRY400
            self._voice.configured(right=False)
            self._look_at_the_models()
            self._status_line("The configuration file is wrong; the old one is kept")
            return
        self._config = changed.config
        self._voice.follow(changed.config)
        self._look_at_the_models()
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
                if self._tally is not None:
                    self._tally.hear(received.frame.message, received.frame.role)
            self._inbox.consume()
        self._tick()

    def _tick(self) -> None:
        self._record.tick()
        self._voice.tick()
        self._arm()

    def _arm(self) -> None:
        self._call_at(self._voice.next_due())

    def _beat(self) -> None:
        self._recheck()
        self._publish("state", self._voice.state())
        self._voice.heal()
        self._tick()
        if self._unsteady and not self._record.unsteady:
            self._unsteady = False
            self._voice.stands(Fault.VOICE_UNSTEADY, holds=False)

    def _look_at_the_disk(self) -> None:
        try:
            self._journal.look_at_the_disk()
        except JournalError as cause:
            if str(cause) != self._disk_trouble:
                log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
            self._disk_trouble = str(cause)
            self._voice.fault(Fault.JOURNAL)
        else:
            self._disk_trouble = ""

    def _look_at_the_models(self) -> None:
        """Whether a restart would find what runs now."""
        trouble = self._shelf.trouble(self._config)
        for sentence in trouble:
            log.error("%s; what is loaded is kept", sentence)
        self._voice.stands(Fault.MODELS_CHANGED, holds=bool(trouble))

    def _look_after_the_machine(self) -> None:
        for fault in self._machine.news(self._clock.monotonic()):
            self._voice.fault(fault)
        self._arm()

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
        super()._publish(name, content | self._record.state() if name == "state" else content)
