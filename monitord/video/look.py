"""One look: several frames, one verdict.

Frames of one look resemble each other, so their probabilities are averaged, never multiplied: ten pictures of one
scene are not ten witnesses. What is kept of a frame is its digest and a few numbers; the frame itself is wiped.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from monitord.events import SCORE_MAX, Sight
from monitord.video.classifier import LABELS, quality
from monitord.video.v4l2 import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitord.video.camera import Camera
    from monitord.video.classifier import Classifier, Operating
    from monitord.video.picture import Picture

FRAMES_MAX = 12
FRAMES_MIN = 5
"""A look takes no fewer frames than this where the source has them, and stops early only when it is sure."""
SURE = 0.9
"""Mean probability of the verdict that ends a look early."""
_FROZEN_MIN = 3
"""Frames that must be alike to the last bit: the noise of a living sensor never repeats itself."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What one frame said.

    Attributes:
        digest: of the frame's bytes, to notice a picture that stands still.
        obstacle: DARK, COVERED, BLURRED, or None.
        probabilities: of each of `LABELS`; empty where there is an obstacle.
    """

    digest: bytes
    obstacle: Sight | None
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look says.

    Attributes:
        sight: the verdict.
        score: confidence in whole percent, 0..100. Of NOBODY, LYING and UPRIGHT: their mean probability; of DARK,
            COVERED, BLURRED and FROZEN: the share of frames; of CANNOT_TELL: the highest mean probability.
        probabilities: mean of the usable frames for each of `LABELS`; empty where none was usable.
        frames: how many frames were looked at.
    """

    sight: Sight
    score: int
    probabilities: dict[str, float]
    frames: int


def look(
    camera: Camera,
    classifier: Classifier,
    look_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Verdict:
    """Look through `camera` for at most `look_s` seconds after its first frame.

    Raises:
        CameraError: the camera failed before `FRAMES_MIN` frames. Later, what was seen so far is the verdict.
    """
    glimpses: list[Glimpse] = []
    pace_s = look_s / FRAMES_MAX if camera.live else 0.0
    first = next_at = 0.0
    frames = camera.frames()
    try:
        for picture in frames:
            now = clock()
            if not glimpses:
                first = next_at = now
            if now < next_at:
                continue
            next_at += pace_s
            glimpses.append(glimpse(picture, classifier))
            if len(glimpses) >= FRAMES_MAX or clock() - first >= look_s or _sure(glimpses, classifier.operating):
                break
    except CameraError:
        if len(glimpses) < FRAMES_MIN:
            raise
    finally:
        frames.close()  # Wipes the last frame now, not when memory is collected.
    return aggregate(glimpses, classifier.operating)


def glimpse(picture: Picture, classifier: Classifier) -> Glimpse:
    """Judge one fitted picture."""
    obstacle = quality(picture).obstacle
    seen = {} if obstacle is not None else classifier.probabilities(picture)
    return Glimpse(blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest(), obstacle, seen)


def aggregate(glimpses: Sequence[Glimpse], operating: Operating) -> Verdict:
    """The verdict of several frames. Their order does not matter."""
    count = len(glimpses)
    if not count:
        return Verdict(Sight.CANNOT_TELL, 0, {}, 0)
    usable = [one.probabilities for one in glimpses if one.obstacle is None]
    mean = {label: sum(one[label] for one in usable) / len(usable) for label in LABELS} if usable else {}
    if 2 * len(usable) < count:
        obstacles = Counter(one.obstacle for one in glimpses if one.obstacle is not None)
        # Ties go to the lower number, so that the order of frames does not matter.
        sight = min(obstacles, key=lambda each: (-obstacles[each], each.value))
        return Verdict(sight, _percent(obstacles[sight] / count), mean, count)
    if count >= _FROZEN_MIN and len({one.digest for one in glimpses}) == 1:
        return Verdict(Sight.FROZEN, SCORE_MAX, mean, count)
    sight = decide(mean, operating)
    told = {Sight.NOBODY: "nobody", Sight.LYING: "lying", Sight.UPRIGHT: "upright"}.get(sight)
    return Verdict(sight, _percent(mean[told] if told else max(mean.values())), mean, count)


def decide(mean: dict[str, float], operating: Operating) -> Sight:
    """NOBODY, LYING, UPRIGHT, or CANNOT_TELL where the probabilities do not carry a verdict."""
    somebody = mean["lying"] + mean["upright"]
    if somebody < operating.absent:
        return Sight.NOBODY
    if somebody < operating.present or max(mean["lying"], mean["upright"]) < operating.posture * somebody:
        return Sight.CANNOT_TELL
    return Sight.LYING if mean["lying"] >= mean["upright"] else Sight.UPRIGHT


def _sure(glimpses: Sequence[Glimpse], operating: Operating) -> bool:
    if len(glimpses) < FRAMES_MIN:
        return False
    verdict = aggregate(glimpses, operating)
    return verdict.sight in (Sight.NOBODY, Sight.LYING, Sight.UPRIGHT) and verdict.score >= SURE * SCORE_MAX


def _percent(share: float) -> int:
    return min(SCORE_MAX, max(0, round(share * SCORE_MAX)))
