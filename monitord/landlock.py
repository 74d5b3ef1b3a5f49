"""Landlock: from here on, this thread and its children can create, change or remove no file outside /dev.

Landlock restricts what is opened, not what is open: a log that the shell sent to a file goes on. It needs Linux 5.13
with Landlock enabled; its system calls have the same numbers everywhere (landlock(7), ``uapi/linux/landlock.h``).
"""

from __future__ import annotations

import ctypes
import os

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_VERSION = 1

_WRITE_FILE = 1 << 1
# remove directory and file, make character device, directory, file, socket, fifo, block device and symbolic link
_CHANGE = sum(1 << bit for bit in range(4, 13))
_REFER = 1 << 13  # since ABI 2
_TRUNCATE = 1 << 14  # since ABI 3
_TRUNCATE_ABI = 3
_REFER_ABI = 2


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def forbid_writing() -> None:
    """Forbid it to the calling thread for good; threads that already run are not bound, so call this first.

    Raises:
        OSError: the kernel has no Landlock, or refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = _checked(libc.syscall(_CREATE_RULESET, None, 0, _VERSION))
    handled = _WRITE_FILE | _CHANGE
    handled |= _REFER if version >= _REFER_ABI else 0
    handled |= _TRUNCATE if version >= _TRUNCATE_ABI else 0
    attributes = _Ruleset(handled)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0))
    try:
        # Devices are opened for writing to set them up, and a card that was unplugged gets a new node later.
        devices = os.open("/dev", os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _PathBeneath(_WRITE_FILE, devices)
            _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
        finally:
            os.close(devices)
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
