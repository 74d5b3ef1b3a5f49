"""All channels of the house: they are started, handed what is to be sent, and say whether they work."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

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
        report: told what became of a delivery: its number, and CONFIRMED or ERROR.
    """

    def __init__(self, sinks: Iterable[Sink], report: Callable[[int, delivery.Event], None]) -> None:
        self._sinks = {sink.name: sink for sink in sinks}
        self._report = report
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(self._sinks)

    def start(self, house: House) -> None:
        """Start the channels that keep a connection."""
        for sink in self._sinks.values():
            run = getattr(sink, "run", None)
            if run is not None:
                self._begin(run(house))

    def transmit(self, name: str, notice: Notice) -> None:
        """Hand `notice` to the channel; what became of it is reported later."""
        self._begin(self._send(self._sinks.get(name), notice))

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
        event = delivery.Event.ERROR
        if sink is not None:
            try:
                async with asyncio.timeout(delivery.CONFIRM_S):
                    await sink.send(notice)
            except (SinkError, TimeoutError) as cause:
                log.warning("alert %d, %s: %s", notice.incident.id, sink.name, cause or "no answer in time")
            else:
                if not sink.confirms:
                    return
                event = delivery.Event.CONFIRMED
        self._report(notice.delivery, event)
