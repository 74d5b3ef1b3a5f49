"""The receiving end of the events socket: looks at a frame, and takes it only when it is safe in the journal.

Everything is refused that is not exactly a frame, comes from a stranger, or comes faster than the channel's bound.
What is refused is counted and told as a fault; nothing is ever skipped in silence.

The bound is one for all senders together: which role a frame claims must not buy more. A frame whose number is not the
next one of a life that is known (a gap, a new life, the first after a refused one) costs two tokens, because its number
and its life could carry a message of their own; see docs/privacy.md for what an adversary manages.

The socket is handed over by systemd or the supervisor (so that frames survive a restart of the voice), or bound here
where nobody holds it. The kernel attaches the sender's user to each datagram (SO_PASSCRED, unix(7)).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitord.events import SEQUENCE_MODULUS, Fault, Frame, Role
from monitord.wire import FRAME_BYTES, TokenBucket, WireError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENDERS = "MONITORD_SENDERS"
"""Environment: the users (names or numbers, by commas) whose processes may send; without it, our own and root."""

_CREDENTIALS = struct.Struct("iII")  # struct ucred: process, user, group.
_REMEMBERED = 2
"""Lives of one sender that are remembered, so that a straggler of the last one is not taken for a gap."""
_IN_ORDER, _OUT_OF_ORDER = 1, 2
"""Tokens that a frame costs."""


class InboxError(Exception):
    """The events socket cannot be used; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Received:
    """One datagram: the 8 bytes and the frame in them, or the fault it is refused for and why."""

    data: bytes
    frame: Frame | None = None
    fault: Fault | None = None
    reason: str = ""


@dataclass
class Receiver:
    """Judges datagrams: who sent them, what they are, how fast they come, and what is missing. Pure.

    Attributes:
        allowed: users whose processes may send.
        refused: how many datagrams were refused, by the fault they stand for; for a gap, how many are missing.
    """

    allowed: frozenset[int]
    refused: dict[Fault, int] = field(default_factory=dict)
    _bucket: TokenBucket = field(default_factory=TokenBucket)
    _expected: dict[tuple[Role, int], int] = field(default_factory=dict)
    _disturbed: set[tuple[Role, int]] = field(default_factory=set)

    def judge(self, data: bytes, uid: int | None, now: float) -> Received:
        """What `data` from a process of user `uid` is at `now`; a gap before a good frame comes with the frame."""
        if uid not in self.allowed:
            return self._refuse(data, Fault.WIRE_REJECTED, f"from user {uid}, who may not send")
        try:
            frame = decode(data)
        except WireError as cause:
            return self._refuse(data, Fault.WIRE_REJECTED, str(cause))
        life = (frame.role, frame.boot)
        if not self._bucket.admit(now, self._cost(frame)):
            self._expect_after(frame)  # It was seen: its absence is told as the rate, not as a gap too.
            self._disturbed.add(life)  # But no sender chooses the next number for nothing, by being refused.
            return self._refuse(data, Fault.WIRE_RATE, f"{frame.role.name} sends faster than the channel allows")
        missing = self._missing_before(frame)
        self._expect_after(frame)
        self._disturbed.discard(life)
        if missing:
            self._count(Fault.WIRE_GAP, missing)
            return Received(data, frame, Fault.WIRE_GAP, f"{missing} frames of {frame.role.name} are missing")
        return Received(data, frame)

    def _cost(self, frame: Frame) -> int:
        life = (frame.role, frame.boot)
        if self._expected.get(life) == frame.sequence and life not in self._disturbed:
            return _IN_ORDER
        # The first frame of a role since the voice began: whatever its number is, it is no choice that comes again.
        first = not any(role is frame.role for role, _ in self._expected)
        return _IN_ORDER if first else _OUT_OF_ORDER

    def _missing_before(self, frame: Frame) -> int:
        expected = self._expected.get((frame.role, frame.boot))
        # A sender begins with 0; its new life may by chance have the byte of an earlier one.
        return 0 if expected is None or frame.sequence == 0 else (frame.sequence - expected) % SEQUENCE_MODULUS

    def _expect_after(self, frame: Frame) -> None:
        key = (frame.role, frame.boot)
        self._expected.pop(key, None)
        self._expected[key] = (frame.sequence + 1) % SEQUENCE_MODULUS
        lives = [each for each in self._expected if each[0] is frame.role]
        for old in lives[:-_REMEMBERED]:
            del self._expected[old]
            self._disturbed.discard(old)

    def _refuse(self, data: bytes, fault: Fault, reason: str) -> Received:
        self._count(fault, 1)
        return Received(data, None, fault, reason)

    def _count(self, fault: Fault, number: int) -> None:
        self.refused[fault] = self.refused.get(fault, 0) + number


