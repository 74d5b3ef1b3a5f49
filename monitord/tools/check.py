"""`monitord check`: is the configuration usable, are the models the ones we ship, are the devices there?

It opens no microphone and no camera.
"""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitord import model, paths
from monitord.audio.models import EarModels
from monitord.lan import CGNAT
from monitord.notify.web import scrape
from monitord.tools.channels import check_channels
from monitord.video import calibration, rpicam, v4l2
from monitord.video.classifier import LABELS, Classifier

if TYPE_CHECKING:
    from monitord.config import Config


def check(config: Config, path: Path | None) -> int:
    """Print one line for each thing looked at; returns 0 if all is well, 1 if the daemon would miss something."""
    print(f"ok    configuration  {path or 'none given: the defaults'}")
    good = [_ear(config), _person(config)]
    good += [_device("microphone", config.audio.device), _device("camera", config.video.device)]
    if config.page.cgnat and path is not None:
        good.append(_unit_lets_in_the_vpn(path))
    if config.page.metrics:
        good.append(_metrics(config.page.metrics_token_file))
    good.append(check_channels(config))
    return 0 if all(good) else 1


def _metrics(token_file: str) -> bool:
    try:
        scrape.ready(token_file)
    except scrape.ScrapeError as cause:
        print(f"FAULT metrics        {cause}", file=sys.stderr)
        return False
    print(
        "ok    metrics        /metrics, for who may watch" + (" and for Prometheus by its token" if token_file else "")
    )
    return True


VOICE_UNIT = "monitord.service"


def _unit_lets_in_the_vpn(path: Path) -> bool:
    """Where the service runs by the configuration at `path`: its unit has to allow what page.cgnat allows."""
    if shutil.which("systemctl") is None:
        return True
    done = subprocess.run(  # noqa: S603 - the system's own
        ["systemctl", "show", "-p", "ExecStart,IPAddressAllow,IPAddressDeny", VOICE_UNIT],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    shown = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    if str(path.resolve()) not in shown.get("ExecStart", "").split() or not shut_out(shown):
        return True
    print(
        f'FAULT addresses      page.cgnat is true, but the unit shuts {CGNAT} out; allow it there: "systemctl edit '
        f'monitord", add the lines "[Service]" and "IPAddressAllow={CGNAT}", then "systemctl restart monitord"',
        file=sys.stderr,
    )
    return False


def shut_out(shown: dict[str, str]) -> bool:
    """Whether a unit with these IPAddressAllow and IPAddressDeny keeps its process from a part of carrier-grade NAT.

    An address on both lists is allowed (systemd.resource-control(5)).
    """

    def networks(name: str) -> list[ipaddress.IPv4Network]:
        return [ipaddress.IPv4Network(each) for each in shown.get(name, "").split() if ":" not in each]

    denied = any(each.overlaps(CGNAT) for each in networks("IPAddressDeny"))
    return denied and not any(CGNAT.subnet_of(each) for each in networks("IPAddressAllow"))


def _ear(config: Config) -> bool:
    try:
        lines = EarModels.load(config.audio).lines()
    except model.ModelError as cause:
        print(f"FAULT model ear      {cause}", file=sys.stderr)
        return False
    for name, line in lines:
        print(f"ok    model {name:8s} {line}")
    return True


def _person(config: Config) -> bool:
    try:
        network = Classifier.load(paths.models_dir())
        worth = calibration.worth(network, paths.models_dir())
    except model.ModelError as cause:
        print(f"FAULT model person   {cause}", file=sys.stderr)
        return False
    print(f"ok    model person   {', '.join(LABELS)}")
    if config.video.off:
        return True
    try:
        rooms = calibration.load(paths.eye_state_dir(), network)
    except calibration.CalibrationError as cause:
        print(f"note  calibration    {cause}")
        return True
    if worth is None:
        print("note  calibration    this model of the eye knows none")
    elif not rooms:
        print('note  calibration    the camera is not calibrated; "monitord calibrate camera" makes it see better')
    else:
        lights = {"infrared" if room.light.grey else "colour" for room in rooms}
        print(f"ok    calibration    {len(rooms)} of the empty room: {' and '.join(sorted(lights))}")
    return True


def _device(what: str, device: str) -> bool:
    file = device.removeprefix("file:")
    if device == "off":
        print(f"ok    {what:14s} switched off by the configuration")
    elif file != device and not Path(file).exists():
        print(f"FAULT {what:14s} {file}: there is no such file", file=sys.stderr)
        return False
    elif device.startswith("/dev/") and not Path(device).exists():
        print(f"FAULT {what:14s} {device}: there is no such device; is it plugged in?", file=sys.stderr)
        return False
    elif what == "camera" and v4l2.csi_number(device) is not None and rpicam.find() is None:
        print(
            f"FAULT {what:14s} {device}: rpicam-vid is not installed; sudo apt install rpicam-apps-lite",
            file=sys.stderr,
        )
        return False
    elif what == "camera" and device.isdecimal() and not Path(f"/dev/video{device}").exists():
        print(
            f'FAULT {what:14s} /dev/video{device} is not there; plug it in, or set video.device = "off"',
            file=sys.stderr,
        )
        return False
    else:  # Whether it is there shows when it is opened, which a check of a file does not do.
        print(f'note  {what:14s} {device} (not opened); "monitord doctor" tries it')
    return True
