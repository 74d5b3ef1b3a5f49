"""What a process gives up, and the proof that it did.

This is what a process without privileges can put on itself, with or without systemd: no new privileges, no
capabilities, a seccomp filter in every thread, no core dump, not readable by its siblings; for the ear and the eye no
byte written to any regular file. Where the kernel has it: Landlock, which shuts every device but the process's own;
where it is allowed: a network namespace with nothing in it. The units in ``packaging/`` add what only systemd can
(namespaces of its own making, device policy, address policy).

Powers, one line a role:

- ear: sockets of AF_UNIX only, files read-only, no new processes, no device but the sound card
- eye: the same, with the camera instead of the sound card; where that is a CSI camera, it starts rpicam-vid before it
  gives up starting programs, and that one inherits the rest
- speaker (the self-test's, for the seconds that it plays): as the ear, and of the sound card only what plays
- voice: sockets of AF_UNIX, AF_INET and AF_INET6, writes its state folder, no device at all

Without the measures of MANDATORY the ear opens no microphone and the eye no camera, unless the owner says --unconfined.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import resource
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from monitord import landlock, seccomp
from monitord.events import Measure

log = logging.getLogger(__name__)


class Process(Enum):
    """The processes that are confined."""

    EAR = "ear"
    EYE = "eye"
    VOICE = "voice"
    SPEAKER = "speaker"


_SILENT = frozenset({Process.EAR, Process.EYE, Process.SPEAKER})
"""The processes that hold sound or pictures, or could: they may neither write nor reach a network."""

MANDATORY = frozenset(Measure) - {Measure.LANDLOCK, Measure.EMPTY_NETWORK}
"""What every supported kernel offers to everybody."""

REFUSED = 3
"""Exit code of a process that could not be confined."""

HELPER_FILE_BYTES = 1 << 20
"""Largest file of a helper's: libcamera's threads share memory on a Pi 5 that counts as one (memfd_create(2)). It is
less than a look's pictures, and Landlock and the unit let the helper make no file that anybody could find."""

SOUND_CARDS = landlock.DEV / "snd"
_CAMERA_NODES = ("video*", "media*", "v4l*", "dma_heap", "vchiq", "vcsm-cma")

_PLAYS = ("pcm*p", "controlC*", "timer")
"""Below /dev/snd: what plays, and what ALSA needs for it; a microphone is pcm*c."""

_PR_SET_DUMPABLE = 4
_PR_GET_DUMPABLE = 3
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITY_V3 = 0x20080522
_NET_BIND_SERVICE = 1 << 10


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which measures hold, as the kernel says; a measure that does not apply to the role is absent."""

    measures: dict[Measure, bool]

    @property
    def held(self) -> frozenset[Measure]:
        """The measures that hold."""
        return frozenset(measure for measure, holds in self.measures.items() if holds)

    @property
    def missing(self) -> list[Measure]:
        """The mandatory measures that do not hold."""
        return [measure for measure, holds in self.measures.items() if measure in MANDATORY and not holds]

    @property
    def complete(self) -> bool:
        """Whether every mandatory measure took hold."""
        return not self.missing

    def refusal(self, device: str) -> str:
        """Why `device` ("microphone") stays closed, as one sentence."""
        names = " and ".join(map(str, self.missing))
        return (
            f"the {device} stays closed, because {names} {'does' if len(self.missing) == 1 else 'do'} not hold here "
            "(the log says why); --unconfined goes on all the same, and says so on the page"
        )

    def __str__(self) -> str:
        return ", ".join(f"{measure} {_word(measure, holds=holds)}" for measure, holds in self.measures.items())


def _word(measure: Measure, *, holds: bool) -> str:
    return "held" if holds else "NOT HELD" if measure in MANDATORY else "not to be had here"


def isolate(process: Process) -> None:
    """Put the ear and the eye into a network namespace with nothing in it, where that is allowed.

    Call it before anything else: a namespace of users, without which only root may, must come before any thread starts.
    """
    if process not in _SILENT:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWNET) == 0:
        return
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        own = Path("/proc/self")
        with suppress(OSError):  # Files still open as before; only the number that we see of ourselves is another.
            (own / "setgroups").write_text("deny", "ascii")
            (own / "uid_map").write_text(f"{user} {user} 1", "ascii")
            (own / "gid_map").write_text(f"{group} {group} 1", "ascii")


def confine(process: Process, *, helper: bool = False) -> Confinement:
    """Give up, for good, what `process` does not need; returns what the kernel says took hold.

    Call it before any thread starts and before any sound or picture is read. A measure that this kernel does not offer
    is reported, not raised.

    Args:
        process: which one this is.
        helper: it has a program to start yet, which inherits all of this; `no_more_programs` comes right after.
    """
    _leave_no_dump()
    _gain_no_privileges()
    _restrict_files(process)
    if process in _SILENT:
        _forbid_file_sizes(most=HELPER_FILE_BYTES if helper else 0)
    _filter_system_calls(process, programs=helper)
    _drop_capabilities(keep=0 if process in _SILENT else _NET_BIND_SERVICE)
    held = proof(process)
    log.log(logging.INFO if held.complete else logging.WARNING, "%s confined: %s", process.value, held)
    return held


def no_more_programs() -> None:
    """Start no program from here on, and make no file of any size, as if `confine` had been told of no helper."""
    _forbid_file_sizes(most=0)
    try:
        seccomp.forbid_programs()
    except seccomp.SeccompError as cause:
        log.warning("seccomp: %s", cause)


def proof(process: Process) -> Confinement:
    """What the kernel says of the calling process now."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines() if ":\t" in line
    )
    kept = 0 if process in _SILENT else _NET_BIND_SERVICE
    measures = {
        Measure.NO_NEW_PRIVILEGES: status.get("NoNewPrivs") == "1",
        Measure.SECCOMP: status.get("Seccomp") == "2" and _inet_is_refused() == (process in _SILENT),
        Measure.NOT_DUMPABLE: ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
        and resource.getrlimit(resource.RLIMIT_CORE) == (0, 0),
        Measure.NO_CAPABILITIES: (int(status["CapEff"], 16) | int(status["CapPrm"], 16)) & ~kept == 0,
        Measure.LANDLOCK: _landlocked,
    }
    if process in _SILENT:
        measures[Measure.NO_FILE_WRITES] = _writing_is_refused()
        measures[Measure.EMPTY_NETWORK] = interfaces(Path("/proc/self/net/dev")) <= {"lo"}
    return Confinement(measures)


