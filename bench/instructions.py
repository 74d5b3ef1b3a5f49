"""Instructions of the processor for each second of sound: a count, so that other machines and loads can be compared.

    python bench/instructions.py [--yamnet yamnet.tflite] [--listeners NAME ...] [--json FILE]

Each listener (bench/listeners.py) hears two lengths of the same sound under valgrind's cachegrind, which counts what is
executed; the difference of both, by the seconds between them, is free of the start. The kernel's own instructions are
not in it, nor what cold caches cost. Without valgrind nothing is counted. On Arm the same command counts Arm's.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import measured
from ear import make_sound
from listeners import RATE_HZ

HERE = Path(__file__).resolve().parent
SECONDS = (30, 90)
SHOWN = ("read", "monitord-eco", "monitord-balanced", "yamnet-gated", "yamnet")


class NoValgrindError(Exception):
    """It is not installed."""


def counted(command: list[str], sound: bytes, folder: str) -> int:
    """Instructions of `command` with `sound` on standard input."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise NoValgrindError("valgrind is not installed")
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent),
        "RUNTIME_DIRECTORY": folder,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
    options = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--trace-children=no")
    done = subprocess.run([valgrind, *options, *command], input=sound, env=environment, capture_output=True, check=True)
    # Of the process itself: a child that it forked has counts of its own, and ends before.
    totals = re.findall(rb"I\s+refs:\s+([\d,]+)", done.stderr)
    return int(totals[-1].replace(b",", b""))


def per_second(name: str, kind: str, *more: str, seconds: tuple[int, int] = SECONDS) -> float:
    """Instructions per second of `kind` of sound, of one listener."""
    sound = make_sound(kind)
    long = sound * (seconds[1] // (len(sound) // (2 * RATE_HZ)) + 1)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as voice:
        voice.bind(f"{folder}/events.sock")
        command = [sys.executable, str(HERE / "listeners.py"), name, *more]
        command += ["--counted"] if name.startswith("monitord") else []
        short, all_ = (counted(command, long[: 2 * RATE_HZ * length], folder) for length in seconds)
    return (all_ - short) / (seconds[1] - seconds[0])


def main() -> None:
    """Count, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yamnet", type=Path, help="yamnet.tflite with waveform input; without it, it is left out")
    parser.add_argument("--listeners", nargs="+", default=SHOWN, metavar="NAME")
    parser.add_argument("--sounds", nargs="+", default=("quiet", "speech"), metavar="KIND")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(f"# {measured.machine()}")
    for name in options.listeners:
        if name.startswith("yamnet") and options.yamnet is None:
            continue
        for kind in options.sounds:
            try:
                count = per_second(name, kind, "--yamnet", str(options.yamnet))
            except NoValgrindError as cause:
                raise SystemExit(f"bench/instructions.py: {cause}; Debian: apt install valgrind") from None
            rows.append({"listener": name, "sound": kind, "instructions_per_s": count})
            print(f"{name:20s}{kind:8s}{count / 1e6:10.3f} million a second", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"machine": measured.machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
