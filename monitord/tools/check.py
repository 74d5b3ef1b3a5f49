"""`monitord check`: is the configuration usable, are the models the ones we ship, are the devices there?

It opens no microphone and no camera.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitord import model, paths

if TYPE_CHECKING:
    from monitord.config import Config

MODELS = ("cry", "person")


def check(config: Config, path: Path | None) -> int:
    """Print one line for each thing looked at; returns 0 if all is well, 1 if the daemon would miss something."""
    print(f"ok    configuration  {path or 'none given: the defaults'}")
    good = [_model(name, config) for name in MODELS]
    good += [_device("microphone", config.audio.device), _device("camera", config.video.device)]
    return 0 if all(good) else 1


def _model(name: str, config: Config) -> bool:
    try:
        card = model.load(paths.models_dir() / f"{name}.toml").card
    except model.ModelError as cause:
        print(f"FAULT model {name:8s} {cause}", file=sys.stderr)
        return False
    print(f"ok    model {name:8s} {', '.join(card.labels)}{_promise(card, config)}")
    return True


def _promise(card: model.Card, config: Config) -> str:
    """What the card says that the owner's choice of sensitivity finds, and how often it errs."""
    for point in operating_points(card):
        if point.get("profile") == config.audio.profile and point.get("sensitivity") == config.audio.sensitivity:
            return (
                f"; {config.audio.sensitivity}: found {100 * point['recall']:.0f} of 100 unseen cries at "
                f"{point['false_alarms_per_hour']:.1f} false alarms per hour of hard test sounds"
            )
    return ""


def operating_points(card: model.Card) -> list[dict[str, Any]]:
    """The card's table of thresholds; empty where the model has none."""
    points = card.extra.get("operating", [])
    return points if isinstance(points, list) else []


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