def interfaces(listing: Path) -> set[str]:
    """Names of the network interfaces in a ``/proc/PID/net/dev``; without a network at all, none."""
    try:
        lines = listing.read_text("ascii").splitlines()
    except OSError:
        return set()
    return {line.partition(":")[0].strip() for line in lines if ":" in line}


def _leave_no_dump() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _gain_no_privileges() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


_landlocked = False
"""Whether Landlock took hold in this process: there is no way to ask the kernel afterwards."""


def _restrict_files(process: Process) -> None:
    global _landlocked  # noqa: PLW0603 - a fact about the whole process
    try:
        landlock.restrict(_devices(process), writing=process not in _SILENT)
    except OSError as cause:
        log.warning("landlock: not on this kernel (%s)", cause.strerror)
    else:
        _landlocked = True


def _devices(process: Process) -> list[Path]:
    if process is Process.EYE:
        return [node for pattern in _CAMERA_NODES for node in landlock.DEV.glob(pattern)]
    if process is Process.EAR:
        # Where there is no card yet, nothing names the folder in which one will appear when it is plugged in.
        return [SOUND_CARDS] if SOUND_CARDS.exists() else [landlock.DEV]
    if process is Process.SPEAKER:
        return [node for pattern in _PLAYS for node in SOUND_CARDS.glob(pattern)]
    return []


def _forbid_file_sizes(most: int) -> None:
    """No file grows from here on; a child may set itself a limit of up to `most` bytes."""
    if not any(_is_regular_file(stream) for stream in (1, 2)):
        # Not where the log goes to a file: this limit binds files that are already open.
        _, now = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, most if now == resource.RLIM_INFINITY else min(most, now)))
    else:
        log.warning("the log goes to a file, so only Landlock keeps this process from writing others")


def _is_regular_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _writing_is_refused() -> bool:
    """Try to leave one zero byte in a new file, wherever anybody may write."""
    return not any(can_write(Path(folder)) for folder in ("/tmp", "/var/tmp", "/dev/shm", Path.home()))  # noqa: S108 - tried, not used


def can_write(folder: Path) -> bool:
    """Whether this process can leave a byte in a new file in `folder`; the file is removed again."""
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
        with suppress(OSError):
            path.unlink()
    return True


def _inet_is_refused() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError as refused:
        return refused.errno == errno.EPERM
    return False


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _drop_capabilities(keep: int) -> None:
    """Give up all capabilities but `keep` (bits as in capabilities(7)); as an ordinary user there are none."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _CapabilityHeader(_CAPABILITY_V3, 0), (_CapabilityData * 2)()
    if libc.capget(ctypes.byref(header), data):
        return
    kept = data[0].permitted & keep
    data[0], data[1] = _CapabilityData(kept, kept, 0), _CapabilityData(0, 0, 0)
    libc.capset(ctypes.byref(header), data)


def _filter_system_calls(process: Process, *, programs: bool) -> None:
    try:
        seccomp.load(silent=process in _SILENT, programs=programs)
    except seccomp.SeccompError as cause:
        log.warning("seccomp: %s", cause)
