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
        for sink in self._sinks.values():
            run = getattr(sink, "run", None)
            if run is not None:
                self._begin(run(house))

    def transmit(self, name: str, notice: Notice) -> None:
        """Hand `notice` to the channel; what became of it is reported later."""
        self._begin(self._send(self._sinks.get(name), notice))

    def brief(self, notice: Notice) -> None:
        """Bring what is about no incident to every channel: once, and without a row in the journal."""
        for sink in self._sinks.values():
            if sink.name not in BUILT_IN:
                self._begin(self._send(sink, notice))

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

    async def _send(self, sink: Sink | None, notice: Notice) -> None:
        event, error = delivery.Event.ERROR, "there is no such channel any more"
        if sink is not None:
            try:
                async with asyncio.timeout(delivery.CONFIRM_S):
                    await sink.send(notice)
            except (SinkError, TimeoutError) as cause:
                error = str(cause) or "no answer in time"
                log.warning("alert %d, %s: %s", notice.incident.id, sink.name, error)
            else:
                if not sink.confirms:
                    return
                event, error = delivery.Event.CONFIRMED, ""
        self._report(notice.delivery, event, error)
