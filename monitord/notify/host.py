"""What holds a voice up, in a room and at a ward's station: its event loop's life, its regular work, its pages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from monitord import service
from monitord.events import Fault
from monitord.notify import delivery, trial
from monitord.notify.database import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.config import Config
    from monitord.notify.clock import Clock
    from monitord.notify.journal import Journal
    from monitord.notify.notifier import Notifier
    from monitord.notify.outlets import Outlets
    from monitord.notify.sinks import Notice
    from monitord.notify.tally import Tally
    from monitord.notify.web.doorkeeper import Doorkeeper
    from monitord.notify.web.feed import Feed
    from monitord.notify.web.hub import Hub

log = logging.getLogger(__name__)

_FORGET_MORE_S = 1.0


class Host(ABC):
    """The process around a voice; who derives from it makes the parts in `_start`.

    Args:
        config: of the voice.
        clock: all clocks of this machine.
    """

    _WHAT: str
    """What the log calls it."""
    _journal: Journal
    _voice: Notifier
    _hub: Hub
    _feed: Feed
    _outlets: Outlets
    _doorkeeper: Doorkeeper

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._status = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tested: dict[str, Any] | None = None
        self._tally: Tally | None = None

    async def run(self) -> int:
        """Until SIGTERM or SIGINT; returns the exit code. Raises: JournalError, InboxError, ServerError, TlsError."""
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

    @abstractmethod
    async def _start(self, cleanup: contextlib.AsyncExitStack) -> None:
        """Make all parts, and open the page; what is undone at the end goes to `cleanup`."""

    @abstractmethod
    def _tick(self) -> None:
        """Do what is due, and time what is due next."""

    @abstractmethod
    def _arm(self) -> None:
        """Something has changed: time anew what is due next."""

    def incidents(self) -> list[dict[str, Any]]:
        """For the server: the newest incidents."""
        return self._voice.incidents()

    def find(self, number: int) -> dict[str, Any] | None:
        """For the server: one incident."""
        return self._voice.find(number)

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

    def _every(self, seconds: float, call: Callable[[], None]) -> None:
        def again() -> None:
            call()
            self._loop.call_later(seconds, again)

        self._loop.call_later(seconds, again)

    def _call_at(self, due: float | None) -> None:
        """The next `_tick` comes at `due`; None: nothing is due."""
        if self._timer is not None:
            self._timer.cancel()
        # asyncio's clock is the monotonic one too; it rounds, so a little later rather than a little early.
        self._timer = None if due is None else self._loop.call_at(due + 0.001, self._tick)

    def _recheck(self) -> None:
        """Who was put out hears nothing more."""
        self._hub.recheck(self._doorkeeper.holds)
        self._feed.recheck(self._doorkeeper.holds)

    def _forget(self) -> None:
        """Old things go piece by piece, so that nothing waits for all of them."""
        try:
            if self._journal.forget(self._config.journal.keep_days):
                self._loop.call_later(_FORGET_MORE_S, self._forget)
        except JournalError:
            self._voice.fault(Fault.JOURNAL)

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

    def _publish(self, name: str, content: dict[str, Any]) -> None:
        if name == "incident":
            self._feed.incident(content)
            if self._tally is not None:
                self._tally.incident(content)
        self._hub.publish(name, content)
        self._outlets.show(name, content)

    def _report(self, number: int, event: delivery.Event, error: str) -> None:
        self._voice.report(number, event, error)
        self._arm()

    def _broken(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of ours: end, loudly, and be started again; frames wait in the socket, a broker retains."""
        cause = context.get("exception")
        log.critical("the %s ends: %s: %r", self._WHAT, context.get("message"), cause)
        self._status = 1
        self._stop.set()
