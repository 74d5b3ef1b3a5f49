"""Rooms of a ward: the real voice, journal, outbox and channel of each, as tasks of one process.

What is not real is the ear: frames are made here, and judged by the real receiver. Run as a program, it holds some
rooms and does what is written to it, one JSON object a line, and answers each with one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import sys
from pathlib import Path

from monitord.config import Config
from monitord.events import Fault, Frame, Gate, Kind, Life, Message, Role, Sound
from monitord.notify.clock import Clock
from monitord.notify.inbox import Receiver
from monitord.notify.journal import Journal
from monitord.notify.outlets import Outlets
from monitord.notify.sinks.log import LogSink
from monitord.notify.sinks.ward import WardSink
from monitord.notify.voice import Voice
from monitord.wire import encode

BEAT_S = 5.0


class Room:
    """One room; `start` and `stop` as often as wanted. `channel`: the keys of its section."""

    def __init__(self, folder, name, channel, *, site="home", rules=None, health_s=10.0):
        self.folder, self.name, self.health_s = Path(folder) / name, name, health_s
        self.folder.mkdir(parents=True, exist_ok=True)
        section = {"kind": "ward", "site": site, "room": name, **channel}
        self.config = Config.model_validate(
            {
                "room": {"name": f"Room {name}"},
                "notify": {"ward": section},
                "rules": rules or {},
                "video": {"device": "off"},
            }
        )
        self.sequence, self.voice, self.timer = 0, None, None

    def start(self):
        self.loop = asyncio.get_running_loop()
        self.clock = Clock()
        self.receiver = Receiver(frozenset({0}))
        self.journal = Journal(self.folder / "journal.sqlite3", self.clock)
        self.ward = WardSink("ward", self.config.notify["ward"], health_s=self.health_s)
        self.outlets = Outlets((LogSink(), self.ward), self._report)
        self.voice = Voice(
            self.config, self.journal, self.outlets.names, self.clock,
            transmit=self.outlets.transmit, publish=self.outlets.show, jitter=random.random,
            followers=self.outlets.followers,
        )  # fmt: skip
        self.boot = random.randrange(256)  # noqa: S311 - no secret
        self.outlets.start(self)
        self.say(Message(Kind.HELLO, Life.STARTED))
        self._beat()

    async def stop(self):
        """As the process of the voice ends."""
        self._cancel()
        await self.outlets.stop()
        self.voice.flush()
        self.journal.close()
        self.voice = None

    def say(self, message):
        data = encode(Frame(message, Role.EAR, self.boot, self.sequence % 65536))
        self.sequence += 1
        self.receiver = Receiver(frozenset({0}))  # The bound of the channel is tested elsewhere.
        self.voice.receive(self.receiver.judge(data, 0, self.clock.monotonic()))
        self._tick()

    def hear(self, sound=Sound.CRY, score=90):
        self.say(Message(Kind.SOUND, sound, score, 30))

    def suffer(self, fault=Fault.MICROPHONE_SILENT):
        self.say(Message(Kind.FAULT, fault))

    # What a channel asks (`monitord.notify.sinks.House`).

    def state(self):
        return self.voice.state() | {"paused_until": None}

    def incidents(self):
        return self.voice.incidents()

    def acknowledge(self, number, by, via):
        result = self.voice.acknowledge(number, by, via)
        self._arm()
        return result

    def mute(self, number, by, via):
        return self.voice.mute(number, by, via)

    def channel(self, name, trouble):
        self.voice.channel(name, trouble)

    def _report(self, number, event, error):
        self.voice.report(number, event, error)
        self._arm()

    def _beat(self):
        self.say(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 54))
        self.beat = self.loop.call_later(BEAT_S, self._beat)

    def _tick(self):
        self.voice.tick()
        self._arm()

    def _arm(self):
        if self.timer is not None:
            self.timer.cancel()
        due = self.voice.next_due()
        self.timer = None if due is None else self.loop.call_at(due + 0.001, self._tick)

    def _cancel(self):
        self.beat.cancel()
        if self.timer is not None:
            self.timer.cancel()


def rooms_of(tmp_path, broker, *names, **more):
    """Rooms whose channel leads to the broker."""
    channel = {"brokers": [f"127.0.0.1:{broker.port}"]}
    return [Room(tmp_path / "rooms", name, channel, **more) for name in names]


def told(room):
    """Each incident of a room, and what became of it."""
    acts = [(each.incident, each.event.name, each.by, each.via) for each in room.journal.acts_since("")]
    return {
        "incidents": [
            {"id": each["id"], "label": each["label"], "state": each["state"], "acked_by": each["acked_by"]}
            for each in room.incidents()
        ],
        "acts": acts,
        "refused": room.ward.refused,
        "trouble": room.ward._why if room.ward._link is None else "",
    }


async def program():  # noqa: C901 - one branch a word
    """Reads what to do: {"do": "start", "folder", "rooms", "channel", ...}, then "cry", "told", "restart", "end"."""
    rooms = {}
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        asked = json.loads(line)
        answer = True
        match asked["do"]:
            case "start":
                for name in asked["rooms"]:
                    user = f"home.{name}"
                    own = {"username": user, "password": f"geheim-{user}"} if asked.get("users") else {}
                    channel = {**asked["channel"], **own}
                    rooms[name] = Room(asked["folder"], name, channel, rules=asked.get("rules"))
                    rooms[name].start()
            case "cry":
                for name in asked["rooms"]:
                    rooms[name].hear(Sound[asked.get("sound", "CRY")])
            case "restart":
                for name in asked["rooms"]:
                    await rooms[name].stop()
                    rooms[name].start()
            case "told":
                answer = {name: told(room) for name, room in rooms.items()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if asked["do"] == "end":
            break
    for room in rooms.values():
        await room.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(program())
