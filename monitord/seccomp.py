"""Which system calls a process may make: the filter, by libseccomp. The only importer of pyseccomp."""

from __future__ import annotations

import errno
import logging
import os
import socket
from typing import Any

log = logging.getLogger(__name__)

NEVER = (
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
NO_PROGRAMS = ("execve", "execveat", "fork", "vfork")


class SeccompError(Exception):
    """The filter could not be put on; the text says why."""


def load(*, silent: bool, programs: bool = False) -> None:
    """Bind every thread of this process, those that already run included, and all that follow.

    Args:
        silent: sockets of AF_UNIX only, and no new programs; else AF_UNIX, AF_INET and AF_INET6.
        programs: new programs all the same; `forbid_programs` takes that back.

    Raises:
        SeccompError: libseccomp is missing, or the kernel refused.
    """
    try:
        import pyseccomp  # noqa: PLC0415 - it loads a C library on import, which a system may lack
    except (ImportError, RuntimeError, OSError) as cause:
        raise SeccompError(f"libseccomp cannot be loaded ({cause}); install Debian's libseccomp2") from None
    deny = pyseccomp.ERRNO(errno.EPERM)
    rules = _empty(pyseccomp)
    for name in NEVER + (NO_PROGRAMS if silent and not programs else ()):
        _add(rules, deny, name)
    if silent:
        _add(rules, deny, "socket", pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX))
    else:
        # Allowed: AF_UNIX 1, AF_INET 2, AF_INET6 10. A filter cannot say "one of", so it denies the gaps.
        _add(rules, deny, "socket", pyseccomp.Arg(0, pyseccomp.GT, socket.AF_INET6))
        for family in range(socket.AF_INET + 1, socket.AF_INET6):
            _add(rules, deny, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    _load(rules)


def forbid_programs() -> None:
    """No new programs from here on: a further filter on top of the one that `load` put on.

    Raises:
        SeccompError: libseccomp is missing, or the kernel refused.
    """
    try:
        import pyseccomp  # noqa: PLC0415 - see above
    except (ImportError, RuntimeError, OSError) as cause:
        raise SeccompError(f"libseccomp cannot be loaded ({cause}); install Debian's libseccomp2") from None
    rules = _empty(pyseccomp)
    for name in NO_PROGRAMS:
        _add(rules, pyseccomp.ERRNO(errno.EPERM), name)
    _load(rules)


def _empty(pyseccomp: Any) -> Any:
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    rules.set_attr(pyseccomp.Attr.CTL_NNP, 0)  # `confine` sees to it itself, and says whether it held.
    return rules


def _load(rules: Any) -> None:
    try:
        rules.load()
    except (RuntimeError, OSError) as cause:
        raise SeccompError(f"the kernel refused the filter: {cause}") from None


def _add(rules: object, action: object, name: str, *conditions: object) -> None:
    try:
        rules.add_rule(action, name, *conditions)  # type: ignore[attr-defined] # pyseccomp is untyped
    except (ValueError, RuntimeError, OSError) as cause:
        if name == "socket":  # Every machine has this one, and it is the one that counts.
            raise SeccompError(f"no rule for {name}: {cause}") from None
        log.debug("seccomp: no system call %s on %s", name, os.uname().machine)  # 64-bit Arm has no fork, for one.
