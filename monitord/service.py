"""Life as a service: readiness and watchdog messages, inherited sockets, logging, dying with the supervisor.

The protocols are systemd's (sd_notify(3), sd_listen_fds(3), sd-daemon(3)); the supervisor of ``monitord run`` speaks
the same ones, so a process cannot tell who started it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys

FIRST_FD = 3
SUPERVISOR_PID = "MONITORD_SUPERVISOR_PID"

_PR_SET_PDEATHSIG = 1
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def listen_fds() -> list[int]:
    """File descriptors of the sockets handed to this process; empty if none were.

    systemd names the receiver's process id. The supervisor cannot know it before the process exists, and names its own.
    """
    count = os.environ.get("LISTEN_FDS", "")
    for_me = os.environ.get("LISTEN_PID") == str(os.getpid()) or _supervised()
    return list(range(FIRST_FD, FIRST_FD + int(count))) if for_me and count.isdecimal() else []


def notify(state: str) -> bool:
    """Tell the service manager `state` ("READY=1", "WATCHDOG=1", "STATUS=..."); False where there is none to tell."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        try:
            manager.sendto(state.encode(), address)
        except OSError:  # The manager is gone; the work goes on.
            return False
    return True


def watchdog_s() -> float | None:
    """Seconds between WATCHDOG=1 messages that keep the service manager content (half its limit); None: it has none."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(limit) / 2e6 if limit.isdecimal() and mine else None


def follow_supervisor() -> None:
    """Die with the supervisor that started this process, however it ends; without one, do nothing."""
    if SUPERVISOR_PID not in os.environ:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if not _supervised():  # It died before the line above.
        sys.exit(0)


def _supervised() -> bool:
    return os.environ.get(SUPERVISOR_PID) == str(os.getppid())


class _Journal(logging.Formatter):
    """One line a record, with the priority prefix that the journal understands; a traceback never spans lines."""

    def format(self, record: logging.LogRecord) -> str:
        level = min((known for known in _PRIORITY if known >= record.levelno), default=logging.CRITICAL)
        return f"<{_PRIORITY[level]}>{record.getMessage()}"


def log_setup(name: str, level: int = logging.INFO) -> None:
    """Log to stderr: with priorities for the journal under systemd, with time and `name` otherwise."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_Journal())
    else:
        handler.setFormatter(logging.Formatter(f"%(asctime)s {name:5s} %(levelname).1s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
