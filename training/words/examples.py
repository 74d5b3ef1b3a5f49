"""A phrase -> what a detector learns from: the phrase, near-words and sentences, spoken, placed in rooms, embedded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from monitord.audio.features import RATE_HZ
from training.cache import kept
from training.words import kokoro, phonemes, rooms, sentences, speakers
from training.words.recordings import EXAMPLE, STEP, network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.words.speakers import Text, Utterance

Halves = npt.NDArray[np.float16]
Samples = npt.NDArray[np.int16]

WORDS = {"kokoro": 72, "espeak": 120, "flite": 40}
"""Utterances of the phrase by each family of synthesisers (flite and festival know English only)."""
NEAR = {"kokoro": 20, "espeak": 60}
AROUND = {"kokoro": 16, "espeak": 40}
COPIES = {"kokoro": 6, "espeak": 3, "flite": 3}
NEAR_COPIES = 3
"""How often each utterance is heard in another place."""

STARTUP = 9
"""Embeddings at the start of a scene that still hear what was before it."""
LATEST = 8
"""Examples of a scene after the first: the hop ends up to 0.64 s later after the word than in the first."""
AFTER_S = (0.14, 0.22)
"""The first example ends so long after the word's end: a sentence that goes on can be told from a call."""
LENGTH = STEP * (STARTUP + EXAMPLE + LATEST)
LONGEST_S = 1.75

SPEECH = ("words/speakers", "words/kokoro", "words/phonemes", "words/sentences")
CODE = (*SPEECH, "words/examples", "words/rooms", "augment")


@dataclass(frozen=True, slots=True)
class Said:
    """Everything that was spoken for one phrase."""

    words: list[Utterance]
    near: list[Utterance]
    around: list[Utterance]


@dataclass(frozen=True, slots=True)
class Examples:
    """Embeddings of scenes, each (rows, 96); any 16 rows in a row are an example.

    Attributes:
        words: the phrase alone or repeated; every example of these scenes counts as the phrase.
        near: near-words in the same places.
        around: sentences with the phrase in them.
    """

    words: list[Halves]
    near: list[Halves]
    around: list[Halves]


def text(phrase: str, language: str, rng: np.random.Generator) -> Text:
    """`phrase` to be read in one of the language's accents, the commoner ones more often."""
    known = phonemes.accents(language)
    accent = known[min(int(rng.exponential(1.5)), len(known) - 1)]
    return speakers.Text(phrase, phonemes.ipa(phrase, accent), language)


def misspelt(phrase: str, rng: np.random.Generator) -> str:
    """`phrase` with one or two letters changed, dropped or added: a near-word for engines that read."""
    letters = list(phrase)
    for _ in range(int(rng.integers(1, 3))):
        where = int(rng.integers(len(letters)))
        kind = rng.integers(3)
        other = str(rng.choice(list("abdefgiklmnoprstu")))
        if kind == 0:
            letters[where] = other
        elif kind == 1 and len(letters) > 2:
            del letters[where]
        else:
            letters.insert(where, other)
    edited = "".join(letters)
    return edited if edited.strip() and edited != phrase else phrase + "s"


def speak(phrase: str, language: str, seed: int) -> Said:
    """Have everything for `phrase` spoken; kept."""
    voices = tuple(name for name in kokoro.voices() if name not in kokoro.HELD_OUT)
    english = language.startswith("en")

    def make() -> Said:
        rng = np.random.default_rng(seed)

        def near_ipa() -> Text:
            reading = text(phrase, language, rng)
            return speakers.Text(phrase, phonemes.near(reading.ipa, rng), language)

        def near_letters() -> Text:
            return speakers.Text(misspelt(phrase, rng), "", language)

        def sentence() -> Text:
            return text(sentences.around(phrase, language, rng), language, rng)

        plain = {engine: [text(phrase, language, rng) for _ in range(count)] for engine, count in WORDS.items()}
        words = speakers.by_espeak(plain["espeak"], seed)
        near = speakers.by_espeak([near_letters() for _ in range(NEAR["espeak"])], seed + 1)
        around = speakers.by_espeak([sentence() for _ in range(AROUND["espeak"])], seed + 2)
        if english:
            words += speakers.by_flite(plain["flite"], seed + 3)
        words += speakers.by_kokoro(plain["kokoro"], voices, seed + 4)
        near += speakers.by_kokoro([near_ipa() for _ in range(NEAR["kokoro"])], voices, seed + 5)
        around += speakers.by_kokoro([sentence() for _ in range(AROUND["kokoro"])], voices, seed + 6)
        return Said(words, near, around)

    said = kept("word-said", (phrase, language, seed, WORDS, NEAR, AROUND), SPEECH, make)
    median = float(np.median([len(one.sound) for one in said.words])) / RATE_HZ
    if median > LONGEST_S:
        raise SystemExit(
            f"{phrase!r} takes {median:.1f} s to say; a detector hears {LONGEST_S} s: choose a shorter one"
        )
    return said


def examples(phrase: str, language: str, noises: Sequence[Samples], seed: int) -> Examples:
    """What was spoken for `phrase`, in many places, embedded; kept."""
    said = speak(phrase, language, seed)

    def make() -> Examples:
        rng = np.random.default_rng(seed)
        copied = [one for one in said.words for _ in range(COPIES[one.engine])]
        words = _placed(copied, noises, rng, "the phrase", repeat=True)
        near = _placed(said.near * NEAR_COPIES, noises, rng, "near-words", repeat=False)
        return Examples(words, near, _heard(said.around, noises, rng))

    return kept("word-examples", (phrase, language, seed, WORDS, NEAR, AROUND, len(noises)), CODE, make)


def _placed(
    said: Sequence[Utterance], noises: Sequence[Samples], rng: np.random.Generator, what: str, *, repeat: bool
) -> list[Halves]:
    scenes = []
    for one in said:
        sound = rooms.spoken(rng, one.sound)[-int(LONGEST_S * RATE_HZ) :]
        end = STEP * (STARTUP + EXAMPLE) - int(rng.uniform(*AFTER_S) * RATE_HZ)
        scenes.append(rooms.placed(rng, sound, LENGTH, end, noises, repeat=repeat))
    scenes = rooms.coded(rng, scenes)
    return [_embedded(scene.samples) for scene in tqdm(scenes, desc=f"{what} -> embeddings", mininterval=2.0)]


def _heard(said: Sequence[Utterance], noises: Sequence[Samples], rng: np.random.Generator) -> list[Halves]:
    scenes = []
    for one in said:
        for _ in range(2):
            dry = np.pad(rooms.spoken(rng, one.sound), (STEP * STARTUP, RATE_HZ // 2))
            scenes.append(rooms.Scene(rooms.heard(rng, dry, noises), None))
    scenes = rooms.coded(rng, scenes)
    return [_embedded(scene.samples) for scene in tqdm(scenes, desc="sentences -> embeddings", mininterval=2.0)]


def _embedded(samples: Samples) -> Halves:
    """Embeddings of a scene, without those that still hear what was before it."""
    net = network()
    grid = net.grid
    padded = np.concatenate([np.zeros(grid.samples - grid.step, np.int16), samples])
    steps = len(samples) // grid.step
    mels = np.concatenate([net.mel(padded[k * grid.step :][: grid.samples]) for k in range(steps)])
    rows = [net.embedding(mels[: k * grid.frames][-grid.window :]) for k in range(STARTUP + 1, steps + 1)]
    return np.stack(rows).astype(np.float16)
