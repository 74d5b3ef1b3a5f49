"""`monitord audit`: finds the running monitor, starts the probes, prints what is proven. Exit 0 only if all is."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitord import paths
from monitord.notify.database import JournalError
from monitord.notify.history import read
from monitord.tools.audit import kernel, looks, stage, units
from monitord.tools.audit.acts import ACTS, DOORS, Task
from monitord.tools.audit.judge import SILENT_ACTS, VOICE_ACTS, Case, Line, Verdict, judge, missing, unproven

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.config import Config

ROLES = {"audio": "ear", "video": "eye", "notify": "voice"}
_CAMERAS = ("/dev/video*", "/dev/media*")
_SOUND_CARDS = ("/dev/snd/pcm*", "/dev/snd/control*")
_OTHERS = ("/dev/input/event*", "/dev/hidraw*", "/dev/kmsg")
_FOLDERS = ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/var/lib", "/etc", "/home", "/root", "/srv", "/mnt")  # noqa: S108 - tried, not used
FAILED = 1


def audit(config: Config, *, as_json: bool) -> int:
    """Prove each promise of the monitor that runs; returns 0 if all are proven."""
    try:
        in_units = units.running()
        running = in_units or _under_a_supervisor()
        lines = _look_and_try(running, in_units=bool(in_units))
    except stage.AuditError as cause:
        print(cause, file=sys.stderr)
        return FAILED
    camera = _camera(config)
    proven = all(line.verdict is Verdict.PROVEN for line in lines)
    if as_json:
        print(json.dumps({
            "mode": "units" if in_units else "run",
            "proven": proven,
            "missing": missing(lines),
            "not_proven": unproven(lines),
            "camera": camera,
            "lines": [asdict(line) for line in lines],
        }))  # fmt: skip
    else:
        _print(lines, camera)
    return 0 if proven else FAILED


def _under_a_supervisor() -> dict[str, int]:
    """Processes of the `monitord run` that holds our runtime folder: "ear" -> process id."""
    path = paths.runtime_dir() / "lock"
    try:
        with path.open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    except OSError:
        raise stage.AuditError("monitord does not run here; start it first: monitord run") from None
    else:
        raise stage.AuditError("monitord does not run here; start it first: monitord run")
    try:
        supervisor = int(path.read_text("ascii"))
        found = kernel.children(supervisor)
    except (OSError, ValueError):
        raise stage.AuditError(f"{path}: does not name the monitord that runs; start it again") from None
    return {ROLES[name]: pid for name, pid in found.items() if name in ROLES}


def _look_and_try(running: Mapping[str, int], *, in_units: bool) -> list[Line]:
    absent = {"ear", "voice"} - set(running)
    if absent:
        raise stage.AuditError(f"the {' and the '.join(sorted(absent))} does not run; monitord status says why")
    lines: list[Line] = []
    with stage.resolver() as port:
        for role in ("ear", "eye", "voice"):
            try:
                seen = kernel.look_at(running[role]) if role in running else None
            except OSError:
                if role != "eye":
                    raise stage.AuditError(f"the {role} ended while it was looked at; try again") from None
                seen = None
            task = Task(port, _folders(seen), _devices(role), tuple(door for door in DOORS if os.path.exists(door)))  # noqa: PTH110 - a socket that we may not stat is no door
            acts = VOICE_ACTS if role == "voice" else SILENT_ACTS
            user = None if in_units or seen is None else _user(seen)
            control = stage.control(task, list(ACTS), user)
            probe = units.start(role, task, acts) if in_units else stage.start(role, task, acts, user)
            sockets = kernel.sockets(running[role]) if role == "voice" else None
            lines += judge(Case(role, seen, probe, control, kernel.swap_is_on(), sockets))
        lines.append(_nobody_looks(running))
    if in_units:
        lines += units.settings()
    return lines


def _nobody_looks(running: Mapping[str, int]) -> Line:
    holders = [pid for pid in kernel.camera_holders() if pid != running.get("eye")]
    if "eye" in running:
        says, verdict = "it looks just now; try again", Verdict.NOT_PROVEN
    elif holders:
        says, verdict = f"the camera is open in process {', '.join(map(str, holders))}", Verdict.BROKEN
    else:
        says, verdict = "no eye runs, and nobody has the camera open", Verdict.PROVEN
    if os.getuid() and verdict is Verdict.PROVEN:
        says, verdict = "no eye runs; whether another user has the camera open, only root may see", Verdict.NOT_PROVEN
    return Line("eye", "does not run while nobody asks", "no eye", says, "", "", verdict)


def _folders(seen: kernel.Seen | None) -> tuple[str, ...]:
    mounts = () if seen is None else seen.writable
    own = (str(paths.runtime_dir()), str(paths.state_dir()), str(Path.home()))
    return tuple(dict.fromkeys((*_FOLDERS, *own, *mounts)))


def _devices(role: str) -> tuple[str, ...]:
    patterns = {"ear": _CAMERAS, "eye": _SOUND_CARDS, "voice": (*_CAMERAS, *_SOUND_CARDS, *_OTHERS)}[role]
    return tuple(sorted(node for pattern in patterns for node in glob.glob(pattern)))  # noqa: PTH207 - patterns, not paths


def _user(seen: kernel.Seen) -> tuple[int, int, list[int]]:
    groups = (kernel.PROC / str(seen.pid) / "status").read_text("ascii", "replace").partition("Groups:")[2]
    return (
        int(seen.status["Uid"].split()[0]),
        int(seen.status["Gid"].split()[0]),
        [int(group) for group in groups.partition("\n")[0].split()],
    )


def _camera(config: Config) -> dict[str, Any]:
    try:
        history = read(paths.state_dir() / paths.JOURNAL)
        try:
            spans = {
                name: round(looks.on_time_s(history.frames_since(since), looks.longest_s(config.video.look_s)), 1)
                for name, since in (("since_midnight_s", looks.midnight()), ("since_boot_s", looks.boot()))
            }
        finally:
            history.close()
    except JournalError as cause:
        return {"error": str(cause)}
    return dict(spans)


def _print(lines: list[Line], camera: Mapping[str, Any]) -> None:
    for line in lines:
        print(f"{line.verdict.value:10s}  {line.process:5s}  {line.promise}")
        for name, text in (("kernel", line.kernel), ("tried", line.tried), ("control", line.control)):
            if text:
                print(f"{'':10s}         {name:8s}{text}")
    if "error" in camera:
        print(f"camera on:  not known: {camera['error']}")
    else:
        midnight, boot = camera["since_midnight_s"], camera["since_boot_s"]
        print(f"camera on:  {midnight} s since midnight, {boot} s since this machine started")
    for name, names in (("MISSING", missing(lines)), ("not proven", unproven(lines))):
        if names:
            print(f"{name}: {', '.join(names)}")
    if all(line.verdict is Verdict.PROVEN for line in lines):
        print("All is proven.")
    elif os.getuid():
        own = f"RUNTIME_DIRECTORY={paths.runtime_dir()} STATE_DIRECTORY={paths.state_dir()}"
        print(f"Root may see more: sudo env {own} {sys.executable} -m monitord audit")
