"""How long from a frame in the voice's socket until its alert is at the far end of each channel; and how many a second.

    python bench/channels.py                    # 500 alerts one after the other, then 10 a second for a minute
    python bench/channels.py --alerts 50 --minute 5

Real: the voice in a process of its own (confined as ever, journal on disk), mosquitto, HTTP over loopback. Stand-ins:
the servers that answer as ntfy, Gotify and a webhook's receiver do. One thing is lifted: the channel's bound of one
frame in two seconds, because it would make the 500 alerts last a quarter of an hour. What is alerted is a fault that
comes and is over, since a sound needs a minute of quiet before it can be a new one.
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
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiomqtt
from measured import machine, memory_mib

from monitord.channel import Channel
from monitord.events import Fault, Kind, Message, Role

LIFTED = """
import sys
import monitord.wire
monitord.wire.TokenBucket.__init__.__defaults__ = (1e6, 10**6)
from monitord.cli import run
sys.exit(run(sys.argv[1:]))
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the published test vector
PATIENCE_S = 20.0
BACKLOG_S = 300.0
"""How long the end of the minute's alerts is waited for."""
CHANNELS = ("home", "ntfy", "gotify", "hook")
"""A page is open beside them and confirms; how long alerts take to it is measured by the server's own bench."""


class Arrivals:
    """When each alert came first, by channel and number of the incident."""

    def __init__(self) -> None:
        self._at: dict[str, dict[int, float]] = {name: {} for name in CHANNELS}
        self._changed = threading.Condition()

    def add(self, channel: str, incident: int, at: float) -> None:
        """The alert of `incident` has come."""
        with self._changed:
            self._at[channel].setdefault(incident, at)
            self._changed.notify_all()

    def count(self, channel: str) -> int:
        """How many different ones have come."""
        with self._changed:
            return len(self._at[channel])

    def wait_for(self, count: int, patience_s: float) -> dict[str, float]:
        """When the `count`-th came at each channel; fewer entries where it did not in time."""
        end = time.monotonic() + patience_s
        with self._changed:
            while any(len(each) < count for each in self._at.values()) and time.monotonic() < end:
                self._changed.wait(end - time.monotonic())
            return {name: max(each.values()) for name, each in self._at.items() if len(each) >= count}


class FarEnd(ThreadingHTTPServer):
    """Where the alerts of three channels arrive."""

    daemon_threads = True

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    """Answers as ntfy, Gotify and a webhook's receiver do."""

    server: FarEnd
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Whether it is there."""
        self._answer()

    def do_POST(self) -> None:
        """An alert arrives."""
        at = time.monotonic()
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer()
        if self.path == "/message":
            told = told["extras"]["monitord::alert"]
            self._take("gotify", told["reason"], told["incident"], at)
        elif self.path == "/hook":
            self._take("hook", told["data"]["reason"], told["data"]["incident"], at)
        elif told["priority"] > 2:  # noqa: PLR2004 - 2 is what only follows an alert
            self._take("ntfy", "alert", int(told["sequence_id"].rpartition("-")[2]), at)

    def _take(self, name: str, reason: str, number: int, at: float) -> None:
        if reason == "alert":
            self.server.arrivals.add(name, number, at)

    def _answer(self) -> None:
        body = b'{"id": "a"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        """Let go of who goes away."""
        with contextlib.suppress(ConnectionError):
            super().handle()


def server(arrivals: Arrivals) -> FarEnd:
    """One that is served."""
    made = FarEnd(arrivals)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made


def listen_to_broker(port: int, arrivals: Arrivals) -> None:
    """As Home Assistant would."""

    async def listen() -> None:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe("monitord/alert", qos=1)
            async for message in client.messages:
                at, told = time.monotonic(), json.loads(bytes(message.payload))  # type: ignore[arg-type] # it is bytes
                if told["reason"] == "alert":
                    arrivals.add("home", told["incident"], at)

    with contextlib.suppress(aiomqtt.MqttError):
        asyncio.run(listen())


def keep_listening(url: str) -> None:
    """A page that is too slow is sent away, and comes back."""
    while True:
        listen_to_page(url)
        time.sleep(0.5)


def listen_to_page(url: str) -> None:
    """As a page does, and confirms."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}api/v1/stream") as stream:  # noqa: S310 - http, our own voice
        name = ""
        for raw in stream:
            key, _, value = raw.decode().strip().partition(": ")
            name = value if key == "event" else name
            if key == "data" and name == "alert":
                path = f"{url}api/v1/deliveries/{json.loads(value)['delivery']}/seen"
                urllib.request.urlopen(urllib.request.Request(path, method="POST", data=b"")).close()  # noqa: S310 - likewise


