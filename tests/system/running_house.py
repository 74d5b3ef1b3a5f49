"""The real monitord, started as a user starts it, with its page watched as a browser watches it."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from monitord.events import Frame, Kind, Look, Message, Role
from monitord.wire import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROLES = ("audio", "video", "notify")
UP_S = 60.0
DOWN_S = 10.0


@dataclass(frozen=True)
class Told:
    """One server-sent event: when it arrived (seconds, monotonic), its name and content."""

    at: float
    name: str
    content: dict[str, Any]


class House:
    """`monitord run` with a configuration of its own, all its files under `folder`.

    Args:
        folder: for sockets, journal and configuration.
        environment: to start it in; the sound server's.
        audio, video: `device` of each.
        profile: "eco" or "balanced".
        extra: further keys of [video], and further sections of the configuration.
        tree: a folder with a copy of the package and its models to run, instead of what is installed.
        hears: wait at the start until sound arrives.
    """

    def __init__(  # noqa: PLR0917 - what a house is made of
        self, folder: Path, environment: Mapping[str, str], audio: str, video: str = "off", profile: str = "balanced",
        extra: str = "", *, tree: Path | None = None, hears: bool = True,
    ) -> None:  # fmt: skip
        self._tree, self._hears = tree, hears
        self.folder = folder
        self._environment = dict(environment, RUNTIME_DIRECTORY=str(folder / "run"), STATE_DIRECTORY=str(folder / "st"))
        (folder / "st").mkdir(exist_ok=True)
        self._config = folder / "house.toml"
        self._config.write_text(
            f'[room]\nname = "Test"\n[audio]\ndevice = "{audio}"\nprofile = "{profile}"\n'
            f'[video]\ndevice = "{video}"\nlook_s = 2.0\n{extra}[page]\nport = {free_port()}\n',
            "utf-8",
        )
        self._port = int(self._config.read_text("utf-8").rpartition("= ")[2])
        self.told: list[Told] = []
        self._news: queue.Queue[Told] = queue.Queue()

    def __enter__(self) -> Self:
        self._log = (self.folder / "log").open("w+b")
        command = [sys.executable, "-m", "monitord", "run", "--config", str(self._config)]
        environment = self._environment
        if self._tree is not None:
            environment = {**environment, "PYTHONPATH": str(self._tree)}
        # Each process is started with -m, which looks into the current folder first.
        self.process = subprocess.Popen(
            command, env=environment, cwd=self._tree, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        try:
            self.listen()
            # A heartbeat with a level: sound arrives.
            if self._hears:
                self.wait(lambda told: told.name in {"state", "snapshot"} and level_of(told) is not None, UP_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if hasattr(self, "_reader"):
            self._reader.join(DOWN_S)
        self._log.close()

    def stop(self) -> int:
        """SIGTERM, as a service manager does; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DOWN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def log(self) -> str:
        """Everything that the processes wrote."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def wait(self, wanted: Callable[[Told], bool], timeout_s: float) -> Told:
        """The next event that is `wanted`; events before it are passed over (`told` keeps all).

        Raises:
            TimeoutError: it did not come; the log says more.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                told = self._news.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"no such event in {timeout_s:g} s\n{self.log()}") from None
            if wanted(told):
                return told

    def ask(self, method: str, path: str, content: object = None, cookie: str = "") -> dict[str, Any]:
        """What the API answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=UP_S)
        headers = {"Content-Type": "application/json"} | ({"Cookie": cookie} if cookie else {})
        with contextlib.closing(connection):
            connection.request(method, path, None if content is None else json.dumps(content), headers)
            answer = connection.getresponse()
            told: dict[str, Any] = json.loads(answer.read())
            given = answer.getheader("Set-Cookie")
            return told if given is None else {**told, "cookie": given.partition(";")[0]}

    def command(self, *words: str) -> subprocess.Popen[str]:
        """A command of monitord, as a person runs it beside the running house."""
        command = [sys.executable, "-m", "monitord", words[0], "--config", str(self._config), *words[1:]]
        return subprocess.Popen(
            command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def incidents(self) -> list[Told]:
        """Incidents of sounds that were told so far."""
        return [told for told in self.told if is_sound_incident(told)]

    def processes(self) -> dict[str, int]:
        """Our processes that run now, from /proc: role -> process id."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                command = (folder / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if str(self._config) in command and command[1:3] == ["-m", "monitord"]:
                found[command[3]] = int(folder.name)
        return found

    def ask_for_a_look(self) -> None:
        """As the ear does it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            frame = Frame(Message(Kind.LOOK, Look.ASKED), Role.EAR, boot=0, sequence=0)
            asking.sendto(encode(frame), str(self.folder / "run" / "look.sock"))

    def listen(self) -> None:
        """Watch the page; once more after the voice that was watched has died."""
        deadline = time.monotonic() + UP_S
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=UP_S)
            try:
                connection.request("GET", "/api/v1/stream")
                response = connection.getresponse()
                break
            except OSError:
                connection.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise TimeoutError(f"the page did not come up\n{self.log()}") from None
                time.sleep(0.1)
        self._reader = threading.Thread(target=self._read, args=(connection, response), daemon=True)
        self._reader.start()

    def _read(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        name = ""
        with contextlib.closing(connection), response:
            for line in lines_of(response):
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    told = Told(time.monotonic(), name, json.loads(line.removeprefix("data: ")))
                    self.told.append(told)
                    self._news.put(told)


def lines_of(response: http.client.HTTPResponse) -> Any:
    """Lines of a stream until it ends, however it ends."""
    while True:
        try:
            line = response.readline()
        except (OSError, http.client.HTTPException):
            return
        if not line:
            return
        yield line.decode().rstrip("\n")


def is_sound_incident(told: Told) -> bool:
    """Whether it is an incident that a sound opened."""
    return told.name == "incident" and told.content["kind"] == "sound"


def level_of(told: Told) -> int | None:
    """Level in dBFS, if a heartbeat has brought one."""
    level = told.content.get("state", told.content).get("level_dbfs")
    return None if level is None else int(level)


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
