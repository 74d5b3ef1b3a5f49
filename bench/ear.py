"""Processor seconds per minute of sound, and memory, of the ear in real time beside YAMNet.

    python bench/ear.py --seconds 60 --rounds 3 [--yamnet yamnet.tflite] [--json FILE]

Every listener (bench/listeners.py) hears the same sound at its true rate through a pipe, all at once and each as a
process of its own; the order changes from round to round, and the table shows medians over the rounds. In real time,
because the caches are cold after each sleep: run back to back, a call costs a fraction of what a user's `top` shows.

Sounds: "quiet" is room noise at RMS 20 (-64 dBFS), at which gates stay shut; "speech" is a voice-like sound at RMS
1500 (-27 dBFS) in syllables with pauses, at which they are open.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import measured
from listeners import BLOCK_S, MODULES, RATE_HZ

from monitord.tools.bench_ear import made_sound

HERE = Path(__file__).resolve().parent
WARM_UP_S = 5.0


@dataclass
class Listener:
    """One running listener, and what was measured of it."""

    name: str
    sound: str
    process: subprocess.Popen[bytes]
    cpu_s: float = 0.0
    wakeups: int = 0


def make_sound(kind: str) -> bytes:
    """Half a minute of "quiet" or "speech", the same each time: that of `monitord bench`."""
    return made_sound(kind).tobytes()


def start(name: str, sound: str, options: argparse.Namespace, folder: str) -> Listener:
    """Start one listener and wait until it is ready."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent),
        "RUNTIME_DIRECTORY": folder,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, str(HERE / "listeners.py"), name, "--yamnet", str(options.yamnet)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    if process.stdout.readline().strip() != b"ready":
        raise SystemExit(f"{name} did not start: {process.communicate()[1].decode().strip()[-400:]}")
    return Listener(name, sound, process)


def feed(listeners: list[Listener], seconds: float, voice: socket.socket) -> None:
    """Deliver each listener's sound in its own blocks, in real time; measure after the warm-up."""
    sounds = {kind: make_sound(kind) for kind in ("quiet", "speech")}
    began = time.monotonic() + 0.2
    # A little apart, so that no two listeners wake at the same instant for ever.
    due = [(began + BLOCK_S[one.name] + 0.0017 * number, number, 0) for number, one in enumerate(listeners)]
    heapq.heapify(due)
    warm, over = began + WARM_UP_S, began + WARM_UP_S + seconds
    measuring = False
    while True:
        at, number, offset = heapq.heappop(due)
        if at > warm and not measuring:
            measuring = True
            for one in listeners:
                one.cpu_s, one.wakeups = measured.cpu_s(one.process.pid), measured.wakeups(one.process.pid)
        if at > over:
            break
        time.sleep(max(0.0, at - time.monotonic()))
        one = listeners[number]
        sound, size = sounds[one.sound], 2 * round(BLOCK_S[one.name] * RATE_HZ)
        offset = offset if offset + size <= len(sound) else 0
        assert one.process.stdin is not None  # noqa: S101 - PIPE was asked for
        one.process.stdin.write(sound[offset : offset + size])
        heapq.heappush(due, (at + BLOCK_S[one.name], number, offset + size))
        drain(voice)
    time.sleep(max(0.0, over - time.monotonic()) + 0.2)


def drain(voice: socket.socket) -> None:
    """Read what the ears say, so that they never find the socket full."""
    while True:
        try:
            voice.recv(64)
        except BlockingIOError:
            return


def one_round(pairs: list[tuple[str, str]], options: argparse.Namespace) -> list[dict[str, object]]:
    """Run all (listener, sound) pairs at once; returns one row for each."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as voice:
        voice.bind(f"{folder}/events.sock")
        voice.setblocking(False)  # noqa: FBT003 - the only form it has
        listeners: list[Listener] = []
        try:
            listeners += (start(name, sound, options, folder) for name, sound in pairs)
            feed(listeners, options.seconds, voice)
            return [row(one, options.seconds) for one in listeners]
        finally:
            for one in listeners:
                one.process.kill()
                one.process.communicate()


def row(one: Listener, seconds: float) -> dict[str, object]:
    """What was measured of `one` over `seconds` of sound."""
    pid = one.process.pid
    rss, pss = measured.memory_mib(pid)
    return {
        "listener": one.name,
        "sound": one.sound,
        "cpu_s_per_min": (measured.cpu_s(pid) - one.cpu_s) / seconds * 60,
        "wakeups_per_s": (measured.wakeups(pid) - one.wakeups) / seconds,
        "rss_mib": rss,
        "pss_mib": pss,
    }


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="measured seconds of each round (default 60)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--yamnet", type=Path, help="yamnet.tflite with waveform input; without it, it is left out")
    parser.add_argument("--json", type=Path, help="write machine, arguments and rows there")
    options = parser.parse_args()
    names = there(options.yamnet)
    pairs = [(name, sound) for sound in ("quiet", "speech") for name in names]
    machine = measured.machine()
    rounds = []
    for number in range(options.rounds):
        shift = number * 3 % len(pairs)
        rounds.append(one_round(pairs[shift:] + pairs[:shift], options))
    rows = [median(name, sound, rounds) for name, sound in pairs]
    print(f"# {machine}, medians of {options.rounds} rounds of {options.seconds:g} s")
    heads = ("CPU s/min", "% of core", "wakeups/s", "RSS MiB", "PSS MiB")
    print(f"{'listener':20s}{'sound':8s}" + "".join(f"{head:>10s}" for head in heads))
    for each in rows:
        cpu = each["cpu_s_per_min"]
        print(
            f"{each['listener']:20s}{each['sound']:8s}{cpu:10.4f}{cpu / 0.6:10.4f}"
            f"{each['wakeups_per_s']:10.1f}{each['rss_mib']:10.1f}{each['pss_mib']:10.1f}"
        )
    if options.json:
        report = {"machine": machine, "seconds": options.seconds, "rows": rows, "rounds": rounds}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def there(yamnet: Path | None) -> list[str]:
    """The listeners that can be run here; what is left out is said on stderr."""
    out = {name: f"{module} is not installed" for name, module in MODULES.items() if find_spec(module) is None}
    if yamnet is None:
        out |= dict.fromkeys(("yamnet", "yamnet-gated"), "--yamnet FILE was not given")
    for name, why in out.items():
        print(f"# {name}: left out, {why}", file=sys.stderr)
    return [name for name in BLOCK_S if name not in out]


def median(name: str, sound: str, rounds: list[list[dict[str, object]]]) -> dict[str, object]:
    """The median row of one pair over the rounds."""
    same = [each for rows in rounds for each in rows if (each["listener"], each["sound"]) == (name, sound)]
    figures = [key for key in same[0] if key not in {"listener", "sound"}]
    return {"listener": name, "sound": sound} | {key: statistics.median(each[key] for each in same) for key in figures}  # type: ignore[type-var] # numbers


if __name__ == "__main__":
    main()
