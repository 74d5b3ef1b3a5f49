"""A finished detector against voices it did not learn from: the phrase alone, and sentences with the phrase in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitord.audio.features import RATE_HZ
from training.cache import kept
from training.words import examples, kokoro, measure, rooms, sentences, speakers
from training.words.recordings import STEP, embedded

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.words.measure import Rate

Halves = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]

ALONE, IN_SENTENCES = 20, 20
QUIET_DB = (-36.0, -12.0)


@dataclass(frozen=True, slots=True)
class Heard:
    """Streams of embeddings: the phrase alone, and sentences, each with silence around it."""

    alone: list[Halves]
    sentences: list[Halves]


def strangers(phrase: str, language: str, seed: int) -> Heard:
    """The phrase and sentences with it by Kokoro's held-out voices, in rooms with a little noise; kept."""

    def make() -> Heard:
        rng = np.random.default_rng([seed, 77])
        texts = [examples.text(phrase, language, rng) for _ in range(ALONE)]
        alone = speakers.by_kokoro(texts, kokoro.HELD_OUT, seed + 70)
        lines = [sentences.around(phrase, language, rng, test=True) for _ in range(IN_SENTENCES)]
        texts = [examples.text(line, language, rng) for line in lines]
        spoken = speakers.by_kokoro(texts, kokoro.HELD_OUT, seed + 71)
        return Heard([_heard(one, rng) for one in alone], [_heard(one, rng) for one in spoken])

    return kept("word-strangers", (phrase, language, seed, ALONE, IN_SENTENCES), examples.CODE, make)


def _heard(one: speakers.Utterance, rng: np.random.Generator) -> Halves:
    dry = np.pad(one.sound.astype(np.float32) / 32768.0, (RATE_HZ, RATE_HZ))
    wet = rooms.heard(rng, dry, [])
    return embedded(np.pad(wet, (0, -len(wet) % STEP)))


def fired(
    heard: list[Halves], logits_of: Callable[[Halves], Floats], hop_s: float, hops: int, threshold: float
) -> Rate:
    """Share of `heard` in which the smoothed logit reaches `threshold`.

    Args:
        heard: streams.
        logits_of: logit of every example of a stream.
        hop_s: seconds between looks.
        hops: of the smoothing.
        threshold: logit, with the card's bias.
    """
    highest = [
        measure.smoothed(measure.per_hop(logits_of(rows), hop_s, number * 1731 % round(hop_s * RATE_HZ)), hops).max()
        for number, rows in enumerate(heard)
    ]
    return measure.share(int(np.sum(np.array(highest) >= threshold)), len(highest))
