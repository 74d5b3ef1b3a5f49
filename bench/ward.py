"""A station with 10, 100 and 1,000 rooms: its processor time, its memory, and from a room's word to the board.

    python bench/ward.py                        # 1,000 rooms last; about seven minutes
    python bench/ward.py --rooms 10 100 --steady 30 --json FILE

Real: the station (`monitord ward`, confined, its journal and ledger on disk), mosquitto, a page's live stream, which
confirms each alert as an open page does. Light: the rooms (`bench/ward_rooms.py`) are MQTT clients that say what rooms
say. Steady: one alert a minute and room, acknowledged in the room and over, beside a sign of life every 10 s. Storm:
all rooms alert within 10 s, as in a power failure, and nobody acknowledges. Room to board: from the call that publishes
an alert to the event that brings it to the page, on one machine's clock. Without TLS, which is the broker's work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from measured import cpu_s, machine, memory_mib

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 120.0
COLUMNS = {"rooms": 5, "load": 6, "alerts": 6, "lost": 4, "p50_ms": 7, "p95_ms": 7, "worst_ms": 8, "cpu_percent": 11}
COLUMNS |= {"quiet_cpu_percent": 17, "rss_mib": 7, "events": 6, "stream_kib": 10, "broker_rss_mib": 14}
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Watcher:
    """An open page: takes the stream, notes when each alert is on the board, and confirms what is brought to it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.at: dict[tuple[str, int], float] = {}
        self.bytes = self.events = 0

    async def run(self) -> None:
        """Until cancelled."""
        seen: set[asyncio.Task[None]] = set()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            while True:
                async with session.get(f"{self._url}api/v1/stream", max_line_size=1 << 24) as stream:
                    name = ""
                    buffer = b""
                    async for chunk in stream.content.iter_any():
                        self.bytes += len(chunk)
                        buffer += chunk
                        *lines, buffer = buffer.split(b"\n")
                        for line in lines:
                            if line.startswith(b"event: "):
                                name = line[7:].decode()
                            elif line.startswith(b"data: "):
                                self.events += 1
                                number = self._take(name, json.loads(line[6:]))
                                if number is not None:
                                    seen.add(task := asyncio.create_task(self._confirm(session, number)))
                                    task.add_done_callback(seen.discard)

    def _take(self, name: str, content: dict[str, Any]) -> int | None:
        now = time.monotonic()
        board = content if name == "board" else content.get("board", {})
        for room in board.get("rooms", ()):
            for each in room["live"]:
                if each["state"] == "alerting":
                    self.at.setdefault((room["room"], each["id"]), now)
        return int(content["delivery"]) if name == "alert" else None

    async def _confirm(self, session: aiohttp.ClientSession, number: int) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.post(f"{self._url}api/v1/deliveries/{number}/seen") as answer:
                await answer.read()


async def phase(
    rooms: asyncio.subprocess.Process, watcher: Watcher, station: int, what: str, seconds: float
) -> dict[str, Any]:
    """One load; returns its figures."""
    sent: dict[tuple[str, int], float] = {}
    cpu, begin = cpu_s(station), time.monotonic()
    events, size = watcher.events, watcher.bytes
    rooms.stdin.write(json.dumps({"do": what, "seconds": seconds}).encode() + b"\n")
    while (line := await rooms.stdout.readline()).strip() != b"done":
        room, number, at = json.loads(line)
        sent[room, number] = at
    end = time.monotonic() + PATIENCE_S
    while set(sent) - set(watcher.at) and time.monotonic() < end:  # noqa: ASYNC110 - a look at a bench's own figures
        await asyncio.sleep(0.05)
    took = time.monotonic() - begin
    after = sorted((watcher.at[key] - at) * 1000 for key, at in sent.items() if key in watcher.at)
    return {
        "load": what,
        "alerts": len(sent),
        "lost": len(sent) - len(after),
        "p50_ms": round(statistics.median(after), 1),
        "p95_ms": round(after[int(len(after) * 0.95) - 1], 1),
        "worst_ms": round(after[-1], 1),
        "cpu_percent": round(100 * (cpu_s(station) - cpu) / took, 1),
        "rss_mib": round(memory_mib(station)[0], 1),
        "events": watcher.events - events,
        "stream_kib": round((watcher.bytes - size) / 1024),
    }


def measure(count: int, steady_s: float, storm_s: float) -> list[dict[str, Any]]:
    """One size: a broker and a station of their own."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as cleanup:
        folder = Path(name)
        folder.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence false\nlog_type none\n"
            # As docs/ward.md sets it up; with the defaults (20 and 1,000) a slow station is a bottleneck, then a loss.
            "max_inflight_messages 1000\nmax_queued_messages 10000\n"
        )
        broker = subprocess.Popen([str(MOSQUITTO), "-c", config], stderr=subprocess.DEVNULL)
        cleanup.callback(_end, broker)
        _until(lambda: _listens(port))
        names = json.dumps([f"{each + 1:04}" for each in range(count)])
        (folder / "ward.toml").write_text(
            f'[ward]\nsite = "home"\nname = "west"\nstation = "desk"\nrooms = {names}\n'
            f'[broker]\nbrokers = ["127.0.0.1:{port}"]\n[page]\nport = 0\n'
        )
        run = folder / "run"
        run.mkdir()
        station = subprocess.Popen(
            [sys.executable, "-m", "monitord", "ward", "--config", folder / "ward.toml"],
            env={**os.environ, "RUNTIME_DIRECTORY": str(run), "STATE_DIRECTORY": str(folder / "state")},
            stderr=cleanup.enter_context((folder / "log").open("wb")),
        )
        cleanup.callback(_end, station)
        page = run / "page"
        _until(lambda: page.exists() and page.read_text().endswith("\n"))
        loads = (("steady", steady_s), ("storm", storm_s))
        rows = asyncio.run(_watch(Watcher(page.read_text().strip()), station.pid, (port, count), loads))
        return [{"rooms": count, **row, "broker_rss_mib": round(memory_mib(broker.pid)[0], 1)} for row in rows]


async def _watch(
    watcher: Watcher, station: int, of: tuple[int, int], loads: tuple[tuple[str, float], ...]
) -> list[dict[str, Any]]:
    """Every load of one size, with a page open; `of`: the broker's port, and how many rooms."""
    watching = asyncio.create_task(watcher.run())
    rooms = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("ward_rooms.py")), *map(str, of),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        await rooms.stdout.readline()
        await asyncio.sleep(5.0)
        cpu, begin = cpu_s(station), time.monotonic()
        await asyncio.sleep(10.0)
        quiet = round(100 * (cpu_s(station) - cpu) / (time.monotonic() - begin), 1)
        return [
            {"quiet_cpu_percent": quiet, **await phase(rooms, watcher, station, what, seconds)}
            for what, seconds in loads
        ]
    finally:
        rooms.kill()
        await rooms.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def main() -> None:
    """Measure every size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--steady", type=float, default=60.0, metavar="S")
    parser.add_argument("--storm", type=float, default=10.0, metavar="S")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    rows = []
    told = {"machine": machine(), "rows": rows}
    print("  ".join(f"{key:>{width}}" for key, width in COLUMNS.items()), flush=True)
    for count in options.rooms:
        for row in measure(count, options.steady, options.storm):
            rows.append(row)
            print("  ".join(f"{row[key]:>{width}}" for key, width in COLUMNS.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
