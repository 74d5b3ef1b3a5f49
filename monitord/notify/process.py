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
from monitord.confine import Process, confine
from monitord.events import Fault
from monitord.notify import delivery
from monitord.notify.clock import Clock
from monitord.notify.inbox import SENDERS, Inbox, InboxError, Receiver, allowed_senders
from monitord.notify.journal import Journal, JournalError
from monitord.notify.outlets import Outlets
from monitord.notify.sinks.log import LogSink
from monitord.notify.sinks.page import PageSink
from monitord.notify.voice import Voice
from monitord.notify.web.hub import Hub
from monitord.notify.web.server import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitord.config import Config
    from monitord.confine import Confinement
    from monitord.notify.sinks import Notice

log = logging.getLogger(__name__)

PAGE = "page"
"""File in the runtime folder that holds the address of the page while it is served."""
BEAT_S = 5.0
"""Seconds between two states on the stream; a page that hears none for three of them says so."""
_FORGET_S = 6 * 3600.0
_AT_ONCE = 32
"""Datagrams that are taken before the loop does anything else."""


def main(config: Config) -> int:
    """Run the voice until SIGTERM or SIGINT; returns the exit code."""
    confinement = confine(Process.VOICE)
    try:
        return asyncio.run(_Process(config, Clock(), confinement).run())
    except (JournalError, InboxError, ServerError) as cause:
        log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
        return 1


class _Process:
    def __init__(self, config: Config, clock: Clock, confinement: Confinement) -> None:
        self._config = config
        self._confinement = confinement
        self._clock = clock
        self._status = 0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> int:
        """Raises: JournalError, InboxError, ServerError."""
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
        self._journal = Journal(paths.state_dir() / paths.JOURNAL, self._clock)
        cleanup.callback(self._journal.close)
        handed_over = next(iter(service.listen_fds()), None)
        self._inbox = Inbox(receiver, paths.runtime_dir() / paths.EVENTS_SOCKET, handed_over)
        cleanup.callback(self._inbox.close)
        self._hub = Hub(lambda: {"state": self.state(), "incidents": self.incidents()})
        self._outlets = Outlets((PageSink(self._push), LogSink()), self._report)
        self._skip_what_is_committed()
        self._voice = Voice(
            self._config,
            self._journal,
            self._outlets.names,
            self._clock,
            transmit=self._outlets.transmit,
            publish=self._publish,
            jitter=random.random,
        )
        self._voice.confined(self._confinement.held, complete=self._confinement.complete)
        server = Server(self, self._hub, cgnat=self._config.page.cgnat)
        url = await server.start(self._config.page.address, self._config.page.port)
        cleanup.push_async_callback(server.stop)
        _announce(paths.runtime_dir() / PAGE, url, cleanup)
        cleanup.push_async_callback(self._outlets.stop)
        self._outlets.start(self)
        self._loop.add_reader(self._inbox.fileno(), self._readable)
        cleanup.callback(self._loop.remove_reader, self._inbox.fileno())
        self._every(BEAT_S, self._beat)
        self._every(_FORGET_S, self._forget)
        self._forget()
        watchdog_s = service.watchdog_s()
        if watchdog_s is not None:
            self._every(watchdog_s, self._feed_watchdog)
        self._tick()
        log.info("the page is at %s", url)
        service.notify(f"READY=1\nSTATUS=The page is at {url}")

    def state(self) -> dict[str, Any]:
        """For the server: the state of the monitor."""
        return self._voice.state()

    def incidents(self) -> list[dict[str, Any]]:
        """For the server: the newest incidents."""
        return self._voice.incidents()

    def acknowledge(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """For the server and the channels: a person acknowledges."""
        result = self._voice.acknowledge(number, by, via)
        self._arm()
        return result

    def channel(self, name: str, trouble: str) -> None:
        """For the channels: one works, or does not."""
        self._voice.channel(name, trouble)

    def seen(self, number: int) -> dict[str, Any] | None:
        """For the server: a screen has shown an alert."""
        return self._voice.report(number, delivery.Event.CONFIRMED)

    def _skip_what_is_committed(self) -> None:
        """The voice may have died after the commit and before it took the frame."""
        head, last = self._inbox.head(), self._journal.last_frame()
        if head is not None and head[0] == last:
            self._inbox.consume()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            received = self._inbox.peek(self._clock.monotonic())
            if received is None:
                break
            self._voice.receive(received)
            self._inbox.consume()
        self._tick()

    def _tick(self) -> None:
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
        self._publish("state", self._voice.state())
        self._tick()  # Also tries again what the journal would not take.

    def _forget(self) -> None:
        try:
            self._journal.forget(self._config.journal.keep_days)
        except JournalError:
            self._voice.fault(Fault.JOURNAL)

    def _feed_watchdog(self) -> None:
        try:
            self._journal.probe()
        except JournalError as cause:
            log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
            self._voice.fault(Fault.JOURNAL)
        else:
            service.notify("WATCHDOG=1")

    def _push(self, notice: Notice) -> None:
        self._hub.publish("alert", {"delivery": notice.delivery, "incident": self._voice.incident(notice.incident)})

    def _publish(self, name: str, content: dict[str, Any]) -> None:
        self._hub.publish(name, content)
        self._outlets.show(name, content)

    def _report(self, number: int, event: delivery.Event) -> None:
        self._voice.report(number, event)
        self._arm()

    def _broken(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of ours: end, loudly, and be started again; the frame is still in the socket."""
        cause = context.get("exception")
        log.critical("the voice ends: %s: %r", context.get("message"), cause)
        self._status = 1
        self._stop.set()


def _announce(path: Path, url: str, cleanup: contextlib.AsyncExitStack) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(f"{url}\n", "ascii")
        path.chmod(0o644)  # Whatever the umask: `monitord status` of any user finds the page by it.
    except OSError as cause:
        log.warning("%s: the page's address cannot be written: %s", path, cause.strerror)
    else:
        cleanup.callback(path.unlink, missing_ok=True)
