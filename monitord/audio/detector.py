"""From samples to decisions: level gate, stage one, stage two, smoothing, hysteresis, on a fixed grid of the stream.

Decisions are made at whole multiples of the hop, counted in samples from the start of the stream, so the blocks in
which the sound arrives never matter. Before the stream there was silence.

While the level gate is closed a hop costs one level and one copy, and enters the smoothing with posterior 0. When it
opens, the features of the whole window are made from the samples that were kept; while it stays open, only those of
the new frames. Frames are aligned to the end of each hop: a frame reaches `window - hop` samples back before its own
step, which is why so many more samples are kept than the frames' steps add up to.

Stage one says at every open hop how much each of its labels is to be heard. Where one reaches its candidate threshold
in that hop, the verifiers of that label look again at the last seconds; where none looks, a low logit of the
verifier's card stands for what it would have said. Smoothing and hysteresis come after both, label by label; a label
whose card says so begins at once where a shorter mean is high enough.

Pure: no clock, no device, no logging.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from monitord.audio.features import RATE_HZ, LogMel, Samples
from monitord.audio.level import PIECE, LevelGate, dbfs, piece_energies, piece_levels
from monitord.audio.recent import Recent
from monitord.audio.smoothing import AtOnce, Hysteresis, Smoothing
from monitord.audio.soundcard import Rule, SoundCard, logistic
from monitord.model import Card, ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitord.audio.verifier import Verifier
    from monitord.settings import Sensitivity

Floats = npt.NDArray[np.float32]


class SoundModel(Protocol):
    """What the detector needs of a model; ``monitord.model.Model`` has it."""

    card: Card

    def logits(self, example: Floats) -> Floats:
        """Logits, shape (labels,), of one example of shape (frames, bins)."""
        ...


class Listener(Protocol):
    """A further source of posteriors, such as a cadence that is counted: it sees the frames of stage one.

    Attributes:
        rules: how each label of its becomes a sound.
    """

    rules: tuple[Rule, ...]

    def feed(self, frames: Floats, end: int) -> Sequence[float]:
        """Posteriors (0..1, in the order of `rules`) at the end of a hop while the level gate is open.

        Args:
            frames: shape (n, bins), the newest log-mel frames of stage one; most of them were given before.
            end: samples of the stream so far; the last frame ends there.
        """
        ...

    def posteriors(self, end: int) -> Sequence[float]:
        """The same while the level gate is closed; a pause may be part of what it listens for."""
        ...


class Opener(Protocol):
    """Decides hop by hop whether there is anything to listen to; ``monitord.audio.level.LevelGate`` does.

    Attributes:
        floor_dbfs: level of the quiet room.
    """

    floor_dbfs: float

    def update(self, levels: Sequence[float], *, hearing: bool) -> bool:
        """Take the levels (dBFS) of the pieces of one hop; returns whether it is to be listened to."""
        ...


_NONE: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class SoundBegan:
    """The smoothed posterior of `label` reached its threshold, or a shorter mean the one for beginning at once."""

    label: str


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """The smoothed posterior of `label` fell below the release level."""

    label: str


@dataclass(frozen=True, slots=True)
class Stages:
    """What each stage said of one label in one hop.

    Attributes:
        stage_one: logit of the label of stage one that makes stage two look.
        stage_two: logit of the verifier; None where it did not look, or there is none.
    """

    stage_one: float
    stage_two: float | None = None

    @property
    def looked(self) -> bool:
        """Whether stage two looked again."""
        return self.stage_two is not None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the detector makes of the sound at the end of one hop.

    Attributes:
        t_s: end of the hop, seconds from the start of the stream.
        level_dbfs: RMS level of the hop.
        floor_dbfs: tracked level of the quiet room.
        open: whether the level gate is open.
        posteriors: smoothed posterior of each label, 0..1.
        at_once: the mean over fewer hops, 0..1, of each label that may begin by it; empty in lasting quiet.
        heard: labels that go on now.
        events: what began or ended with this hop.
        stages: for each label that a network decides, what its stages said; empty while the level gate is closed.
    """

    t_s: float
    level_dbfs: float
    floor_dbfs: float
    open: bool
    posteriors: dict[str, float]
    heard: frozenset[str] = frozenset()
    events: list[SoundBegan | SoundEnded] = field(default_factory=list)
    stages: dict[str, Stages] = field(default_factory=dict)
    at_once: Mapping[str, float] = field(default_factory=dict)

    def score(self, label: str) -> float:
        """How sure it is of `label`, 0..1: by whichever mean is higher."""
        return max(self.posteriors[label], self.at_once.get(label, 0.0))


