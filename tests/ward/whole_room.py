"""A room that is a whole process: `monitord notify`, its socket held as the supervisor does, and an ear that lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

from monitord.channel import Channel
from monitord.events import Gate, Kind, Life, Message, Role
from monitord.service import SUPERVISOR_PID

BEAT_S = 5.0


class WholeRoom:
    """One room in `folder`; `start` and `kill` as often as wanted."""

    def __init__(self, folder, text):
        self.runtime, self.state = folder / "run", folder / "state"
        self.runtime.mkdir(parents=True)
        self.config = folder / "config.toml"
        self.config.write_text(text, "utf-8")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(str(self.runtime / "events.sock"))
        self._lock, self._over = threading.Lock(), threading.Event()
        self._ear = Channel(self.runtime / "events.sock", Role.EAR)
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self.start()
        self.say(Message(Kind.HELLO, Life.STARTED))
        self._beating.start()

    def start(self):
        held = self.socket.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitord", "notify", "--config", str(self.config)],
            env={
                **os.environ, "RUNTIME_DIRECTORY": str(self.runtime), "STATE_DIRECTORY": str(self.state),
                "LISTEN_FDS": "1", SUPERVISOR_PID: str(os.getpid()),
            },
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.dup2(held, 3),  # noqa: PLW1509 - one call of dup2, as systemd hands the socket over
            close_fds=False,
        )  # fmt: skip

    def say(self, message):
        with self._lock:
            self._ear.send(message)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def close(self):
        self._over.set()
        self._beating.join()
        self.kill()
        self._ear.close()
        self.socket.close()

    def _beat(self):
        while True:
            self.say(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 54))
            if self._over.wait(BEAT_S):
                return
