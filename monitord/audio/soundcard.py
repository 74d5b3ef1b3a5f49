"""What only the cards of sound models have: front ends, candidates, how two stages combine, smoothing, thresholds.

Two kinds of model: stage one, which listens to everything, and verifiers, which look again where stage one found a
candidate. A stage one whose card has thresholds of its own decides alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from monitord.audio.embedding import EXAMPLE
from monitord.audio.enrolled import Gain
from monitord.audio.features import RATE_HZ, FrontEnd
from monitord.model import Card, ModelError
from monitord.settings import HOP_S, Sensitivity

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_S = 3.0
"""So much sound is kept for a second look at most."""
BACKBONE = "speech_embedding"
"""The one base that a word's card may name."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """When a sound is so clear that it begins before the mean over the whole window says so.

    Attributes:
        window: hops over which posteriors are averaged, at most those of the rule.
        threshold: the mean over them from which the sound begins at once, at least that of the rule.
    """

    window: int
    threshold: float


@dataclass(frozen=True, slots=True)
class Rule:
    """How the posteriors of one label become a sound that begins and ends.

    Attributes:
        label: what is heard.
        window: hops over which posteriors are averaged.
        release: the sound ends below this fraction of its threshold.
        threshold: smoothed posterior from which it counts as heard.
        at_once: a further way to begin; None: there is none.
    """

    label: str
    window: int
    release: float
    threshold: float
    at_once: Shortcut | None = None


@dataclass(frozen=True, slots=True)
class Combine:
    """The logit of a label: stage_one * l1 + stage_two * l2 + bias, l2 being `unseen` where stage two did not look."""

    stage_one: float
    stage_two: float
    bias: float
    unseen: float

    def posterior(self, first: float, second: float | None) -> float:
        """Posterior, 0..1, from the logits of the two stages; None: stage two did not look."""
        return logistic(
            self.stage_one * first + self.stage_two * (self.unseen if second is None else second) + self.bias
        )


def logistic(logit: float) -> float:
    """The logistic function, in a form that cannot overflow."""
    return 0.5 + 0.5 * math.tanh(0.5 * logit)


@dataclass(frozen=True, slots=True)
class SoundCard:
    """The checked figures of stage one for one time between decisions and one sensitivity.

    Attributes:
        labels: what the model's outputs mean, in order.
        front: the numbers of the front end.
        frames: frames of log-mel that the model looks at.
        hop: samples between decisions, a whole number of frames.
        candidates: posterior from which each label is worth a second look.
        rules: how its labels become sounds where it decides alone; else empty.
    """

    labels: tuple[str, ...]
    front: FrontEnd
    frames: int
    hop: int
    candidates: Mapping[str, float]
    rules: tuple[Rule, ...]

    @classmethod
    def read(cls, card: Card, hop_s: float, sensitivity: Sensitivity) -> SoundCard:
        """Read the figures of `card` that hold for `hop_s` (seconds) and `sensitivity`.

        A row of ``[[operating]]`` holds for the one label it names, or for all where it names none.

        Raises:
            ModelError: a figure is missing, of the wrong type or out of its range, or does not fit the model.
        """
        front = _front_end(card)
        hop = round(hop_s * RATE_HZ)
        if hop % front.hop:
            raise ModelError(f"{card.path}: frames of {front.window} samples every {front.hop} do not fit {hop_s} s")
        candidates: dict[str, float] = {}
        if "candidate" in card.extra:
            try:
                candidates = {label: float(card.extra["candidate"][label]) for label in card.labels}
            except (KeyError, TypeError, ValueError) as wrong:
                raise ModelError(f"{card.path}: [candidate] of the card of stage one has no usable {wrong}") from None
            if not all(0.0 <= value <= 1.0 for value in candidates.values()):
                raise ModelError(f"{card.path}: a threshold of [candidate] is out of its range, 0 to 1")
        alone = not candidates
        rules = _rules(card, hop_s, sensitivity) if alone else ()
        return cls(card.labels, front, card.input_shape[0], hop, candidates, rules)


@dataclass(frozen=True, slots=True)
class VerifierCard:
    """The checked figures of one verifier for one time between decisions and one sensitivity.

    Attributes:
        labels: what the model's outputs mean, in order.
        candidate: the label of stage one that makes it look.
        front: the numbers of its front end; None where it looks at speech embeddings.
        frames: frames of log-mel, or embeddings, that it looks at.
        combine: how its logits and stage one's become posteriors.
        rules: how its labels become sounds, in their order.
        enrolment: what the likeness to a resident's own utterances is worth; None: the word knows no enrolment.
    """

    labels: tuple[str, ...]
    candidate: str
    front: FrontEnd | None
    frames: int
    combine: Combine
    rules: tuple[Rule, ...]
    enrolment: Gain | None = None

    @classmethod
    def read(cls, card: Card, hop_s: float, sensitivity: Sensitivity) -> VerifierCard:
        """Read the figures of `card` that hold for `hop_s` (seconds) and `sensitivity`.

        Raises:
            ModelError: a figure is missing, of the wrong type or out of its range, or does not fit the model.
        """
        try:
            candidate = card.extra["candidate"]
            combine = Combine(**{name: float(value) for name, value in card.extra["combine"].items()})
            worth = card.extra.get("enrolment")
            # What the section has beside the three numbers was measured with them.
            enrolment = None if worth is None else Gain(*(float(worth[name]) for name in ("gain", "offset", "most")))
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            raise ModelError(f"{card.path}: the card of a verifier has no usable {wrong}") from None
        if not isinstance(candidate, str):
            raise ModelError(f"{card.path}: candidate = {candidate!r} is no label of stage one")
        if not all(map(math.isfinite, (combine.stage_one, combine.stage_two, combine.bias, combine.unseen))):
            raise ModelError(f"{card.path}: a figure of [combine] is no number")
        front = None
        if "backbone" not in card.extra:
            front = _front_end(card)
            samples = (card.input_shape[0] - 1) * front.hop + front.window
            if samples > LONGEST_S * RATE_HZ:
                raise ModelError(f"{card.path}: it looks at {samples / RATE_HZ:.2f} s, {LONGEST_S:g} s are kept")
        elif card.extra["backbone"] != BACKBONE:
            raise ModelError(f"{card.path}: backbone = {card.extra['backbone']!r}; the only one is {BACKBONE!r}")
        elif len(card.input_shape) != 2 or card.input_shape[0] != EXAMPLE:  # noqa: PLR2004 - embeddings, numbers
            raise ModelError(f"{card.path}: input_shape {card.input_shape} is not ({EXAMPLE} embeddings, numbers)")
        rules = _rules(card, hop_s, sensitivity)
        return cls(card.labels, candidate, front, card.input_shape[0], combine, rules, enrolment)


def _front_end(card: Card) -> FrontEnd:
    try:
        front = FrontEnd(**card.extra["front_end"])
        lengths = (front.window, front.hop, front.bins, front.points)
        whole = all(isinstance(length, int) and length > 0 for length in lengths)
        sound = 0.0 <= front.low_hz < front.high_hz <= RATE_HZ / 2 and front.floor > 0.0 and front.power in (1, 2)
    except (KeyError, TypeError) as wrong:
        raise ModelError(f"{card.path}: the card of a sound model has no usable {wrong}") from None
    if not (whole and sound and front.points >= front.window):
        raise ModelError(f"{card.path}: a figure of [front_end] is out of its range")
    if front.window < front.hop:
        raise ModelError(f"{card.path}: frames of {front.window} samples every {front.hop} do not fit each other")
    if len(card.input_shape) != 2 or card.input_shape[1] != front.bins:  # noqa: PLR2004 - frames and bins
        raise ModelError(f"{card.path}: input_shape {card.input_shape} is not (frames, {front.bins} bins)")
    return front


def _rules(card: Card, hop_s: float, sensitivity: Sensitivity) -> tuple[Rule, ...]:
    try:
        smoothing = card.extra["smoothing"]
        window_s, release = float(smoothing["window_s"]), float(smoothing["release"])
        rows = [operating_row(card, label, hop_s, sensitivity) for label in card.labels]
        thresholds = [float(row["threshold"]) for row in rows]
        window = round(window_s / hop_s)
        shortcuts = [_shortcut(row, smoothing, hop_s) for row in rows]
    except (KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise ModelError(f"{card.path}: the card of a sound model has no usable {wrong}") from None
    if not (window_s >= hop_s and 0.0 < release <= 1.0 and all(0.0 < value <= 1.0 for value in thresholds)):
        raise ModelError(f"{card.path}: smoothing or a threshold is out of its range")
    rules = tuple(map(Rule, card.labels, repeat(window), repeat(release), thresholds, shortcuts))
    for rule in rules:
        short = rule.at_once
        if short and not (1 <= short.window <= window and rule.threshold <= short.threshold <= 1.0):
            raise ModelError(f"{card.path}: at_once of {rule.label}, or at_once_s, is out of its range")
    return rules


def _shortcut(row: Mapping[str, Any], smoothing: Mapping[str, Any], hop_s: float) -> Shortcut | None:
    """The further way to begin in a row of ``[[operating]]``, which has one where it has ``at_once``.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: a figure is missing or none.
    """
    if "at_once" not in row:
        return None
    return Shortcut(round(float(smoothing["at_once_s"]) / hop_s), float(row["at_once"]))


def operating_row(card: Card, label: str, hop_s: float, sensitivity: Sensitivity) -> Mapping[str, Any]:
    """The row of the card's ``[[operating]]`` that holds for `label`.

    Raises:
        KeyError: there is none, or a row or the table lacks what it needs.
        TypeError: the table is none.
    """
    profile = next(profile for profile, seconds in HOP_S.items() if seconds == hop_s)
    rows: list[Mapping[str, Any]] = list(card.extra["operating"])
    for row in rows:
        if (row["profile"], row["sensitivity"]) == (profile, sensitivity) and row.get("label", label) == label:
            return row
    raise KeyError(f"threshold of {label} for profile {profile}, sensitivity {sensitivity}")


def promise(card: Card, hop_s: float, sensitivity: Sensitivity) -> list[str]:
    """What the card says that `sensitivity` means, in plain words; empty where it measured nothing.

    Where its figures are those of other words or sounds, ``[measured] stands_for`` names them. T hours without an alarm
    only show a rate below 3/T per hour (95 %, the "rule of three"), so none is never said to be 0.0 per hour.
    """
    try:
        row = operating_row(card, card.labels[0], hop_s, sensitivity)
        hourly, recall = float(row["false_alarms_per_hour"]), round(100 * float(row["recall"]))
        notes = card.extra.get("measured", {})
        measured, hours = notes.get("stands_for"), float(notes.get("test_negative_hours", 0.0))
    except (KeyError, TypeError, ValueError, AttributeError):
        return []
    share = f"{recall // 10} of 10" if recall % 10 == 0 else f"{recall} of 100"
    what = "calls" if "backbone" in card.extra else "cries"
    rate, none = f"{hourly:.1f}", ""
    if hourly == 0.0 and hours > 0.0:
        rate, none = f"under {3.0 / hours:.1f}", f" (none in {hours:.1f} h)"
    said = f"{sensitivity}: {rate} false alarms per hour of hard test sounds{none}, finds {share} {what}"
    return [said, f"measured on {measured}"] if measured else [said]
