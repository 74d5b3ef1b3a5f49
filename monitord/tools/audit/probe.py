"""The probe: started as a process of monitord is, it gives up what that one gives up, and then tries what it must not.

It talks to the audit through the socket that is its standard output. With the task comes a descriptor, the sending end
of a private inbox: the running monitor's socket is never touched. Its last act is to abort, which must leave no core.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monitord import confine
from monitord.events import Frame, Gate, Kind, Look, Message, Role
from monitord.tools.audit.acts import Task, attempt
from monitord.wire import FRAME_BYTES, encode

CONTROL = "control"
WRONG_USAGE = 2
FLOOD = 200
"""Frames at once."""
OVERSIZED = (FRAME_BYTES + 1, 64, 4096)
_PR_SET_DUMPABLE = 4
_STATUS = ("NoNewPrivs", "Seccomp", "Seccomp_filters", "CapEff", "CapPrm", "CapBnd", "Uid", "Gid")


def main(role: str) -> int:
    """Be a probe for `role` ("ear", "eye", "voice" or "control"); returns only if told nothing to do."""
    try:
        conversation = socket.socket(fileno=os.dup(1))
    except OSError:
        print("a probe is started by: monitord audit", file=sys.stderr)
        return WRONG_USAGE
    with conversation as talk:
        message, descriptors, _, _ = socket.recv_fds(talk, 1 << 16, 1)
        if not message:
            return 1
        order = json.loads(message)
        task, names = Task.from_json(order["task"]), order["acts"]
        reply: dict[str, Any] = {}
        if role == CONTROL:
            _allow_a_dump()
        else:
            if order["bare"]:
                reply["bare"] = {name: asdict(attempt(name, task)) for name in names}
            process = confine.Process(role)
            confine.isolate(process)
            held = confine.confine(process)
            reply["measures"] = {str(measure): holds for measure, holds in held.measures.items()}
        reply["acts"] = {name: asdict(attempt(name, task)) for name in names}
        reply["status"] = status(Path("/proc/self/status"))
        reply["limits"] = limits(Path("/proc/self/limits"))
        reply["network"] = str(Path("/proc/self/ns/net").readlink())
        reply["interfaces"] = sorted(confine.interfaces(Path("/proc/self/net/dev")))
        with socket.socket(fileno=descriptors[0]) as inbox:
            inbox.settimeout(0.2)
            _shout(inbox, Role.EYE if role == "eye" else Role.EAR)
        talk.sendall(json.dumps(reply).encode() + b"\n")
        talk.recv(1)  # Until the audit has read what we sent.
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGABRT)
    return 1


def status(path: Path) -> dict[str, str]:
    """What ``/proc/PID/status`` says of confinement."""
    lines = (line.partition(":") for line in path.read_text("ascii", "replace").splitlines())
    return {name: " ".join(value.split()) for name, _, value in lines if name in _STATUS}


def limits(path: Path) -> dict[str, str]:
    """Soft and hard limit of core and file sizes in ``/proc/PID/limits``, as "0 0"."""
    found = {}
    for line in path.read_text("ascii").splitlines():
        for name in ("Max core file size", "Max file size"):
            if line.startswith(name):
                found[name] = " ".join(line.removeprefix(name).split()[:2])
    return found


def _allow_a_dump() -> None:
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def _shout(inbox: socket.socket, role: Role) -> None:
    """One good frame, the control; frames that are too long; then a flood of good ones."""
    word = Message(Kind.LOOK, Look.BEGAN) if role is Role.EYE else Message(Kind.HEARTBEAT, Gate.IDLE)
    numbers = iter(range(1 << 16))

    def frame() -> bytes:
        return encode(Frame(word, role, 1, next(numbers)))

    with suppress(OSError):
        inbox.send(frame())
        for length in OVERSIZED:
            inbox.send(b"\0" * length)
        for _ in range(FLOOD):
            inbox.send(frame())
