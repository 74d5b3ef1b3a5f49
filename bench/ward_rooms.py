"""Many light rooms for `bench/ward.py`: each an MQTT client that says what a room says, and nothing of a voice.

MQTT 3.1.1 by hand (OASIS, 2014), because a thousand clients of a library would be the load that is measured. Reads one
JSON object a line: {"do": "steady", "seconds": 60} or {"do": "storm", "seconds": 10}; writes [room, incident, monotonic
seconds] for each alert, and "done".
"""

from __future__ import annotations

import asyncio
import json
import random
import struct
import sys
import time
from dataclasses import replace

from monitord.events import Gate, Sound
from monitord.notify.incident import State as Course
from monitord.notify.incident import Urgency
from monitord.wardtalk import codec
from monitord.wardtalk import message as talk
from monitord.wardtalk.topics import Kind, Topic, room_user

SITE = "home"
HEALTH_S = 10.0
TAKEN_S, OVER_S = 8.0, 16.0
"""Seconds after which an alert of the steady load is acknowledged in the room, and over."""


def _text(content: str) -> bytes:
    data = content.encode()
    return struct.pack(">H", len(data)) + data


def _packet(head: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([head]) + length + body


class LightRoom(asyncio.Protocol):
    """One room."""

    def __init__(self, name: str) -> None:
        self.name, self._seq, self._packet, self._incident = name, 0, 0, 0
        self._boot = random.randrange(1, talk.BOOT_MAX)
        self.connected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`; so for what follows."""
        self._transport = transport
        topic, payload = str(Topic(Kind.HEALTH, SITE, self.name)), self._health(alive=False)
        flags = 0x02 | 0x04 | 0x08 | 0x20  # Clean session; a will, of QoS 1, retained.
        body = _text("MQTT") + bytes([4, flags]) + struct.pack(">H", 60)
        transport.write(_packet(0x10, body + _text(room_user(SITE, self.name)) + _text(topic) + _text(payload)))

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if data[0] >> 4 == 2 and not self.connected.done():  # noqa: PLR2004 - CONNACK
            self.connected.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        if not self.connected.done():
            self.connected.set_exception(exc or ConnectionError())

    def begin(self) -> None:
        """What a room says first, and every ten seconds."""
        state = talk.State(self.name, self._boot, 0, 0, Gate.IDLE, None, protected=True,
                           microphone=talk.Microphone.LISTENING, camera=talk.Camera.IDLE, faults=())  # fmt: skip
        self._say(Kind.STATE, replace(state, seq=self._next(), at=time.time()))
        asyncio.get_running_loop().call_later(random.random() * HEALTH_S, self._beat)

    def alert(self, *, ends: bool) -> tuple[str, int, float]:
        """A cry; returns which, and when it was said."""
        self._incident += 1
        now = time.time()
        report = talk.Report(self.name, self._boot, self._next(), now, self._incident, Sound.CRY, Urgency.HIGH,
                             Course.ALERTING, 90, now, 0, None, None)  # fmt: skip
        at = time.monotonic()
        self._say(Kind.INCIDENT, report)
        if ends:
            loop = asyncio.get_running_loop()
            taken = replace(report, state=Course.ACKNOWLEDGED, acknowledged=talk.Acknowledged(now, talk.Via.ROOM))
            loop.call_later(TAKEN_S, self._again, taken)
            loop.call_later(OVER_S, self._again, replace(taken, state=Course.CLEARED))
        return self.name, self._incident, at

    def _again(self, report: talk.Report) -> None:
        self._say(Kind.INCIDENT, replace(report, seq=self._next(), at=time.time()))

    def _beat(self) -> None:
        self._publish(str(Topic(Kind.HEALTH, SITE, self.name)), self._health(alive=True))
        asyncio.get_running_loop().call_later(HEALTH_S, self._beat)

    def _health(self, *, alive: bool) -> str:
        line = 1
        return codec.format(talk.Health(self.name, self._boot, self._next(), time.time(), alive=alive, line=line))

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _say(self, kind: Kind, message: talk.Message) -> None:
        number = message.id if isinstance(message, talk.Report) else 0
        self._publish(str(Topic(kind, SITE, self.name, number)), codec.format(message))

    def _publish(self, topic: str, payload: str) -> None:
        self._packet = self._packet % 65535 + 1
        self._transport.write(_packet(0x33, _text(topic) + struct.pack(">H", self._packet) + payload.encode()))


async def main(port: int, count: int) -> None:
    """Connect all rooms and do what stdin says."""
    loop = asyncio.get_running_loop()
    rooms = []
    for number in range(count):
        room = LightRoom(f"{number + 1:04}")
        await loop.create_connection(lambda room=room: room, "127.0.0.1", port)
        await room.connected
        room.begin()
        rooms.append(room)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("ready", flush=True)
    while line := await lines.readline():
        asked = json.loads(line)
        begin = loop.time()
        steady = asked["do"] == "steady"
        turns = sorted((random.random() * asked["seconds"], index) for index in range(count))
        for at, index in turns:
            await asyncio.sleep(max(0.0, begin + at - loop.time()))
            print(json.dumps(rooms[index].alert(ends=steady)), flush=True)
        await asyncio.sleep(max(0.0, begin + asked["seconds"] - loop.time()))
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
