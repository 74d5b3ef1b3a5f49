"""One picture -> what can be said of it: is it usable at all, and who is on it. Pure: no camera, no clock.

The camera's own state is judged by plain measures of brightness, so that a covered lens never becomes "nobody".
"""

from __future__ import annotations

from dataclasses import dataclass
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
        several: at least two people are there, never above `presence`; 0 for a model that finds no single bodies.
        features: (n,) float32, what the network sees of the room, coarsely, to be compared with the same room when it
            is empty; n = 0 for a model that does not tell.
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
        posture: the likelier posture is told from this share of the probability of a person on.
        several: several are there from this probability on.
    """

    present: float
    absent: float
    posture: float
    several: float = 0.5


class Classifier:
    """The person model: a fitted picture in, a judgement out.

    There are two kinds: one that finds bodies in three views of the picture (its card names ``outputs``), and one that
    gives the three labels' logits.

    Attributes:
        operating: thresholds.
        feature_count: length of `Judgement.features`.
        fingerprint: SHA-256 of the network; what was kept of one network means nothing to another.
    """

    def __init__(self, network: model.Model | model.Network) -> None:
        """Wrap `network`.

        Raises:
            ModelError: its card is for something else, or has no usable thresholds.
        """
        card = network.card
        if card.labels != LABELS or card.input_shape != (*SHAPE, 3):
            raise model.ModelError(
                f"{card.path}: labels {card.labels} of pictures {card.input_shape}, the eye needs {LABELS} of {SHAPE}"
            )
        self._judge = _Finder(network) if isinstance(network, model.Network) else _Labels(network)
        try:
            chosen = card.extra["operating"]
            several = chosen["several"] if isinstance(network, model.Network) else 0.5
            present, absent, posture = (float(chosen[name]) for name in ("present", "absent", "posture"))
            self.operating = Operating(present, absent, posture, float(several))
        except (KeyError, TypeError, ValueError) as missing:
            raise model.ModelError(f"{card.path}: the model card has no usable {missing}") from None
        if not 0 < self.operating.absent <= self.operating.present < 1:
            raise model.ModelError(f"{card.path}: thresholds are out of their range")
        self.feature_count = self._judge.feature_count
        self.fingerprint = card.sha256

    @classmethod
    def load(cls, models_dir: Path) -> Self:
        """Load person.tflite and person.toml.

        Raises:
            ModelError: see `monitord.model.Model`, `monitord.model.Network` and `Classifier`.
        """
        card = model.Card.read(models_dir / "person.toml")
        return cls(model.Network(card) if "outputs" in card.extra else model.Model(card))

    def classify(self, picture: Picture) -> Judgement:
        """Judge one picture.

        Args:
            picture: fitted by `monitord.video.camera` to (`SHAPE`, 3), RGB 0..255.
        """
        return self._judge(picture)

    def probabilities(self, picture: Picture) -> dict[str, float]:
        """Calibrated probability of each of `LABELS`, adding up to 1; see `classify`."""
        seen = self.classify(picture)
        return dict(zip(LABELS, (1.0 - seen.presence, seen.lying, seen.upright), strict=True))


class _Labels:
    """Judges by a network that gives each label's logit."""

    feature_count = 0

    def __init__(self, network: model.Model) -> None:
        self._network = network
        self._temperature = _numbers(network.card, "temperature", 1)[0]
        if not self._temperature > 0:
            raise model.ModelError(f"{network.card.path}: temperature is out of its range")

    def __call__(self, picture: Picture) -> Judgement:
        logits = self._network.logits(picture.astype(np.float32)) / self._temperature
        powers = np.exp(logits - logits.max())
        _, lying, upright = (float(share) for share in powers / powers.sum())
        return Judgement(lying + upright, lying, upright, 0.0, np.empty(0, np.float32))


class _Finder:
    """Judges by a network that finds bodies in the picture held upright and turned to either side."""

    def __init__(self, network: model.Network) -> None:
        places = boxes.count(*SHAPE)
        wanted = {"bodies": (2, places), "boxes": (2, places, 4)}
        shapes = dict(network.shapes)
        room = shapes.pop("room", ())
        if shapes != wanted or len(room) != 2 or room[0] != 1:  # noqa: PLR2004 - one row
            raise model.ModelError(f"{network.path}: gives {network.shapes}, the eye needs {wanted} and a room")
        self._network = network
        self.feature_count = room[1]
        self._presence = _numbers(network.card, "presence", 2)
        self._lying = _numbers(network.card, "lying", 2)
        if not (self._presence[0] > 0 and self._lying[0] > 0):
            raise model.ModelError(f"{network.card.path}: presence or lying is out of its range")

    def __call__(self, picture: Picture) -> Judgement:
        told = self._network(picture.astype(np.float32))
        seen = boxes.sum_up(told["bodies"], told["boxes"], *SHAPE)
        presence, several = (_probability(logit, *self._presence) for logit in (seen.person, seen.second))
        lying = presence * _probability(seen.lying, *self._lying)
        return Judgement(presence, lying, presence - lying, several, told["room"][0])


def _probability(logit: float, slope: float, shift: float) -> float:
    return float(1 / (1 + np.exp(-(slope * logit + shift))))


def _numbers(card: model.Card, name: str, count: int) -> tuple[float, ...]:
    """A number, or a list of `count` of them, on the card."""
    try:
        held = card.extra[name]
        numbers = tuple(float(one) for one in (held if count > 1 else [held]))
    except (KeyError, TypeError, ValueError):
        numbers = ()
    if len(numbers) != count:
        raise model.ModelError(f"{card.path}: the model card has no usable {name!r}")
    return numbers
