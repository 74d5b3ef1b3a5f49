"""Seconds from the start of a process to its first decision, beside YAMNet's loop.

    python bench/start.py --yamnet yamnet.tflite [--rounds 7] [--json FILE]

A second of loud sound waits on standard input, so that what is measured is what the program takes. monitord is its own
command, `python -m monitord audio --trace` on a file, confinement and models included, and its first decision a line
of the trace; the second of sound that it has to hear first is taken off. `listeners.py` is the ear's loop without the
command and the confinement, as YAMNet's is. CPU seconds are those of the process and its children until then.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measured
from ear import make_sound

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def until(command: list[str], sound: bytes, marker: bytes, folder: str) -> tuple[float, float]:
    """Wall and CPU seconds until `command` writes a line that begins with `marker`."""
    environment = {**os.environ, **ENVIRONMENT, "RUNTIME_DIRECTORY": folder, "STATE_DIRECTORY": folder}
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        assert process.stdin is not None  # noqa: S101 - PIPE was asked for
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(sound)
        for line in process.stdout:
            if line.startswith(marker):
                break
        else:
            raise SystemExit(f"{command} ended before it decided")
        wall = time.perf_counter() - began
        cpu = measured.cpu_with_children_s(process.pid)
        process.kill()
    return wall, cpu


def commands(yamnet: Path | None, folder: str) -> dict[str, list[str]]:
    """What is started, by name."""
    listener = [sys.executable, str(HERE / "listeners.py")]
    made = {"monitord-eco": [*listener, "monitord-eco", "--told"]}
    if yamnet is not None:
        made["yamnet"] = [*listener, "yamnet", "--told", "--yamnet", str(yamnet)]
    config = Path(folder, "c.toml")
    config.write_text(f'[audio]\ndevice = "file:{ROOT / "monitord" / "scene" / "night.flac"}"\nblock_s = 0.5\n')
    made["monitord audio (command)"] = [
        *(sys.executable, "-m", "monitord", "audio", "--trace", "--unconfined"),
        *("--config", str(config)),
    ]
    return made


def measure(rounds: int, yamnet: Path | None) -> list[dict[str, object]]:
    """One row a program; rounds interleaved."""
    sound = make_sound("speech")[: 2 * 16_000]
    took: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, command in commands(yamnet, folder).items():
                marker = b"{" if "command" in name else b"decided"
                wall, cpu = until(command, sound, marker, folder)
                took.setdefault(name, []).append((wall - (0.5 if "command" in name else 0.0), cpu))
    return [
        {
            "program": name,
            "wall_s": statistics.median(wall for wall, _ in each),
            "cpu_s": statistics.median(cpu for _, cpu in each),
        }
        for name, each in took.items()
    ]


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--yamnet", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = measure(options.rounds, options.yamnet)
    for row in rows:
        print(f"{row['program']:28s}{row['wall_s']:8.2f} s, {row['cpu_s']:.2f} s of the processor")
    if options.json:
        options.json.write_text(json.dumps({"machine": measured.machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
