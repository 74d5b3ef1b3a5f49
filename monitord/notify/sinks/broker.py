"""One connection to an MQTT broker. The only importer of aiomqtt, and of paho, which it stands on.

The socket is ours (`monitord.notify.dial`), TLS included, and paho is handed it where it would open its own: no name is
resolved a second time, no proxy of the environment asked, and before the broker's address and certificate are checked
no user name or password is sent. aiomqtt keeps the protocol; what it leaves out is here: the reason that a broker gives
in its PUBACK, the one that it gives when it cuts the connection, and an end to waiting for either.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from typing import TYPE_CHECKING, Any

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from monitord.config import MqttVersion
from monitord.lan import LanError
from monitord.notify import dial, tls
from monitord.notify.secret import SecretError, reveal

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

    from monitord.config import MqttConfig

CONNECT_S = 8.0
"""Seconds until a connection counts as failed: for TCP, and again for the broker's answer."""
ANSWER_S = 5.0
"""Seconds until a message counts as not taken."""
TOPIC_S = 1.0
"""So much longer for each topic to subscribe to: NATS makes a consumer on three nodes, which may take half of that."""
KEEP_ALIVE_S = 15
"""The broker publishes our last will after one and a half times this, when it hears nothing (MQTT 3.1.2.10)."""
SESSION_S = 3600
"""Seconds for which an MQTT 5 broker keeps what is sent to us while we are away."""
QUEUE_MAX = 64
NOBODY = 0x10
"""Reason in a PUBACK: taken, and no subscriber (MQTT 5, 3.4.2.1)."""
_FAILED = 0x80

_REFUSED = {
    0x84: "does not speak this version of MQTT; set version to the other one",
    0x85: "does not take our client identifier",
    0x86: "refuses the user name or the password",
    0x87: "refuses the user name or the password",
    0x88: "is not available at the moment",
    0x89: "is too busy",
    0x8A: "has banned this machine",
    0x8B: "is shutting down",
    0x8D: "has heard nothing for too long and hung up",
    0x8E: "has given our place to another client of the same identifier; give each monitor a topic of its own",
    0x95: "says that the message is too large",
    0x97: "says that its quota is used up",
    0x98: "has hung up by its administrator's will",
}
"""By reason code (MQTT 5, 2.4); paho turns the return codes of 3.1.1 into these."""
_FOR_THE_OWNER = frozenset({0x84, 0x85, 0x86, 0x87, 0x8A, 0x8E})


class BrokerError(Exception):
    """The connection failed or is over, or a message was not taken; the text says why in one sentence.

    Args:
        sentence: for the owner.
        lasting: whether it stays so until somebody does something.
    """

    def __init__(self, sentence: str, *, lasting: bool = False) -> None:
        super().__init__(sentence)
        self.lasting = lasting


