"""A connection to the first broker of a list that answers.

The next one is tried when it fails, and the first that is back is returned to, so that rooms and stations which share a
list meet at the same broker again.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitord.lan import LanError
from monitord.notify import dial
from monitord.notify.delivery import back_off_s
from monitord.notify.sinks.broker import QUEUE_MAX, SESSION_S, BrokerError, connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from monitord.config import MqttConfig
    from monitord.notify.dial import Resolve
    from monitord.notify.sinks.broker import Broker

RETURN_S = 20.0
"""Seconds between two looks whether an earlier broker of the list is back."""
PAUSE_MAX_S = 8.0
"""The longest pause after all of the list have failed; half of it at the least, so that a hundred rooms come spread."""
_PROBE_S = 3.0


@dataclass(frozen=True)
class Lines:
    """What is needed to keep a connection.

    Attributes:
        brokers: one section each, the preferred one first.
        identifier: the client's.
        will: makes topic and payload of the last will of a connection that is about to begin.
        serve: does everything while one stands; it ends with BrokerError when the connection does.
        lost: told each time that one fails, and why.
        wanted: set while something waits to be sent: then no pause is longer than a second.
        jitter: 0..1.
        resolve: as in `monitord.notify.dial.connect`.
        session_s: see `monitord.notify.sinks.broker.connect`; so for what follows.
        queue: as above.
    """

    brokers: Sequence[MqttConfig]
    identifier: str
    will: Callable[[], tuple[str, str]]
    serve: Callable[[Broker], Awaitable[None]]
    lost: Callable[[BrokerError], None]
    wanted: asyncio.Event
    jitter: Callable[[], float]
    resolve: Resolve | None = None
    session_s: int = SESSION_S
    queue: int = QUEUE_MAX

    async def keep(self) -> None:
        """Keep a connection until cancelled."""
        index = attempts = 0
        while True:
            self.wanted.clear()
            try:
                async with connect(
                    self.brokers[index],
                    identifier=self.identifier,
                    will=self.will(),
                    resolve=self.resolve,
                    session_s=self.session_s,
                    queue=self.queue,
                ) as broker:
                    attempts = 0
                    await self._while_it_is_the_best(broker, index)
                index = 0
                continue
            except BrokerError as cause:
                self.lost(cause)
            index = (index + 1) % len(self.brokers)
            if index == 0:
                attempts += 1
                await self._pause(min(PAUSE_MAX_S, back_off_s(attempts, self.jitter())))

    async def _while_it_is_the_best(self, broker: Broker, index: int) -> None:
        serving = asyncio.ensure_future(self.serve(broker))
        watching = asyncio.create_task(self._until_a_better_one(index))
        try:
            await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            serving.cancel()
            await asyncio.gather(watching, serving, return_exceptions=True)
        if not serving.cancelled():
            serving.result()

    async def _until_a_better_one(self, index: int) -> None:
        while True:
            await asyncio.sleep(RETURN_S)
            for config in self.brokers[:index]:
                with contextlib.suppress(OSError, LanError):  # TimeoutError is an OSError.
                    async with asyncio.timeout(_PROBE_S):
                        probe = await dial.connect(
                            config.host, config.real_port, cgnat=config.cgnat, resolve=self.resolve
                        )
                    probe.close()
                    return

    async def _pause(self, seconds: float) -> None:
        """Wait; something that wants to go out ends the waiting, after a second at the least."""
        await asyncio.sleep(min(1.0, seconds))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds - 1.0)):
                await self.wanted.wait()
