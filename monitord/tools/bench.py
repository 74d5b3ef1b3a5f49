"""`monitord bench`: what the ear and a look cost on this machine. It needs nothing but monitord, and sends nothing.

The ear's own loop hears made-up sound in real time, and the eye looks at the bundled pictures, each in a process of its
own and beside whatever else this machine does. docs/performance.md explains the figures and has the table to add to.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitord import __version__, paths
from monitord.tools import bench_look, measured
from monitord.tools.bench_ear import QUIET, SPEECH

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP_S, LOOKS = 5.0, 3
SECONDS = (2, 3600)
WRONG_USAGE = 2
BUSY = 0.5
"""From this load on, before the start, the figures are those of a busy machine."""


class BenchError(Exception):
    """It cannot be measured; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the ear cost with one kind of sound.

    Attributes:
        core_percent: of one core.
        wakeups_per_s: how often it woke up; a microphone adds about one for each block.
        pss_mib: memory, what is shared counted in part.
        private_mib: of it, what would be free without the ear.
    """

    core_percent: float
    wakeups_per_s: float
    pss_mib: float
    private_mib: float


@dataclass(frozen=True, slots=True)
class Found:
    """All of it.

    Attributes:
        machine: see `monitord.tools.measured.machine`.
        clock_mhz: of the processor; None: unknown.
        temperature_c: before and after; None: unknown.
        quiet: the ear in a quiet room.
        sound: the ear with sound all the time.
        look_cpu_s: processor time of a look, the start of its process included.
        look_verdict_s: seconds until its verdict.
        look_peak_mib: its largest resident memory.
    """

    machine: dict[str, object]
    clock_mhz: int | None
    temperature_c: tuple[float | None, float | None]
    quiet: Heard
    sound: Heard
    look_cpu_s: float
    look_verdict_s: float
    look_peak_mib: float


def bench(seconds: float, *, as_json: bool) -> int:
    """Measure, print; returns the exit code."""
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        print(f"monitord: bench --seconds {seconds:g}: is to be {SECONDS[0]} to {SECONDS[1]}", file=sys.stderr)
        return WRONG_USAGE
    print(
        f"This takes {2 * (seconds + WARM_UP_S):.0f} s. Nothing is recorded, and nothing is sent.",
        file=sys.stderr,
    )
    try:
        found = measure(seconds)
    except (BenchError, TimeoutError) as cause:
        print(f"monitord: {cause}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(found)) if as_json else "\n".join([*told(found), "", HEAD, line(found)]))
    return 0


def measure(seconds: float) -> Found:
    """Measure everything once.

    Raises:
        BenchError: the ear did not start.
        TimeoutError: no look came to its end.
    """
    machine = measured.machine() | {"cores": os.cpu_count(), "monitord": __version__, "arch": platform.machine()}
    before_c, mhz = measured.temperature_c(), measured.clock_mhz()
    quiet, sound = hear(QUIET, seconds), hear(SPEECH, seconds)
    looks = [bench_look.look() for _ in range(LOOKS)]
    return Found(
        machine,
        mhz,
        (before_c, measured.temperature_c()),
        quiet,
        sound,
        statistics.median(each.cpu_s for each in looks),
        statistics.median(each.verdict_s for each in looks),
        max(each.peak_mib for each in looks),
    )


def hear(kind: str, seconds: float) -> Heard:
    """Let the ear hear `kind` of sound for so long.

    Raises:
        BenchError: it did not start.
    """
    with _ear(kind, WARM_UP_S + seconds + 1.0) as pid:
        time.sleep(WARM_UP_S)
        cpu, woken = measured.cpu_s(pid), measured.wakeups(pid)
        time.sleep(seconds)
        cpu, woken = measured.cpu_s(pid) - cpu, measured.wakeups(pid) - woken
        return Heard(cpu / seconds * 100, woken / seconds, measured.memory_mib(pid)[1], measured.private_mib(pid))


@contextlib.contextmanager
def _ear(kind: str, seconds: float) -> Iterator[int]:
    with tempfile.TemporaryDirectory(prefix="mn-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as voice:
        voice.bind(str(Path(folder, paths.EVENTS_SOCKET)))
        environment = {**os.environ, "RUNTIME_DIRECTORY": folder, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "monitord", "bench-ear", kind, str(seconds)]
        with subprocess.Popen(  # noqa: S603 - our own command
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as ear:
            assert ear.stdout is not None  # noqa: S101 - PIPE was asked for
            try:
                if ear.stdout.readline() != "ready\n":
                    said = ear.communicate()[1].strip().splitlines()
                    raise BenchError(f"the ear did not start: {said[-1] if said else 'it said nothing'}")
                yield ear.pid
            finally:
                ear.kill()
                ear.communicate()


def told(found: Found) -> list[str]:
    """The figures, for a person."""
    machine, quiet, sound = found.machine, found.quiet, found.sound
    look = f"{found.look_cpu_s:8.2f} s of the processor, the verdict after {found.look_verdict_s:.2f} s"
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['arch']}, {_clock(found)}, {_heat(found)}",
        f"Linux {machine['kernel']}, Python {machine['python']}, {_runtime()}, monitord {machine['monitord']}",
        "",
        f"  the ear in a quiet room   {quiet.core_percent:8.3f} % of a core, {quiet.wakeups_per_s:.1f} wake-ups/s",
        f"  the ear with sound        {sound.core_percent:8.3f} % of a core, {sound.wakeups_per_s:.1f} wake-ups/s",
        f"  memory of the ear         {sound.pss_mib:8.1f} MiB (PSS), {sound.private_mib:.1f} of it its own",
        f"  a look                    {look}, {found.look_peak_mib:.0f} MiB at most",
    ]
    load = float(str(machine["load_before"]))
    if load >= BUSY:
        lines += ["", f"  BUSY: the load was {load:g}; stop what else runs and measure again"]
    return lines


HEAD = "For the table in docs/performance.md (nothing was sent; paste it into an issue if you like):"


def line(found: Found) -> str:
    """One row of the table of machines in docs/performance.md."""
    cells = (
        str(found.machine["processor"]),
        f"{found.machine['arch']}, {_clock(found)}, {_heat(found)}",
        _runtime(),
        f"{found.quiet.core_percent:.3f}",
        f"{found.sound.core_percent:.3f}",
        f"{found.sound.pss_mib:.0f}",
        f"{found.look_cpu_s:.2f}",
        f"{found.look_verdict_s:.2f}",
        f"{found.machine['load_before']}",
    )
    return f"| {' | '.join(cells)} |"


def _clock(found: Found) -> str:
    return "clock unknown" if found.clock_mhz is None else f"{found.clock_mhz} MHz"


def _heat(found: Found) -> str:
    before, after = found.temperature_c
    return "temperature unknown" if before is None or after is None else f"{before:.0f} to {after:.0f} °C"


def _runtime() -> str:
    versions = measured.versions()
    return next((f"{name} {versions[name]}" for name in RUNTIMES if name in versions), "no TFLite runtime")


RUNTIMES = ("ai-edge-litert", "tflite-runtime")
