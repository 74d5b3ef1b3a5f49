"""One word said once: where it begins and ends, and whether it can be learned from.

Levels are judged in pieces of 50 ms, as the level gate judges them. Pure: no clock but the samples it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from monitord.audio.embedding import EXAMPLE, Floats, SpeechEmbedding
from monitord.audio.features import RATE_HZ, Samples
from monitord.audio.level import OPEN_OVER_DB, PIECE, PIECE_S, dbfs, piece_energies

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGINS_PIECES = 2
ENDS_PIECES = 8
"""So many quiet pieces (0.4 s) end a word; the closure of a "t" or a "p" is shorter."""
SHORTEST_S, LONGEST_S = 0.15, 1.5
"""A word's example is 2 s of sound; it has to lie within, with some room."""
CLEAR_OVER_DB = 12.0
"""Its loudest piece stands so far above the room, else it is too quiet to learn from."""
CLEAR_DBFS = -50.0
TIGHT_DB = 25.0
CLIPPED_STEPS, CLIPPED_SAMPLES = 32_700, 8
PATIENCE_S = 10.0
"""Without a word for so long, nothing was heard; a sound that lasts so long has no end."""
TAIL_S = 0.25
"""Sound after the word in its example: about what there is of it when the detector next decides."""


class Verdict(Enum):
    """Whether an utterance can be learned from; the text is what the speaker is told."""

    GOOD = "good"
    NOTHING = "nothing was heard"
    TOO_QUIET = "too quiet against the room: come nearer, or speak up"
    TOO_SHORT = "too short: that was a knock rather than a word"
    TOO_LONG = "too long: say only the word, and be quiet after it"
    CLIPPED = "too loud for the microphone: go further away, or lower its gain"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One word.

    Attributes:
        verdict: whether it can be learned from.
        length_s: from its beginning to its end, seconds.
        level_dbfs: of its loudest piece.
        samples: what was heard up to its end and `TAIL_S` beyond; empty unless the verdict is GOOD.
    """

    verdict: Verdict
    length_s: float = 0.0
    level_dbfs: float = -127.0
    samples: Samples = field(default_factory=lambda: np.empty(0, np.int16))


class Finder:
    """Waits for one word in a stream.

    Args:
        room_dbfs: level of the room without it; see `room_level`.
    """

    def __init__(self, room_dbfs: float) -> None:
        self._room_dbfs = room_dbfs
        self._heard = np.empty(0, np.int16)
        self._levels: list[float] = []

    def feed(self, samples: Samples) -> Utterance | None:
        """Take the next samples, any number; returns the word once it has ended, or that none came."""
        self._heard = np.concatenate((self._heard, samples))
        done = len(self._levels) * PIECE
        whole = (len(self._heard) - done) // PIECE * PIECE
        self._levels += [dbfs(energy) for energy in piece_energies(self._heard[done : done + whole])]
        return self._judge(ended=False)

    def finish(self) -> Utterance:
        """The stream has ended: what was found in it."""
        return self._judge(ended=True) or Utterance(Verdict.NOTHING)

    def _judge(self, *, ended: bool) -> Utterance | None:
        span = _span([level >= self._room_dbfs + OPEN_OVER_DB for level in self._levels], ended=ended)
        if span is None:
            waited = len(self._levels) * PIECE_S >= PATIENCE_S
            return Utterance(Verdict.NOTHING) if waited else None
        begin, end = span
        if end is None:
            return Utterance(Verdict.TOO_LONG) if (len(self._levels) - begin) * PIECE_S >= PATIENCE_S else None
        word = self._heard[begin * PIECE : end * PIECE]
        length_s, loudest = (end - begin) * PIECE_S, max(self._levels[begin:end])
        verdict = Verdict.GOOD
        if length_s > LONGEST_S:
            verdict = Verdict.TOO_LONG
        elif loudest < max(self._room_dbfs + CLEAR_OVER_DB, CLEAR_DBFS):
            verdict = Verdict.TOO_QUIET
        elif length_s < SHORTEST_S:
            verdict = Verdict.TOO_SHORT
        elif np.count_nonzero(np.abs(word.astype(np.int32)) >= CLIPPED_STEPS) >= CLIPPED_SAMPLES:
            verdict = Verdict.CLIPPED
        good = verdict is Verdict.GOOD
        samples = self._heard[: end * PIECE + round(TAIL_S * RATE_HZ)] if good else self._heard[:0]
        return Utterance(verdict, length_s, loudest, samples)


def _span(loud: Sequence[bool], *, ended: bool) -> tuple[int, int | None] | None:
    """First piece of the word, and the one after its last (None: it goes on); None: there is no word yet."""
    run = 0
    begin: int | None = None
    last = 0
    for number, is_loud in enumerate(loud):
        run = run + 1 if is_loud else 0
        if begin is None and run == BEGINS_PIECES:
            begin = number - BEGINS_PIECES + 1
        if begin is not None:
            if is_loud:
                last = number
            elif number - last >= ENDS_PIECES:
                return begin, last + 1
    if begin is None:
        return None
    return begin, last + 1 if ended else None


def room_level(samples: Samples) -> float:
    """Level of the room, dBFS: that of the middle one of the pieces of `samples`, at least one piece."""
    energies = piece_energies(samples[: len(samples) // PIECE * PIECE])
    return float(np.median([dbfs(energy) for energy in energies]))


def find(recording: Samples) -> Utterance:
    """The first word in a whole recording, whose own quiet is the room; a recording cut tightly has none."""
    if len(recording) < PIECE:
        return Utterance(Verdict.NOTHING)
    levels = [dbfs(energy) for energy in piece_energies(recording[: len(recording) // PIECE * PIECE])]
    room = float(np.percentile(levels, 10))
    if len(recording) <= LONGEST_S * RATE_HZ and max(levels) >= CLEAR_DBFS:
        room = min(room, max(levels) - TIGHT_DB)
    finder = Finder(room)
    return finder.feed(recording) or finder.finish()


def template(network: SpeechEmbedding, utterance: Utterance) -> Floats:
    """What is kept of a GOOD utterance: the embeddings of its last two seconds, shape (16, 96), and nothing else."""
    before = np.zeros(EXAMPLE * network.grid.step, np.int16)
    # The stream's grid is put so that an embedding ends with the last sample.
    samples = np.concatenate((before, utterance.samples))
    return network.embed(samples[len(samples) % network.grid.step :])[-EXAMPLE:]
