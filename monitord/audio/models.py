"""Which models the ear listens with: the one place that loads them, for the daemon, the tools and the training.

`ear` is stage one, `cry` its verifier for cries, and each word of the configuration has a verifier on speech
embeddings. Without `ear` in the folder, `cry` is a network that decides alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from monitord import model, paths
from monitord.audio import embedding, soundcard
from monitord.audio.detector import Detector
from monitord.audio.embedding import Embeddings, SpeechEmbedding
from monitord.audio.soundcard import SoundCard, VerifierCard
from monitord.audio.verifier import MelVerifier, WordVerifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitord.audio.verifier import Verifier
    from monitord.config import AudioConfig

EAR = "ear"
CRY = "cry"
TAKEN = frozenset({"cry", "smoke_alarm", "co_alarm", "word"})
"""Labels that are no words."""


class EarModels:
    """The loaded models, of which any number of detectors can be made.

    Args:
        stage_one: the network that listens to everything.
        verifiers: the networks of stage two.
        backbone: the speech embedding; None where no verifier needs it.
        audio: the configuration of the ear; its profile and sensitivity say which thresholds apply.

    Raises:
        ModelError: a card lacks something, or the models do not fit together.
    """

    def __init__(
        self,
        stage_one: model.Model,
        verifiers: Sequence[model.Model],
        backbone: SpeechEmbedding | None,
        audio: AudioConfig,
    ) -> None:
        self.stage_one = stage_one
        self.verifiers = tuple(verifiers)
        self._backbone = backbone
        self._audio = audio
        self.detector()

    @classmethod
    def load(cls, audio: AudioConfig, folder: Path | None = None) -> Self:
        """Load stage one, the verifier of cries, and those of the words of `audio`.

        Args:
            audio: the configuration of the ear.
            folder: where the models are; None: the shipped ones.

        Raises:
            ModelError: a model is missing, changed, or does not fit the others.
        """
        folder = folder or paths.models_dir()
        if not (folder / f"{EAR}.toml").exists():
            if audio.words:
                raise model.ModelError(f"{folder}: words need a model of stage one, and there is no {EAR}.toml")
            return cls(model.load(folder / f"{CRY}.toml"), (), None, audio)
        stage_one, cries = model.load(folder / f"{EAR}.toml"), model.load(folder / f"{CRY}.toml")
        words = [_load_word(word, folder) for word in audio.words]
        backbone = SpeechEmbedding.load(folder / embedding.CARD) if words else None
        return cls(stage_one, [cries, *words], backbone, audio)

    def lines(self) -> list[tuple[str, str]]:
        """Name of each model, and one line about it: its stage, its labels, what the owner may expect of it."""
        lines = []
        for loaded in (self.stage_one, *self.verifiers):
            stage = "stage two" if loaded is not self.stage_one else "stage one" if self.verifiers else "one stage"
            promise = soundcard.promise(loaded.card, self._audio.hop_s, self._audio.sensitivity)
            lines.append((loaded.card.name, "; ".join([f"{stage}: {', '.join(loaded.card.labels)}", *promise])))
        return lines

    def detector(self) -> Detector:
        """A fresh detector, for a stream that begins; the networks themselves are shared."""
        hop_s, sensitivity = self._audio.hop_s, self._audio.sensitivity
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


def _load_word(word: str, folder: Path) -> model.Model:
    """The model of `word`: the card's own path, or a name in `folder`."""
    path = Path(word).expanduser() if word.endswith(".toml") else folder / f"{word}.toml"
    if not path.exists():
        raise model.ModelError(f"{path}: there is no model of the word {word!r}; audio.words names it")
    loaded = model.load(path)
    if "backbone" not in loaded.card.extra:
        raise model.ModelError(f"{path}: is no model of a word: its card names no backbone")
    if TAKEN.intersection(loaded.card.labels):
        raise model.ModelError(f"{path}: a word may not be called {', '.join(loaded.card.labels)}; name it otherwise")
    return loaded
