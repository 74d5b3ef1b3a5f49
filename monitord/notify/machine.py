"""The machine under the monitor: power supply, throttling, temperature, memory; read from the kernel's files.

A Raspberry Pi whose power supply is too weak, or that gets too hot, slows down or drops its USB devices, and what the
owner sees is a microphone that goes missing. So the cause is told, with its remedy, once a day at most.

Where the figures are (a file that is not there says nothing):
- under-voltage: the hwmon device "rpi_volt", ``in0_lcrit_alarm`` (Documentation/hwmon/raspberrypi-hwmon.rst)
- throttling: ``soc:firmware/get_throttled`` of Raspberry Pi's own kernel; bits 0 under-voltage, 1 capped, 2 throttled,
  3 soft temperature limit, as ``vcgencmd get_throttled`` tells them
- temperature: /sys/class/thermal, millidegrees (Documentation/driver-api/thermal/sysfs-api.rst)
- memory: the pressure of the last minute (Documentation/accounting/psi.rst), of the whole machine where that can be
  read, else of the voice's own control group; and MemAvailable of /proc/meminfo
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitord.events import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

HOT_C = 82.0
"""A Raspberry Pi slows down from 80 to 85 degrees; other processors bear more, and tell by their own critical point."""
CRITICAL_UNDER_C = 5.0
PRESSED_SHARE = 10.0
"""Percent of the last minute in which every task waited for memory."""
MEMORY_LEFT = 0.03
"""Share of the memory that is left for whoever asks."""
AGAIN_S = 86_400.0

_UNDER_VOLTAGE, _SLOWED = 1 << 0, (1 << 1) | (1 << 2) | (1 << 3)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the kernel says now; None: it says nothing.

    Attributes:
        under_voltage: whether the supply is too weak.
        slowed: whether the processor is capped or throttled.
        heat: temperature and critical point of each zone, degrees Celsius.
        waiting: percent of the last minute in which everything waited for memory.
        memory_left: share of the memory that is available, 0..1.
    """

    under_voltage: bool | None = None
    slowed: bool | None = None
    heat: tuple[tuple[float, float | None], ...] = ()
    waiting: float | None = None
    memory_left: float | None = None


def faults_of(reading: Reading) -> frozenset[Fault]:
    """What the owner ought to know of it."""
    hot = any(
        at >= HOT_C if critical is None else at >= min(max(HOT_C, critical - 15.0), critical - CRITICAL_UNDER_C)
        for at, critical in reading.heat
    )
    low = reading.memory_left is not None and reading.memory_left < MEMORY_LEFT
    pressed = reading.waiting is not None and reading.waiting >= PRESSED_SHARE
    holds = {
        Fault.POWER_LOW: bool(reading.under_voltage),
        Fault.TOO_HOT: hot,
        # With one of the two above told, its consequence is no news.
        Fault.THROTTLED: bool(reading.slowed) and not reading.under_voltage and not hot,
        Fault.MEMORY_LOW: low or pressed,
    }
    return frozenset(fault for fault, so in holds.items() if so)


def parse_throttled(text: str) -> tuple[bool, bool]:
    """Under-voltage and slowed now, from ``get_throttled`` ("0x50005" or "50005").

    Raises:
        ValueError: it is no number.
    """
    bits = int(text.strip(), 16)
    return bool(bits & _UNDER_VOLTAGE), bool(bits & _SLOWED)


def parse_pressure(text: str) -> float | None:
    """The share of the last minute in which all tasks waited, percent, from a ``memory.pressure``."""
    found = re.search(r"^full .*?\bavg60=(\d+(?:\.\d+)?)", text, re.MULTILINE | re.ASCII)
    return float(found[1]) if found else None


def parse_memory(text: str) -> float | None:
    """The share of the memory that is available, from ``/proc/meminfo``."""
    found = dict(re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB$", text, re.MULTILINE | re.ASCII))
    total = int(found.get("MemTotal", 0))
    return int(found["MemAvailable"]) / total if total and "MemAvailable" in found else None


class Machine:
    """Reads the files below `root`, and says what is news."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._told: dict[Fault, float] = {}

    def news(self, now: float) -> list[Fault]:
        """Faults that hold and were not told in the last day; `now` in seconds, monotonic."""
        fresh = [fault for fault in faults_of(self.read()) if now - self._told.get(fault, -AGAIN_S) >= AGAIN_S]
        self._told.update(dict.fromkeys(fresh, now))
        return sorted(fresh, key=lambda fault: fault.value)

    def read(self) -> Reading:
        """What the kernel says now."""
        under_voltage, slowed = self._supply()
        return Reading(under_voltage, slowed, tuple(self._heat()), self._waiting(), self._memory())

    def _supply(self) -> tuple[bool | None, bool | None]:
        alarm = None
        for device in self._glob("sys/class/hwmon/hwmon*"):
            if self._text(device / "name").strip() == "rpi_volt":
                alarm = self._text(device / "in0_lcrit_alarm").strip() == "1"
        for file in self._glob("sys/devices/platform/soc*/soc*:firmware/get_throttled"):
            try:
                low, slowed = parse_throttled(self._text(file))
            except ValueError:
                continue
            return low or bool(alarm), slowed
        return alarm, None

    def _heat(self) -> Iterator[tuple[float, float | None]]:
        for zone in self._glob("sys/class/thermal/thermal_zone*"):
            critical = None
            for kind in zone.glob("trip_point_*_type"):
                if self._text(kind).strip() == "critical":
                    critical = _degrees(self._text(kind.with_name(kind.name.replace("_type", "_temp"))))
            at = _degrees(self._text(zone / "temp"))
            if at is not None:
                yield at, critical

    def _waiting(self) -> float | None:
        own = self._text(self._root / "proc/self/cgroup").strip().rpartition("::")[2].strip("/")
        for name in ("proc/pressure/memory", "sys/fs/cgroup/memory.pressure", f"sys/fs/cgroup/{own}/memory.pressure"):
            if found := self._text(self._root / name):
                return parse_pressure(found)
        return None

    def _memory(self) -> float | None:
        return parse_memory(self._text(self._root / "proc/meminfo"))

    def _glob(self, pattern: str) -> list[Path]:
        try:
            return sorted(self._root.glob(pattern))
        except OSError:
            return []

    @staticmethod
    def _text(path: Path) -> str:
        try:
            return path.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return ""


def _degrees(text: str) -> float | None:
    try:
        value = int(text) / 1000.0
    except ValueError:
        return None
    # Zones that are switched off tell absurd figures.
    return value if 0.0 < value < 200.0 else None  # noqa: PLR2004 - no processor is that warm
