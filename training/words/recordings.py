"""The recordings as embeddings: what a word detector must not fire on, and what it is measured with.

Each clip is embedded as the ear would: silence before it, a second of silence after it. A share of the clips is
embedded once more as heard in another room, at another level and in noise; those only teach.
"""

from __future__ import annotations

import functools
import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from monitord.audio.embedding import CARD, SpeechEmbedding
from monitord.audio.features import RATE_HZ
from training import augment
from training.cache import kept
from training.clips import read_sound
from training.words import rooms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.clips import Clip

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Samples = npt.NDArray[np.int16]

STEP = 1280
EXAMPLE = 16
CHUNKS = 12
ELSEWHERE = 0.4
"""Share of the clips that are heard a second time, elsewhere."""
CODE = ("words/recordings", "words/rooms", "augment")


@dataclass(frozen=True, slots=True)
class Stream:
    """A sound as embeddings, float16, shape (15 + n, 96): 15 of silence before it, so that row k + 15 ends example k.

    Attributes:
        rows: the embeddings.
        clip: index of the clip it was made from.
        taught_only: heard elsewhere: never measured with.
    """

    rows: Halves
    clip: int
    taught_only: bool


@functools.lru_cache(maxsize=1)
def network() -> SpeechEmbedding:
    """The speech embedding, loaded once in each process."""
    return SpeechEmbedding.load(Path(__file__).parents[2] / "models" / CARD)


@functools.lru_cache(maxsize=1)
def silence() -> Floats:
    """The embedding of digital silence, shape (96,)."""
    return network().embed(np.zeros(STEP * 12, np.int16))[-1]


def embedded(samples: Samples) -> Halves:
    """Embeddings of `samples` after silence, shape (15 + n // 1280, 96)."""
    rows = network().embed(samples)
    return np.concatenate([np.tile(silence(), (EXAMPLE - 1, 1)), rows]).astype(np.float16)


def followed_by_silence(samples: Samples) -> Samples:
    """`samples` and a second of silence, to a whole number of embeddings."""
    return np.pad(samples, (0, RATE_HZ + (-len(samples)) % STEP))


def streams(clips: Sequence[Clip], seed: int, processes: int = 2) -> list[Stream]:
    """Every clip as a stream, and a share of them elsewhere; made in `CHUNKS` parts, each of them kept."""
    make = functools.partial(part_of_streams, clips, seed=seed)
    # Spawned, not forked: tensorflow may run in this process, and its threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        parts = pool.imap(make, range(CHUNKS))
        bar = tqdm(parts, total=CHUNKS, desc="recordings -> embeddings", mininterval=2.0)
        return [stream for part in bar for stream in part]


def part_of_streams(clips: Sequence[Clip], part: int, seed: int) -> list[Stream]:
    """The streams of every `CHUNKS`-th clip from `part` on."""
    numbers = range(part, len(clips), CHUNKS)
    names = tuple(clips[k].name for k in numbers)

    def make() -> list[Stream]:
        rng = np.random.default_rng([seed, part])
        noises = [read_sound(clips[k].path) for k in numbers if clips[k].kind == "background noise"]
        plain, elsewhere = [], []
        for k in numbers:
            samples = read_sound(clips[k].path)
            plain.append(Stream(embedded(followed_by_silence(samples)), k, taught_only=False))
            if rng.random() < ELSEWHERE:
                other = augment.sped(rng, np.pad(samples, (0, RATE_HZ)).astype(np.float32) / 32768.0)
                elsewhere.append((k, rooms.Scene(rooms.heard(rng, other, noises), None)))
        heard = rooms.coded(rng, [scene for _, scene in elsewhere])
        pairs = zip(elsewhere, heard, strict=True)
        return plain + [Stream(embedded(scene.samples), k, taught_only=True) for (k, _), scene in pairs]

    return kept(f"word-recordings-{part}", (names, seed), CODE, make)
