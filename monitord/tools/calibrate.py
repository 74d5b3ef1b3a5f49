"""`monitord calibrate camera`: the camera looks at the room when nobody is in it, so that later looks can be compared.

Kept are a few numbers of the network for each cell of a coarse grid (``monitord.video.calibration``), never a picture.
The look itself happens in a confined process, as the eye's does; this one receives numbers and writes the file.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from monitord import model, paths
from monitord.events import Calibration, Sight
from monitord.tools.sampling import sample
from monitord.video import calibration
from monitord.video.calibration import CalibrationError
from monitord.video.classifier import Classifier
from monitord.video.empty_room import Empty, Light, compare

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.config import Config
    from monitord.tools.sampling import Said
    from monitord.video.empty_room import Worth

DONE, FAILED = 0, 1
LOOK_S = 6.0
WAIT_S = 5
"""To leave the picture."""
_OBSTACLE = {
    Sight.DARK.name: "it is too dark; calibrate in the light that the room has at that time, infrared included",
    Sight.COVERED.name: "the camera is covered",
    Sight.BLURRED.name: "the picture is blurred; clean or focus the camera",
    Sight.FROZEN.name: "the camera shows the same picture again and again",
}


def show() -> int:
    """List what is kept."""
    folder = paths.eye_state_dir()
    try:
        rooms = calibration.load(folder, Classifier.load(paths.models_dir()))
    except (CalibrationError, model.ModelError) as cause:
        return _failed(cause)
    for room in rooms:
        print(f"{_local(room.at)}  {_light(room.light)}")
    if not rooms:
        print(f"the camera is not calibrated; {folder} is where it would be kept")
    return DONE


def forget() -> int:
    """Delete what is kept."""
    try:
        there = calibration.forget(paths.eye_state_dir())
    except CalibrationError as cause:
        return _failed(cause)
    print("what was kept of the empty room is deleted" if there else "the camera is not calibrated; nothing to delete")
    return DONE


def calibrate(config: Config, path: Path | None, *, wait: bool, nobody: bool) -> int:
    """Look at the empty room and keep what it looks like beside what was kept before.

    Args:
        config: whose camera.
        path: the configuration's file.
        wait: give the person time to leave the picture.
        nobody: the person says that nobody is there, whatever the network sees.
    """
    try:
        network = Classifier.load(paths.models_dir())
        worth = calibration.worth(network, paths.models_dir())
        if worth is None:
            raise CalibrationError("this model of the eye knows no calibration; the looks go on without one")  # noqa: TRY301
        if config.video.off:
            raise CalibrationError("the camera is switched off by the configuration (video.device)")  # noqa: TRY301
        if wait:
            print(f"Leave the picture; nobody may be in it. The camera looks in {WAIT_S} s.", flush=True)
            time.sleep(WAIT_S)
        return _take(sample(config.video.device, LOOK_S, features=True, config=path), network, worth, nobody=nobody)
    except (CalibrationError, model.ModelError) as cause:
        return _failed(cause)


def _take(said: Said, network: Classifier, worth: Worth, *, nobody: bool) -> int:
    if "fault" in said:
        raise CalibrationError(f"{said['text']}; nothing was kept")
    if said["sight"] in _OBSTACLE or "features" not in said:
        raise CalibrationError(f"{_OBSTACLE.get(said['sight'], 'no frame can be used')}; nothing was kept")
    if said["sight"] in (Sight.LYING.name, Sight.UPRIGHT.name, Sight.SEVERAL.name) and not nobody:
        raise CalibrationError(
            f"somebody seems to be in the picture ({said['score']} %); nothing was kept. If nobody is, which happens "
            "with a heap of blankets or a doll, say so: --nobody-is-there"
        )
    folder = paths.eye_state_dir()
    features = np.asarray(said["features"], np.float32)
    light = Light(float(said["bright"]), bool(said["grey"]))
    rooms, lost = _before(folder, network)
    if compare(features, light, rooms, worth).state is Calibration.MOVED:
        lost, rooms = f"The camera was moved: {len(rooms)} earlier calibrations are dropped.", []
    new = Empty(datetime.now(UTC).isoformat(timespec="seconds"), light, features)
    count = calibration.keep(folder, network, [*rooms, new])
    if lost:
        print(lost)
    print(f"calibrated {_light(light)}; {count} in all, kept as {features.size} numbers each in {folder}, no picture.")
    if not any(room.light.grey != light.grey for room in rooms):
        print("Do it once more when the light is another one: by night, by day.")
    return DONE


def _before(folder: Path, network: Classifier) -> tuple[list[Empty], str]:
    """What was kept before, and what has to be said of it."""
    try:
        return calibration.load(folder, network), ""
    except CalibrationError as cause:
        return [], f"{cause}: it gives way to the new one."


def _light(light: Light) -> str:
    return f"in {'infrared or grey' if light.grey else 'coloured'} light (brightness {light.bright:.0f} of 255)"


def _local(at: str) -> str:
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _failed(cause: Exception) -> int:
    print(f"monitord: {cause}", file=sys.stderr)
    return FAILED