class Inbox:
    """The events socket: `peek` at the head of its queue, then `consume` it.

    Args:
        receiver: judges what arrives.
        path: where to bind, if no socket was handed over.
        descriptor: the socket that was handed over; None: bind one.

    Raises:
        InboxError: it cannot be bound, or is no socket for datagrams.
    """

    def __init__(self, receiver: Receiver, path: Path, descriptor: int | None = None) -> None:
        self.receiver = receiver
        self._bound: Path | None = None
        if descriptor is None:
            self._socket = _bind(path)
            self._bound = path
        else:
            try:
                self._socket = socket.socket(fileno=descriptor)
            except OSError as cause:
                raise InboxError(f"file descriptor {descriptor} is no socket: {cause.strerror}") from None
            if (self._socket.family, self._socket.type) != (socket.AF_UNIX, socket.SOCK_DGRAM):
                self._socket.close()
                raise InboxError(f"file descriptor {descriptor} is no AF_UNIX socket for datagrams")
        self._socket.settimeout(0.0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def fileno(self) -> int:
        """The descriptor, for an event loop."""
        return self._socket.fileno()

    def peek(self, now: float) -> Received | None:
        """What lies at the head of the queue, judged at `now`; None: nothing. It stays there until `consume`."""
        head = self.head()
        return None if head is None else self.receiver.judge(*head, now)

    def head(self) -> tuple[bytes, int | None] | None:
        """The bytes at the head of the queue and the user who sent them, not judged."""
        try:
            # One byte more than a frame, so that a longer datagram is seen to be one.
            data, control, _, _ = self._socket.recvmsg(
                FRAME_BYTES + 1, socket.CMSG_SPACE(_CREDENTIALS.size), socket.MSG_PEEK
            )
        except BlockingIOError:
            return None
        return data, next(_users(control), None)

    def consume(self) -> None:
        """Take the head of the queue."""
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(FRAME_BYTES)

    def close(self) -> None:
        """Close, and remove the socket if it was bound here."""
        self._socket.close()
        if self._bound is not None:
            self._bound.unlink(missing_ok=True)


def allowed_senders(names: str) -> frozenset[int]:
    """Users who may send: those of `names`, as MONITORD_SENDERS has them; none named: our own and root.

    Raises:
        InboxError: there is no such user.
    """
    users = set()
    for name in filter(None, (part.strip() for part in names.split(","))):
        try:
            users.add(int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid)
        except KeyError:
            raise InboxError(f"{SENDERS}: there is no user {name!r} on this machine") from None
    return frozenset(users or {os.getuid(), 0})


def _users(control: list[tuple[int, int, bytes]]) -> Iterator[int]:
    for level, kind, content in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS and len(content) == _CREDENTIALS.size:
            yield _CREDENTIALS.unpack(content)[1]


def _bind(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.is_socket():
            _refuse_if_in_use(path)
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o600)
    except OSError as cause:
        bound.close()
        raise InboxError(f"{path}: the events socket cannot be bound: {cause.strerror}") from None
    except InboxError:
        bound.close()
        raise
    return bound


def _refuse_if_in_use(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as trial:
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            return  # Left behind by one that died.
    raise InboxError(f"{path}: another monitord is already listening here; stop it first")