class Broker:
    """A connection that stands; `connect` makes it."""

    def __init__(self, host: str, client: aiomqtt.Client, *, five: bool) -> None:
        self._host, self._client, self._five = host, client, five
        self._paho: Any = client._client  # noqa: SLF001 - the one thing behind aiomqtt that is needed; see the module
        self._sent: dict[int, asyncio.Future[int]] = {}
        self._heard = _LastError()
        self._paho.enable_logger(self._heard.logger)
        self.gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._then: Any = self._paho.on_disconnect
        self._paho.on_publish, self._paho.on_disconnect = self._on_publish, self._on_disconnect

    def use(self, connection: socket.socket) -> None:
        """Make paho use `connection`.

        Raises:
            RuntimeError: this paho opens its socket in another way; better none than an unchecked one.
        """
        if not hasattr(self._paho, "_create_socket_connection"):
            raise RuntimeError("paho-mqtt has changed: its socket cannot be ours any more")
        self._paho._create_socket_connection = lambda: connection  # noqa: SLF001
        client: Any = self._client
        client._loop = WatchesOneSocket(client._loop, connection)  # noqa: SLF001 - see there

    async def publish(self, topic: str, payload: str, *, retain: bool = False, expires_s: int = 0) -> bool:
        """Publish with QoS 1 and wait for the PUBACK; returns whether anybody is subscribed (3.1.1 cannot tell: True).

        Args:
            topic: where.
            payload: what; "" retained takes away what is retained there.
            retain: whether the broker keeps it for who comes later.
            expires_s: seconds after which the broker forgets it (MQTT 5); 0: never.

        Raises:
            BrokerError: the broker did not take it.
        """
        if self.gone.done():
            raise self.why_gone()
        properties = None
        if expires_s and self._five:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's
            properties.MessageExpiryInterval = expires_s
        info = self._paho.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if info.rc:
            raise BrokerError(f"the connection to {self._host} is lost")
        sent = asyncio.get_running_loop().create_future()
        self._sent[info.mid] = sent
        try:
            await asyncio.wait({sent, self.gone}, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._sent[info.mid]
        if not sent.done():
            raise self.why_gone() if self.gone.done() else BrokerError(f"{self._host} does not confirm what is sent")
        code: int = sent.result()
        if code >= _FAILED:
            said = "does not let us write it" if code == 0x87 else _REFUSED.get(code, f"does not take it ({code})")  # noqa: PLR2004
            raise BrokerError(f"{topic}: {self._host} {said}", lasting=True)
        return code != NOBODY

    async def subscribe(self, *topics: str) -> int:
        """Subscribe with QoS 1; returns how many messages of the time before are waiting in `messages`.

        Raises:
            BrokerError: the broker does not let us.
        """
        try:
            patience_s = ANSWER_S + TOPIC_S * len(topics)
            codes = await self._client.subscribe([(topic, 1) for topic in topics], timeout=patience_s)
        except aiomqtt.MqttError:
            raise self.why_gone() from None
        numbers = [code.value if isinstance(code, ReasonCode) else code for code in codes]
        refused = next((topic for topic, number in zip(topics, numbers, strict=False) if number >= _FAILED), None)
        if refused is not None:
            raise BrokerError(f"{refused}: {self._host} does not let us read it", lasting=True)
        return len(self._client.messages)

    async def messages(self) -> AsyncIterator[aiomqtt.Message]:
        """What is published to us.

        Raises:
            BrokerError: the connection is over.
        """
        try:
            async for message in self._client.messages:
                yield message
        except (aiomqtt.MqttError, OSError):
            raise self.why_gone() from None

    def why_gone(self) -> BrokerError:
        """Why the connection is over."""
        code = self.gone.result() if self.gone.done() else 0
        if code in _REFUSED:
            return BrokerError(f"{self._host} {_REFUSED[code]}", lasting=code in _FOR_THE_OWNER)
        cause = self._heard.cause
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            return BrokerError(tls.distrust(cause, self._host), lasting=True)
        return BrokerError(f"the connection to {self._host} was cut")

    async def enter(self) -> None:
        """Raises BrokerError: the broker does not let us in."""
        entering = asyncio.create_task(self._client.__aenter__())
        either: set[asyncio.Future[Any]] = {entering, self.gone}
        await asyncio.wait(either, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        if self.gone.done() and not entering.done():
            await asyncio.wait({entering}, timeout=0.1)  # The broker's own word comes in the same turn of the loop.
        if not entering.done():
            entering.cancel()
            await asyncio.wait({entering})
            raise self.why_gone() if self.gone.done() else BrokerError(f"{self._host} does not answer as a broker does")
        cause = entering.exception()
        if isinstance(cause, aiomqtt.MqttCodeError) and isinstance(cause.rc, ReasonCode):
            code = int(cause.rc.value)
            raise BrokerError(f"{self._host} {_REFUSED.get(code, str(cause.rc))}", lasting=code in _FOR_THE_OWNER)
        if isinstance(cause, aiomqtt.MqttError):
            raise self.why_gone()
        if cause is not None:  # A mistake of ours.
            raise cause
        if self.gone.done():
            raise self.why_gone()

    async def leave(self, connection: socket.socket) -> None:
        """Say goodbye, if that is possible at once, and close."""
        with contextlib.suppress(Exception):
            self._paho.disconnect()
            await asyncio.wait({self.gone}, timeout=1.0)
        loop, misc = asyncio.get_running_loop(), self._client._misc_task  # noqa: SLF001 - aiomqtt leaves it after a failure
        if misc is not None:
            misc.cancel()
        if connection.fileno() >= 0:
            loop.remove_reader(connection)
            loop.remove_writer(connection)
            connection.close()
        self._heard.close()
        for future in (self._client._disconnected, self._client._connected):  # noqa: SLF001 - nobody else looks at them
            if future.done() and not future.cancelled():
                future.exception()

    def _on_publish(self, _: Any, __: Any, mid: int, code: ReasonCode, ___: Any) -> None:
        sent = self._sent.get(mid)
        if sent is not None and not sent.done():
            sent.set_result(int(code.value))

    def _on_disconnect(self, paho: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        if not self.gone.done():
            self.gone.set_result(int(code.value) if flags.is_disconnect_packet_from_server else 0)
        if not self._client._connected.cancelled():  # noqa: SLF001 - aiomqtt asks it why, which raises then
            self._then(paho, data, flags, code, properties)
        # aiomqtt may put another future in its place before anybody has looked at this one, and asyncio would complain.
        future = self._client._disconnected  # noqa: SLF001
        if future.done() and not future.cancelled():
            future.exception()


class WatchesOneSocket:
    """An event loop for aiomqtt, which asks from another thread that a socket be watched, and names it by its number.

    By the time that the loop gets to it the broker may have hung up. A number that is nobody's would be an exception
    that ends the voice, and one that is another socket's by then would be watched in its place: neither is.

    Args:
        loop: the running one; all else is asked of it.
        connection: the only socket that may be watched.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: socket.socket) -> None:
        self._loop, self._connection = loop, connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def add_reader(self, number: int, callback: Callable[[], None]) -> None:
        """As the loop's, while `number` is the connection's."""
        if number == self._connection.fileno() >= 0:
            self._loop.add_reader(number, callback)

    def add_writer(self, number: int, callback: Callable[[], None]) -> None:
        """As the loop's, while `number` is the connection's."""
        if number == self._connection.fileno() >= 0:
            self._loop.add_writer(number, callback)


class _LastError(logging.Handler):
    """Why paho's socket failed: it says so in its log only."""

    def __init__(self) -> None:
        super().__init__()
        self.cause: BaseException | None = None
        self.logger = logging.Logger("mqtt", logging.ERROR)  # noqa: LOG001 - outside of the tree: nothing of it is printed
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.cause = next((each for each in record.args or () if isinstance(each, OSError)), self.cause)


@contextlib.asynccontextmanager
async def connect(
    config: MqttConfig,
    *,
    identifier: str,
    will: tuple[str, str],
    resolve: dial.Resolve | None = None,
    session_s: int = SESSION_S,
    queue: int = QUEUE_MAX,
) -> AsyncIterator[Broker]:
    """A connection to the broker, with a session that outlives it.

    Args:
        config: the channel.
        identifier: the client's; the session is known by it.
        will: topic and payload that the broker publishes, retained, when we are gone without a goodbye.
        resolve: as in `monitord.notify.dial.connect`.
        session_s: for how long the session outlives it; 0: not at all.
        queue: messages that may wait to be read.

    Raises:
        BrokerError: there is none, or it does not let us in; for lack of trust, before anything secret is sent.
    """
    connection = await _socket(config, resolve)
    five = config.version is MqttVersion.FIVE
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's
    properties.SessionExpiryInterval = session_s
    try:
        password = reveal(config.password, config.password_file)
    except SecretError as cause:
        connection.close()
        raise BrokerError(str(cause), lasting=True) from None
    client = aiomqtt.Client(
        config.host,
        config.real_port,
        username=config.username or None,
        password=password or None,
        identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        clean_session=None if five else not session_s,
        clean_start=not session_s if five else MQTT_CLEAN_START_FIRST_ONLY,  # The latter stands for: none in 3.1.1.
        properties=properties if five else None,
        will=aiomqtt.Will(will[0], will[1], qos=1, retain=True),
        keepalive=KEEP_ALIVE_S,
        timeout=ANSWER_S,
        max_queued_incoming_messages=queue,
    )
    broker = Broker(config.host, client, five=five)
    try:
        broker.use(connection)
        await broker.enter()
        yield broker
    finally:
        await broker.leave(connection)


async def _socket(config: MqttConfig, resolve: dial.Resolve | None) -> socket.socket:
    try:
        trust = tls.context(config.ca_file, config.certificate_file, config.key_file) if config.encrypted else None
        async with asyncio.timeout(CONNECT_S):
            plain = await dial.connect(config.host, config.real_port, cgnat=config.cgnat, resolve=resolve)
        if trust is not None:
            return await tls.secure(plain, config.host, trust)
    except (LanError, tls.TlsError) as cause:
        raise BrokerError(str(cause), lasting=True) from None
    except OSError as cause:  # TimeoutError is one, too.
        raise BrokerError(f"{config.host} cannot be reached: {dial.nobody(cause)}") from None
    return plain
