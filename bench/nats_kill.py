"""SIGKILL of the node that leads, while alerts flow: what is lost, and how long nobody confirms. Needs nats-server.

python bench/nats_kill.py [--rooms 10] [--rate 5] [--kills 3] [--mode leader|last|none] [--json FILE]

Three real nats-servers on loopback, configured as docs/recipes/ward-nats.md says (TLS, users with rights, JetStream
with three replicas). Each room is the room's own MQTT connection (`monitord.notify.sinks`: broker list, QoS 1, an
attempt fails after 5 s without PUBACK and is made again); a station with a session that outlives its connection counts
what arrives. Rooms and station name the first leader first in their lists: it is everybody's broker, the worst case.

An alert is lost if it was confirmed to the room (PUBACK) and never reached the station: what is confirmed is never sent
again, so nothing else would bring it. What is not confirmed is sent again and may arrive twice; so may what is
retained, with each return of the station. That is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measured import machine
from nats_nodes import NATS, PASSWORD, SITE, Cluster

from monitord.config import WardConfig
from monitord.notify.sinks.brokers import Lines
from monitord.tools.ward import enroll
from monitord.wardtalk.topics import Kind, Topic, of_room, room_user, station_user

if TYPE_CHECKING:
    from monitord.notify.sinks.broker import Broker, BrokerError

PATIENCE_S = 90.0
STATION = "desk"


@dataclass
class Told:
    """What became of every alert: when it was to be sent, when it was confirmed, how often it arrived."""

    asked: dict[tuple[str, int], float] = field(default_factory=dict)
    confirmed: dict[tuple[str, int], float] = field(default_factory=dict)
    arrived: Counter[tuple[str, int]] = field(default_factory=Counter)
    arrived_at: dict[tuple[str, int], float] = field(default_factory=dict)

    def first_after(self, at: float) -> float:
        """Seconds from `at` to the first confirmation after it."""
        return min((each - at for each in self.confirmed.values() if each >= at), default=float("inf"))

    def first_of_alerts_after(self, at: float) -> float:
        """Seconds from `at` to the first confirmation of an alert that was raised after it."""
        late = (self.confirmed[key] - at for key, asked in self.asked.items() if asked >= at and key in self.confirmed)
        return min(late, default=float("inf"))

    def lost(self) -> list[tuple[str, int]]:
        """What was confirmed and never arrived."""
        return sorted(set(self.confirmed) - set(self.arrived))

    def longest_wait(self, since: float = 0.0) -> float:
        """Of the alerts raised from `since` on, the longest time until one was confirmed, seconds."""
        return max((self.confirmed[key] - asked for key, asked in self.asked.items() if asked >= since), default=0.0)


class Room:
    """Sends an alert every so often, each until it is confirmed, one after the other."""

    def __init__(self, name: str, brokers: list[WardConfig], told: Told) -> None:
        self.name, self._told = name, told
        self._waiting: asyncio.Queue[int] = asyncio.Queue()
        self._now: int | None = None
        will = (str(Topic(Kind.HEALTH, SITE, name)), "gone")
        self._lines = Lines(
            brokers, room_user(SITE, name), lambda: will, self._serve, _ignore, asyncio.Event(), random.random
        )

    def raise_alert(self, number: int) -> None:
        """One more."""
        self._told.asked[self.name, number] = time.monotonic()
        self._waiting.put_nowait(number)

    async def keep(self) -> None:
        """Until cancelled."""
        await self._lines.keep()

    async def _serve(self, broker: Broker) -> None:
        while True:
            if self._now is None:
                self._now = await self._waiting.get()
            await broker.publish(str(Topic(Kind.INCIDENT, SITE, self.name, self._now)), str(self._now), retain=True)
            self._told.confirmed[self.name, self._now] = time.monotonic()
            self._now = None


def station(brokers: list[WardConfig], rooms: list[str], told: Told, ready: asyncio.Event) -> Lines:
    """Subscribes to every room, and counts."""

    async def serve(broker: Broker) -> None:
        for room in rooms:
            await broker.subscribe(*of_room(SITE, room))
        ready.set()
        async for message in broker.messages():
            parts = str(message.topic).split("/")
            if parts[-2] == "incident":
                key = parts[3], int(parts[-1])
                told.arrived[key] += 1
                told.arrived_at.setdefault(key, time.monotonic())

    will = (str(Topic(Kind.STATION, SITE, STATION, ward="west")), "gone")
    wanted = asyncio.Event()
    return Lines(
        brokers, station_user(SITE, STATION), lambda: will, serve, _ignore, wanted, random.random, queue=100_000
    )


FAILED: list[tuple[float, str]] = []
"""When a connection failed, seconds, monotonic, and why: here they fail on purpose."""


def _ignore(cause: BrokerError) -> None:
    FAILED.append((time.monotonic(), str(cause)))


def sections(cluster: Cluster, first: str, certificates: Path, user: str) -> list[WardConfig]:
    """One for each node, `first` first."""
    order = sorted(cluster.addresses, key=lambda each: each != first)
    return [
        WardConfig.model_validate(
            {
                "kind": "ward",
                "site": SITE,
                "room": "x",
                "version": "3.1.1",
                "brokers": [f"{each}:{cluster.mqtt}"],
                "ca_file": str(certificates / "ca.crt"),
                "username": user,
                "password": PASSWORD,
            }
        ).each()[0]
        for each in order
    ]


async def run(folder: Path, *, rooms: int, rate: float, kills: int, mode: str) -> dict[str, Any]:
    """One cluster, `kills` kills; returns what was measured."""
    certificates = folder / "site"
    with contextlib.redirect_stdout(sys.stderr):
        enroll.init(certificates, SITE, [f"{each}:8883" for each in Cluster.addresses], cgnat=False)
    names = [f"r{number}" for number in range(rooms)]
    cluster = Cluster(folder, certificates, names, [STATION])
    cluster.start_all()
    told, ready = Told(), asyncio.Event()
    tasks = []
    try:
        listening = sections(cluster, cluster.addresses[0], certificates, station_user(SITE, STATION))
        tasks.append(asyncio.create_task(station(listening, names, told, ready).keep()))
        await asyncio.wait_for(ready.wait(), PATIENCE_S)
        first = await asyncio.to_thread(cluster.leader)
        if first != cluster.addresses[0]:  # The station comes again, with the leader first.
            tasks.pop().cancel()
            ready.clear()
            listening = sections(cluster, first, certificates, station_user(SITE, STATION))
            tasks.append(asyncio.create_task(station(listening, names, told, ready).keep()))
            await asyncio.wait_for(ready.wait(), PATIENCE_S)
        made = [Room(each, sections(cluster, first, certificates, room_user(SITE, each)), told) for each in names]
        tasks += [asyncio.create_task(each.keep()) for each in made]
        measured = [await _kill_once(cluster, made, told, rate, mode) for _ in range(kills)]
        await _until(lambda: set(told.confirmed) == set(told.asked), "all are confirmed")
        with contextlib.suppress(TimeoutError):
            await _until(lambda: set(told.arrived) >= set(told.confirmed), "all have arrived")
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        cluster.stop()
    return {
        "alerts": len(told.asked),
        "confirmed": len(told.confirmed),
        "lost": len(told.lost()),
        "arrived_twice": sum(each > 1 for each in told.arrived.values()),
        "longest_wait_s": round(told.longest_wait(), 2),
        "kills": measured,
    }


async def _kill_once(cluster: Cluster, rooms: list[Room], told: Told, rate: float, mode: str) -> dict[str, Any]:
    """Let alerts flow, kill, let them flow on, and start the dead one again."""
    numbers = iter(range(len(told.asked) + 1, 1 << 30))
    stop = asyncio.Event()

    async def flow() -> None:
        while not stop.is_set():
            random.choice(rooms).raise_alert(next(numbers))
            await asyncio.sleep(random.expovariate(rate))

    flowing = asyncio.create_task(flow())
    await asyncio.sleep(5.0)
    leader = await asyncio.to_thread(cluster.leader)
    victim = {"leader": leader, "last": next(each for each in cluster.addresses[::-1] if each != leader)}.get(mode)
    at = time.monotonic() if victim is None else cluster.kill(victim)
    await _until(lambda: told.first_of_alerts_after(at) < float("inf"), "an alert after the kill is confirmed")
    reasons = Counter(re.sub(r"[0-9.]+ ", "", why) for failed, why in FAILED if failed >= at)
    await asyncio.sleep(5.0)
    stop.set()
    await flowing
    await _until(lambda: set(told.confirmed) == set(told.asked), "all are confirmed")
    if victim is not None:
        cluster.start(victim)
        await asyncio.sleep(5.0)
    return {
        "first_confirmation_s": round(told.first_after(at), 2),
        "first_alert_after_the_kill_s": round(told.first_of_alerts_after(at), 2),
        "longest_wait_s": round(told.longest_wait(at - 1.0), 2),
        "failed_connections": dict(reasons),
    }


async def _until(true: Any, what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"waited too long until {what}")
        await asyncio.sleep(0.02)


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=10)
    parser.add_argument("--rate", type=float, default=5.0, help="alerts a second, of all rooms together")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument(
        "--mode", choices=("leader", "last", "none"), default="leader", help="which node; none: a control"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if NATS is None:
        print("needs nats-server: apt-get install nats-server", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        asked = {"rooms": options.rooms, "rate": options.rate, "kills": options.kills, "mode": options.mode}
        result = {"machine": machine(), **asked, **asyncio.run(run(Path(folder), **asked))}
    print(json.dumps(result, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if result["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
