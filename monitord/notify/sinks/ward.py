"""A room of a ward: it tells its stations by a broker how it is and what it heard, and takes their acknowledgements.

Everything that a room says is retained, so a station that comes late, or a broker that lost its memory, has all of it
with the room's next connection: what is shown is brought up to date, not queued. An alert is more: the outbox brings
it, again and again, until the broker has confirmed it (PUBACK) and, with MQTT 5, a station is connected to it; until
then, and until a person takes it, the room rings by its other channels as if there were no ward.

An acknowledgement counts if it is newer than the station's last one and names an incident of this very life of the
room: a queue, a broker or a thief may bring old ones. One that is refused is counted (the room's state says how many)
and logged, at most every few seconds. The station says its own again until it sees it heeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
from typing import TYPE_CHECKING, Any

from monitord.notify.delivery import RINGS, Reason
from monitord.notify.sinks import SinkError
from monitord.notify.sinks.broker import BrokerError
from monitord.notify.sinks.brokers import Lines
from monitord.wardtalk import codec
from monitord.wardtalk import message as talk
from monitord.wardtalk.message import Ack, Act, Message, Report
from monitord.wardtalk.order import Order, Verdict
from monitord.wardtalk.telling import KEPT_S, Teller, is_told, report_of, state_of, steady
from monitord.wardtalk.topics import Kind, TalkError, Topic, room_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.config import WardConfig
    from monitord.notify.dial import Resolve
    from monitord.notify.sinks import House, Notice
    from monitord.notify.sinks.broker import Broker

log = logging.getLogger(__name__)

HEALTH_S = 10.0
"""Seconds between two signs of life."""
TELL_S = 20.0
"""Ward and room are told of a broker that is away for so long, even if there was nothing to send."""
UP_S = 4.0
"""Seconds that an alert waits for the connection before its attempt counts as failed."""
SESSION_S = 3600
"""Seconds for which the broker keeps what stations say while this room is away."""
STATIONS_MAX = 64
_COMPLAIN_S = 10.0
_NOBODY = "the broker has it, but no station of the ward is connected to it"


class WardSink:
    """One ward.

    Args:
        name: of the channel.
        config: its section.
        resolve: as in `monitord.notify.dial.connect`.
        jitter: 0..1, spreads the reconnections.
        boot: of this life; None: drawn.
        health_s: seconds between two signs of life.
    """

    confirms = True
    proof = "the broker confirms it (PUBACK)"

    def __init__(
        self,
        name: str,
        config: WardConfig,
        *,
        resolve: Resolve | None = None,
        jitter: Callable[[], float] = random.random,
        boot: int | None = None,
        health_s: float = HEALTH_S,
    ) -> None:
        self.name = name
        self._config, self._resolve, self._jitter, self._health_s = config, resolve, jitter, health_s
        self._teller = Teller(config.room, secrets.randbelow(talk.BOOT_MAX) + 1 if boot is None else boot)
        self._link: Broker | None = None
        self._up, self._wanted, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._why = "is not connected yet"
        self._timer: asyncio.TimerHandle | None = None
        self._orders: dict[str, Order] = {}
        self._rang: dict[int, set[str]] = {}
        self._shown: dict[int, dict[str, Any]] = {}
        self._complained = -_COMPLAIN_S
        self.refused = 0

    @property
    def boot(self) -> int:
        """Of this life of the room."""
        return self._teller.boot

    async def run(self, house: House) -> None:
        """Keep the connection until cancelled."""
        self._house = house
        await Lines(
            self._config.each(),
            room_user(self._config.site, self._config.room),
            self._will,
            self._serve,
            self._lost,
            self._wanted,
            self._jitter,
            self._resolve,
            SESSION_S,
        ).keep()

    def show(self, name: str, content: dict[str, Any]) -> None:  # noqa: ARG002 - what is new is asked for when it is sent
        """Something has changed; it is published as soon as the connection allows."""
        self._changed.set()

    async def send(self, notice: Notice) -> None:
        """Publish the incident as it now is, and wait for the broker's word.

        Raises:
            SinkError: it was not taken, or no station would get it.
        """
        if notice.reason is Reason.SUMMARY:  # Free text, which no ward is told.
            return
        if notice.reason in RINGS:
            self._rang.setdefault(notice.incident.id, set()).add(notice.key)
        self._wanted.set()
        try:
            async with asyncio.timeout(UP_S):
                await self._up.wait()
            heard = await self._tell(notice)
        except TimeoutError:
            self._say(self._why)
            raise SinkError(self._why) from None
        except BrokerError as cause:
            self._why = str(cause)
            self._say(self._why)
            raise SinkError(self._why) from None
        if not heard and notice.urgency is not None:
            self._say(_NOBODY)
            raise SinkError(_NOBODY)
        self._say("")

    async def _tell(self, notice: Notice) -> bool:
        broker = self._link
        if broker is None:
            raise BrokerError(self._why)
        known = next((each for each in self._house.incidents() if each["id"] == notice.incident.id), None)
        if known is None:  # A test, or one that somebody had deleted.
            return await self._put(broker, self._teller.health(time.time()))
        return await self._report(broker, known)

    def _will(self) -> tuple[str, str]:
        return str(self._topic(Kind.HEALTH)), codec.format(self._teller.will(time.time()))

    async def _serve(self, broker: Broker) -> None:
        """Everything while one connection stands; ends with the connection."""
        for order in self._orders.values():
            order.reconnected()
        await broker.subscribe(str(self._topic(Kind.ACK)))
        await self._put(broker, self._teller.health(time.time()))
        self._shown = {}
        self._link = broker
        self._up.set()
        self._works()
        tasks = [asyncio.create_task(work) for work in (self._live(broker), self._show(broker), self._read(broker))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._link = None
            self._up.clear()
            ended = [task for task in tasks if not task.cancel()]
            await asyncio.gather(*tasks, return_exceptions=True)
            if not ended:  # Cancelled from outside: the voice stops, or a better broker is back.
                await self._goodbye(broker)
        for task in ended:
            task.result()

    async def _live(self, broker: Broker) -> None:
        while True:
            await asyncio.sleep(self._health_s)
            await self._put(broker, self._teller.health(time.time()))

    async def _show(self, broker: Broker) -> None:
        shown: dict[str, Any] | None = None
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            now, incidents = time.time(), self._house.incidents()
            told = {each["id"]: each for each in incidents if is_told(each, now)}
            for each in sorted(told.values(), key=lambda each: int(each["id"])):
                if self._shown.get(each["id"]) != self._content(each):
                    await self._report(broker, each)
            for number in set(self._shown) - set(told):
                await broker.publish(str(self._topic(Kind.INCIDENT, number)), "", retain=True)
                self._rang.pop(number, None)
                del self._shown[number]
            state = steady(state_of(self._house.state(), incidents, refused=self.refused), shown)
            if state != shown:
                await self._put(broker, self._teller.state(now, state))
                shown = state

    async def _read(self, broker: Broker) -> None:
        async for message in broker.messages():
            try:
                if message.retain:
                    raise TalkError("is retained, so it may be old")  # noqa: TRY301
                payload = message.payload if isinstance(message.payload, bytes) else b""
                self._heed(payload)
            except TalkError as cause:
                self.refused += 1
                self._changed.set()
                self._complain(str(cause))

    def _heed(self, payload: bytes) -> None:
        """Do what a station asks.

        Raises:
            TalkError: it is refused.
        """
        ack = codec.parse(Kind.ACK, payload)
        if not isinstance(ack, Ack):  # pragma: no cover - `parse` gives what the kind says
            raise TalkError("is none")
        if ack.incident_boot != self.boot:
            raise TalkError("is about another life of this room")
        if ack.station not in self._orders and len(self._orders) >= STATIONS_MAX:
            raise TalkError("is of one station too many")
        order = self._orders.setdefault(ack.station, Order())
        match order.judge("ack", ack.boot, ack.seq, retained=False):
            case Verdict.REPLAYED:
                raise TalkError("was said before")
            case Verdict.AGAIN:
                return
        act = self._house.acknowledge if ack.action is Act.ACK else self._house.mute
        if act(ack.id, ack.station, self.name) is None:
            raise TalkError("is about an incident that there is not")
        self._changed.set()

    async def _report(self, broker: Broker, incident: dict[str, Any]) -> bool:
        told = self._content(incident)
        over_s = int(KEPT_S) if incident["cleared_at"] is not None else 0
        heard = await self._put(broker, self._teller.report(time.time(), told), expires_s=over_s)
        self._shown[incident["id"]] = told
        return heard

    def _content(self, incident: dict[str, Any]) -> dict[str, Any]:
        repeats = max(0, len(self._rang.get(incident["id"], ())) - 1)
        told = report_of(incident, repeats=repeats, channel=self.name)
        return steady(told, self._shown.get(incident["id"]))

    async def _put(self, broker: Broker, message: Message, *, expires_s: int = 0) -> bool:
        number = message.id if isinstance(message, Report) else 0
        topic = self._topic(codec.kind_of(message), number)
        return await broker.publish(str(topic), codec.format(message), retain=True, expires_s=expires_s)

    def _topic(self, kind: Kind, number: int = 0) -> Topic:
        return Topic(kind, self._config.site, self._config.room, number)

    async def _goodbye(self, broker: Broker) -> None:
        """A goodbye cancels the last will, so it is said by ourselves."""
        with contextlib.suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._put(broker, self._teller.health(time.time(), alive=False))

    def _complain(self, sentence: str) -> None:
        """Bounded: whoever may publish there must not fill the disk with our log."""
        now = time.monotonic()
        if now - self._complained >= _COMPLAIN_S:
            self._complained = now
            log.warning("channel %s: an acknowledgement %s; refused so far: %d", self.name, sentence, self.refused)

    def _works(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._say("")

    def _lost(self, cause: BrokerError) -> None:
        self._why = str(cause)
        if cause.lasting:
            self._say(self._why)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_S, lambda: self._say(self._why))

    def _say(self, trouble: str) -> None:
        self._house.channel(self.name, trouble)
