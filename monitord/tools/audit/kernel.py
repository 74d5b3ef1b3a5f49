"""What the kernel says of a process that runs, by /proc: nothing is asked of the process itself."""

from __future__ import annotations

import ipaddress
import os
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

from monitord import confine
from monitord.tools.audit.probe import limits, status

PROC = Path("/proc")
_INET_TABLES = ("tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6", "packet", "icmp")
_PSEUDO = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "debugfs", "tracefs", "bpf"}
_PSEUDO |= {"pstore", "configfs", "fusectl", "hugetlbfs", "binfmt_misc", "autofs", "nsfs", "efivarfs"}
"""File systems in which no file of ours can be kept."""
_HARMLESS = ("/dev/null", "/dev/tty", "/dev/pts/", "/dev/console", "/dev/urandom")
_LOG = ("1", "2")
"""Where the log goes was somebody else's choice, and it holds text."""
_WRITING = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, slots=True)
class Seen:
    """One process.

    Attributes:
        pid: its number.
        status: lines of ``/proc/PID/status`` that tell of confinement.
        limits: core and file size.
        own_network: whether its network namespace is another than ours; None: we may not see.
        interfaces: network interfaces that it has.
        inet_sockets: sockets of the internet families in its network namespace, if that is its own.
        writable: mounts that are not read-only, and no pseudo file systems.
        files: regular files that it has open for writing; None: we may not see.
        devices: devices that it has open, the harmless ones left out; None: we may not see.
        swapped_kb: memory of it that is in swap.
        swap_max: limit of its control group; None: there is none.
    """

    pid: int
    status: dict[str, str]
    limits: dict[str, str]
    own_network: bool | None
    interfaces: frozenset[str]
    inet_sockets: int
    writable: tuple[str, ...]
    files: tuple[str, ...] | None
    devices: tuple[str, ...] | None
    swapped_kb: int
    swap_max: str | None
    namespaces: dict[str, bool] = field(default_factory=dict)


def look_at(pid: int) -> Seen:
    """What there is to see of the process `pid`.

    Raises:
        OSError: it is gone.
    """
    folder = PROC / str(pid)
    network = _differs(folder, "net")
    opened = _opened(folder)
    return Seen(
        pid=pid,
        status=status(folder / "status"),
        limits=limits(folder / "limits"),
        own_network=network,
        interfaces=frozenset(confine.interfaces(folder / "net" / "dev")),
        inet_sockets=sum(max(0, _lines(folder / "net" / table) - 1) for table in _INET_TABLES),
        writable=tuple(writable_mounts(folder / "mountinfo")),
        files=None if opened is None else tuple(path for path, kind in opened if kind == "file"),
        devices=None if opened is None else tuple(path for path, kind in opened if kind == "device"),
        swapped_kb=_swapped_kb(folder / "status"),
        swap_max=_swap_max(folder),
        namespaces={name: bool(_differs(folder, name)) for name in ("mnt", "user", "ipc")},
    )


def writable_mounts(mountinfo: Path) -> list[str]:
    """Mount points that are not read-only, pseudo file systems left out (proc_pid_mountinfo(5))."""
    found = []
    for line in mountinfo.read_text("utf-8", "replace").splitlines():
        left, _, right = line.partition(" - ")
        fields, (kind, _, options) = left.split(), right.split(maxsplit=2)
        if kind not in _PSEUDO and "ro" not in fields[5].split(",") and "ro" not in options.split(","):
            found.append(fields[4].encode("latin-1", "replace").decode("unicode_escape"))
    return found


def swap_is_on() -> bool:
    """Whether this machine swaps at all."""
    return _lines(PROC / "swaps") > 1


def children(pid: int) -> dict[str, int]:
    """Processes that `pid` has started, by monitord's command: "audio", "notify", "video"."""
    found = {}
    for child in (PROC / str(pid) / "task" / str(pid) / "children").read_text("ascii").split():
        command = (PROC / child / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        if "monitord" in command:
            found[command[command.index("monitord") + 1]] = int(child)
    return found


def sockets(pid: int) -> list[str] | None:
    """Local addresses of the TCP and UDP sockets that `pid` has open; None: we may not see."""
    folder = PROC / str(pid)
    try:
        links = [str(link.readlink()) for link in (folder / "fd").iterdir()]
    except OSError:
        return None
    mine = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")}
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in (folder / "net" / table).read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if fields[9] in mine:
                found.append(_address(fields[1].partition(":")[0]))
    return found


def _address(digits: str) -> str:
    """As the kernel writes it: words of 32 bits in the order of this machine."""
    words = [bytes.fromhex(digits[place : place + 8]) for place in range(0, len(digits), 8)]
    raw = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return str(ipaddress.ip_address(raw))


def camera_holders() -> list[int]:
    """Processes that have a camera open now, as far as we may see."""
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            opened = _opened(folder)
            if opened and any(path.startswith(("/dev/video", "/dev/media")) for path, _ in opened):
                found.append(int(folder.name))
    return found


def _differs(folder: Path, name: str) -> bool | None:
    try:
        return (folder / "ns" / name).readlink() != (PROC / "self" / "ns" / name).readlink()
    except OSError:
        return None


def _opened(folder: Path) -> list[tuple[str, str]] | None:
    """Files open for writing, and devices, with what they are."""
    found = []
    try:
        for link in (folder / "fd").iterdir():
            if link.name in _LOG:
                continue
            try:
                info, target = link.stat(), str(link.readlink())
                flags = (folder / "fdinfo" / link.name).read_text("ascii")
            except FileNotFoundError:
                continue  # Closed since.
            flag = int(next(line.split()[1] for line in flags.splitlines() if line.startswith("flags:")), 8)
            if stat.S_ISREG(info.st_mode) and flag & _WRITING:
                found.append((target, "file"))
            elif stat.S_ISCHR(info.st_mode) and not target.startswith(_HARMLESS):
                found.append((target, "device"))
    except OSError:
        return None
    return found


def _lines(path: Path) -> int:
    try:
        return len(path.read_text("ascii", "replace").splitlines())
    except OSError:
        return 0


def _swapped_kb(path: Path) -> int:
    lines = path.read_text("ascii", "replace").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmSwap:")), 0)


def _swap_max(folder: Path) -> str | None:
    try:
        for line in (folder / "cgroup").read_text("ascii").splitlines():
            if line.startswith("0::"):
                group = Path("/sys/fs/cgroup") / line.removeprefix("0::").lstrip("/")
                return (group / "memory.swap.max").read_text("ascii").strip()
    except OSError:
        pass
    return None
