"""The audit of the installed units: a probe in each unit's own sandbox, and what systemd says of its settings.

A probe's unit is made of the lines that systemd has loaded for the real one, drop-ins of the owner included, so a
setting that is missing there is missing here. It lies under /run/systemd/system while the probe runs, is never enabled
and shares nothing with the running monitor but users, groups and the read-only file system.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitord.tools.audit.judge import Line, Verdict
from monitord.tools.audit.stage import PATIENCE_S, AuditError, Report, converse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitord.tools.audit.acts import Task

UNITS = {"ear": "monitord-audio.service", "eye": "monitord-video.service", "voice": "monitord.service"}
FOLDER = Path("/run/systemd/system")
_DUMPED, _KILLED = "3", "2"
"""CLD_DUMPED and CLD_KILLED, wait(2): how systemd says that a process ended by a signal."""
_DROPPED = (
    *("Type", "ExecStart", "ExecStop", "ExecReload", "ExecCondition"),
    *("Restart", "Watchdog", "Sockets", "NotifyAccess", "Standard", "RuntimeDirectory", "RemoveIPC"),
    *("RuntimeMaxSec", "Timeout", "SuccessExit", "FileDescriptorStore", "PIDFile", "BusName"),
)
"""What a probe does not take over: how the real one is started and ended, and what would be cleaned up after it."""

_EVERYBODY = {
    "NoNewPrivileges": "yes",
    "PrivateTmp": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "PrivateIPC": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictNamespaces": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "KeyringMode": "private",
    "SystemCallArchitectures": "native",
    "DevicePolicy": "closed",
    "LimitCORE": "0",
    "MemorySwapMax": "0",
}
_SILENT = {
    **_EVERYBODY,
    "PrivateNetwork": "yes",
    "PrivateUsers": "yes",
    "RestrictAddressFamilies": "AF_UNIX",
    "LimitFSIZE": "0",
    "IPAddressAllow": "",
}
SETTINGS = {
    "ear": _SILENT,
    # For the helper of a CSI camera, see its unit: the eye itself has 0.
    "eye": {**_SILENT, "LimitFSIZE": "1048576"},
    "voice": {**_EVERYBODY, "PrivateDevices": "yes"},
}
"""What `systemctl show` must say. SystemCallFilter, MemoryMax, IPAddressDeny and DeviceAllow are looked at besides."""
DEVICES = {
    "ear": {"char-alsa rw"},
    "eye": {"char-video4linux rw", "char-media rw", "char-dma_heap rw"},
    "voice": set[str](),
}
_CLOCK = "char-rtc r"
"""What ProtectClock= itself puts on the list."""
_BAD_CALLS = frozenset(
    {"ptrace", "process_vm_readv", "mount", "bpf", "init_module", "keyctl", "perf_event_open", "swapon"}
)


def running() -> dict[str, int]:
    """Process ids of the units that run: "ear" -> number; empty where monitord does not run as a service."""
    if not Path("/run/systemd/system").is_dir() or shutil.which("systemctl") is None:
        return {}
    found = {role: int(_show(unit, "MainPID") or 0) for role, unit in UNITS.items()}
    return {role: pid for role, pid in found.items() if pid}


def start(role: str, task: Task, acts: Sequence[str]) -> Report:
    """A probe of `role` in a sandbox as its unit's.

    Raises:
        AuditError: it could not be started, or did not answer.
    """
    if os.getuid():
        raise AuditError("the audit of the service starts its probes in the units' sandboxes, which only root may")
    name = f"monitord-audit-{role}.service"
    with tempfile.TemporaryDirectory(prefix="monitord-audit-", dir="/run") as folder, contextlib.ExitStack() as cleanup:
        listener = cleanup.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(f"{folder}/talk")
        listener.listen(1)
        listener.settimeout(PATIENCE_S)
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / name).write_text(probe_unit(_systemctl("cat", UNITS[role]), role, f"{folder}/talk"), "utf-8")
        cleanup.callback(_remove, name)
        _systemctl("daemon-reload")
        _systemctl("start", name)
        try:
            talk, _ = listener.accept()
        except TimeoutError:
            raise AuditError(f"{name} did not start; journalctl -u {name} says why") from None
        with talk:
            reply, receiver = converse(talk, task, acts, bare=True)
        return Report(reply, reply["accepted"], reply["well_formed"], receiver.refused, _dumped(name))


def probe_unit(loaded: str, role: str, talk: str) -> str:
    """The text of a probe's unit, from what `systemctl cat` says of the real one."""
    section, lines, command = "", [], ""
    for line in loaded.replace("\\\n", " ").splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section == "[Service]" and "=" in text and not text.startswith(("#", ";")):
            key, _, value = text.partition("=")
            if key == "ExecStart" and value:
                command = value
            if not key.startswith(_DROPPED):
                lines.append(text)
    program = command.partition(" -m monitord ")[0]
    return "\n".join(
        [
            "[Unit]",
            f"Description=monitord: audit of the {role}",
            "[Service]",
            *lines,
            "Type=exec",
            f"ExecStart={program} -m monitord probe {role}",
            f"StandardInput=file:{talk}",  # Both at one path: one connection, for both directions (systemd.exec(5)).
            f"StandardOutput=file:{talk}",
            "TimeoutStopSec=5",
            "RuntimeMaxSec=120",
            "",
        ]
    )


