"""What the frames of one look add up to. Pure: the caller brings frames and time.

Frames of one look resemble each other, so their probabilities are averaged, never multiplied: ten pictures of one
scene are not ten witnesses. What is kept of a frame is its digest and a few numbers; the frame itself is wiped.

"Cannot tell" is a verdict, and so is each state in which a camera sees nothing: none of them ever becomes NOBODY.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from monitord.events import SCORE_MAX, Calibration, Sight
from monitord.video.classifier import quality
from monitord.video.empty_room import Comparison, Empty, Light, Worth, adjusted, compare, light_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from monitord.video.classifier import Judgement, Operating
    from monitord.video.empty_room import Floats
    from monitord.video.picture import Picture

    class Network(Protocol):
        """What a look needs of `monitord.video.classifier.Classifier`."""

        @property
        def operating(self) -> Operating:
            """Thresholds."""
            ...

        def classify(self, picture: Picture) -> Judgement:
            """What it says of one fitted picture."""
            ...


FRAMES_MAX = 12
FRAMES_MIN = 5
"""A look takes no fewer frames than this where the source has them, and stops early only when it is sure."""
SURE = 0.9
"""Mean probability of the verdict that ends a look early."""
FROZEN_MIN = 3
"""Frames that must be alike to the last bit: the noise of a living sensor never repeats itself."""

SEEN = (Sight.NOBODY, Sight.LYING, Sight.UPRIGHT, Sight.SEVERAL)
"""Verdicts about people; all others say that the camera cannot tell, and why."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the empty room.

    Attributes:
        rooms: one for each time somebody calibrated.
        worth: from the model card; None: this network knows no calibration.
    """

    rooms: tuple[Empty, ...] = ()
    worth: Worth | None = None


UNCALIBRATED = Known()
NOT_COMPARED = Comparison(Calibration.NOT_TOLD)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What one frame said.

    Attributes:
        digest: of the frame's bytes, to notice a picture that stands still.
        obstacle: DARK, COVERED, BLURRED, or None.
        judgement: of the network; None where there is an obstacle.
        light: of the frame; None where there is an obstacle, or where it was judged in a mirror: only a picture as it
            is says what the room looks like.
    """

    digest: bytes
    obstacle: Sight | None
    judgement: Judgement | None = None
    light: Light | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look says.

    Attributes:
        sight: the verdict.
        score: confidence in whole percent, 0..100. Of verdicts about people: their mean probability; of DARK, COVERED,
            BLURRED and FROZEN: the share of frames; of CANNOT_TELL: the highest mean probability.
        probabilities: mean of the usable frames: "nobody", "lying" and "upright", which add up to 1, and "several";
            empty where none was usable.
        frames: how many frames were looked at.
        comparison: with the empty room.
    """

    sight: Sight
    score: int
    probabilities: dict[str, float]
    frames: int
    comparison: Comparison = NOT_COMPARED


def glimpse(picture: Picture, network: Network, *, mirrored: bool = False) -> Glimpse:
    """Judge one fitted picture, as it is or as a mirror shows it."""
    digest = blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest()
    obstacle = quality(picture).obstacle
    if obstacle is not None:
        return Glimpse(digest, obstacle)
    if mirrored:
        return Glimpse(digest, None, network.classify(picture[:, ::-1]))
    return Glimpse(digest, None, network.classify(picture), light_of(picture))


class Look:
    """Collects the frames of one look.

    Args:
        operating: thresholds of the network.
        look_s: seconds after the first frame at which the look is over.
        known: of the empty room.
        early: whether a sure verdict ends the look before its time.
    """

    def __init__(self, operating: Operating, look_s: float, known: Known = UNCALIBRATED, *, early: bool = True) -> None:
        self._early = early
        self._operating = operating
        self._look_s = look_s
        self._known = known
        self._began: float | None = None
        self._next_at = 0.0
        self.glimpses: list[Glimpse] = []

    def wants(self, now: float) -> bool:
        """Whether a frame at `now` (seconds) is to be looked at: `FRAMES_MAX` are spread over the look."""
        if self._began is None:
            self._began = self._next_at = now
        return now >= self._next_at

    def take(self, one: Glimpse) -> None:
        """Count a frame that was wanted."""
        self.glimpses.append(one)
        self._next_at += self._look_s / FRAMES_MAX

    def over(self, now: float) -> bool:
        """Whether no more frames are needed."""
        count = len(self.glimpses)
        late = self._began is not None and now - self._began >= self._look_s
        return count >= FRAMES_MAX or late or (self._early and count >= FRAMES_MIN and self._sure())

    def verdict(self) -> Verdict:
        """What the frames so far add up to."""
        return aggregate(self.glimpses, self._operating, self._known)

    def _sure(self) -> bool:
        verdict = self.verdict()
        return verdict.sight in SEEN and verdict.score >= SURE * SCORE_MAX


def aggregate(glimpses: Sequence[Glimpse], operating: Operating, known: Known = UNCALIBRATED) -> Verdict:
    """The verdict of several frames. Their order does not matter."""
    count = len(glimpses)
    if not count:
        return Verdict(Sight.CANNOT_TELL, 0, {}, 0)
    judged = [one.judgement for one in glimpses if one.judgement is not None]
    if 2 * len(judged) < count:
        obstacles = Counter(one.obstacle for one in glimpses if one.obstacle is not None)
        # Ties go to the lower number, so that the order of frames does not matter.
        sight = min(obstacles, key=lambda each: (-obstacles[each], each.value))
        return Verdict(sight, _percent(obstacles[sight] / count), _mean(judged), count)
    mean = _mean(judged)
    if count >= FROZEN_MIN and len({one.digest for one in glimpses}) == 1:
        return Verdict(Sight.FROZEN, SCORE_MAX, mean, count)
    comparison = beside(glimpses, known)
    if known.worth is not None:
        mean = _with_presence(mean, adjusted(1.0 - mean["nobody"], comparison, known.worth))
    strange = comparison.state is not Calibration.HOLDS
    lights = [one.light for one in glimpses if one.light is not None]
    sight = decide(mean, operating, grey=strange and mostly_grey(lights))
    told = sight.name.lower() if sight in SEEN else max(mean, key=lambda each: mean[each])
    return Verdict(sight, _percent(mean[told]), mean, count, comparison)


def beside(glimpses: Sequence[Glimpse], known: Known) -> Comparison:
    """The usable frames, taken together, beside the empty room."""
    usable = [(one.judgement, one.light) for one in glimpses if one.judgement is not None and one.light is not None]
    if known.worth is None or not usable:
        return Comparison(Calibration.NONE)
    features, light = together(usable)
    return compare(features, light, known.rooms, known.worth)


def together(usable: Sequence[tuple[Judgement, Light]]) -> tuple[Floats, Light]:
    """Mean features, shape (cells * channels,), and light of frames."""
    features = np.asarray(np.mean([judgement.features for judgement, _ in usable], axis=0), np.float32)
    bright = sum(light.bright for _, light in usable) / len(usable)
    return features, Light(bright, mostly_grey([light for _, light in usable]))


def decide(mean: dict[str, float], operating: Operating, *, grey: bool = False) -> Sight:
    """NOBODY, LYING, UPRIGHT, SEVERAL, or CANNOT_TELL where the probabilities do not carry a verdict.

    Args:
        mean: probabilities of a look.
        operating: thresholds.
        grey: whether the pictures are without colour, and of a room that the network does not know empty.
    """
    somebody = mean["lying"] + mean["upright"]
    if somebody < (operating.absent_grey if grey else operating.absent):
        return Sight.NOBODY
    if somebody < operating.present:
        return Sight.CANNOT_TELL
    if mean["several"] >= operating.several:
        return Sight.SEVERAL
    if max(mean["lying"], mean["upright"]) < operating.posture * somebody:
        return Sight.CANNOT_TELL
    return Sight.LYING if mean["lying"] >= mean["upright"] else Sight.UPRIGHT


def mostly_grey(lights: Sequence[Light]) -> bool:
    """Whether most of the frames that these are of are without colour."""
    return 2 * sum(light.grey for light in lights) > len(lights)


def _mean(judged: Sequence[Judgement]) -> dict[str, float]:
    if not judged:
        return {}
    mean = {name: sum(getattr(one, name) for one in judged) / len(judged) for name in ("lying", "upright", "several")}
    return {"nobody": 1.0 - mean["lying"] - mean["upright"], **mean}


def _with_presence(mean: dict[str, float], presence: float) -> dict[str, float]:
    """The same postures and company, with another probability that somebody is there at all."""
    before = mean["lying"] + mean["upright"]
    if before <= 0.0:
        return {"nobody": 1.0 - presence, "lying": presence / 2, "upright": presence / 2, "several": 0.0}
    return {"nobody": 1.0 - presence} | {
        name: min(presence, mean[name] * presence / before) for name in ("lying", "upright", "several")
    }


def _percent(share: float) -> int:
    return min(SCORE_MAX, max(0, round(share * SCORE_MAX)))
