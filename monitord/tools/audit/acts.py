"""What is tried: each act is something that a process of monitord must not be able to do.

The same code runs in the sandbox and, as the control, outside it. An act leaves nothing behind: a file that could be
written is removed, a device that could be opened is closed at once and never read.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitord import confine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DISCARD_PORT = 9
STRANGER = "198.51.100.1"
"""Stands for every public address: reserved for documentation (RFC 5737), nobody has it."""
DOORS = (
    "/run/systemd/resolve/io.systemd.Resolve",
    "/run/nscd/socket",
    "/var/run/nscd/socket",
    "/run/dbus/system_bus_socket",
    "/run/avahi-daemon/socket",
)
"""Sockets of AF_UNIX through which another service would look up a name, or tell one to the network."""
QUESTION = b"\x4d\x4f\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05audit\x07invalid\x00\x00\x01\x00\x01"
"""A DNS query for audit.invalid, type A (RFC 1035)."""
ANSWER_S = 2.0
_PTRACE_TRACEME = 0
_NOT_THERE = frozenset({errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass(frozen=True, slots=True)
class Task:
    """What a probe is to try.

    Attributes:
        resolver_port: where the audit answers DNS queries, on loopback.
        folders: where a file is to be written.
        devices: nodes that must not open.
        doors: sockets of other services.
    """

    resolver_port: int = 0
    folders: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    doors: tuple[str, ...] = DOORS

    def to_json(self) -> dict[str, Any]:
        """As it goes to the probe."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Task:
        """The reverse of `to_json`."""
        tuples = {name: tuple(content[name]) for name in ("folders", "devices", "doors")}
        return cls(int(content["resolver_port"]), **tuples)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one act: what of it was `done`, and why the rest was `refused`."""

    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def attempt(name: str, task: Task) -> Outcome:
    """Try the act of that name."""
    done, refused = [], []
    for what, trial in ACTS[name](task):
        try:
            trial()
        except OSError as cause:
            refused.append(f"{what}: {errno.errorcode.get(cause.errno or 0, str(cause))}")
        else:
            done.append(what)
    return Outcome(done, refused)


Trials = list[tuple[str, "Callable[[], None]"]]


def _inet_socket(_: Task) -> Trials:
    def opens(family: socket.AddressFamily) -> Callable[[], None]:
        return lambda: socket.socket(family, socket.SOCK_DGRAM).close()

    return [(family.name, opens(family)) for family in (socket.AF_INET, socket.AF_INET6)]


def _name_lookup(task: Task) -> Trials:
    def asks() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(ANSWER_S)
            client.sendto(QUESTION, ("127.0.0.1", task.resolver_port))
            client.recv(512)

    def knocks(door: str) -> Callable[[], None]:
        def knock() -> None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(door)

        return knock

    return [("DNS", asks), *((door, knocks(door)) for door in task.doors)]


def _write_a_file(task: Task) -> Trials:
    def writes(folder: str) -> Callable[[], None]:
        def write() -> None:
            if not confine.can_write(Path(folder)):
                raise PermissionError(errno.EACCES, "refused")

        return write

    return [(folder, writes(folder)) for folder in task.folders]


def _open_a_device(task: Task) -> Trials:
    def opens(device: str) -> Callable[[], None]:
        def open_() -> None:
            try:
                os.close(os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY))
            except OSError as cause:
                if cause.errno in _NOT_THERE:
                    raise
                # Busy, or unplugged: the device said so, and not the sandbox.

        return open_

    return [(device, opens(device)) for device in task.devices]


def _ptrace(_: Task) -> Trials:
    def traces() -> None:
        child = os.fork()
        if child == 0:
            libc = ctypes.CDLL(None, use_errno=True)
            os._exit(0 if libc.ptrace(_PTRACE_TRACEME, 0, None, None) == 0 else ctypes.get_errno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            raise OSError(code, os.strerror(code))

    return [("be traced", traces)]


def _run_a_program(_: Task) -> Trials:
    def runs() -> None:
        child = os.posix_spawn("/bin/true", ["/bin/true"], {})
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise PermissionError(errno.EACCES, "refused")

    return [("/bin/true", runs)]


def _reach_a_stranger(_: Task) -> Trials:
    def sends() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            # It ends at the first router, should it get so far.
            client.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            client.sendto(b"\0", (STRANGER, DISCARD_PORT))

    return [(f"UDP to {STRANGER}", sends)]


ACTS: dict[str, Callable[[Task], Trials]] = {
    "inet socket": _inet_socket,
    "name lookup": _name_lookup,
    "write a file": _write_a_file,
    "open a device": _open_a_device,
    "ptrace": _ptrace,
    "run a program": _run_a_program,
    "public address": _reach_a_stranger,
}
