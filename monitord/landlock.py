"""Landlock: from here on, this thread and its children open no device but the named ones, and write only if they may.

Landlock restricts what is opened, not what is open: a log that the shell sent to a file goes on. It needs Linux 5.13
with Landlock enabled; its system calls have the same numbers everywhere (landlock(7), ``uapi/linux/landlock.h``).
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_VERSION = 1

_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
# remove directory and file, make character device, directory, file, socket, fifo, block device and symbolic link
_CHANGE = sum(1 << bit for bit in range(4, 13))
_REFER = 1 << 13  # since ABI 2
_TRUNCATE = 1 << 14  # since ABI 3
_TRUNCATE_ABI = 3
_REFER_ABI = 2

DEV = Path("/dev")
_HARMLESS = ("null", "zero", "full", "random", "urandom", "tty", "pts", "console")
"""Below /dev: what holds nothing, random numbers, and the terminal that a log may go to."""
_READABLE = ("shm",)


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def restrict(devices: Iterable[Path], *, writing: bool) -> None:
    """Restrict the calling thread for good; threads that already run are not bound, so call this first.

    Args:
        devices: nodes and folders below /dev that may still be opened, for reading and writing.
        writing: whether files outside /dev may be created, changed and removed.

    Raises:
        OSError: the kernel has no Landlock, or refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = _checked(libc.syscall(_CREATE_RULESET, None, 0, _VERSION))
    handled = _READ_FILE | _WRITE_FILE
    if not writing:
        handled |= _CHANGE
        handled |= _REFER if version >= _REFER_ABI else 0
        handled |= _TRUNCATE if version >= _TRUNCATE_ABI else 0
    attributes = _Ruleset(handled)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0))
    try:
        # A rule can only allow, so "everything but /dev" is every other folder of the root.
        for entry in Path("/").iterdir():
            if entry != DEV:
                _allow(libc, ruleset, entry, _READ_FILE | (_WRITE_FILE if writing else 0))
        for path in (*(DEV / name for name in _HARMLESS), *devices):
            _allow(libc, ruleset, path, _READ_FILE | _WRITE_FILE)
        for name in _READABLE:
            _allow(libc, ruleset, DEV / name, _READ_FILE | (_WRITE_FILE if writing else 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    with suppress(FileNotFoundError, PermissionError):  # What cannot be reached needs no rule.
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _PathBeneath(access, beneath)
            _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
        finally:
            os.close(beneath)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
