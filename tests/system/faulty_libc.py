"""Compiles faulty_libc.c and turns its switches."""

from __future__ import annotations

import mmap
import platform
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
CAMERA = "/dev/video97"
GONE, HANGS_IN_OPEN, HANGS_IN_IOCTL, BUSY = range(4)


def missing() -> str:
    """What this machine lacks for it, one sentence; nothing, if all is there."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return "needs Linux on x86-64"
    return "" if shutil.which("cc") else "needs a C compiler: apt-get install gcc libc6-dev"


class FaultyLibc:
    """The library in `folder`, with its switches.

    Attributes:
        environment: what a program needs to be started with it.
    """

    def __init__(self, folder: Path) -> None:
        library, switches = folder / "faulty.so", folder / "switches"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"], check=True)
        switches.write_bytes(bytes(4096))
        with switches.open("r+b") as file:
            self._switches = mmap.mmap(file.fileno(), 4096)
        self.environment = {"LD_PRELOAD": str(library), "FAULTY_LIBC": str(switches)}

    def _set(self, number: int, value: int) -> None:
        self._switches[8 * number : 8 * number + 8] = struct.pack("q", value)

    def clock(self, off_s: int) -> None:
        """The clock on the wall is off by so many seconds from now on."""
        self._set(0, off_s)

    def slow_disk(self, milliseconds: int) -> None:
        """Each sync takes so much longer from now on."""
        self._set(1, milliseconds)

    def camera(self, does: int) -> None:
        """What `CAMERA` does from now on."""
        self._set(2, does)

    @property
    def met(self) -> int:
        """How often a fault was met."""
        return int(struct.unpack("q", self._switches[24:32])[0])