def settings() -> list[Line]:
    """One line for each setting of the units, as systemd has loaded it."""
    lines = []
    for role, unit in UNITS.items():
        wanted = SETTINGS[role]
        said = _systemctl("show", "-p", ",".join([*wanted, *_MORE]), unit).splitlines()
        shown = dict(line.partition("=")[::2] for line in said)
        devices = {line.partition("=")[2] for line in said if line.startswith("DeviceAllow=")} - {_CLOCK, ""}
        lines.append(_setting(role, "DeviceAllow", ", ".join(sorted(devices)), held=devices <= DEVICES[role]))
        for name, value in wanted.items():
            found = shown.get(name, "")
            lines.append(_setting(role, name, found, held=found == value))
        lines.append(_calls(role, shown.get("SystemCallFilter", "")))
        lines.append(_setting(role, "IPAddressDeny", shown.get("IPAddressDeny", ""), held=_denies_all(shown)))
        limit = shown.get("MemoryMax", "infinity")
        lines.append(_setting(role, "MemoryMax", limit, held=limit.isdecimal()))
    return lines


_MORE = ("DeviceAllow", "SystemCallFilter", "IPAddressDeny", "MemoryMax")


def _denies_all(shown: dict[str, str]) -> bool:
    return {"0.0.0.0/0", "::/0"} <= set(shown.get("IPAddressDeny", "").split())


def _calls(role: str, found: str) -> Line:
    allowed = set(found.split())
    bad = sorted(allowed & _BAD_CALLS)
    held = bool(allowed) and not found.startswith("~") and not bad
    says = f"{len(allowed)} system calls" if held else f"allows {', '.join(bad)}" if bad else "every system call"
    return _setting(role, "SystemCallFilter", says, held=held)


def _setting(role: str, name: str, found: str, *, held: bool) -> Line:
    verdict = Verdict.PROVEN if held else Verdict.BROKEN
    return Line(role, f"its unit has {name}", name, f"systemd: {found or 'nothing'}", "", "", verdict)


def _dumped(name: str) -> bool | None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        code = _show(name, "ExecMainCode")
        if code in (_DUMPED, _KILLED):
            return code == _DUMPED
        time.sleep(0.05)
    return None


def _remove(name: str) -> None:
    for command in (["stop", name], ["reset-failed", name]):
        with contextlib.suppress(AuditError):
            _systemctl(*command)
    (FOLDER / name).unlink(missing_ok=True)
    with contextlib.suppress(AuditError):
        _systemctl("daemon-reload")


def _show(unit: str, name: str) -> str:
    return _systemctl("show", "--value", "-p", name, unit).strip()


def _systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 - the system's own
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise AuditError(f"systemctl {' '.join(arguments)}: {said[-1] if said else done.returncode}")
    return done.stdout