class Detector:
    """Samples in blocks of any length in, one `Decision` per hop out.

    Args:
        model: stage one, loaded.
        hop_s: seconds between decisions, a value of ``monitord.settings.HOP_S``.
        sensitivity: which thresholds of the model's card apply.
        verifiers: stage two, fresh ones; the labels of stage one that make them look must be on its card.
        listeners: further sources of posteriors, fresh ones.
        level_gate: another than the usual one, to measure what that costs.

    Attributes:
        card: the figures of stage one.
        labels: all labels that may be heard, in the order of `Decision.posteriors`.
        tail: samples of silence after which nothing of a sound before is left in the posteriors of the networks.

    Raises:
        ModelError: the model's card does not fit this hop or lacks something; see `SoundCard.read`. Or two sources
            have the same label.
    """

    def __init__(
        self,
        model: SoundModel,
        hop_s: float,
        sensitivity: Sensitivity,
        verifiers: Sequence[Verifier] = (),
        listeners: Sequence[Listener] = (),
        *,
        level_gate: Opener | None = None,
    ) -> None:
        card = SoundCard.read(model.card, hop_s, sensitivity)
        if card.hop % PIECE:
            raise ModelError(f"{model.card.path}: {hop_s} s is no whole number of pieces of the level gate")
        for verifier in verifiers:
            if verifier.card.candidate not in card.candidates:
                raise ModelError(f"{model.card.path}: [candidate] has no label {verifier.card.candidate!r}")
        self.card = card
        self.hop_s = hop_s
        self._model = model
        self._verifiers = [(verifier, card.labels.index(verifier.card.candidate)) for verifier in verifiers]
        self._candidates = [card.candidates.get(label, 2.0) for label in card.labels]
        self._listeners = tuple(listeners)
        rules = [*card.rules]
        rules += [rule for verifier in verifiers for rule in verifier.card.rules]
        rules += [rule for listener in listeners for rule in listener.rules]
        self.labels = tuple(rule.label for rule in rules)
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if twice:
            raise ModelError(f"{model.card.path}: two models hear the same: {', '.join(map(repr, twice))}")
        self._window = max((rule.window for rule in rules), default=1)
        self.tail = self._window * card.hop
        self._log_mel = LogMel(card.front)
        self._level_gate = level_gate or LevelGate()
        self._smoothings = [Smoothing(rule.window) for rule in rules]
        self._hysteresis = [Hysteresis(rule.threshold, rule.release) for rule in rules]
        shortcuts = [rule.at_once for rule in rules]
        self._at_once = [None if each is None else AtOnce(each.window, each.threshold) for each in shortcuts]
        self._pieces = card.hop // PIECE
        self._overlap = card.front.window - card.front.hop
        # The newest hop lies at the end; before it, what a whole window of frames needs, or a second look.
        needs = [(card.frames * card.front.hop) + self._overlap, card.hop + self._overlap]
        self._needs = max([*needs, *(verifier.needs for verifier in verifiers)])
        self._recent = Recent(self._needs + card.hop)
        self._later = 0  # Samples that came after the end of the newest hop.
        self._hops = 0
        self._frames = np.zeros((card.frames, card.front.bins), np.float32)
        self._frames_current = False
        self._nothing = [0.0] * len(rules)
        self._silent = [0.0] * (len(rules) - sum(len(listener.rules) for listener in listeners))
        self._heard: frozenset[str] = frozenset()
        self._quiet_hops = self._window

    def feed(self, samples: Samples) -> list[Decision]:
        """Take `samples`; returns the decisions that fell due, oldest first.

        Args:
            samples: shape (n,), int16, mono, 16 kHz, any n. They are kept as they are for some seconds, not copied.
        """
        hop = self.card.hop
        self._recent.add(samples)
        self._later += len(samples)
        hops = self._later // hop
        if not hops:
            return []
        # The energies of all hops at once: two calls of numpy cost more than what they compute.
        whole = samples if self._later == len(samples) else self._recent.newest(self._later)
        energies = piece_energies(whole[: hops * hop])
        decisions = []
        for at in range(0, hops * self._pieces, self._pieces):
            self._later -= hop
            decisions.append(self._decide(energies[at : at + self._pieces]))
        return decisions

    def _decide(self, energies: list[float]) -> Decision:
        """The decision of the hop that ends with the newest sample.

        Args:
            energies: of its pieces.
        """
        self._hops += 1
        end = self._hops * self.card.hop
        is_open = self._level_gate.update(piece_levels(energies), hearing=bool(self._heard))
        stages: dict[str, Stages] = {}
        if is_open:
            posteriors, stages = self._look(end)
        else:
            posteriors = self._silent.copy()
            for listener in self._listeners:
                posteriors += listener.posteriors(end)
        self._quiet_hops = 0 if is_open or any(posteriors) else self._quiet_hops + 1
        smoothed, at_once, events = self._nothing, _NONE, []
        # In lasting quiet all posteriors are zero: nothing is left to be smoothed, and nothing can begin or end.
        if self._quiet_hops <= self._window or self._heard:
            smoothed = [each.update(value) for each, value in zip(self._smoothings, posteriors, strict=True)]
            clear = [bool(each and each.update(value)) for each, value in zip(self._at_once, posteriors, strict=True)]
            at_once = {label: each.mean for label, each in zip(self.labels, self._at_once, strict=True) if each}
            events = self._judge(smoothed, clear)
        self._frames_current = is_open
        return Decision(
            end / RATE_HZ,
            dbfs(sum(energies) / len(energies)),
            self._level_gate.floor_dbfs,
            is_open,
            dict(zip(self.labels, smoothed, strict=True)),
            self._heard,
            events,
            stages,
            at_once,
        )

    def _judge(self, smoothed: list[float], clear: list[bool]) -> list[SoundBegan | SoundEnded]:
        """What begins or ends with these posteriors, where `clear` says of each label whether it may begin at once."""
        events: list[SoundBegan | SoundEnded] = []
        for label, hysteresis, value, is_clear in zip(self.labels, self._hysteresis, smoothed, clear, strict=True):
            before = hysteresis.on
            if hysteresis.update(value, clear=is_clear) != before:
                events.append(SoundEnded(label) if before else SoundBegan(label))
        if events:
            on = (label for label, each in zip(self.labels, self._hysteresis, strict=True) if each.on)
            self._heard = frozenset(on)
        return events

    def _look(self, end: int) -> tuple[list[float], dict[str, Stages]]:
        """Posterior of each label in the hop that ends at `end`, and what the stages said."""
        frames = self._newest_frames()
        first = [float(logit) for logit in self._model.logits(frames)]
        posteriors: list[float] = []
        stages = {}
        if self.card.rules:
            posteriors = [logistic(logit) for logit in first]
            stages = {label: Stages(logit) for label, logit in zip(self.card.labels, first, strict=True)}
        for verifier, at in self._verifiers:
            card = verifier.card
            second: list[float | None] = [None] * len(card.labels)
            if logistic(first[at]) >= self._candidates[at]:
                second = [float(logit) for logit in verifier.look(self._newest(self._needs), end)]
            posteriors += [card.combine.posterior(first[at], logit) for logit in second]
            stages.update({label: Stages(first[at], logit) for label, logit in zip(card.labels, second, strict=True)})
        for listener in self._listeners:
            posteriors += listener.feed(frames, end)
        return posteriors, stages

    def _newest_frames(self) -> Floats:
        """The frames of stage one's window, shape (frames, bins)."""
        hop, frames = self.card.hop, self._frames
        new = hop // self.card.front.hop
        if self._frames_current and new < len(frames):
            frames[:-new] = frames[new:]
            frames[-new:] = self._log_mel.frames(self._newest(hop + self._overlap))
        else:
            frames[:] = self._log_mel.frames(self._newest(len(frames) * self.card.front.hop + self._overlap))
        return frames

    def _newest(self, count: int) -> Samples:
        return self._recent.newest(count, self._later)
