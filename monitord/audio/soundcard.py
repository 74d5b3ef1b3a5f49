"""What only the card of a sound model has: its front end, its smoothing, its thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitord.audio.features import RATE_HZ, FrontEnd
from monitord.config import HOP_S, Sensitivity
from monitord.model import Card, ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SoundCard:
    """The checked figures of one sound model for one time between decisions and one sensitivity.

    Attributes:
        labels: what the model's outputs mean, in order.
        front: the numbers of the front end.
        frames: frames of log-mel that the model looks at.
        hop: samples between decisions, a whole number of frames.
        window: hops over which posteriors are averaged.
        release: a sound ends below this fraction of its threshold.
        thresholds: smoothed posterior from which each label counts as heard, in the order of `labels`.
    """

    labels: tuple[str, ...]
    front: FrontEnd
    frames: int
    hop: int
    window: int
    release: float
    thresholds: tuple[float, ...]

    @classmethod
    def read(cls, card: Card, hop_s: float, sensitivity: Sensitivity) -> SoundCard:
        """Read the figures of `card` that hold for `hop_s` (seconds) and `sensitivity`.

        A row of ``[[operating]]`` holds for the one label it names, or for all where it names none.

        Raises:
            ModelError: a figure is missing, of the wrong type or out of its range, or does not fit the model.
        """
        try:
            front = FrontEnd(**card.extra["front_end"])
            smoothing = card.extra["smoothing"]
            window_s, release = float(smoothing["window_s"]), float(smoothing["release"])
            operating = list(card.extra["operating"])
            thresholds = tuple(_threshold(operating, label, hop_s, sensitivity) for label in card.labels)
        except (KeyError, TypeError, ValueError) as wrong:
            raise ModelError(f"{card.path}: the card of a sound model has no usable {wrong}") from None
        hop = round(hop_s * RATE_HZ)
        if len(card.input_shape) != 2 or card.input_shape[1] != front.bins:  # noqa: PLR2004 - frames and bins
            raise ModelError(f"{card.path}: input_shape {card.input_shape} is not (frames, {front.bins} bins)")
        if hop % front.hop or front.window < front.hop:
            raise ModelError(f"{card.path}: frames of {front.window} samples every {front.hop} do not fit {hop_s} s")
        if not (window_s >= hop_s and 0.0 < release <= 1.0 and all(0.0 < value <= 1.0 for value in thresholds)):
            raise ModelError(f"{card.path}: smoothing or a threshold is out of its range")
        return cls(card.labels, front, card.input_shape[0], hop, round(window_s / hop_s), release, thresholds)


def _threshold(operating: list[Mapping[str, Any]], label: str, hop_s: float, sensitivity: Sensitivity) -> float:
    profile = next(profile for profile, seconds in HOP_S.items() if seconds == hop_s)
    for row in operating:
        if (row["profile"], row["sensitivity"]) == (profile, sensitivity) and row.get("label", label) == label:
            return float(row["threshold"])
    raise KeyError(f"threshold of {label} for profile {profile}, sensitivity {sensitivity}")
