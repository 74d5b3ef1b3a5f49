"""The station's line to the broker: it subscribes to its rooms, hands over what comes, and says what is to be said."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from typing import TYPE_CHECKING

from monitord.notify.sinks.broker import BrokerError
from monitord.notify.sinks.brokers import Lines
from monitord.wardtalk import codec
from monitord.wardtalk.topics import Kind, Topic, of_room, of_stations, station_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.config.ward import WardFile
    from monitord.notify.dial import Resolve
    from monitord.notify.sinks.broker import Broker
    from monitord.ward.desk import Desk
    from monitord.wardtalk.message import Ack, Station

log = logging.getLogger(__name__)

STATE_S = 10.0
"""Seconds between two words of the station about itself."""
QUEUE = 50_000
"""Messages that may wait to be read: all that a thousand rooms have retained."""
SUBSCRIBE_AT_ONCE = 60
SETTLE_S = 0.05
"""What came within this time is settled together."""


class StationLine:
    """The line.

    Args:
        config: the station's file.
        desk: what is told of everything that comes.
        arm: called after something was settled, so that the process looks when the next thing is due.
        resolve: as in `monitord.notify.dial.connect`.
        jitter: 0..1.
    """

    def __init__(
        self,
        config: WardFile,
        desk: Desk,
        arm: Callable[[], None],
        *,
        resolve: Resolve | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._config, self._desk, self._arm, self._resolve, self._jitter = config, desk, arm, resolve, jitter
        ward = config.ward
        self._topic = str(Topic(Kind.STATION, ward.site, ward.station, ward=ward.name))
        self._wanted, self._acks = asyncio.Event(), asyncio.Event()
        self._waiting: deque[tuple[str, Ack]] = deque(maxlen=4096)
        self._settling = False
        self._said: tuple[object, ...] = ()
        self.trouble = ""

    async def run(self) -> None:
        """Keep the line until cancelled. The session ends with it: what counts is retained, and a room is to know."""
        ward = self._config.ward
        await Lines(
            self._config.broker.each(),
            station_user(ward.site, ward.station),
            lambda: (self._topic, codec.format(self._desk.message(alive=False))),
            self._serve,
            self._lost,
            self._wanted,
            self._jitter,
            self._resolve,
            session_s=0,
            queue=QUEUE,
        ).keep()

    def say(self, room: str, ack: Ack) -> None:
        """Send an acknowledgement to a room, if there is a broker now; the desk says it again until it is heeded."""
        self._waiting.append((str(Topic(Kind.ACK, self._config.ward.site, room)), ack))
        self._acks.set()

    def changed(self) -> None:
        """What the station says of itself may be another."""
        self._acks.set()

    async def _serve(self, broker: Broker) -> None:
        self._waiting.clear()
        ward = self._config.ward
        topics = [of_stations(ward.site, ward.name)]
        topics += [topic for room in ward.rooms for topic in of_room(ward.site, room.name)]
        for begin in range(0, len(topics), SUBSCRIBE_AT_ONCE):
            await broker.subscribe(*topics[begin : begin + SUBSCRIBE_AT_ONCE])
        self.trouble = ""
        self._desk.linked()
        self._settle_soon()
        log.info("the station hears its rooms")
        tasks = [asyncio.create_task(work) for work in (self._read(broker), self._speak(broker))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = [task for task in tasks if not task.cancel()]
            await asyncio.gather(*tasks, return_exceptions=True)
            self._desk.unlinked()
            self._settle_soon()
            if not ended:
                await self._goodbye(broker)
        for task in ended:
            task.result()

    async def _read(self, broker: Broker) -> None:
        async for message in broker.messages():
            payload = message.payload if isinstance(message.payload, bytes) else b""
            self._desk.hear(str(message.topic), payload, retained=message.retain)
            self._settle_soon()

    async def _speak(self, broker: Broker) -> None:
        last = -STATE_S
        loop = asyncio.get_running_loop()
        while True:
            while self._waiting:
                topic, ack = self._waiting.popleft()
                await broker.publish(topic, codec.format(ack))
            own = self._own()
            if own != self._said or loop.time() - last >= STATE_S:
                self._said, last = own, loop.time()
                await broker.publish(self._topic, codec.format(self._desk.message()), retain=True)
            for room in self._desk.missed():
                log.warning("room %s: something was dropped on the way; asking for all that is retained", room)
                await broker.subscribe(*of_room(self._config.ward.site, room))
            if self._waiting:
                continue
            self._acks.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, last + STATE_S - loop.time())):
                    await self._acks.wait()

    def _own(self) -> tuple[object, ...]:
        said: Station = self._desk.message()
        return said.rings, said.shift, said.taken

    async def _goodbye(self, broker: Broker) -> None:
        with contextlib.suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(1.0):
                await broker.publish(self._topic, codec.format(self._desk.message(alive=False)), retain=True)

    def _settle_soon(self) -> None:
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_later(SETTLE_S, self._settle)

    def _settle(self) -> None:
        self._settling = False
        self._desk.settle()
        self._arm()

    def _lost(self, cause: BrokerError) -> None:
        if str(cause) != self.trouble:
            self.trouble = str(cause)
            log.warning("the broker: %s", cause)
