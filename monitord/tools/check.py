"""`monitord check`: is the configuration usable, are the models the ones we ship, are the devices there?

It opens no microphone and no camera.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitord import model, paths
from monitord.audio.models import EarModels
from monitord.tools.channels import check_channels

if TYPE_CHECKING:
    from monitord.config import Config


def check(config: Config, path: Path | None) -> int:
    """Print one line for each thing looked at; returns 0 if all is well, 1 if the daemon would miss something."""
    print(f"ok    configuration  {path or 'none given: the defaults'}")
    good = [_ear(config), _person()]
    good += [_device("microphone", config.audio.device), _device("camera", config.video.device)]
    good.append(check_channels(config))
    return 0 if all(good) else 1


def _ear(config: Config) -> bool:
    try:
        lines = EarModels.load(config.audio).lines()
    except model.ModelError as cause:
        print(f"FAULT model ear      {cause}", file=sys.stderr)
        return False
    for name, line in lines:
        print(f"ok    model {name:8s} {line}")
    return True


def _person() -> bool:
    try:
        card = model.load(paths.models_dir() / "person.toml").card
    except model.ModelError as cause:
        print(f"FAULT model person   {cause}", file=sys.stderr)
        return False
    print(f"ok    model person   {', '.join(card.labels)}")
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
    elif what == "camera" and device.isdecimal() and not Path(f"/dev/video{device}").exists():
        print(
            f'FAULT {what:14s} /dev/video{device} is not there; plug it in, or set video.device = "off"',
            file=sys.stderr,
        )
        return False
    else:
        print(f"ok    {what:14s} {device} (not opened)")
    return True