def main() -> None:
    """Measure and print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--alerts", type=int, default=500)
    options.add_argument("--minute", type=float, default=60.0, help="seconds of ten alerts a second")
    given = options.parse_args()
    about = machine()
    folder = Path(tempfile.mkdtemp(prefix="monitord-bench-"))
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder)
        print(json.dumps({**about, **measure(folder, cleanup, given.alerts, given.minute)}, indent=1))


def measure(folder: Path, cleanup: contextlib.ExitStack, alerts: int, minute_s: float) -> dict[str, object]:
    """The figures; everything that was started ends with `cleanup`."""
    arrivals = Arrivals()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nuser root\n")
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"
    broker = subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL)
    cleanup.callback(broker.wait)
    cleanup.callback(broker.terminate)
    url = f"http://127.0.0.1:{server(arrivals).server_port}"
    (folder / "run").mkdir()
    (folder / "my.toml").write_text(
        "[page]\nport = 0\n[rules.fault]\nrepeat_s = 0\nescalate_s = 0\n"
        f'[notify.home]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {port}\n'
        f'[notify.ntfy]\nkind = "ntfy"\nurl = "{url}"\ntopic = "t"\n'
        f'[notify.gotify]\nkind = "gotify"\nurl = "{url}"\ntoken = "t"\n'
        f'[notify.hook]\nkind = "webhook"\nurl = "{url}/hook"\nsecret = "{SECRET}"\n'
    )
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder / "run"), "STATE_DIRECTORY": str(folder / "state")}
    voice = subprocess.Popen(
        [sys.executable, "-c", LIFTED, "notify", "--config", folder / "my.toml"],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    cleanup.callback(voice.wait)
    cleanup.callback(voice.terminate)
    page = folder / "run" / "page"
    while not page.exists() or not page.read_text().endswith("\n"):
        time.sleep(0.1)
    threading.Thread(target=listen_to_broker, args=(port, arrivals), daemon=True).start()
    threading.Thread(target=keep_listening, args=(page.read_text().strip(),), daemon=True).start()
    time.sleep(3.0)
    with Channel(folder / "run" / "events.sock", Role.EAR) as ear:
        latency = one_by_one(ear, arrivals, alerts)
        rate = ten_a_second(ear, arrivals, round(10 * minute_s))
    rss, _ = memory_mib(voice.pid)
    return {"latency_ms": latency, "ten_a_second": rate, "voice_rss_mib": round(rss, 1)}


def alert(ear: Channel) -> None:
    """A fault that is new."""
    ear.send(Message(Kind.FAULT, Fault.MICROPHONE_BUSY))


def over(ear: Channel) -> None:
    """It is over."""
    ear.send(Message(Kind.FAULT, Fault.RECOVERED))


def one_by_one(ear: Channel, arrivals: Arrivals, alerts: int) -> dict[str, dict[str, float]]:
    """Milliseconds from the frame until its alert is at each channel."""
    took: dict[str, list[float]] = {name: [] for name in CHANNELS}
    before = arrivals.count("home")
    for number in range(1, alerts + 1):
        begun = time.monotonic()
        alert(ear)
        for name, at in arrivals.wait_for(before + number, PATIENCE_S).items():
            took[name].append(1000 * (at - begun))
        over(ear)
        time.sleep(0.03)
    return {name: figures(each) for name, each in took.items()}


def figures(took: list[float]) -> dict[str, float]:
    """How many, median and 95th percentile."""
    cuts = statistics.quantiles(took, n=20) if len(took) > 1 else [0.0] * 19
    return {"alerts": len(took), "p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}


def ten_a_second(ear: Channel, arrivals: Arrivals, alerts: int) -> dict[str, object]:
    """How many of `alerts` came, sent ten a second."""
    before = {name: arrivals.count(name) for name in CHANNELS}
    begun = time.monotonic()
    for number in range(alerts):
        alert(ear)
        over(ear)
        time.sleep(max(0.0, begun + (number + 1) / 10 - time.monotonic()))
    while ear.flush():  # What the socket had no room for; the ear keeps it and tries again, too.
        time.sleep(0.05)
    sent_s = time.monotonic() - begun
    arrivals.wait_for(max(before.values()) + alerts, BACKLOG_S)
    all_s = time.monotonic() - begun
    arrived = {name: arrivals.count(name) - before[name] for name in CHANNELS}
    return {"sent": alerts, "in_s": round(sent_s, 1), "all_s": round(all_s, 1), "arrived": arrived}


if __name__ == "__main__":
    main()
