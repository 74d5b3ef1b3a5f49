"""Resident memory of each process of a running monitord on the bundled scene: supervisor, voice, ear, eye.

    python bench/memory.py [--json FILE]

It starts `monitord run` on the scene's sound and pictures, waits for the look (about 20 s into the scene), and shows
the largest resident set (RSS) of each process and, at that moment, its proportional share (PSS).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measured

ROOT = Path(__file__).resolve().parent.parent
SCENE = ROOT / "monitord" / "scene"
AFTER_LOOK_S, LIMIT_S = 3.0, 90.0


def roles(supervisor: int) -> dict[str, int]:
    """Process ids of the supervisor and what it started, by role."""
    found = {"run": supervisor}
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text("ascii").split():
        with contextlib.suppress(OSError, IndexError):  # It ended meanwhile, or is only just being started.
            words = Path(f"/proc/{child}/cmdline").read_text("utf-8").split("\0")
            found[words[words.index("monitord") + 1]] = int(child)
    return found


def watch(supervisor: subprocess.Popen[bytes]) -> dict[str, tuple[float, float]]:
    """The largest (RSS, PSS) of each role until a while after the look."""
    largest: dict[str, tuple[float, float]] = {}
    began, ended = time.monotonic(), None
    while time.monotonic() - began < LIMIT_S and (ended is None or time.monotonic() - ended < AFTER_LOOK_S):
        now = roles(supervisor.pid)
        for role, pid in now.items():
            with contextlib.suppress(OSError, KeyError):
                largest[role] = max(largest.get(role, (0.0, 0.0)), measured.memory_mib(pid))
        if "video" in largest and "video" not in now and ended is None:
            ended = time.monotonic()
        time.sleep(0.05)
    return largest


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "scene.toml")
        config.write_text(
            f'[audio]\ndevice = "file:{SCENE / "night.flac"}"\n'
            f'[video]\ndevice = "file:{SCENE / "pictures"}"\n[page]\nport = 0\n'
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RUNTIME_DIRECTORY": folder, "STATE_DIRECTORY": folder}
        command = [sys.executable, "-m", "monitord", "run", "--config", str(config)]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as supervisor:
            try:
                largest = watch(supervisor)
            finally:
                supervisor.terminate()
    print(f"{'process':12s}{'RSS MiB':>9s}{'PSS MiB':>9s}")
    for role, (rss, pss) in largest.items():
        print(f"{role:12s}{rss:9.1f}{pss:9.1f}")
    if options.json:
        rows = [{"process": role, "rss_mib": rss, "pss_mib": pss} for role, (rss, pss) in largest.items()]
        options.json.write_text(json.dumps({"machine": measured.machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
