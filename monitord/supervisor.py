"""`monitord run`: what systemd does for the units, in one small loop, for where there is no systemd.

It holds the two sockets (so that frames survive a restart of the voice, and so that a request can start the eye),
starts the voice and the ear, starts the eye when a look is asked for and kills it when its time is up, restarts what
died with back-off, starts the nightly self-test when the voice says so, and ends everything within three seconds. It
touches no sound, no picture and no network.

A socket is handed over as systemd does it: as file descriptor 3, announced by LISTEN_FDS (sd_listen_fds(3)).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitord import memory, paths, service
from monitord.settings import LOOK_GRACE_S
from monitord.steadiness import DEATHS, WITHIN_S, Steadiness

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.settings import Senses

log = logging.getLogger(__name__)

STOP_S = 2.0
"""Seconds between SIGTERM and SIGKILL at the end."""
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Pause before the first, second, ... restart in a row."""
STEADY_S = 60.0
"""A process that lived this long has recovered: its next restart is a first one again."""
ALARM_AGAIN_S = 900.0
"""A process that goes on dying is an alarm of the highest priority so often, as the units' own is."""
LOOK_FOR_TEST_S = 10.0
"""Seconds between two looks whether the voice wants the nightly self-test; only where the owner wants one."""
WRONG_USAGE = 2


class SupervisorError(Exception):
    """The supervisor cannot start; the text says why in one sentence."""


def back_off_s(failures: int) -> float:
    """Seconds to wait before a restart after `failures` deaths in a row (1 or more)."""
    return BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1]


@dataclass
class _Child:
    """One of the three processes, or the self-test: its command, the socket it is handed, and how it fares."""

    role: str
    listens: socket.socket | None
    pid: int = 0
    pidfd: int = -1
    started: float = 0.0
    failures: int = 0
    restart_at: float | None = None
    steadiness: Steadiness = field(default_factory=Steadiness)
    alarm_at: float = 0.0

    @property
    def alive(self) -> bool:
        return self.pidfd >= 0


