"""From samples to decisions: level gate, log-mel, model, smoothing, hysteresis, on a fixed grid of the stream.

Decisions are made at whole multiples of the hop, counted in samples from the start of the stream, so the blocks in
which the sound arrives never matter. Before the stream there was silence.

While the level gate is closed a hop costs one level and one copy, and enters the smoothing with posterior 0. When it
opens, the features of the whole window are made from the samples that were kept; while it stays open, only those of
the new frames. Frames are aligned to the end of each hop: a frame reaches `window - hop` samples back before its own
step, which is why so many more samples are kept than the frames' steps add up to.

Pure: no clock, no device, no logging.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from monitord.audio.features import RATE_HZ, LogMel, Samples
from monitord.audio.level import PIECE, LevelGate, dbfs, piece_energies
from monitord.audio.smoothing import Hysteresis, Smoothing
from monitord.audio.soundcard import SoundCard
from monitord.model import Card, ModelError

if TYPE_CHECKING:
    from monitord.config import Sensitivity

Floats = npt.NDArray[np.float32]


class SoundModel(Protocol):
    """What the detector needs of a model; ``monitord.model.Model`` has it."""

    card: Card

    def logits(self, example: Floats) -> Floats:
        """Logits, shape (labels,), of one example of shape (frames, bins)."""
        ...


@dataclass(frozen=True, slots=True)
class SoundBegan:
    """The smoothed posterior of `label` reached its threshold."""

    label: str


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """The smoothed posterior of `label` fell below the release level."""

    label: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the detector makes of the sound at the end of one hop.

    Attributes:
        t_s: end of the hop, seconds from the start of the stream.
        level_dbfs: RMS level of the hop.
        floor_dbfs: tracked level of the quiet room.
        open: whether the level gate is open.
        posteriors: smoothed posterior of each label, 0..1.
        heard: labels that go on now.
        events: what began or ended with this hop.
    """

    t_s: float
    level_dbfs: float
    floor_dbfs: float
    open: bool
    posteriors: dict[str, float]
    heard: frozenset[str] = frozenset()
    events: list[SoundBegan | SoundEnded] = field(default_factory=list)


class Detector:
    """Samples in blocks of any length in, one `Decision` per hop out.

    Args:
        model: a loaded sound model.
        hop_s: seconds between decisions, a value of ``monitord.config.HOP_S``.
        sensitivity: which thresholds of the model's card apply.

    Raises:
        ModelError: the model's card does not fit this hop or lacks something; see `SoundCard.read`.
    """

    def __init__(self, model: SoundModel, hop_s: float, sensitivity: Sensitivity) -> None:
        card = SoundCard.read(model.card, hop_s, sensitivity)
        if card.hop % PIECE:
            raise ModelError(f"{model.card.path}: {hop_s} s is no whole number of pieces of the level gate")
        self.card = card
        self.hop_s = hop_s
        self._model = model
        self._log_mel = LogMel(card.front)
        self._level_gate = LevelGate()
        self._smoothing = Smoothing(len(card.labels), card.window)
        self._hysteresis = [Hysteresis(threshold, card.release) for threshold in card.thresholds]
        self._overlap = card.front.window - card.front.hop
        # The newest hop lies at the end; before it, what a whole window of frames needs.
        self._kept = np.zeros(max(card.frames * card.front.hop + self._overlap, card.hop + self._overlap), np.int16)
        self._filled = 0
        self._hops = 0
        self._frames = np.zeros((card.frames, card.front.bins), np.float32)
        self._frames_current = False
        self._nothing = (0.0,) * len(card.labels)
        self._heard: frozenset[str] = frozenset()
        self._quiet_hops = card.window

    def feed(self, samples: Samples) -> list[Decision]:
        """Take `samples`, shape (n,), int16, mono, 16 kHz, any n; returns the decisions that fell due, oldest first."""
        decisions = []
        hop, kept = self.card.hop, self._kept
        taken = 0
        while taken < len(samples):
            if not self._filled:
                kept[:-hop] = kept[hop:]
            count = min(hop - self._filled, len(samples) - taken)
            at = len(kept) - hop + self._filled
            kept[at : at + count] = samples[taken : taken + count]
            taken += count
            self._filled += count
            if self._filled == hop:
                self._filled = 0
                decisions.append(self._decide())
        return decisions

    def _decide(self) -> Decision:
        self._hops += 1
        energies = piece_energies(self._kept[-self.card.hop :])
        is_open = self._level_gate.update([dbfs(energy) for energy in energies], hearing=bool(self._heard))
        self._quiet_hops = 0 if is_open else self._quiet_hops + 1
        smoothed, events = self._nothing, []
        # In lasting quiet all posteriors are zero: nothing is left to be smoothed, and nothing can begin or end.
        if self._quiet_hops <= self.card.window or self._heard:
            smoothed = self._smoothing.update(self._posteriors() if is_open else self._nothing)
            events = self._judge(smoothed)
        self._frames_current = is_open
        return Decision(
            self._hops * self.card.hop / RATE_HZ,
            dbfs(sum(energies) / len(energies)),
            self._level_gate.floor_dbfs,
            is_open,
            dict(zip(self.card.labels, smoothed, strict=True)),
            self._heard,
            events,
        )

    def _judge(self, smoothed: tuple[float, ...]) -> list[SoundBegan | SoundEnded]:
        """What begins or ends with these posteriors."""
        events: list[SoundBegan | SoundEnded] = []
        for label, hysteresis, value in zip(self.card.labels, self._hysteresis, smoothed, strict=True):
            before = hysteresis.on
            if hysteresis.update(value) != before:
                events.append(SoundEnded(label) if before else SoundBegan(label))
        if events:
            on = (label for label, each in zip(self.card.labels, self._hysteresis, strict=True) if each.on)
            self._heard = frozenset(on)
        return events

    def _posteriors(self) -> tuple[float, ...]:
        hop, frames = self.card.hop, self._frames
        new = hop // self.card.front.hop
        if self._frames_current and new < len(frames):
            frames[:-new] = frames[new:]
            frames[-new:] = self._log_mel.frames(self._kept[-(hop + self._overlap) :])
        else:
            frames[:] = self._log_mel.frames(self._kept[-(len(frames) * self.card.front.hop + self._overlap) :])
        logits = self._model.logits(frames).astype(np.float64)
        return tuple((0.5 + 0.5 * np.tanh(0.5 * logits)).tolist())  # The logistic function, which here cannot overflow.
