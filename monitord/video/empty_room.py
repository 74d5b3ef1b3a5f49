"""A look compared with the empty room: what calibration is worth, and whether the camera was moved. Pure.

A camera on a shelf does not move, so the room without anybody in it is known, as a few numbers of the network for each
cell of a coarse grid over the picture. Somebody in the room changes some cells much; another light changes all of them
a little; a moved camera changes nearly all of them much. Hence two measures: the mean distance of the quarter of cells
that changed most, and how far the quarter that changed least goes, which a person hardly ever reaches.

The distance is turned into a probability together with the network's own opinion by a logistic function of both, whose
weights stand on the model card (Platt, "Probabilistic outputs for support vector machines", 1999; two inputs here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from monitord import model
from monitord.events import Calibration
from monitord.video.picture import unpadded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitord.video.picture import Picture

Floats = npt.NDArray[np.float32]

CHANGED = 4
"""One cell in so many may hold the person, at least one: those that changed most are the evidence."""
STILL = 0.25
"""This share of the cells stays as it was, whoever is there, unless the camera was moved."""
SAME_LIGHT = 1.0
"""Doublings of brightness within which two pictures are of the same light; a camera's own exposure evens out more."""
GREY_BELOW = 0.06
"""Mean distance of red, green and blue of a pixel, as a share of the full range, below which a picture is grey: an
infrared camera's, at night."""
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Light:
    """In what light a picture was taken.

    Attributes:
        bright: mean brightness, 0..255.
        grey: whether it is without colours, as in infrared.
    """

    bright: float
    grey: bool

    def like(self, other: Light) -> bool:
        """Whether pictures of these two may be compared."""
        doublings = abs(math.log2(max(self.bright, 1.0) / max(other.bright, 1.0)))
        return self.grey == other.grey and doublings <= SAME_LIGHT


@dataclass(frozen=True, slots=True)
class Empty:
    """The room when nobody was in it, at one time.

    Attributes:
        at: when, ISO 8601, UTC.
        light: in what light.
        features: of the network, shape (cells * channels,), cell by cell.
    """

    at: str
    light: Light
    features: Floats


@dataclass(frozen=True, slots=True)
class Worth:
    """What a comparison is worth, from the [calibration] section of the model card.

    Attributes:
        presence: logits for each logit of the network's own opinion.
        distance: logits for each unit of distance of the cells that changed most.
        bias: logits.
        most: the comparison changes the network's opinion by no more than so many logits.
        moved: distance of the cells that changed least, from which on the camera was moved.
        cells: of the grid that the network's features are of.
    """

    presence: float
    distance: float
    bias: float
    most: float
    moved: float
    cells: int

    @classmethod
    def read(cls, card: model.Card) -> Self | None:
        """From the card's section [calibration]; None where it has none.

        Raises:
            ModelError: the section lacks a number, or has one that means nothing.
        """
        section = card.extra.get("calibration")
        if section is None:
            return None
        try:
            worth = cls(
                presence=float(section["presence"]),
                distance=float(section["distance"]),
                bias=float(section["bias"]),
                most=float(section["most"]),
                moved=float(section["moved"]),
                cells=int(section["cells"]),
            )
        except (KeyError, TypeError, ValueError) as missing:
            raise model.ModelError(f"{card.path}: [calibration] has no usable {missing}") from None
        if not (
            worth.presence > 0 and worth.distance >= 0 and worth.most >= 0 and 0 < worth.moved <= 1 and worth.cells > 0
        ):
            raise model.ModelError(f"{card.path}: [calibration] has a number out of its range")
        return worth


@dataclass(frozen=True, slots=True)
class Comparison:
    """A look beside the empty room.

    Attributes:
        state: HOLDS, or why it cannot be compared.
        distance: of the cells that changed most, 0..1; 0 where it cannot be compared.
        still: of the cells that changed least, 0..1.
    """

    state: Calibration
    distance: float = 0.0
    still: float = 0.0


def light_of(picture: Picture) -> Light:
    """The light of a picture (height, width, 3), RGB; bars around it do not count."""
    inside = unpadded(picture)
    # Channel by channel: numpy is ten times slower along an axis of three.
    red, green, blue = (inside[..., channel] for channel in range(3))
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    colour = float((most - least).mean()) / 255.0
    return Light(float(inside.mean()), colour < GREY_BELOW)


def distances(one: Floats, other: Floats, cells: int) -> Floats:
    """How far apart each cell of two looks is, shape (cells,), 0..1; the same whichever comes first.

    The length of the difference, as a share of what it could be at most for vectors of these lengths.

    Args:
        one: shape (cells * channels,), cell by cell.
        other: the same shape.
        cells: how many there are.
    """
    here, there = one.reshape(cells, -1), other.reshape(cells, -1)
    apart = np.linalg.norm(here - there, axis=1)
    most = np.linalg.norm(here, axis=1) + np.linalg.norm(there, axis=1)
    return np.asarray(apart / np.maximum(most, _TINY), np.float32)


def compare(features: Floats, light: Light, rooms: Sequence[Empty], worth: Worth) -> Comparison:
    """A look beside the calibration that is nearest to it, of those in the same light.

    Nearest by the cells that changed least, because the person whom one looks for does not change those.

    Args:
        features: mean of the look's frames, shape (cells * channels,).
        light: of the look.
        rooms: what is kept; none: the state is NONE.
        worth: from the card.
    """
    if not rooms:
        return Comparison(Calibration.NONE)
    near = [distances(features, room.features, worth.cells) for room in rooms if room.light.like(light)]
    if not near:
        return Comparison(Calibration.OTHER_LIGHT)
    cells = min(near, key=lambda each: float(np.quantile(each, STILL)))
    changed = np.sort(cells)[-max(1, len(cells) // CHANGED) :]
    still = float(np.quantile(cells, STILL))
    state = Calibration.MOVED if still >= worth.moved else Calibration.HOLDS
    return Comparison(state, float(changed.mean()), still)


def adjusted(presence: float, comparison: Comparison, worth: Worth) -> float:
    """The probability that somebody is there, with the comparison taken into account.

    Args:
        presence: the network's own, 0..1.
        comparison: where its state is not HOLDS, `presence` is returned as it is.
        worth: from the card.
    """
    if comparison.state is not Calibration.HOLDS:
        return presence
    own = _logit(presence)
    both = worth.presence * own + worth.distance * comparison.distance + worth.bias
    return _logistic(min(own + worth.most, max(own - worth.most, both)))


def _logit(probability: float) -> float:
    held = min(1.0 - _TINY, max(_TINY, probability))
    return math.log(held / (1.0 - held))


def _logistic(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))
