"""The sending end of the events socket: numbers messages, never blocks, keeps what the voice cannot take yet.

A restart of the voice leaves the socket in place (systemd or the supervisor holds it), so frames wait in the kernel;
when even that is full they wait here, oldest first, and carry their age.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from monitord.events import AGE_MAX_S, SEQUENCE_MODULUS, Frame, Message, Role
from monitord.wire import encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAITING_MAX = 256
"""Messages kept while the voice is away; the oldest heartbeat-sized loss shows as a gap in the sequence."""


class Channel:
    """Sends messages of one role to the events socket at `path`.

    `send` never raises for a voice that is down: the message waits and `flush` tries again.
    """

    def __init__(self, path: Path, role: Role, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = str(path)
        self._role = role
        self._clock = clock
        self._boot = os.urandom(1)[0]
        self._sequence = 0
        self._waiting: deque[tuple[float, int, Message]] = deque(maxlen=WAITING_MAX)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def send(self, message: Message) -> None:
        """Number `message` and send it, after whatever still waits.

        Raises:
            WireError: it is no message that may be sent; nothing was queued.
        """
        frame = encode(Frame(message, self._role, self._boot, self._sequence))  # Before it could block what follows it.
        self.flush()
        if self._waiting or not self._sent(frame):
            self._waiting.append((self._clock(), self._sequence, message))
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS

    def flush(self) -> int:
        """Send what waits, in order; returns how many messages still wait."""
        while self._waiting:
            since, sequence, message = self._waiting[0]
            age_s = min(AGE_MAX_S, max(0, int(self._clock() - since)))
            if not self._sent(encode(Frame(message, self._role, self._boot, sequence, age_s))):
                break
            self._waiting.popleft()
        return len(self._waiting)

    def _sent(self, frame: bytes) -> bool:
        try:
            self._socket.sendto(frame, self._path)
        except OSError:  # No socket yet, nobody bound to it, or its queue is full: all mean "later".
            return False
        return True

    def close(self) -> None:
        """Flush once more and close."""
        self.flush()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
