"""All channels of the house: they are started, handed what is to be sent, and say whether they work."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from monitord.config import BUILT_IN
from monitord.notify import delivery
from monitord.notify.sinks import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitord.notify.sinks import House, Notice, Sink

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Attempts that are under way by one channel; the others wait in line, so that many alerts slow one another down and
do not all run into their time limits at once."""


class _Line:
    """What waits for one channel: what rings goes before what only follows, otherwise the first comes first."""

    def __init__(self) -> None:
        self.waiting: dict[int, Notice] = {}
        self.under_way: set[int] = set()

    def take(self) -> Notice | None:
        """The next, if one may go; it is under way then."""
        if not self.waiting or len(self.under_way) >= AT_ONCE:
            return None
        rings = (number for number, notice in self.waiting.items() if notice.urgency is not None)
        number = next(rings, next(iter(self.waiting)))
        self.under_way.add(number)
        return self.waiting.pop(number)


class Outlets:
    """The channels by name.

    Args:
        sinks: one per channel.
        report: told what became of a delivery: its number, CONFIRMED or ERROR, and how it failed in one sentence.
    """

    def __init__(self, sinks: Iterable[Sink], report: Callable[[int, delivery.Event, str], None]) -> None:
        self._sinks = {sink.name: sink for sink in sinks}
        self._report = report
        self._tasks: set[asyncio.Task[None]] = set()
        self._lines = {name: _Line() for name in self._sinks}
        self._house: House | None = None
        self._trials: dict[int, asyncio.Event] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(self._sinks)

    @property
    def followers(self) -> tuple[str, ...]:
        """Names of those that are also brought what comes after an alert."""
        return tuple(name for name, sink in self._sinks.items() if getattr(sink, "follows", False))

    def start(self, house: House) -> None:
        """Start the channels that keep a connection."""
        self._house = house
        for sink in self._sinks.values():
            run = getattr(sink, "run", None)
            if run is not None:
                self._begin(run(house))

    def transmit(self, name: str, notice: Notice) -> None:
        """Hand `notice` to the channel when it has room; what became of it is reported later.

        An attempt of a delivery takes the place of one that waits; beside one that is under way there is no other.
        """
        line = self._lines.get(name)
        if line is None:
            error = (notice.delivery, delivery.Event.ERROR, "there is no such channel any more")
            asyncio.get_running_loop().call_soon(self._report, *error)  # Not while the voice is handing it over.
        elif notice.delivery not in line.under_way:
            line.waiting[notice.delivery] = notice
            self._go_on(name, line)

    def _go_on(self, name: str, line: _Line) -> None:
        while (notice := line.take()) is not None:
            self._begin(self._attempt(name, line, notice))

    async def _attempt(self, name: str, line: _Line, notice: Notice) -> None:
        try:
            await self._send(self._sinks[name], notice)
        finally:
            line.under_way.discard(notice.delivery)
        self._go_on(name, line)

    def brief(self, notice: Notice) -> None:
        """Bring what is about no incident to every channel: once, and without a row in the journal."""
        for sink in self._sinks.values():
            if sink.name not in BUILT_IN:
                self._begin(self._send(sink, notice))

    async def trial(self, name: str, notice: Notice) -> tuple[bool, str]:
        """Send a test and wait for the proof that the channel can give; returns whether it came, and what it is or why.

        Such a notice has no row in the journal, so a far end that confirms by itself does it with `seen`.
        """
        sink = self._sinks[name]
        seen = self._trials[notice.delivery] = asyncio.Event()
        try:
            async with asyncio.timeout(delivery.CONFIRM_S):
                await sink.send(notice)
                if not sink.confirms:
                    await seen.wait()
        except SinkError as cause:
            self._tell(name, str(cause))
            return False, str(cause)
        except TimeoutError:
            return False, "no answer in time" if sink.confirms else f"not in {delivery.CONFIRM_S:g} s: {sink.proof}"
        finally:
            del self._trials[notice.delivery]
        if sink.confirms:
            self._tell(name, "")
        return True, sink.proof

    def seen(self, number: int) -> bool:
        """The far end has shown the notice of that number; returns whether it is a test that is waited for."""
        if number in self._trials:
            self._trials[number].set()
        return number in self._trials

    def show(self, name: str, content: dict[str, Any]) -> None:
        """Tell every channel that shows more than alerts."""
        for sink in self._sinks.values():
            show = getattr(sink, "show", None)
            if show is not None:
                show(name, content)

    async def stop(self) -> None:
        """Cancel everything that is under way; what is not confirmed is sent again by the next life of the voice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        cause = None if task.cancelled() else task.exception()
        if cause is not None:  # A mistake of ours: the process decides what becomes of it.
            context = {"message": "a channel ended", "exception": cause, "task": task}
            task.get_loop().call_exception_handler(context)

    async def _send(self, sink: Sink, notice: Notice) -> None:
        try:
            async with asyncio.timeout(delivery.CONFIRM_S):
                await sink.send(notice)
        except (SinkError, TimeoutError) as cause:
            error = str(cause) or "no answer in time"
            self._tell(sink.name, error)
            log.warning("alert %d, %s: %s", notice.incident.id, sink.name, error)
            self._report(notice.delivery, delivery.Event.ERROR, error)
        else:
            if sink.confirms:
                self._tell(sink.name, "")
                self._report(notice.delivery, delivery.Event.CONFIRMED, "")

    def _tell(self, name: str, trouble: str) -> None:
        """The first failed delivery is told at once, and the first that arrives again."""
        if self._house is not None:
            self._house.channel(name, trouble)
