"""From a frame of the ear to an alert at the far end of each channel, on loopback: how long, and whether all arrive.

python bench/alerts.py [--alerts 500] [--rate 10] [--seconds 60] [--pages 50] [--json FILE]

A real voice (`monitord notify`) in a process of its own, with its journal on a real disk; only the rate bound of the
events socket is lifted, for it would admit one alert in four seconds. An alert is a fault of the microphone that is
reported and over again: each is an incident of its own. Three things are measured:

1. one alert after the other, each when the one before has arrived everywhere: the latency of each channel;
2. the same at a fixed rate, with many pages open: the latency then, and what was lost (nothing may be);
3. what the journal says in the end: every delivery "delivered".

`CHANNELS` holds the far end of each channel; a further one is a function that is added there, and its section of TOML.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from measured import cpu_s, machine

from monitord.events import Fault, Frame, Kind, Message, Role
from monitord.notify import delivery
from monitord.notify.history import read
from monitord.wire import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PROGRAM = """
import sys
from monitord import wire
wire.TokenBucket.admit = lambda self, now, tokens=1: True
from monitord.cli import run
sys.exit(run(sys.argv[1:]))
"""
LABEL = Fault.MICROPHONE_MISSING
PATIENCE_S = 30.0


class Arrivals:
    """When the alert of each incident arrived where; an incident counts once per far end."""

    def __init__(self) -> None:
        self.at: dict[str, dict[int, float]] = defaultdict(dict)
        self._news = asyncio.Event()

    def note(self, where: str, incident: int) -> None:
        """The alert of `incident` is at the far end `where`, now."""
        self.at[where].setdefault(incident, time.monotonic())
        self._news.set()

    async def everywhere(self, ends: list[str], count: int) -> None:
        """Wait until each far end has `count` alerts."""
        async with asyncio.timeout(PATIENCE_S):
            while any(len(self.at[end]) < count for end in ends):
                self._news.clear()
                await self._news.wait()


async def page(url: str, arrived: Callable[[int], None], *, confirms: bool = True) -> None:
    """An open page: the stream, resumed as a browser resumes it, and the confirmation that it was on a screen."""
    last, posts = "", set()

    async def seen(session: aiohttp.ClientSession, number: int) -> None:
        async with session.post(f"/api/v1/deliveries/{number}/seen") as answer:
            answer.raise_for_status()

    async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=None)) as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get("/api/v1/stream", headers={"Last-Event-ID": last} if last else {}) as stream:
                    pending = b""
                    async for chunk in stream.content.iter_any():
                        *events, pending = (pending + chunk).split(b"\n\n")
                        for event in events:
                            fields = dict(line.split(": ", 1) for line in event.decode().splitlines())
                            last = fields.get("id", last)
                            if fields.get("event") != "alert":
                                continue
                            content = json.loads(fields["data"])
                            if content["incident"]["label"] == LABEL.name:
                                arrived(content["incident"]["id"])
                            if confirms:
                                post = asyncio.ensure_future(seen(session, content["delivery"]))
                                posts.add(post)
                                post.add_done_callback(posts.discard)
            await asyncio.sleep(0.1)


async def crowd(url: str, count: int, first: int) -> None:
    """`count` open pages in a process of their own, until standard input ends; prints how many alerts each has seen."""
    seen: list[set[int]] = [set() for _ in range(count)]
    pages = [asyncio.ensure_future(page(url, each.add, confirms=False)) for each in seen]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for each in pages:
        each.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    print(json.dumps([len({number for number in each if number >= first}) for each in seen]))


async def log(lines: asyncio.StreamReader, arrived: Callable[[int], None]) -> None:
    """The system's log."""
    async for raw in lines:
        words = raw.decode().split()
        if "alert" in words and "(fault)" in words and "microphone" in words:
            arrived(int(words[words.index("alert") + 1]))


class Ear:
    """Reports the fault and that it is over, and remembers when."""

    def __init__(self, path: str) -> None:
        self.sent: list[float] = []
        self._sequence = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.connect(path)
        self._socket.setblocking(False)  # noqa: FBT003 - socket's own signature

    async def alert(self) -> None:
        """One alert."""
        self.sent.append(time.monotonic())
        await self._say(LABEL)

    async def over(self) -> None:
        """The fault is over."""
        await self._say(Fault.RECOVERED)

    async def _say(self, fault: Fault) -> None:
        data = encode(Frame(Message(Kind.FAULT, fault), Role.EAR, 1, self._sequence))
        self._sequence += 1
        while True:
            try:
                self._socket.send(data)
            except BlockingIOError:
                await asyncio.sleep(0.001)
            else:
                return


def _stream(voice: asyncio.subprocess.Process) -> asyncio.StreamReader:
    if voice.stderr is None:
        raise TypeError("it was started with a pipe")
    return voice.stderr