class Supervisor:
    """Starts and watches the processes of one monitord.

    Args:
        config: the configuration, already checked.
        config_path: its file, handed on to the processes; None: the defaults.
        trace: relay the ear's trace and tell of processes, one JSON object a line on stdout.
        unconfined: the ear and the eye go on where they cannot be confined.
    """

    def __init__(
        self, config: Senses, config_path: Path | None, *, trace: bool = False, unconfined: bool = False
    ) -> None:
        self._config = config
        self._config_path = config_path
        self._trace = trace
        self._unconfined = unconfined
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, or the terminal is closed; SIGHUP goes to the voice. Returns the exit code.

        Raises:
            SupervisorError: another monitord runs here, or the runtime folder cannot be used.
        """
        with contextlib.ExitStack() as cleanup:
            folder = _open_runtime_dir(cleanup)
            events = _bind(folder / paths.EVENTS_SOCKET, cleanup)
            looks = _bind(folder / paths.LOOK_SOCKET, cleanup)
            self._catch_signals(cleanup)
            voice, ear = _Child("notify", events), _Child("audio", None)
            self._eye, self._looks = _Child("video", looks), looks
            self._voice = voice
            self._selftest, self._wanted = _Child("selftest", None), folder / paths.SELFTEST
            self._wanted_last = self._test_wanted()
            self._children = (voice, ear, self._eye, self._selftest)
            cleanup.callback(self._stop_all)
            self._start(voice)
            self._start(ear)
            self._selector.register(looks, selectors.EVENT_READ, self._look_asked)
            memory.settle()
            while not self._stopping:
                self._turn()
        return self._status

    def _turn(self) -> None:
        now = time.monotonic()
        deadlines = [child.restart_at for child in self._children if child.restart_at is not None]
        if self._eye.alive:
            deadlines.append(self._eye.started + self._config.video.look_s + LOOK_GRACE_S)
        if self._config.selftest.nightly:
            deadlines.append(now + LOOK_FOR_TEST_S)
        for key, _ in self._selector.select(max(0.0, min(deadlines) - now) if deadlines else None):
            key.data()
        now = time.monotonic()
        for child in self._children:
            if child.restart_at is not None and now >= child.restart_at and not self._stopping:
                self._start(child)
        if self._eye.alive and now >= self._eye.started + self._config.video.look_s + LOOK_GRACE_S:
            log.warning("the eye did not end its look in time and is killed")
            signal.pidfd_send_signal(self._eye.pidfd, signal.SIGKILL)
            self._eye.started = now  # The next deadline, should even that hang in the kernel.

        wanted = self._test_wanted()
        if wanted not in ("", self._wanted_last) and not self._selftest.alive and not self._stopping:
            self._wanted_last = wanted
            self._start(self._selftest)

    def _test_wanted(self) -> str:
        """What the voice wrote last when the nightly self-test was due; "": never, or it is writing just now.

        Not the file's time: that changes twice, when it is opened and when it is written, and so would start two tests.
        """
        with contextlib.suppress(OSError, UnicodeDecodeError):
            told = self._wanted.read_text("ascii")
            return told if told.endswith("\n") else ""
        return ""

    def _look_asked(self) -> None:
        if not self._eye.alive:
            self._selector.unregister(self._looks)  # Until the eye ends, requests are its own to read.
            self._start(self._eye)

    def _start(self, child: _Child) -> None:
        arguments = [sys.executable, "-m", "monitord", child.role]
        if self._config_path is not None:
            arguments += ["--config", str(self._config_path)]
        if self._trace and child.role == "audio":
            arguments.append("--trace")
        if child is self._selftest:
            arguments += ["--nightly", *(["--json"] if self._trace else [])]
        if self._unconfined and child.role in {"audio", "video"}:
            arguments.append("--unconfined")
        environment = {
            **os.environ,
            service.SUPERVISOR_PID: str(os.getpid()),
            # One thread each: more would only spin beside a network of microseconds, and cost memory.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        hand_over = []
        if child.listens is not None:
            environment["LISTEN_FDS"] = "1"
            hand_over = [(os.POSIX_SPAWN_DUP2, child.listens.fileno(), service.FIRST_FD)]
        child.pid = os.posix_spawn(
            sys.executable,
            arguments,
            environment,
            file_actions=hand_over,
            setpgroup=0,  # Ctrl-C reaches the supervisor only, which then ends the others in order.
            setsigmask=(),
            setsigdef=(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD),
        )
        child.pidfd = os.pidfd_open(child.pid)
        child.started = time.monotonic()
        child.restart_at = None
        self._selector.register(child.pidfd, selectors.EVENT_READ, lambda: self._ended(child))
        self._tell(child, "started")

    def _ended(self, child: _Child) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        self._selector.unregister(child.pidfd)
        os.close(child.pidfd)
        child.pidfd = -1
        if child is self._eye and code:
            self._drop_requests()  # A request that broke the eye must not start it again and again.
        self._tell(child, "ended", code)
        if child is self._eye:
            self._selector.register(self._looks, selectors.EVENT_READ, self._look_asked)
        elif not self._stopping and child is not self._selftest:
            self._restart_later(child, code)

    def _restart_later(self, child: _Child, code: int) -> None:
        now = time.monotonic()
        child.failures = 1 if now - child.started >= STEADY_S else child.failures + 1
        if code == WRONG_USAGE:
            self._stopping, self._status = True, WRONG_USAGE  # It has said why; trying again changes nothing.
            return
        wait_s = back_off_s(child.failures)
        child.restart_at = now + wait_s
        log.warning("monitord %s ended with %d; it is started again in %g s", child.role, code, wait_s)
        if child.steadiness.died(now) and now >= child.alarm_at:
            child.alarm_at = now + ALARM_AGAIN_S
            log.critical(
                "monitord %s dies again and again, %d times within %.0f minutes: until that is mended, nobody may be "
                "listening, or told; its own words above say why",
                child.role,
                DEATHS,
                WITHIN_S / 60.0,
            )

    def _drop_requests(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._looks.recv(64)

    def _stop_all(self) -> None:
        self._stopping = True
        for number, grace_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
            for child in self._children:
                if child.alive:
                    signal.pidfd_send_signal(child.pidfd, number)
            deadline = time.monotonic() + grace_s
            while any(child.alive for child in self._children) and time.monotonic() < deadline:
                for key, _ in self._selector.select(deadline - time.monotonic()):
                    if key.fileobj is not self._looks:
                        key.data()

    def _catch_signals(self, cleanup: contextlib.ExitStack) -> None:
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        cleanup.callback(os.close, reader)
        cleanup.callback(os.close, writer)
        previous = signal.set_wakeup_fd(writer)
        cleanup.callback(signal.set_wakeup_fd, previous)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            cleanup.callback(signal.signal, number, signal.signal(number, lambda *_: None))
        terminal = _has_terminal()

        def arrived() -> None:
            came = set(os.read(reader, 64))
            if came != {signal.SIGHUP} or (terminal and not _has_terminal()):  # Its window was closed.
                self._stopping = True
            elif self._voice.alive:
                signal.pidfd_send_signal(self._voice.pidfd, signal.SIGHUP)

        self._selector.register(reader, selectors.EVENT_READ, arrived)

    def _tell(self, child: _Child, what: str, code: int | None = None) -> None:
        log.info("monitord %s (process %d) %s", child.role, child.pid, what)
        if self._trace:
            line = {"process": child.role, "what": what, "pid": child.pid, "code": code}
            print(json.dumps(line), flush=True)  # noqa: T201 - the trace that the demo and scripts read


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal; one that was closed is none (it answers EIO or ENXIO)."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _open_runtime_dir(cleanup: contextlib.ExitStack) -> Path:
    """The folder of the sockets, ours alone, locked; the processes find it by RUNTIME_DIRECTORY."""
    folder = paths.runtime_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise SupervisorError(f"{folder}: belongs to somebody else; set RUNTIME_DIRECTORY to a folder of yours")
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as cause:
        raise SupervisorError(f"{folder}: cannot be used for the sockets: {cause.strerror}") from None
    cleanup.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(lock, 0)
        os.write(lock, b"%d\n" % os.getpid())  # For `monitord audit`, which looks at our children.
    except BlockingIOError:
        raise SupervisorError(f"monitord already runs here (it holds {folder / 'lock'}); stop it first") from None
    os.environ["RUNTIME_DIRECTORY"] = str(folder)
    cleanup.callback(_remove, folder)
    return folder


def _remove(folder: Path) -> None:
    for name in ("lock", paths.SELFTEST):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # Somebody else's file is in it, or systemd owns it.
        folder.rmdir()


def _bind(path: Path, cleanup: contextlib.ExitStack) -> socket.socket:
    path.unlink(missing_ok=True)  # We hold the lock: whoever bound it is dead.
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    cleanup.callback(bound.close)
    try:
        bound.bind(str(path))
    except OSError as cause:  # A path over 107 bytes, above all.
        raise SupervisorError(f"{path}: the socket cannot be made: {cause}") from None
    cleanup.callback(path.unlink, missing_ok=True)
    path.chmod(0o600)
    # The receiver checks who sent each frame; frames that wait while it restarts must carry that too.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return bound
