"""A real station: `monitord ward` in a process of its own, its file, and what its page says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATIENCE_S = 60.0


def file_of(brokers, *, station="desk", rooms=("101", "102"), more=""):
    """A station's file; its page is at a free port."""
    return (
        f'[ward]\nsite = "home"\nname = "west"\nstation = "{station}"\nrooms = {json.dumps(rooms)}\n'
        f"[broker]\nbrokers = {json.dumps([f'127.0.0.1:{each.port}' for each in brokers])}\n[page]\nport = 0\n{more}"
    )


class RealStation:
    """One station in `folder`; `start` and `stop` as often as wanted."""

    def __init__(self, folder, text, name="desk"):
        self.folder = folder / name
        self.folder.mkdir()
        self.runtime, self.state = self.folder / "run", self.folder / "state"
        self.runtime.mkdir()
        self.config = self.folder / "ward.toml"
        self.config.write_text(text, "utf-8")
        self.process = None

    def start(self, **environment):
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitord", "ward", "--config", str(self.config)],
            env={
                **os.environ,
                "RUNTIME_DIRECTORY": str(self.runtime),
                "STATE_DIRECTORY": str(self.state),
                **environment,
            },
            stderr=self.log,
        )
        self.url = until(self._url, "the page of the station", self)
        return self

    def _url(self):
        page = self.runtime / "page"
        return page.exists() and page.read_text("ascii").endswith("\n") and page.read_text("ascii").strip()

    def logged(self):
        return (self.folder / "log").read_text("utf-8")

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}api/v1/{path}", timeout=20) as answer:  # noqa: S310 - our own page
            return json.load(answer)

    def post(self, path):
        request = urllib.request.Request(f"{self.url}api/v1/{path}", method="POST", data=b"")  # noqa: S310
        request.add_header("Origin", self.url.rstrip("/"))
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)

    def refused(self, path, *, post=False):
        """Status and body of an answer that is a refusal."""
        try:
            answered = (self.post if post else self.get)(path)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        raise AssertionError(f"{path} was answered: {answered}")

    def board(self):
        return self.get("board")

    def rooms(self):
        return {each["room"]: each for each in self.board()["rooms"]}

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.log.close()
        (self.runtime / "page").unlink(missing_ok=True)

    def stop(self):
        """SIGTERM; returns the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self.log.close()
        return code

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()


def rank(station, room):
    """How urgent a room is on the board: 0 is an alert, 1 a fault, 2 unseen, 3 calm."""
    return station.rooms()[room]["rank"]


def until(true, what="it", station=None, patience_s=PATIENCE_S):
    """Wait for `true()`; returns its value."""
    end = time.monotonic() + patience_s
    while True:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            if value := true():
                return value
        dead = station is not None and station.process.poll() is not None
        assert not dead, f"the station ended: {station.logged()}"
        assert time.monotonic() < end, f"waited too long for {what}" + (f"\n{station.logged()}" if station else "")
        time.sleep(0.05)


async def soon(true, what="it", patience_s=40.0):
    """As `until`, beside rooms that are tasks of this process: the page is asked in a thread."""
    end = time.monotonic() + patience_s
    while True:
        value = await asyncio.to_thread(true)
        if value:
            return value
        assert time.monotonic() < end, f"waited too long for {what}"
        await asyncio.sleep(0.05)
