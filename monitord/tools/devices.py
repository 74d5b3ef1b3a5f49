"""`monitord devices`: cameras and microphones by names that stay, which of them work, and what to do where not.

Each camera is opened for a moment in a confined process of its own, which a hung driver takes with it; no microphone is
listened to.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitord.events import Fault, Sight
from monitord.tools import hardware
from monitord.tools.sampling import sample
from monitord.video import v4l2
from monitord.video.v4l2 import CameraError, NoCameraError

if TYPE_CHECKING:
    from monitord.tools.hardware import Device
    from monitord.tools.sampling import Said

DONE = 0
TRY_S = 1.0
_INPUTS_S = 10.0
_SEES = {
    Sight.DARK.name: "works; the picture is dark",
    Sight.COVERED.name: "works; the picture is covered or shows nothing",
    Sight.BLURRED.name: "works; the picture is blurred",
    None: "works",
}
_NO_GROUP = "this user may not use it: sudo usermod -aG {} USER, and log in again"


@dataclass(frozen=True, slots=True)
class Line:
    """What is said of one device.

    Attributes:
        device: which one.
        works: None where it was not tried.
        says: one sentence, with what to do where it does not work.
    """

    device: Device
    works: bool | None
    says: str


def devices(*, as_json: bool, attempt: bool) -> int:
    """List what there is; returns the exit code.

    Args:
        as_json: one JSON object.
        attempt: open each camera for a moment.
    """
    cameras, hint = _cameras(attempt=attempt)
    microphones = _microphones()
    if as_json:
        print(json.dumps({"cameras": _json(cameras), "microphones": _json(microphones), "hint": hint}))
        return DONE
    _print("Cameras", "[video] device", cameras, hint or "none; plug one in")
    _print("Microphones", "[audio] device", microphones, "none; plug one in")
    return DONE


def _json(lines: list[Line]) -> list[dict[str, object]]:
    return [
        {
            "name": line.device.name,
            "device": line.device.device,
            "node": None if line.device.node is None else str(line.device.node),
            "works": line.works,
            "says": line.says,
        }
        for line in lines
    ]


def _print(title: str, key: str, lines: list[Line], none: str) -> None:
    print(title)
    for line in lines:
        mark = {True: "ok   ", False: "FAULT", None: "     "}[line.works]
        print(f"  {mark} {line.device.name}: {line.says}")
        print(f"        {key} = {json.dumps(line.device.device)}")
    if not lines or "rpicam" in none or "libcamera" in none:
        print(f"  {none}")


def _cameras(*, attempt: bool) -> tuple[list[Line], str]:
    csi, hint = hardware.csi_cameras()
    lines = [Line(each, None, "at the Pi's own connector (CSI)") for each in csi]
    lines += [line for each in hardware.v4l2_cameras() if (line := _asked(each)) is not None]
    if attempt:
        # At once: each may take seconds to hang.
        with ThreadPoolExecutor(max_workers=4) as pool:
            lines = list(pool.map(lambda line: line if line.works is False else _tried(line), lines))
    return lines, hint


def _asked(camera: Device) -> Line | None:
    """What the kernel says of a camera; None: it is none."""
    if camera.node is None:
        return None
    try:
        v4l2.check(camera.node)
    except NoCameraError:
        return None
    except CameraError as cause:
        return Line(camera, works=False, says=_why(camera, cause.fault, str(cause)))
    return Line(camera, None, "not tried")


def _tried(line: Line) -> Line:
    said: Said = sample(line.device.device, TRY_S, features=False)
    if "fault" in said:
        fault = next((each for each in Fault if each.name == said["fault"]), Fault.CAMERA_BROKEN)
        return replace(line, works=False, says=_why(line.device, fault, str(said["text"])))
    return replace(line, works=True, says=_SEES.get(said.get("obstacle"), "works"))


def _why(camera: Device, fault: Fault, text: str) -> str:
    """The sentence `text` of a camera's fault; of a busy one, with who uses it."""
    if fault is not Fault.CAMERA_BUSY:
        return text
    by = [hardware.called(pid) for pid in hardware.holders(camera.node)] if camera.node is not None else []
    if not by:
        return f"{text}; sudo monitord devices says which one"
    return f"in use by {' and '.join(by)}; close it"


def _microphones() -> list[Line]:
    known = dict(_inputs())
    lines = []
    for each in hardware.alsa_microphones():
        position = re.fullmatch(r"pcmC(\d+)D(\d+)c", each.node.name) if each.node else None
        mine = {name for name in known if position and name.endswith(f"(hw:{position[1]},{position[2]})")}
        lines.append(_microphone(each, next((known[name] for name in mine), None)))
        known = {name: wrong for name, wrong in known.items() if name not in mine}
    lines += [
        Line(hardware.Device(name, name), not wrong, wrong or "works, through the sound server or ALSA's settings")
        for name, wrong in known.items()
    ]
    return lines


def _microphone(each: Device, wrong: str | None) -> Line:
    """What is said of a sound card; `wrong` is PortAudio's word, None where it does not list the card."""
    if each.node is None or not each.node.exists():
        return Line(each, works=False, says="its device node is missing; plug it in again")
    if not os.access(each.node, os.R_OK | os.W_OK):
        return Line(each, works=False, says=_NO_GROUP.format("audio"))
    by = hardware.recorder(each.node)
    if by is not None:
        return Line(each, works=False, says=f"in use by {hardware.called(by)}")
    if wrong:
        return Line(each, works=False, says=wrong)
    return Line(each, works=None if wrong is None else True, says="works" if wrong == "" else "not tried")


def _inputs() -> list[tuple[str, str]]:
    """The inputs that PortAudio lists, each with what is wrong with it; none where it cannot be asked."""
    command = [sys.executable, "-m", "monitord", "inputs"]
    try:
        # A process of its own: a sound server that stands still takes it along, not us.
        done = subprocess.run(command, capture_output=True, timeout=_INPUTS_S, check=False)  # noqa: S603 - our own
        return [(str(name), str(wrong)) for name, wrong in json.loads(done.stdout)]
    except (subprocess.TimeoutExpired, ValueError, OSError):
        return []
