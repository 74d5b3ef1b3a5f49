"""One look as the supervisor has it made, on the bundled pictures, measured from outside."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from monitord import paths, service
from monitord.events import Frame, Kind, Look, Message, Role
from monitord.wire import decode, encode

PICTURES = Path(__file__).parents[1] / "scene" / "pictures"
ASKED = encode(Frame(Message(Kind.LOOK, Look.ASKED), Role.EAR, boot=1, sequence=0))
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Looked:
    """One look. Seconds count from the start of its process.

    Attributes:
        began_s: until it was confined.
        verdict_s: until the verdict.
        gone_s: until the process had ended.
        said: the verdict.
        peak_mib: largest resident memory.
        cpu_s: of the processor, the start included.
        folder: that its command named.
    """

    began_s: float
    verdict_s: float
    gone_s: float
    said: str
    peak_mib: float
    cpu_s: float
    folder: str


def look(device: str = f"file:{PICTURES}", look_s: float = 4.0) -> Looked:
    """Have `device` looked through once.

    Raises:
        TimeoutError: no verdict came.
    """
    with tempfile.TemporaryDirectory(prefix="mn-") as name:
        folder = Path(name)
        config = folder / "c.toml"
        config.write_text(f'[video]\ndevice = "{device}"\nlook_s = {look_s}\n', "utf-8")
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as events,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as looks,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asker,
        ):
            events.bind(str(folder / paths.EVENTS_SOCKET))
            events.settimeout(LIMIT_S)
            looks.bind(str(folder / paths.LOOK_SOCKET))
            asker.sendto(ASKED, str(folder / paths.LOOK_SOCKET))
            began = time.perf_counter()
            pid = _start(config, looks.fileno())
            at: dict[str, float] = {}
            said = ""
            while "ended" not in at:
                message = decode(events.recv(64)).message
                step = message.label.name if isinstance(message.label, Look) else "verdict"
                at[step.lower()] = time.perf_counter() - began
                said = message.label.name if step == "verdict" else said
            _, _, used = os.wait4(pid, 0)
            gone = time.perf_counter() - began
    cpu = used.ru_utime + used.ru_stime
    return Looked(at["began"], at["verdict"], gone, said, used.ru_maxrss / 1024, cpu, name)


def _start(config: Path, looks: int) -> int:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))),
        "RUNTIME_DIRECTORY": str(config.parent),
        "LISTEN_FDS": "1",
        service.SUPERVISOR_PID: str(os.getpid()),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "monitord", "video", "--config", str(config)],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, looks, service.FIRST_FD),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
