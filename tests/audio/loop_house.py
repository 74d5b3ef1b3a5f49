"""The loop with a scripted microphone, a clock that stands in for time, and real sockets for the voice and the eye."""

import socket
from functools import partial

from monitord import paths
from monitord.audio.detector import Detector
from monitord.audio.loop import Loop
from monitord.audio.source import MicrophoneError
from monitord.channel import Channel
from monitord.config import Config, Sensitivity
from monitord.events import Kind, Role
from monitord.wire import decode


class House:
    """A runtime folder with both sockets, and the loop in it."""

    def __init__(self, folder, tone_model, **config):
        self.folder = folder
        self.now = 1000.0
        self.voice = self._bind(paths.EVENTS_SOCKET)
        self.eye = self._bind(paths.LOOK_SOCKET)
        self.sources = []
        self.channel = Channel(folder / paths.EVENTS_SOCKET, Role.EAR)
        self.loop = Loop(
            Config(**config),
            self.channel,
            self._open,
            partial(Detector, tone_model(), 0.5, Sensitivity.BALANCED),
            trace=True,
            clock=lambda: self.now,
        )

    def _bind(self, name):
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bound.bind(str(self.folder / name))
        bound.settimeout(0)
        return bound

    def _open(self):
        source = self.sources.pop(0)
        if isinstance(source, Exception):
            raise source
        return source

    def turn(self, times=1, seconds=0.5):
        said = []
        for _ in range(times):
            self.now += seconds
            self.loop.turn()
            said += self.said(self.voice)
        return [message for message in said if message.kind is not Kind.HEARTBEAT]

    @staticmethod
    def said(end):
        heard = []
        while True:
            try:
                heard.append(decode(end.recv(64)).message)
            except BlockingIOError:
                return heard

    def close(self):
        for end in (self.voice, self.eye, self.channel, self.loop._look_socket):
            end.close()


def lost(fault):
    return MicrophoneError(fault, f"test: {fault.name}")
