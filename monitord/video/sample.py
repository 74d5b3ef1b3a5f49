"""A look for a person at the device, who asked for it by a command: to see whether a camera works, or to calibrate it.

A process of its own, confined as the eye is: what it says is one JSON object of names and numbers, never a picture.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from monitord import confine, paths
from monitord.events import Fault
from monitord.model import ModelError
from monitord.video.process import closing, start
from monitord.video.v4l2 import CameraError, csi_number

if TYPE_CHECKING:
    from monitord.settings import Senses
    from monitord.video.rpicam import Rpicam

FRAMES = 3
"""So many tell that a camera works."""
DONE = 0


def main(config: Senses, *, features: bool) -> int:
    """Look through the configuration's camera and print what came of it; returns the exit code.

    Args:
        config: of it, `video.device` and `video.look_s`.
        features: judge the frames and give the mean of their features; else only see whether frames come.
    """
    logging.disable(logging.CRITICAL)  # What there is to say is said in JSON.
    number = csi_number(config.video.device)
    held = confine.confine(confine.Process.EYE, helper=number is not None)
    if not held.complete:
        said: dict[str, Any] = {"fault": Fault.EYE_NOT_CONFINED.name, "text": held.refusal("camera")}
    else:
        program = start(number)
        with closing(program):
            said = _sample(config, program, features=features)
    print(json.dumps(said), flush=True)  # noqa: T201 - the answer
    return DONE


def _sample(config: Senses, program: Rpicam | CameraError | None, *, features: bool) -> dict[str, Any]:
    from monitord.video.camera import open_camera  # noqa: PLC0415 - OpenCV comes after the confinement

    try:
        camera = open_camera(config.video.device, program=program)
        return _judged(config, camera) if features else _frames(camera)
    except CameraError as cause:
        return {"fault": cause.fault.name, "text": str(cause)}
    except ModelError as cause:
        return {"fault": Fault.CLASSIFIER_MODEL.name, "text": str(cause)}
    except Exception as cause:  # noqa: BLE001 - whatever breaks is one sentence for a person
        return {"fault": Fault.CAMERA_BROKEN.name, "text": f"the look failed: {type(cause).__name__}: {cause}"}


def _frames(camera: Any) -> dict[str, Any]:
    """Whether frames come, and what hinders them."""
    from monitord.video.classifier import quality  # noqa: PLC0415

    obstacles = []
    frames = camera.frames()
    try:
        for picture in frames:
            obstacles.append(quality(picture).obstacle)
            if len(obstacles) >= FRAMES:
                break
    finally:
        frames.close()
    obstacle = obstacles[-1] if obstacles else None
    return {"frames": len(obstacles), "obstacle": None if obstacle is None else obstacle.name}


def _judged(config: Senses, camera: Any) -> dict[str, Any]:
    """The verdict without any calibration, and what would be kept of the empty room."""
    from monitord.video.classifier import Classifier  # noqa: PLC0415
    from monitord.video.look import collect  # noqa: PLC0415
    from monitord.video.verdict import Look, together  # noqa: PLC0415

    network = Classifier.load(paths.models_dir())
    look = Look(network.operating, config.video.look_s, early=False)
    collect(camera, network, look)
    verdict = look.verdict()
    said: dict[str, Any] = {"frames": verdict.frames, "sight": verdict.sight.name, "score": verdict.score}
    usable = [
        (one.judgement, one.light) for one in look.glimpses if one.judgement is not None and one.light is not None
    ]
    if usable:
        mean, light = together(usable)
        said |= {"bright": light.bright, "grey": light.grey, "features": [float(each) for each in mean]}
    return said
