"""The whole daemon at rest: processor, memory, wake-ups and bytes written, of all its processes.

    python bench/rest.py [--seconds 60] [--json FILE]

`monitord run` with the defaults, its sound a file with a quiet room (RMS 20, -64 dBFS) in real time, nobody looking at
the page. Measured from a quarter of a minute after the start. Left out are PortAudio's thread and its library, about
one more wake-up a second; the library for sound files takes their place in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import measured
from ear import make_sound
from listeners import RATE_HZ
from memory import roles

ROOT = Path(__file__).resolve().parent.parent
SETTLED_S, LIMIT_S = 15.0, 60.0


def quiet_room(path: Path, seconds: float) -> None:
    """A WAV file of at least so many seconds."""
    sound = make_sound("quiet")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        for _ in range(int(seconds * RATE_HZ * 2 / len(sound)) + 1):
            file.writeframes(sound)


def figures(pid: int) -> dict[str, float]:
    """What the kernel has counted of one process."""
    return {
        "cpu_s": measured.cpu_s(pid),
        "wakeups": measured.wakeups(pid),
        "written": measured.written_bytes(pid),
        "pss_mib": measured.memory_mib(pid)[1],
    }


def measure(seconds: float) -> list[dict[str, object]]:
    """One row a process, and one of all."""
    with tempfile.TemporaryDirectory() as folder:
        room, config = Path(folder, "room.wav"), Path(folder, "c.toml")
        quiet_room(room, SETTLED_S + LIMIT_S + seconds)
        config.write_text(f'[audio]\ndevice = "file:{room}"\n[page]\nport = 0\n')
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RUNTIME_DIRECTORY": folder, "STATE_DIRECTORY": folder}
        command = [sys.executable, "-m", "monitord", "run", "--config", str(config)]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as supervisor:
            try:
                began = time.monotonic()
                while not Path(folder, "page").exists() and time.monotonic() - began < LIMIT_S:
                    time.sleep(0.2)
                time.sleep(SETTLED_S)
                pids = roles(supervisor.pid)
                before = {role: figures(pid) for role, pid in pids.items()}
                time.sleep(seconds)
                after = {role: figures(pid) for role, pid in pids.items()}
            finally:
                supervisor.terminate()
    rows: list[dict[str, object]] = [
        {
            "process": role,
            "core_percent": (after[role]["cpu_s"] - before[role]["cpu_s"]) / seconds * 100,
            "pss_mib": after[role]["pss_mib"],
            "wakeups_per_s": (after[role]["wakeups"] - before[role]["wakeups"]) / seconds,
            "written_kib_per_h": (after[role]["written"] - before[role]["written"]) / seconds * 3600 / 1024,
        }
        for role in pids
    ]
    names = [name for name in rows[0] if name != "process"]
    return [*rows, {"process": "all"} | {name: sum(float(str(row[name])) for row in rows) for name in names}]


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = measure(options.seconds)
    print(f"{'process':10s}{'% of core':>10s}{'PSS MiB':>9s}{'wake-ups/s':>12s}{'KiB/h':>9s}")
    for row in rows:
        print(
            f"{row['process']:10s}{row['core_percent']:10.3f}{row['pss_mib']:9.1f}"
            f"{row['wakeups_per_s']:12.2f}{row['written_kib_per_h']:9.1f}"
        )
    if options.json:
        options.json.write_text(json.dumps({"machine": measured.machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
