"""What a process gives up, and the proof that it did.

This is what a process without privileges can put on itself, with or without systemd: no new privileges, a seccomp
filter in every thread, no core dump, not readable by its siblings, and for the ear and the eye no byte written to any
regular file. The units in ``packaging/`` add what only systemd can (namespaces, device policy, address policy).

Powers, one line a role:

- ear: sockets of AF_UNIX only, files read-only, no new processes
- eye: the same
- voice: sockets of AF_UNIX, AF_INET and AF_INET6, writes its state folder
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import resource
import socket
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from monitord import landlock

log = logging.getLogger(__name__)


class Process(Enum):
    """The three processes that are confined."""

    EAR = "ear"
    EYE = "eye"
    VOICE = "voice"


_SILENT = frozenset({Process.EAR, Process.EYE})
"""The processes that hold sound or pictures: they may neither write nor reach a network."""

_NEVER = (
    # Looking into or steering another process, or being steered.
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    # io_uring opens sockets and files past a seccomp filter.
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    # Kernel surface that no monitor needs.
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "kexec_load",
    "init_module",
    "finit_module",
    "mount",
    "pivot_root",
    "setns",
    "unshare",
    "add_key",
    "keyctl",
    "request_key",
)
_NO_PROGRAMS = ("execve", "execveat", "fork", "vfork")

_PR_SET_DUMPABLE = 4
_PR_GET_DUMPABLE = 3
_PR_SET_NO_NEW_PRIVS = 38


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which measures hold, as the kernel says, by name; a measure that does not apply to the role is absent."""

    measures: dict[str, bool]

    @property
    def complete(self) -> bool:
        """Whether every measure took hold."""
        return all(self.measures.values())

    def __str__(self) -> str:
        return ", ".join(f"{name} {'held' if held else 'NOT HELD'}" for name, held in self.measures.items())


def confine(process: Process) -> Confinement:
    """Give up, for good, what `process` does not need; returns what the kernel says took hold.

    Call it before any thread starts and before any sound or picture is read. A measure that this kernel does not offer
    is reported, not raised.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if process in _SILENT:
        _forbid_writing()
    _filter_system_calls(process)
    held = proof(process)
    log.log(logging.INFO if held.complete else logging.WARNING, "%s confined: %s", process.value, held)
    return held


def proof(process: Process) -> Confinement:
    """What the kernel says of the calling process now."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines() if ":\t" in line
    )
    measures = {
        "no-new-privileges": status.get("NoNewPrivs") == "1",
        "seccomp": status.get("Seccomp") == "2" and _inet_is_refused() == (process in _SILENT),
        "not-dumpable": ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0,
        "no-core-dump": resource.getrlimit(resource.RLIMIT_CORE) == (0, 0),
    }
    if process in _SILENT:
        measures["no-file-writes"] = _writing_is_refused()
    return Confinement(measures)


def _forbid_writing() -> None:
    try:
        landlock.forbid_writing()
    except OSError as cause:
        log.warning("landlock: not on this kernel (%s)", cause.strerror)
    if not any(_is_regular_file(stream) for stream in (1, 2)):
        # Not where the log goes to a file: this limit binds files that are already open.
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _is_regular_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _writing_is_refused() -> bool:
    """Try to leave one zero byte in a new file, wherever anybody may write."""
    return not any(_can_write(Path(folder)) for folder in ("/tmp", "/var/tmp", "/dev/shm", Path.home()))  # noqa: S108 - tried, not used


def _can_write(folder: Path) -> bool:
    path = folder / f".monitord-proof-{os.getpid()}"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        os.write(descriptor, b"\0")
    except OSError:
        return False
    finally:
        os.close(descriptor)
        path.unlink()
    return True


def _inet_is_refused() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError as refused:
        return refused.errno == errno.EPERM
    return False


def _filter_system_calls(process: Process) -> None:
    try:
        import pyseccomp  # noqa: PLC0415 - it loads a C library on import, which a system may lack
    except (ImportError, RuntimeError, OSError) as cause:
        log.warning("seccomp: libseccomp cannot be loaded (%s); install Debian's libseccomp2", cause)
        return
    deny = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    # Every thread that already runs is bound too, not only this one.
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    for name in _NEVER + (_NO_PROGRAMS if process in _SILENT else ()):
        _add(rules, deny, name)
    if process in _SILENT:
        _add(rules, deny, "socket", pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX))
    else:
        # Allowed: AF_UNIX 1, AF_INET 2, AF_INET6 10. A filter cannot say "one of", so it denies the gaps.
        _add(rules, deny, "socket", pyseccomp.Arg(0, pyseccomp.GT, socket.AF_INET6))
        for family in range(socket.AF_INET + 1, socket.AF_INET6):
            _add(rules, deny, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    try:
        rules.load()
    except (RuntimeError, OSError) as cause:
        log.warning("seccomp: the kernel refused the filter: %s", cause)


def _add(rules: object, action: object, name: str, *conditions: object) -> None:
    try:
        rules.add_rule(action, name, *conditions)  # type: ignore[attr-defined] # pyseccomp is untyped
    except (ValueError, RuntimeError, OSError):
        log.debug("seccomp: no system call %s on %s", name, os.uname().machine)