def latencies(ear: Ear, arrivals: Arrivals, end: str, first: int) -> list[float]:
    """Milliseconds of the alerts from number `first` on, in the order in which they were sent."""
    at = sorted(arrivals.at[end].values())
    return [(then - sent) * 1000 for sent, then in zip(ear.sent[first:], at[first:], strict=True)]


def row(times: list[float]) -> dict[str, float]:
    """p50, p95 and the longest, milliseconds."""
    ranked = statistics.quantiles(times, n=20, method="inclusive")
    return {"alerts": len(times), "p50_ms": ranked[9], "p95_ms": ranked[18], "max_ms": max(times)}


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All figures."""
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder / "run"), "STATE_DIRECTORY": str(folder / "state")}
    (folder / "my.toml").write_text("[page]\nport = 0\n[rules.fault]\nrepeat_s = 0\n", "utf-8")
    voice = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, "notify", "--config", str(folder / "my.toml"), env=environment, stderr=-1
    )
    address = folder / "run" / "page"
    async with asyncio.timeout(PATIENCE_S):  # A file that another process writes: there is nothing to wait on but time.
        while not address.exists() or not address.read_text().endswith("\n"):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.05)
    url, arrivals = address.read_text().strip(), Arrivals()
    ear = Ear(str(folder / "run" / "events.sock"))
    channels: dict[str, Awaitable[None]] = {
        "page": page(url, lambda number: arrivals.note("page", number)),
        "log": log(_stream(voice), lambda number: arrivals.note("log", number)),
    }
    tasks = [asyncio.ensure_future(each) for each in channels.values()]
    await asyncio.sleep(0.5)
    figures: dict[str, Any] = {"one after the other": {}, f"{options.rate:g} a second": {}}
    for number in range(1, options.alerts + 1):
        await ear.alert()
        await arrivals.everywhere(list(channels), number)
        await ear.over()
    for name in channels:
        figures["one after the other"][name] = row(latencies(ear, arrivals, name, 0))
    newest = max(arrivals.at["page"]) + 1
    others = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--crowd", url, "--pages", str(options.pages - 1), "--first", str(newest)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await asyncio.sleep(3.0)
    cpu = cpu_s(voice.pid)
    count, begun = round(options.rate * options.seconds), time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / options.rate - time.monotonic()))
        await ear.alert()
        await ear.over()
    figures["processor seconds of the voice per alert then"] = (cpu_s(voice.pid) - cpu) / count
    with contextlib.suppress(TimeoutError):
        await arrivals.everywhere(list(channels), options.alerts + count)
    lost = {end: options.alerts + count - len(arrivals.at[end]) for end in channels}
    await asyncio.sleep(2.0)
    told, _ = await others.communicate(b"")  # Its end is what they wait for.
    lost |= {f"page {page}": count - seen for page, seen in enumerate(json.loads(told), 2)}
    for name in channels:
        if not lost[name]:
            figures[f"{options.rate:g} a second"][name] = row(latencies(ear, arrivals, name, options.alerts))
    figures["pages open"] = options.pages
    figures["lost"] = {end: number for end, number in lost.items() if number}
    await asyncio.sleep(1.0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    voice.terminate()
    await voice.communicate()
    history = read(folder / "state" / "journal.sqlite3")
    numbers = [each.id for each in history.incidents(1_000_000) if each.subject is LABEL]
    states = [each.state.value for each in history.deliveries(numbers) if each.reason is delivery.Reason.ALERT]
    history.close()
    figures["deliveries"] = {state: states.count(state) for state in sorted(set(states))}
    return figures


def main() -> int:
    """Print the figures; returns 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=500)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--crowd", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crowd:
        asyncio.run(crowd(options.crowd, options.pages, options.first))
        return 0
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(options, Path(folder)))
    print(f"{before['processor']}, load {before['load_before']} before")
    for how in ("one after the other", f"{options.rate:g} a second"):
        for name, each in figures[how].items():
            times = f"p50 {each['p50_ms']:.1f} ms, p95 {each['p95_ms']:.1f} ms, longest {each['max_ms']:.1f} ms"
            print(f"{how:20s} {name:8s} {each['alerts']:4d} alerts: {times}")
    share = "processor seconds of the voice per alert then"
    print(f"{share}: {figures[share]:.4f}")
    print(f"pages open: {figures['pages open']}; lost: {figures['lost'] or 'none'}; journal: {figures['deliveries']}")
    if options.json:
        options.json.write_text(json.dumps({"machine": before, **figures}, indent=1) + "\n", "utf-8")
    return 1 if figures["lost"] or set(figures["deliveries"]) != {"delivered"} else 0


if __name__ == "__main__":
    sys.exit(main())
