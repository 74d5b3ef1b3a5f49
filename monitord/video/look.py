"""One look: frames of a camera are judged, one after the other, until the verdict stands.

Every other frame is judged in a mirror. The network errs otherwise there, so the mean of both ways errs less, and a
frame costs what it did.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from monitord.video.v4l2 import CameraError
from monitord.video.verdict import FRAMES_MIN, UNCALIBRATED, Known, Look, Verdict, glimpse

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.video.camera import Camera
    from monitord.video.verdict import Network


def look(
    camera: Camera,
    network: Network,
    look_s: float,
    known: Known = UNCALIBRATED,
    *,
    clock: Callable[[], float] = time.monotonic,
    until: float = math.inf,
) -> Verdict:
    """Look through `camera` for at most `look_s` seconds after its first frame, and not beyond `until`.

    Args:
        camera: closed.
        network: judges each frame.
        look_s: of this machine's time, or of the scene's where frames do not come in real time.
        known: of the empty room.
        clock: seconds, monotonic.
        until: by `clock`; a machine that is slow to begin has a verdict of fewer frames by then, and not none.

    Raises:
        CameraError: the camera failed before `FRAMES_MIN` frames. Later, what was seen so far is the verdict.
    """
    seen = Look(network.operating, look_s, known)
    collect(camera, network, seen, clock, until)
    return seen.verdict()


def collect(
    camera: Camera,
    network: Network,
    seen: Look,
    clock: Callable[[], float] = time.monotonic,
    until: float = math.inf,
) -> None:
    """Fill `seen` until it is over, the camera has no more frames, or no other would be judged by `until`.

    Raises:
        CameraError: see `look`.
    """
    frames = camera.frames()
    scene_s = longest_s = 0.0

    def now() -> float:
        return clock() if camera.pace_s is None else scene_s

    try:
        for picture in frames:
            if seen.wants(now()) or camera.pace_s == 0:
                began = clock()
                seen.take(glimpse(picture, network, mirrored=len(seen.glimpses) % 2 == 1))
                longest_s = max(longest_s, clock() - began)
                if seen.over(now()):
                    break
            if clock() + longest_s >= until:  # With each frame: those that are judged may lie seconds apart.
                break
            scene_s += camera.pace_s or 0.0
    except CameraError:
        if len(seen.glimpses) < FRAMES_MIN:
            raise
    finally:
        frames.close()  # Wipes the last frame now, not when memory is collected.
