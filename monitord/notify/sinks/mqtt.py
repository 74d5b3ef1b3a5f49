"""Alerts, state and acknowledgements by an MQTT broker, and what Home Assistant needs to show them.

Below the topic of this monitor: ``availability`` (retained; "offline" is the last will), ``state`` and ``incident``
(retained JSON), ``alert`` (JSON, one message an attempt, the same `key` for the same alert), and two that are read.
``ack`` takes the number of an incident, JSON ``{"incident": 5, "by": "Anna"}``, or ``PRESS`` for the most urgent that
waits. ``pause`` takes minutes, JSON ``{"minutes": 30, "by": "Anna"}``, or ``RESUME``, which is 0 minutes.

An alert has arrived when the broker has confirmed it (PUBACK), and with MQTT 5 only if somebody is subscribed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from monitord import __version__
from monitord.config import PAUSE_MAX_S
from monitord.notify.delivery import back_off_s
from monitord.notify.sinks import SinkError, homeassistant, wording
from monitord.notify.sinks.broker import Broker, BrokerError, connect
from monitord.notify.web.answers import NotNowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.config import Language, MqttConfig
    from monitord.notify.dial import Resolve
    from monitord.notify.sinks import House, Notice

log = logging.getLogger(__name__)

TELL_S = 20.0
"""A broker that is away for so long is told even if there was nothing to send; a failed delivery is told at once. A cut
that nobody tells of shows after two `KEEP_ALIVE_S`, and both together are to be less than a minute."""
LEVEL_S = 30.0
"""Seconds between two states that differ in the level alone."""
UP_S = 4.0
"""Seconds that an alert waits for the connection before its attempt counts as failed."""
PAYLOAD_MAX = 256
BY_MAX = 40
_COMPLAIN_S = 10.0


class MqttSink:
    """One broker.

    Args:
        name: of the channel.
        config: its section.
        room: what the owner calls the place.
        language: of the words.
        url: of the page, for Home Assistant; "": none.
        resolve: as in `monitord.notify.dial.connect`.
        jitter: 0..1, spreads the reconnections.
    """

    confirms = True
    proof = "the broker confirms it (PUBACK)"
    follows = True

    def __init__(
        self,
        name: str,
        config: MqttConfig,
        room: str,
        language: Language,
        *,
        url: str = "",
        resolve: Resolve | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._config, self._room, self._language, self._url = config, room, language, url
        self._resolve, self._jitter = resolve, jitter
        self._topic = config.topic
        self._link: Broker | None = None
        self._up, self._wanted, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._why = "is not connected yet"
        self._timer: asyncio.TimerHandle | None = None
        self._complained = -_COMPLAIN_S

    async def run(self, house: House) -> None:
        """Keep the connection until cancelled."""
        self._house = house
        attempts = 0
        while True:
            self._wanted.clear()
            try:
                async with connect(
                    self._config,
                    identifier=f"monitord-{self._topic.replace('/', '-')}",
                    will=(f"{self._topic}/availability", homeassistant.OFFLINE),
                    resolve=self._resolve,
                ) as broker:
                    attempts = 0
                    await self._serve(broker)
            except BrokerError as cause:
                self._lost(cause)
            attempts += 1
            await self._pause(back_off_s(attempts, self._jitter()))

    def show(self, name: str, content: dict[str, Any]) -> None:  # noqa: ARG002 - what is new is asked for when it is sent
        """Something has changed; it is published as soon as the connection allows."""
        self._changed.set()

    async def send(self, notice: Notice) -> None:
        """Publish the alert and wait for the broker's word.

        Raises:
            SinkError: it was not taken, or nobody would get it.
        """
        self._wanted.set()
        try:
            async with asyncio.timeout(UP_S):
                await self._up.wait()
            alert = {"event_type": notice.incident.urgency.value, **wording.content(notice, self._language)}
            heard = self._link is not None and await self._link.publish(f"{self._topic}/alert", _json(alert))
        except TimeoutError:
            self._tell()
            raise SinkError(self._why) from None
        except BrokerError as cause:
            self._why = str(cause)
            self._tell()
            raise SinkError(self._why) from None
        if not heard and notice.urgency is not None:
            sentence = f"the broker has it, but nobody is subscribed to {self._topic}/alert"
            self._house.channel(self.name, sentence)
            raise SinkError(sentence)
        self._house.channel(self.name, "")

    async def _serve(self, broker: Broker) -> None:
        """Everything while one connection stands; ends with the connection."""
        stale = await self._subscribe(broker)
        if self._config.discovery:
            slug = self._topic.replace("/", "_")
            told = homeassistant.discovery(self._topic, self._room, self._language, version=__version__, url=self._url)
            await broker.publish(f"{self._config.discovery}/device/{slug}/config", _json(told), retain=True)
        await broker.publish(f"{self._topic}/availability", homeassistant.ONLINE, retain=True)
        self._link = broker
        self._up.set()
        self._works()
        showing = asyncio.create_task(self._show(broker))
        reading = asyncio.create_task(self._read(broker, stale))
        try:
            await asyncio.wait({showing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._link = None
            self._up.clear()
            ended = [task for task in (showing, reading) if not task.cancel()]
            await asyncio.gather(showing, reading, return_exceptions=True)
            if not ended:  # Cancelled from outside: the voice stops, which is no accident.
                await _goodbye(broker, f"{self._topic}/availability")
        for task in ended:
            task.result()

    async def _subscribe(self, broker: Broker) -> int:
        """Returns how many messages of the time before are waiting."""
        stale = await broker.subscribe(f"{self._topic}/ack")
        try:
            return await broker.subscribe(f"{self._topic}/pause")
        except BrokerError as cause:
            if not cause.lasting:
                raise
            # A broker whose rules know of acknowledgements only: alerts must not fail for that.
            log.warning("channel %s: no pause by MQTT: %s", self.name, cause)
            return stale

    async def _show(self, broker: Broker) -> None:
        shown: dict[str, Any] = {}
        said, at = "", 0.0
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            incidents = self._house.incidents()
            state = homeassistant.state(self._house.state(), incidents, self._language)
            new = {**state, "level_dbfs": None} != {**shown, "level_dbfs": None}
            if new or (state != shown and time.monotonic() - at >= LEVEL_S):
                await broker.publish(f"{self._topic}/state", _json(state), retain=True)
                shown, at = state, time.monotonic()
            first = homeassistant.foremost(incidents) or next(iter(incidents), None)
            text = "" if first is None else _json({key: first[key] for key in first if key != "deliveries"})
            if text and text != said:
                await broker.publish(f"{self._topic}/incident", text, retain=True)
                said = text

    async def _read(self, broker: Broker, stale: int) -> None:
        async for message in broker.messages():
            stale -= 1
            payload = message.payload if isinstance(message.payload, bytes) else b""
            pauses = str(message.topic) == f"{self._topic}/pause"
            try:
                if message.retain:
                    raise ValueError("is retained, so it may be old; publish it without")  # noqa: TRY301
                (self._pause_for if pauses else self._ack)(payload, old=stale >= 0)
            except (ValueError, NotNowError) as cause:
                self._complain("a pause" if pauses else "an acknowledgement", str(cause))

    def _ack(self, payload: bytes, *, old: bool) -> None:
        number, by = read_ack(payload)
        if number is None and old:
            raise ValueError("was pressed while the monitor was away; press again")
        self._acknowledge(number, by)

    def _pause_for(self, payload: bytes, *, old: bool) -> None:
        minutes, by = read_pause(payload)
        if old:
            raise ValueError("was sent while the monitor was away; send it again")
        if minutes:
            self._house.pause(minutes, by, self.name)
        else:
            self._house.resume(by, self.name)

    def _acknowledge(self, number: int | None, by: str) -> None:
        if number is None:
            waiting = homeassistant.foremost(self._house.incidents())
            if waiting is None:
                raise ValueError("finds nothing that waits")
            number = int(waiting["id"])
        if self._house.acknowledge(number, by, self.name) is None:
            raise ValueError(f"names incident {number}, which there is not")

    def _complain(self, what: str, sentence: str) -> None:
        """Bounded: whoever may publish there must not fill the disk with our log."""
        now = time.monotonic()
        if now - self._complained >= _COMPLAIN_S:
            self._complained = now
            log.warning("channel %s: %s %s", self.name, what, sentence)

    def _works(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._house.channel(self.name, "")

    def _lost(self, cause: BrokerError) -> None:
        self._why = str(cause)
        if cause.lasting:
            self._tell()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_S, self._tell)

    def _tell(self) -> None:
        self._house.channel(self.name, self._why)

    async def _pause(self, seconds: float) -> None:
        """Wait; an alert that wants to go out ends the waiting, after a second at the least."""
        await asyncio.sleep(min(1.0, seconds))
        try:
            async with asyncio.timeout(max(0.0, seconds - 1.0)):
                await self._wanted.wait()
        except TimeoutError:
            pass


def read_ack(payload: bytes) -> tuple[int | None, str]:
    """Which incident an acknowledgement names, and who sends it; None: the one that waits.

    Raises:
        ValueError: it is none; the text continues "an acknowledgement ...".
    """
    number, by = _read(payload, homeassistant.PRESS, "incident", 5)
    if number is None:
        return None, ""
    if type(number) is not int or not 0 < number < 1 << 53:
        raise ValueError("names no incident by its number")
    return number, by


def read_pause(payload: bytes) -> tuple[int, str]:
    """How many minutes a pause is to last, 0: it is to end; and who sends it.

    Raises:
        ValueError: it is none; the text continues "a pause ...".
    """
    minutes, by = _read(payload, homeassistant.RESUME, "minutes", 30)
    if minutes is None:
        return 0, ""
    longest = int(PAUSE_MAX_S // 60)
    if isinstance(minutes, float) and minutes.is_integer():
        minutes = int(minutes)  # As Home Assistant writes a whole number.
    if type(minutes) is not int or not 0 <= minutes <= longest:
        raise ValueError(f"is no whole number of minutes from 0 to {longest}")
    return minutes, by


def _read(payload: bytes, word: str, key: str, example: int) -> tuple[Any, str]:
    """What stands for `key`, None where `word` is said instead, and by whom; raises as `read_ack`."""
    if len(payload) > PAYLOAD_MAX:
        raise ValueError(f"is longer than {PAYLOAD_MAX} bytes")
    try:
        text = payload.decode("utf-8").strip()
        said = None if text == word else json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(
            f'is neither a number, nor "{word}", nor JSON as {{"{key}": {example}, "by": "Anna"}}'
        ) from None
    if text == word:
        return None, ""
    value, by = said, ""
    if isinstance(said, dict) and set(said) <= {key, "by"}:
        value, by = said.get(key), said.get("by", "")
    if not isinstance(by, str) or len(by) > BY_MAX or not by.isprintable():
        raise ValueError(f"says by whom in a way that is no name (up to {BY_MAX} letters)")
    return False if value is None else value, by


async def _goodbye(broker: Broker, topic: str) -> None:
    """A goodbye cancels the last will, so it is said by ourselves."""
    try:
        async with asyncio.timeout(1.0):
            await broker.publish(topic, homeassistant.OFFLINE, retain=True)
    except (BrokerError, TimeoutError):
        pass


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
