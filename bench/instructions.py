"""Instructions of the processor for each second of sound: a count, so that other machines and loads can be compared.

    python bench/instructions.py [--yamnet yamnet.tflite] [--listeners NAME ...] [--json FILE]
    python bench/instructions.py --emulated ROOT --packages FOLDER [...]          Arm's instructions, on any machine

Each listener (bench/listeners.py) hears two lengths of the same sound under valgrind's cachegrind, which counts what is
executed; the difference of both, by the seconds between them, is free of the start. The kernel's own instructions are
not in it, nor what cold caches cost. Without valgrind nothing is counted. On Arm the same command counts Arm's.

With --emulated the same is done under QEMU's user-mode emulation of a Cortex-A72, a Raspberry Pi 4's, by a plugin that
counts (instructions_plugin.c): ROOT is an arm64 Debian (tests/system/make_root.sh bookworm arm64 makes one) and FOLDER
has the packages for it; bench/README.md says how to fill it. Debian: apt install qemu-user gcc.
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
from dataclasses import dataclass
from pathlib import Path

import measured
from ear import make_sound
from listeners import RATE_HZ

HERE = Path(__file__).resolve().parent
SECONDS = (30, 90)
CPUINFO = """processor\t: 0
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
"""A Raspberry Pi 4's: the runtime asks for it, and breaks when it reads of another processor than its own."""
SHOWN = ("read", "monitord-eco", "monitord-balanced", "yamnet-gated", "yamnet")


class NotCountedError(Exception):
    """Something that counts is not installed; says what."""


def needed(program: str, package: str) -> str:
    """Where `program` is.

    Raises:
        NotCountedError: nowhere; names Debian's package.
    """
    where = shutil.which(program)
    if where is None:
        raise NotCountedError(f"{program} is not installed; Debian: apt install {package}")
    return where


@dataclass(frozen=True)
class Emulated:
    """An arm64 Debian at `root` with a processor of its own, packages for its Python, and the plugin that counts."""

    root: Path
    packages: Path
    plugin: Path

    @classmethod
    def build(cls, root: Path, packages: Path, folder: str) -> Emulated:
        """Compile the plugin into `folder`, and put beside it what `root` is seen as: itself, but for the processor."""
        plugin = Path(folder, "count.so")
        command = [needed("gcc", "gcc"), "-O2", "-shared", "-fPIC", "-o", str(plugin)]
        subprocess.run([*command, str(HERE / "instructions_plugin.c")], check=True)
        seen = Path(folder, "root")
        (seen / "proc").mkdir(parents=True)
        (seen / "proc" / "cpuinfo").write_text(CPUINFO, "utf-8")
        for each in root.resolve().iterdir():
            if each.name != "proc":
                (seen / each.name).symlink_to(each)
        return cls(seen, packages.resolve(), plugin)

    def command(self, words: list[str]) -> list[str]:
        """`words`, the first of them a Python, for the emulator."""
        emulator = [needed("qemu-aarch64", "qemu-user"), "-L", str(self.root), "-cpu", "cortex-a72"]
        python = next(self.root.glob("usr/bin/python3.[0-9]*[0-9]"))
        return [*emulator, "-plugin", str(self.plugin), str(python), *words[1:]]


def counted(command: list[str], sound: bytes, folder: str, emulated: Emulated | None = None) -> int:
    """Instructions of `command` with `sound` on standard input."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent),
        "RUNTIME_DIRECTORY": folder,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
    if emulated is None:
        options = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--trace-children=no")
        command, total = [needed("valgrind", "valgrind"), *options, *command], rb"I\s+refs:\s+([\d,]+)"
    else:
        environment["PYTHONPATH"] += f":{emulated.packages}"
        command, total = emulated.command(command), rb"instructions: (\d+)"
    done = subprocess.run(command, input=sound, env=environment, capture_output=True, check=False)
    totals = re.findall(total, done.stderr)
    if done.returncode or not totals:
        raise NotCountedError(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace')[-300:]}")
    # Of the process itself: a child that it forked has counts of its own, and ends before.
    return int(totals[-1].replace(b",", b""))


def per_second(
    name: str, kind: str, *more: str, seconds: tuple[int, int] = SECONDS, emulated: Emulated | None = None
) -> float:
    """Instructions per second of `kind` of sound, of one listener."""
    sound = make_sound(kind)
    long = sound * (seconds[1] // (len(sound) // (2 * RATE_HZ)) + 1)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as voice:
        voice.bind(f"{folder}/events.sock")
        command = [sys.executable, str(HERE / "listeners.py"), name, *more]
        command += ["--counted"] if name.startswith("monitord") else []
        short, all_ = (counted(command, long[: 2 * RATE_HZ * length], folder, emulated) for length in seconds)
    return (all_ - short) / (seconds[1] - seconds[0])


def main() -> None:
    """Count, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yamnet", type=Path, help="yamnet.tflite with waveform input; without it, it is left out")
    parser.add_argument("--listeners", nargs="+", default=SHOWN, metavar="NAME")
    parser.add_argument("--sounds", nargs="+", default=("quiet", "speech"), metavar="KIND")
    parser.add_argument("--emulated", type=Path, metavar="ROOT", help="an arm64 Debian")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="packages for its Python")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if (options.emulated is None) != (options.packages is None):
        parser.error("--emulated and --packages go together")
    with tempfile.TemporaryDirectory() as folder:
        try:
            emulated = options.emulated and Emulated.build(options.emulated, options.packages, folder)
            rows = table(options, emulated)
        except NotCountedError as cause:
            raise SystemExit(f"bench/instructions.py: {cause}") from None
    if options.json:
        options.json.write_text(json.dumps({"machine": measured.machine(), "rows": rows}, indent=1) + "\n")


def table(options: argparse.Namespace, emulated: Emulated | None) -> list[dict[str, object]]:
    """Count each listener with each sound, printing as it goes."""
    rows: list[dict[str, object]] = []
    print(f"# {measured.machine()}{', emulating a Cortex-A72' if emulated else ''}")
    for name in options.listeners:
        if name.startswith("yamnet") and options.yamnet is None:
            continue
        for kind in options.sounds:
            count = per_second(name, kind, "--yamnet", str(options.yamnet), emulated=emulated)
            rows.append({"listener": name, "sound": kind, "instructions_per_s": count})
            print(f"{name:20s}{kind:8s}{count / 1e6:10.3f} million a second", flush=True)
    return rows


if __name__ == "__main__":
    main()
