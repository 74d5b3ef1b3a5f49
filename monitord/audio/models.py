"""Which models the ear listens with: the one place that loads them, for the daemon, the tools and the training.

`ear` is stage one, `cry` its verifier for cries, and each word of the configuration has a verifier on speech
embeddings. Without `ear` in the folder, `cry` is a network that decides alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from monitord import model, paths
from monitord.audio import embedding
from monitord.audio.detector import Detector
from monitord.audio.embedding import Embeddings, SpeechEmbedding
from monitord.audio.soundcard import SoundCard, VerifierCard
from monitord.audio.verifier import MelVerifier, WordVerifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitord.audio.verifier import Verifier
    from monitord.config import Sensitivity

EAR = "ear"
CRY = "cry"


class EarModels:
    """The loaded models, of which any number of detectors can be made.

    Args:
        stage_one: the network that listens to everything.
        verifiers: the networks of stage two.
        backbone: the speech embedding; None where no verifier needs it.
        hop_s: seconds between decisions.
        sensitivity: which thresholds of the cards apply.

    Raises:
        ModelError: a card lacks something, or the models do not fit together.
    """

    def __init__(
        self,
        stage_one: model.Model,
        verifiers: Sequence[model.Model],
        backbone: SpeechEmbedding | None,
        hop_s: float,
        sensitivity: Sensitivity,
    ) -> None:
        self.stage_one = stage_one
        self.verifiers = tuple(verifiers)
        self._backbone = backbone
        self._hop_s = hop_s
        self._sensitivity = sensitivity
        self.detector()

    @classmethod
    def load(
        cls, hop_s: float, sensitivity: Sensitivity, words: Sequence[str] = (), folder: Path | None = None
    ) -> Self:
        """Load stage one, the verifier of cries, and those of `words`.

        Args:
            hop_s: seconds between decisions.
            sensitivity: which thresholds of the cards apply.
            words: names of cards in `folder`, or paths of cards that end in .toml.
            folder: where the models are; None: the shipped ones.

        Raises:
            ModelError: a model is missing, changed, or does not fit the others.
        """
        folder = folder or paths.models_dir()
        if not (folder / f"{EAR}.toml").exists():
            return cls(model.load(folder / f"{CRY}.toml"), (), None, hop_s, sensitivity)
        cards = [folder / f"{CRY}.toml", *(word_card(word, folder) for word in words)]
        backbone = SpeechEmbedding.load(folder / embedding.CARD) if words else None
        return cls(
            model.load(folder / f"{EAR}.toml"), [model.load(card) for card in cards], backbone, hop_s, sensitivity
        )

    def detector(self) -> Detector:
        """A fresh detector, for a stream that begins; the networks themselves are shared."""
        hop_s, sensitivity = self._hop_s, self._sensitivity
        embeddings = None if self._backbone is None else Embeddings(self._backbone)
        verifiers: list[Verifier] = []
        for loaded in self.verifiers:
            card = VerifierCard.read(loaded.card, hop_s, sensitivity)
            if card.front is not None:
                verifiers.append(MelVerifier(loaded, card))
            elif embeddings is not None:
                verifiers.append(WordVerifier(loaded, card, embeddings))
            else:
                raise model.ModelError(f"{loaded.card.path}: it needs the speech embedding, which is not loaded")
        if verifiers and not SoundCard.read(self.stage_one.card, hop_s, sensitivity).candidates:
            raise model.ModelError(f"{self.stage_one.card.path}: stage one has no section [candidate]")
        return Detector(self.stage_one, hop_s, sensitivity, verifiers)


def word_card(word: str, folder: Path) -> Path:
    """The card of `word`: its own path, or a name in `folder`.

    Raises:
        ModelError: there is none.
    """
    path = Path(word) if word.endswith(".toml") else folder / f"{word}.toml"
    if not path.exists():
        raise model.ModelError(f"{path}: there is no model of the word {word!r}; audio.words names it")
    return path
