"""The cameras and microphones of this machine by names that stay, as the kernel and libcamera tell. Opens none."""

from __future__ import annotations

import contextlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitord.video import rpicam

if TYPE_CHECKING:
    from collections.abc import Iterator

SYS, DEV, PROC, ASOUND = Path("/sys/class/video4linux"), Path("/dev"), Path("/proc"), Path("/proc/asound")

_OF_THE_PI = re.compile(r"unicam|rp1-cfe|bcm2835-(isp|codec)|rpivid|rpi-hevc|pispbe")
"""Names of the Pi's own devices below /dev/video*: parts of its camera's path and its codecs."""
_CONNECTOR = re.compile(r"unicam|rp1-cfe")
"""Those that are there when a CSI camera is connected (or was configured)."""
_LISTED = re.compile(r"^\s*(\d+)\s*:\s*(\S+).*\((\S*i2c\S*)\)\s*$")
"""`rpicam-vid --list-cameras`: number, sensor, and its path, which for CSI cameras names an I2C bus."""
_LIST_S = 10.0


@dataclass(frozen=True, slots=True)
class Device:
    """A camera or microphone.

    Attributes:
        name: what its maker calls it.
        device: what to write into the configuration.
        node: its device node; none for a CSI camera and for what a sound server offers.
    """

    name: str
    device: str
    node: Path | None = None


def v4l2_cameras(sys: Path = SYS, dev: Path = DEV) -> list[Device]:
    """Every V4L2 device but the Pi's own; whether it delivers pictures is to be asked."""
    links = {link.resolve(): link for kind in ("by-path", "by-id") for link in _entries(dev / "v4l" / kind)}
    found = []
    for entry in sorted(_entries(sys), key=lambda each: (len(each.name), each.name)):
        name = _text(entry / "name")
        if not entry.name.startswith("video") or _OF_THE_PI.search(name):
            continue
        node = dev / entry.name
        found.append(Device(name or entry.name, str(links.get(node.resolve(), node)), node))
    return found


def csi_cameras(sys: Path = SYS) -> tuple[list[Device], str]:
    """The CSI cameras that rpicam-vid lists, and what hinders it (or nothing)."""
    program = rpicam.find()
    connected = any(_CONNECTOR.search(_text(entry / "name")) for entry in _entries(sys))
    if program is None:
        missing = "rpicam-vid is not installed, and only it reaches a CSI camera: sudo apt install rpicam-apps-lite"
        return [], missing if connected else ""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [program, "--list-cameras"], capture_output=True, text=True, timeout=_LIST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return [], f"{program} --list-cameras does not answer; restart the Pi"
    listed = [found for line in (done.stdout + done.stderr).splitlines() if (found := _LISTED.match(line))]
    if not listed and connected:
        return [], "libcamera finds no camera at the Pi's connector; check the ribbon cable, both ends"
    return [Device(found[2], "csi" if found[1] == "0" else f"csi:{found[1]}") for found in listed], ""


def alsa_microphones(asound: Path = ASOUND, dev: Path = DEV) -> list[Device]:
    """The sound cards that can record; `device` is the card's name, which PortAudio knows it by."""
    found = []
    for number, identity, name in _cards(_text(asound / "cards")):
        for stream in sorted(_entries(asound / f"card{number}")):
            recording = re.fullmatch(r"pcm(\d+)c", stream.name)
            if recording:
                node = dev / "snd" / f"pcmC{number}D{recording[1]}c"
                found.append(Device(f"{name} (hw:CARD={identity},DEV={recording[1]})", name, node))
    return found


def _cards(listing: str) -> Iterator[tuple[str, str, str]]:
    """Number, identifier and name of each card in /proc/asound/cards."""
    for found in re.finditer(r"^\s*(\d+) \[(\S+)\s*\]: .+? - (.+)$", listing, re.MULTILINE):
        yield found[1], found[2], found[3].strip()


def recorder(node: Path, asound: Path = ASOUND) -> int | None:
    """Process that records from the sound card at `node`, as ALSA says; None: nobody does."""
    parts = re.fullmatch(r"pcmC(\d+)D(\d+)c", node.name)
    if parts is None:
        return None
    for status in (asound / f"card{parts[1]}" / f"pcm{parts[2]}c").glob("sub*/status"):
        owner = re.search(r"owner_pid\s*:\s*(\d+)", _text(status))
        if owner:
            return int(owner[1])
    return None


def holders(node: Path, proc: Path = PROC) -> list[int]:
    """Processes that have `node` open, of those that this user may look into."""
    wanted = node.resolve()
    found = []
    for process in proc.glob("[0-9]*"):
        for descriptor in _entries(process / "fd"):
            with contextlib.suppress(OSError):
                if descriptor.readlink() == wanted:
                    found.append(int(process.name))
                    break
    return sorted(found)


def called(pid: int, proc: Path = PROC) -> str:
    """A process as a person knows it: monitord's by their part, others by their name."""
    words = _text(proc / str(pid) / "cmdline").split("\0")
    name = _text(proc / str(pid) / "comm") or "a process that is gone"
    if "monitord" in words[:-1]:
        name = f"monitord {words[words.index('monitord') + 1]}"
    return f"{name} (process {pid})"


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
