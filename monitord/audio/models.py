"""Which models the ear listens with: the one place that loads them, for the daemon, the tools and the training.

`ear` is stage one, `cry` its verifier for cries, and each word of the configuration has a verifier on speech
embeddings. Without `ear` in the folder, `cry` is a network that decides alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Self

from monitord import model, paths
from monitord.audio import cadence, embedding, soundcard
from monitord.audio.detector import Detector
from monitord.audio.embedding import Embeddings, SpeechEmbedding
from monitord.audio.soundcard import SoundCard, VerifierCard
from monitord.audio.verifier import MelVerifier, WordVerifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitord.audio.detector import Opener
    from monitord.audio.embedding import Floats
    from monitord.audio.verifier import Verifier
    from monitord.settings import Hearing

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
        enrolled: the folder of the enrolled utterances.

    Raises:
        ModelError: a card lacks something, or the models do not fit together.
    """

    def __init__(
        self,
        stage_one: model.Model,
        verifiers: Sequence[model.Model],
        backbone: SpeechEmbedding | None,
        audio: Hearing,
        enrolled: Path,
    ) -> None:
        self.stage_one = stage_one
        self.verifiers = tuple(verifiers)
        self._backbone = backbone
        self._audio = audio
        self._templates: dict[str, Floats] = {}
        self._enrolment: dict[str, str] = {}
        if backbone is not None:
            for loaded in self.verifiers:
                self._take_enrolled(loaded.card, backbone.identity, enrolled)
        self.detector()

    @classmethod
    def load(cls, audio: Hearing, folder: Path | None = None, enrolled: Path | None = None) -> Self:
        """Load stage one, the verifier of cries, and those of the words of `audio`.

        Args:
            audio: the configuration of the ear.
            folder: where the models are; None: the shipped ones.
            enrolled: where enrolled utterances are; None: in the state folder.

        Raises:
            ModelError: a model is missing, changed, or does not fit the others.
        """
        folder = folder or paths.models_dir()
        enrolled = enrolled or paths.state_dir() / paths.ENROLLED
        if not (folder / f"{EAR}.toml").exists():
            if audio.words:
                raise model.ModelError(f"{folder}: words need a model of stage one, and there is no {EAR}.toml")
            return cls(model.load(folder / f"{CRY}.toml"), (), None, audio, enrolled)
        stage_one, cries = model.load(folder / f"{EAR}.toml"), model.load(folder / f"{CRY}.toml")
        words = [load_word(word, folder) for word in audio.words]
        backbone = SpeechEmbedding.load(folder / embedding.CARD) if words else None
        return cls(stage_one, [cries, *words], backbone, audio, enrolled)

    def lines(self) -> list[tuple[str, str]]:
        """Name of each model, and one line about it: its stage, its labels, what the owner may expect of it."""
        lines = []
        for loaded in (self.stage_one, *self.verifiers):
            stage = "stage two" if loaded is not self.stage_one else "stage one" if self.verifiers else "one stage"
            promise = soundcard.promise(loaded.card, self._audio.hop_s, self._audio.sensitivity)
            enrolment = [self._enrolment[label] for label in loaded.card.labels if label in self._enrolment]
            parts = [f"{stage}: {', '.join(loaded.card.labels)}", *promise, *enrolment]
            lines.append((loaded.card.name, "; ".join(parts)))
        if self._audio.alarms:
            lines.append(("alarms", f"by their cadence, no network: {', '.join(cadence.LABELS)}"))
        return lines

    def _take_enrolled(self, card: model.Card, backbone: str, folder: Path) -> None:
        """A damaged file costs its word the enrolment, not the house its ear."""
        if "backbone" not in card.extra:
            return
        from monitord.audio import templates  # noqa: PLC0415 - an ear without words has none

        word = card.labels[0]
        try:
            kept = templates.load(folder, word, backbone)
        except templates.TemplatesError as cause:
            self._enrolment[word] = f"enrolled utterances are not used: {cause}"
            return
        if len(kept):
            self._templates[word] = kept
            self._enrolment[word] = f"{len(kept)} enrolled utterances"

    def detector(self, level_gate: Opener | None = None) -> Detector:
        """A fresh detector, for a stream that begins; the networks themselves are shared.

        Args:
            level_gate: another than the usual one, to measure what that costs.
        """
        hop_s, sensitivity = self._audio.hop_s, self._audio.sensitivity
        embeddings = None if self._backbone is None else Embeddings(self._backbone)
        verifiers: list[Verifier] = []
        for loaded in self.verifiers:
            card = VerifierCard.read(loaded.card, hop_s, sensitivity)
            if card.front is not None:
                verifiers.append(MelVerifier(loaded, card))
            elif embeddings is not None:
                verifiers.append(WordVerifier(loaded, card, embeddings, self._templates.get(card.labels[0])))
            else:
                raise model.ModelError(f"{loaded.card.path}: it needs the speech embedding, which is not loaded")
        if verifiers and not SoundCard.read(self.stage_one.card, hop_s, sensitivity).candidates:
            raise model.ModelError(f"{self.stage_one.card.path}: stage one has no section [candidate]")
        return Detector(self.stage_one, hop_s, sensitivity, verifiers, self._alarms(), level_gate=level_gate)

    def _alarms(self) -> list[cadence.Alarms]:
        if not self._audio.alarms:
            return []
        card = SoundCard.read(self.stage_one.card, self._audio.hop_s, self._audio.sensitivity)
        try:
            return [cadence.Alarms(card.front)]
        except ValueError as cause:
            raise model.ModelError(f"{self.stage_one.card.path}: {cause}; or set audio.alarms = false") from None


def load_word(word: str, folder: Path) -> model.Model:
    """The model of `word`: the card's own path, or a name in `folder`.

    Raises:
        ModelError: there is none, or it is none of a word.
    """
    path = Path(word).expanduser() if word.endswith(".toml") else folder / f"{word}.toml"
    if not path.exists():
        raise model.ModelError(f"{path}: there is no model of the word {word!r}; audio.words names it")
    loaded = model.load(path)
    if "backbone" not in loaded.card.extra:
        raise model.ModelError(f"{path}: is no model of a word: its card names no backbone")
    for label in loaded.card.labels:
        if label in TAKEN or not re.fullmatch("[a-z0-9_]+", label):
            raise model.ModelError(f"{path}: a word may not be called {label!r}; name it otherwise (small letters)")
    return loaded
