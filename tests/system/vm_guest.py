# ruff: noqa: BLE001 - runs as root in a machine that is thrown away, with Debian's Python alone
"""What is tried inside the virtual machine, as root, at its first boot. Each result is one JSON object a line.

A protection is tried in a copy of the unit whose command is a probe: once with the unit as it is, and once, as the
control, without that protection's lines; everything else of the sandbox stays.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/lib/systemd/system")
VOICE, EAR, EYE = "monitord.service", "monitord-audio.service", "monitord-video.service"
PATIENCE_S = 600.0
"""An emulated processor is some 20 times slower than a real one."""

OPEN = "import os,sys; os.close(os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)); print('done')"
SEND = (
    "import socket,sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (sys.argv[1], 9)); print('done')"
)
FILL = "import sys; b = bytearray(int(sys.argv[1]) << 20); b[::4096] = b'x' * len(b[::4096]); print('done')"


def tell(what: str, **values: object) -> None:
    """One line for the host."""
    print(json.dumps({"what": what, **values}), file=RESULTS, flush=True)


def run(*command: str) -> str:
    """Output of a command; its exit code is the caller's to see in the effect."""
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def wait(condition, patience_s: float = PATIENCE_S):
    """The first true value of `condition`, or what it was at last."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return value


def probe(unit: str, program: str, argument: str, without: str = "", add: str = "") -> str:
    """Run `program` in the sandbox of `unit`, less the lines that match `without`; what it did, or how it ended."""
    keep = []
    for line in (UNITS / unit).read_text().splitlines():
        if line.startswith("[Install]"):
            break
        if not re.match(
            r"(ExecStart|ExecStopPost|Restart\w*|Watchdog\w*|RuntimeMax\w*|PartOf|Wants|Requires|After|Refuse\w*)=",
            line,
        ) and not (without and re.match(without, line)):
            keep.append(line)
    text = "\n".join(keep).replace("Type=notify", "Type=oneshot").replace("Type=exec", "Type=oneshot")
    text += f'\nExecStart=/usr/bin/python3 -c "{program}" {argument}\n{add}\n'
    Path("/run/systemd/system/probe.service").write_text(text)
    run("systemctl", "daemon-reload")
    run("systemctl", "reset-failed", "probe.service")
    begun = run("journalctl", "-n0", "--show-cursor", "-q").partition("cursor: ")[2].strip()
    run("systemctl", "start", "probe.service")
    time.sleep(1)
    said = run(
        "journalctl", "-u", "probe.service", "-o", "cat", "--no-pager", *([f"--after-cursor={begun}"] if begun else [])
    )
    if "done\n" in said:
        return "done"
    result = run("systemctl", "show", "--value", "-p", "Result", "probe.service").strip()
    errors = [line for line in said.splitlines() if re.match(r"\w*Error", line)]
    return errors[-1] if errors else result


def protection(name: str, unit: str, program: str, argument: str, *, without: str, add: str = "") -> None:
    """Tell what the probe does with the unit as it is, and without the lines of one protection."""
    tell(name, with_=probe(unit, program, argument, add=add), control=probe(unit, program, argument, without, add))


def status() -> dict:
    """What the voice says."""
    try:
        return json.loads(run("monitord", "status", "--json"))
    except ValueError:
        return {}


def sounds() -> list[dict]:
    """Incidents of sounds."""
    return [each for each in status().get("incidents", []) if each["kind"] == "sound"]


def camera() -> str:
    """The verdict of the newest sound's look."""
    seen = [each["camera"] for each in sounds() if each["camera"] not in {None, "Look.ASKED", "Look.BEGAN"}]
    return seen[0] if seen else ""


def devices() -> None:
    """A real ALSA card and a real V4L2 camera: a cry is heard, the camera looks."""
    run("modprobe", "snd-aloop")
    run("modprobe", "vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0")
    run("udevadm", "settle")
    tell(
        "devices",
        cards=Path("/proc/asound/cards").read_text(),
        video=[str(path) for path in Path("/dev").glob("video*")],
    )
    Path("/etc/monitord/config.toml").write_text(
        '[audio]\ndevice = "hw:0,1"\nprofile = "balanced"\n[video]\ndevice = "0"\nlook_s = 10.0\n'
    )
    began = time.monotonic()
    run("systemctl", "start", "monitord")
    level = wait(lambda: status().get("state", {}).get("level_dbfs"))
    tell("start", seconds=time.monotonic() - began, level_dbfs=level)
    began = time.monotonic()
    for _ in range(4):
        run("aplay", "-q", "-D", "plughw:0,0", "/root/cry.wav")
        if wait(sounds, 20):
            break
    tell("cry", seconds=time.monotonic() - began, incidents=sounds())
    wait(camera, 120)
    tell("look", camera=camera(), incidents=sounds())
    gone = wait(lambda: run("systemctl", "show", "--value", "-p", "MainPID", EYE).strip() == "0", 60)
    tell("eye gone", gone=gone)
    for unit in (VOICE, EAR):
        values = run("systemctl", "show", "-p", "MemoryCurrent,MemoryPeak,MemorySwapMax,TasksCurrent", unit)
        tell("accounts", unit=unit, **dict(line.split("=", 1) for line in values.splitlines()))
    began = time.monotonic()
    run("systemctl", "stop", "monitord")
    tell("stop", seconds=time.monotonic() - began, units=run("systemctl", "list-units", "monitord*", "--no-legend"))


def protections() -> None:
    """DeviceAllow, IPAddressDeny and MemoryMax, each with its control."""
    # The ear's user is let in by the file's mode, so that only the device policy stands between them.
    device = r"(DeviceAllow|DevicePolicy|PrivateDevices|ProtectClock)="
    protection(
        "DeviceAllow: the ear opens the camera",
        EAR,
        OPEN,
        "/dev/video0",
        without=device,
        add="SupplementaryGroups=video",
    )
    protection(
        "DeviceAllow: the eye opens the microphone",
        EYE,
        OPEN,
        "/dev/snd/controlC0",
        without=device,
        add="SupplementaryGroups=audio",
    )
    tell("allowed: the ear opens the sound card", with_=probe(EAR, OPEN, "/dev/snd/controlC0"))
    tell("allowed: the eye opens the camera", with_=probe(EYE, OPEN, "/dev/video0"))
    run("ip", "link", "add", "dummy0", "type", "dummy")
    run("ip", "address", "add", "192.168.77.2/24", "dev", "dummy0")
    run("ip", "link", "set", "dummy0", "up")
    run("ip", "route", "add", "default", "via", "192.168.77.1")
    protection(
        "IPAddressDeny: the voice sends to a public address", VOICE, SEND, "198.51.100.7", without=r"IPAddress\w+="
    )
    tell("allowed: the voice sends into the house", with_=probe(VOICE, SEND, "192.168.77.1"))
    protection("MemoryMax: the ear takes 400 MiB", EAR, FILL, "400", without=r"MemoryMax=")
    protection("MemoryMax: the voice takes 400 MiB", VOICE, FILL, "400", without=r"MemoryMax=")


if __name__ == "__main__":
    RESULTS = open(sys.argv[1], "w")  # noqa: PTH123, SIM115 - a serial line
    try:
        tell("system", kernel=run("uname", "-r").strip(), systemd=run("systemctl", "--version").split()[1])

        devices()
        protections()
    except Exception as cause:
        tell("broken", cause=repr(cause))
    tell("end")
    run("systemctl", "poweroff")
