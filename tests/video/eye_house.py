"""The eye's house: what asks it, starts it and hears its answer."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from monitord.events import Frame, Kind, Look, Message, Role
from monitord.wire import decode, encode

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "monitord" / "scene" / "pictures"
ASKED = encode(Frame(Message(Kind.LOOK, Look.ASKED), Role.EAR, boot=1, sequence=0))


class House:
    """Stands for the supervisor and the voice: both sockets, and the start of the eye."""

    def __init__(self, folder):
        self.folder = folder
        self.events = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.events.bind(str(folder / "events.sock"))
        self.looks = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.looks.bind(str(folder / "look.sock"))
        self.asker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def ask(self, *requests):
        for request in requests:
            self.asker.sendto(request, str(self.folder / "look.sock"))

    def start(self, device, *options, **variables):
        config = self.folder / "my.toml"
        config.write_text(f'[video]\ndevice = "{device}"\nlook_s = 1.0\n')
        return self.spawn("-m", "monitord", "video", "--config", str(config), *options, **variables)

    def spawn(self, *arguments, **variables):
        """Python with `arguments`, handed the look socket as the supervisor hands it; returns its process id."""
        environment = {
            **os.environ,
            **variables,
            "RUNTIME_DIRECTORY": str(self.folder),
            "LISTEN_FDS": "1",
            "MONITORD_SUPERVISOR_PID": str(os.getpid()),
        }
        hand_over = [
            (os.POSIX_SPAWN_DUP2, self.looks.fileno(), 3),
            (os.POSIX_SPAWN_OPEN, 2, self.log, os.O_WRONLY | os.O_CREAT, 0o600),
        ]
        return os.posix_spawn(sys.executable, [sys.executable, *arguments], environment, file_actions=hand_over)

    @property
    def log(self):
        return str(self.folder / "eye.log")

    def look(self, device, *options, **variables):
        _, status = os.waitpid(self.start(device, *options, **variables), 0)
        return os.waitstatus_to_exitcode(status), self.said()

    def said(self):
        self.events.settimeout(0)
        frames = []
        while True:
            try:
                frames.append(decode(self.events.recv(64)))
            except BlockingIOError:
                return [frame.message for frame in frames]

    def close(self):
        for each in (self.events, self.looks, self.asker):
            each.close()


def labels(messages):
    return [message.label for message in messages]
