"""One picture -> what can be said of it: is it usable at all, and who is on it. Pure: no camera, no clock.

The camera's own state is judged by plain measures of brightness, so that a covered lens never becomes "nobody".
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from monitord import model
from monitord.events import Sight
from monitord.video import boxes
from monitord.video.picture import SHAPE, Picture, brightness, unpadded

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("nobody", "lying", "upright")

DARK_BELOW = 24.0
"""Brightness that 95 % of a dark picture stays below. The network was trained on pictures darkened to a sixth."""
COVERED_BELOW = 4.0
"""Standard deviation of brightness between blocks of 16 x 16 pixels, below which there is nothing to see but noise:
a wall fills one block, not all."""
BLURRED_BELOW = 0.02
"""Ratio of the mean squared brightness steps over 1 and over 8 pixels. A sharp edge makes it 1/8, one spread over w
pixels about 1/(4 w), a straight ramp 1/64; below this no edge is steeper than about 8 pixels."""

_BLOCK = 16
_COARSE = 8


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one picture.

    Attributes:
        bright: brightness that 95 % of the pixels stay below, 0..255.
        structure: standard deviation of brightness between blocks of 16 x 16 pixels.
        sharpness: mean squared brightness step over 1 pixel divided by that over 8 pixels, about 1/64 to 1.
    """

    bright: float
    structure: float
    sharpness: float

    @property
    def obstacle(self) -> Sight | None:
        """Why nothing can be seen (DARK, COVERED, BLURRED), or None for a usable picture."""
        if self.bright < DARK_BELOW:
            return Sight.DARK
        if self.structure < COVERED_BELOW:
            return Sight.COVERED
        return Sight.BLURRED if self.sharpness < BLURRED_BELOW else None


def quality(picture: Picture) -> Quality:
    """Measure `picture`, (height, width, 3) RGB; bars around it do not count."""
    light = brightness(unpadded(picture))
    rows, columns = (side // _BLOCK * _BLOCK for side in light.shape)
    whole = light[:rows, :columns]
    blocks = whole.reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK).mean(axis=(1, 3))
    structure = float(blocks.std()) if blocks.size else 0.0
    fine = _mean_squared_step(light, 1)
    coarse = _mean_squared_step(light, _COARSE)
    return Quality(float(np.percentile(light, 95)), structure, fine / coarse if coarse > 0 else 0.0)


def _mean_squared_step(light: model.Floats, distance: int) -> float:
    along = (light[:, distance:] - light[:, :-distance]) ** 2
    down = (light[distance:] - light[:-distance]) ** 2
    count = along.size + down.size
    return float((along.sum() + down.sum()) / count) if count else 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the network says of one picture; probabilities are calibrated on the model's validation split.

    Attributes:
        presence: somebody is there.
        lying: somebody is there and lies.
        upright: somebody is there and is upright or sits; `lying` + `upright` = `presence`.
        several: at least two people are there, never above `presence`.
        features: (n,) float32, what the network sees of the room, coarsely, to be compared with the same room when it
            is empty.
    """

    presence: float
    lying: float
    upright: float
    several: float
    features: model.Floats


@dataclass(frozen=True, slots=True)
class Operating:
    """Thresholds on the model card, chosen on its validation split.

    Attributes:
        present: somebody is there from this probability on.
        absent: nobody is there below this probability; in between the camera cannot tell.
        absent_grey: the same for pictures without colour, in which the network misses more people.
        posture: the likelier posture is told from this share of the probability of a person on.
        several: several are there from this probability on.
    """

    present: float
    absent: float
    absent_grey: float
    posture: float
    several: float


class Classifier:
    """The person model: a fitted picture in, a judgement out. It finds bodies, upright and lying.

    Attributes:
        operating: thresholds.
        feature_count: length of `Judgement.features`.
        fingerprint: SHA-256 of the network; what was kept of one network means nothing to another.
    """

    def __init__(self, network: model.Network) -> None:
        """Wrap `network`.

        Raises:
            ModelError: it or its card is for something else, or the card has no usable thresholds.
        """
        card = network.card
        if card.labels != LABELS or card.input_shape != (*SHAPE, 3):
            raise model.ModelError(
                f"{card.path}: labels {card.labels} of pictures {card.input_shape}, the eye needs {LABELS} of {SHAPE}"
            )
        places = boxes.count(*SHAPE)
        wanted = {"bodies": (3, places), "boxes": (2, places, 4)}
        shapes = network.shapes
        room = shapes.pop("room", ())
        if shapes != wanted or len(room) != 2 or room[0] != 1:  # noqa: PLR2004 - one row
            raise model.ModelError(f"{network.path}: gives {network.shapes}, the eye needs {wanted} and a room")
        self._network = network
        self._presence, self._lying = _line(card, "presence"), _line(card, "lying")
        try:
            chosen = card.extra["operating"]
            self.operating = Operating(**{each.name: float(chosen[each.name]) for each in fields(Operating)})
        except (KeyError, TypeError, ValueError) as missing:
            raise model.ModelError(f"{card.path}: the model card has no usable {missing}") from None
        if not 0 < self.operating.absent_grey <= self.operating.absent <= self.operating.present < 1:
            raise model.ModelError(f"{card.path}: thresholds are out of their range")
        self.feature_count = room[1]
        self.fingerprint = card.sha256

    @classmethod
    def load(cls, models_dir: Path) -> Self:
        """Load person.tflite and person.toml.

        Raises:
            ModelError: see `monitord.model.Network` and `Classifier`.
        """
        return cls(model.Network(model.Card.read(models_dir / "person.toml")))

    def classify(self, picture: Picture) -> Judgement:
        """Judge one picture.

        Args:
            picture: fitted by `monitord.video.camera` to (`SHAPE`, 3), RGB 0..255.
        """
        told = self._network(picture.astype(np.float32))
        seen = boxes.sum_up(told["bodies"], told["boxes"], *SHAPE)
        presence, several = (_probability(logit, *self._presence) for logit in (seen.person, seen.second))
        lying = presence * _probability(seen.lying, *self._lying)
        return Judgement(presence, lying, presence - lying, several, told["room"][0])

    def probabilities(self, picture: Picture) -> dict[str, float]:
        """Calibrated probability of each of `LABELS`, adding up to 1, as a look at one picture has it.

        Args:
            picture: see `classify`; it is judged as it is and in a mirror.
        """
        ways = [self.classify(each) for each in (picture, picture[:, ::-1])]
        lying, upright = (sum(getattr(each, name) for each in ways) / len(ways) for name in ("lying", "upright"))
        return dict(zip(LABELS, (1.0 - lying - upright, lying, upright), strict=True))


def _probability(logit: float, slope: float, shift: float) -> float:
    return float(1 / (1 + np.exp(-(slope * logit + shift))))


def _line(card: model.Card, name: str) -> tuple[float, float]:
    """Slope and shift of a logit, on the card."""
    try:
        slope, shift = (float(one) for one in card.extra[name])
    except (KeyError, TypeError, ValueError):
        raise model.ModelError(f"{card.path}: the model card has no usable {name!r}") from None
    if not slope > 0:
        raise model.ModelError(f"{card.path}: {name} is out of its range")
    return slope, shift
