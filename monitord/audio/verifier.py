"""Stage two: looks again at the last seconds of sound, only where stage one found a candidate.

Pure: it keeps nothing but embeddings of what was looked at, for the next look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from monitord.audio.features import LogMel
from monitord.model import ModelError

if TYPE_CHECKING:
    from monitord.audio.detector import Floats, SoundModel
    from monitord.audio.embedding import Embeddings
    from monitord.audio.features import Samples
    from monitord.audio.soundcard import VerifierCard


class Verifier(Protocol):
    """What the detector asks when stage one has found a candidate.

    Attributes:
        card: its figures.
        needs: how many samples it looks at.
    """

    card: VerifierCard
    needs: int

    def look(self, kept: Samples, end: int) -> Floats:
        """Logits, shape (labels,), of the sound that ends now.

        Args:
            kept: the newest samples, at least `needs`; zeros stand for what was before the stream.
            end: samples of the stream so far; `kept` ends there.
        """
        ...


class MelVerifier:
    """Looks at log-mel frames of its own front end, the last of which ends with the samples."""

    def __init__(self, model: SoundModel, card: VerifierCard) -> None:
        if card.front is None:
            raise ModelError(f"{model.card.path}: the card has no front end")
        self.card = card
        self.needs = (card.frames - 1) * card.front.hop + card.front.window
        self._model = model
        self._log_mel = LogMel(card.front)

    def look(self, kept: Samples, end: int) -> Floats:  # noqa: ARG002 - the same at any time of the stream
        """Logits, shape (labels,), of the newest `needs` samples of `kept`."""
        return self._model.logits(self._log_mel.frames(kept[-self.needs :]))


class WordVerifier:
    """Looks at the newest speech embeddings; all words of one stream share one `Embeddings`."""

    def __init__(self, model: SoundModel, card: VerifierCard, embeddings: Embeddings) -> None:
        if model.card.input_shape != embeddings.shape:
            raise ModelError(f"{model.card.path}: input_shape {model.card.input_shape} is not {embeddings.shape}")
        self.card = card
        self.needs = embeddings.needs
        self._model = model
        self._embeddings = embeddings

    def look(self, kept: Samples, end: int) -> Floats:
        """Logits, shape (labels,), of the newest embeddings at `end`."""
        return self._model.logits(self._embeddings.newest(kept, end))
