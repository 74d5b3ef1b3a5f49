"""A real voice in a process of its own, and an ear and an eye that tell it what a test wants.

Also used by docs/make_page_png.py.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from monitord.channel import Channel
from monitord.events import Gate, Kind, Life, Look, Message, Role, Sound

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 30.0
HEARTBEAT_S = 4.0
CONFIG = '[page]\nport = {port}\n{page}[room]\nname = "{room}"\n{more}'


def until(true, what="something"):
    """Wait until `true()`."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(0.02)


class House:
    """`monitord notify` with its files in `folder`; usable in a ``with`` statement.

    Args:
        folder: for its sockets, journal and configuration; has to be there.
        config: text that is added to the configuration.
        room: name of the room.
        port: of the page; 0: any that is free.
        page: text that is added to its section.
    """

    def __init__(self, folder: Path, config: str = "", room: str = "Nursery", port: int = 0, page: str = "") -> None:
        self.folder, self.runtime, self.state = folder, folder / "run", folder / "state"
        self.runtime.mkdir(exist_ok=True)
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(port=port, page=page, room=room, more=config), "utf-8")
        self.environment = {**os.environ, "RUNTIME_DIRECTORY": str(self.runtime), "STATE_DIRECTORY": str(self.state)}
        self._gate: Gate | None = None
        self._level = 58
        self._starting = False
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it and wait for the page."""
        command = [sys.executable, "-m", "monitord", "notify", "--config", str(self.config)]
        self.log = (self.folder / "log").open("a")
        self.process = subprocess.Popen(command, env=self.environment, stderr=self.log)
        address = self.runtime / "page"
        until(
            lambda: self.process.poll() is not None or (address.exists() and address.read_text().endswith("\n")), "page"
        )
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text())
        self.url = address.read_text("ascii").strip()
        socket = self.runtime / "events.sock"
        self._ear, self._eye = Channel(socket, Role.EAR), Channel(socket, Role.EYE)
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()

    def ear(self, kind: Kind, label, score: int = 0, level: int = 0) -> None:
        """The ear says something."""
        self._ear.send(Message(kind, label, score, level))

    def eye(self, kind: Kind, label, score: int = 0) -> None:
        """The eye says something."""
        self._eye.send(Message(kind, label, score))

    def listens(self, gate: Gate = Gate.IDLE, level: int = 58) -> None:
        """The ear has started and its gate is so, until told otherwise."""
        if self._gate is None:
            self.ear(Kind.HELLO, Life.STARTED, level=0)
        self._gate, self._level = gate, level
        self.ear(Kind.HEARTBEAT, gate, level=level)

    def begins(self) -> None:
        """The ear has started, and does not hear yet for as long as that is."""
        self._starting = True
        self.ear(Kind.HELLO, Life.STARTED, level=0)

    def hears(self, sound: Sound = Sound.CRY, score: int = 93) -> None:
        """A sound."""
        self.ear(Kind.SOUND, sound, score, 29)

    def sees(self, sight) -> None:
        """A look with that verdict."""
        self.eye(Kind.LOOK, Look.BEGAN)
        self.eye(Kind.SIGHT, sight, 90)
        self.eye(Kind.LOOK, Look.ENDED)

    def freeze(self) -> None:
        """SIGSTOP: the process is there and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it."""
        self._stopping.set()
        self._heart.join()
        for channel in (self._ear, self._eye):
            channel.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def _beat(self) -> None:
        while not self._stopping.wait(HEARTBEAT_S):
            with contextlib.suppress(OSError):
                if self._gate is not None:
                    self.ear(Kind.HEARTBEAT, self._gate, level=self._level)
                elif self._starting:
                    self.ear(Kind.HELLO, Life.STARTED)
