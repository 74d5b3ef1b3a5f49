"""Whether a cry would be heard over the noise: now and then one is mixed into it, and the models are asked.

A white-noise machine beside the microphone, a fan, a tap: what is always there becomes the floor of the level gate, and
a cry that does not stand out of it is not looked at; or it is, and the models do not know it any more. Neither is a
fault that the ear could notice otherwise, because nothing happens. So every `EVERY_S` the last seconds of the room, and
the same with a reference cry added at the level that a cry of 75 dB has, go through a detector of their own, whose
level gate has the floor that the real one has. Three misses one after the other are told.

How loud 75 dB are in the samples depends on the microphone; `CRY_DBFS` is right for those with -26 dBFS at 94 dB, the
usual sensitivity of digital ones (75 - 94 - 26). With others the sentence is off by as much as they are.

Pure: samples and time in, an answer out. The mixture exists for the time of the question only.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from monitord.audio.features import RATE_HZ, Samples
from monitord.audio.level import PIECE, SILENCE_DBFS, LevelGate, dbfs, piece_energies

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.audio.detector import Decision, Detector

EVERY_S = 180.0
MISSES = 3
"""So many questions in a row, and no answer, are told: within ten minutes."""
CRY_DBFS = -45.0
CLEAR_DB = 20.0
"""Over a floor so far below the cry nothing is asked, which costs nothing."""
AGAIN_S = 3600.0
LOUDER_DB = 1.0
"""In a room that has not become louder by so much since a cry was found, the question is asked so often only: it costs
as much as minutes of quiet. A noise that begins raises the floor, and is asked about when it is next due."""
LEAD_S = 3.0
KEPT_S = 8.0
_KEPT = round(KEPT_S * RATE_HZ)
CRY = "cry"
_ACTIVE_DB = 20.0


def at_level(cry: Samples, level_dbfs: float) -> Samples:
    """`cry`, shape (n,), int16, as loud as `level_dbfs`: the RMS of its pieces, but for the pauses between them."""
    if not len(cry):
        return cry
    energies = np.array(piece_energies(cry[: len(cry) // PIECE * PIECE]))
    loud = energies[energies >= energies.max() * 10.0 ** (-_ACTIVE_DB / 10.0)]
    gain = 10.0 ** ((level_dbfs - dbfs(float(loud.mean()))) / 20.0)
    louder: Samples = np.clip(np.round(cry.astype(np.float32) * gain), -32768, 32767).astype(np.int16)
    return louder


class Masking:
    """Asks the question of one stream.

    Args:
        read_cry: gives the reference, shape (n,), int16, 16 kHz, a few seconds; empty: there is none.
        make_detector: makes a fresh detector with the level gate it is given.
    """

    def __init__(self, read_cry: Callable[[], Samples], make_detector: Callable[[LevelGate], Detector]) -> None:
        self._read_cry = read_cry
        self._make_detector = make_detector
        self._room: deque[Samples] = deque()
        self._kept = 0
        self._samples_to_go = round(EVERY_S * RATE_HZ)
        self._misses = 0
        self._able: bool | None = None
        self._found_at_dbfs = -math.inf
        self._found_to_go = 0

    @property
    def able(self) -> bool:
        """Whether the models know the reference in a quiet room; where they do not, nothing is ever told."""
        if self._able is None:  # Not at the start of the ear, which others wait for.
            self._able = self._found(_quiet_room(_KEPT), CRY_DBFS - CLEAR_DB)
        return self._able

    def begin(self) -> None:
        """A stream begins, mostly from the same microphone: the sound of the one before is gone, the misses stay.

        A stream that breaks off every few minutes would else keep the question from ever being asked three times.
        """
        self._room.clear()
        self._kept = 0
        self._found_at_dbfs = -math.inf

    def take(self, block: Samples, decision: Decision | None) -> bool:
        """Take what was heard; returns whether a cry would be drowned, as far as is known.

        Args:
            block: shape (n,), int16, 16 kHz.
            decision: the newest of the real detector; None: there is none yet.
        """
        self._room.append(block)  # As it is: to copy it costs more than all else that a quiet room does.
        self._kept += len(block)
        while self._kept - len(self._room[0]) >= _KEPT:
            self._kept -= len(self._room.popleft())
        self._samples_to_go -= len(block)
        self._found_to_go -= len(block)
        due = self._samples_to_go <= 0 and self._kept >= _KEPT
        if due and decision is not None and not decision.heard:
            self._samples_to_go = round(EVERY_S * RATE_HZ)
            audible = self._audible(decision.floor_dbfs)
            self._misses = 0 if audible or not self.able else self._misses + 1
        return self._misses >= MISSES

    def _audible(self, floor_dbfs: float) -> bool:
        if floor_dbfs <= CRY_DBFS - CLEAR_DB:
            return True
        if floor_dbfs < self._found_at_dbfs + LOUDER_DB and self._found_to_go > 0:
            return True
        if not self._found(self._newest(), floor_dbfs):
            self._found_at_dbfs = -math.inf
            return False
        self._found_at_dbfs, self._found_to_go = floor_dbfs, round(AGAIN_S * RATE_HZ)
        return True

    def _newest(self) -> Samples:
        return np.concatenate(self._room)[-_KEPT:]

    def _found(self, room: Samples, floor_dbfs: float) -> bool:
        """Whether a detector in `room`, which has learned its quiet, hears the cry."""
        cry = at_level(self._read_cry(), CRY_DBFS)
        gate = LevelGate()
        gate.floor_dbfs = max(floor_dbfs, SILENCE_DBFS)
        detector = self._make_detector(gate)
        detector.feed(room[: round(LEAD_S * RATE_HZ)])
        background = np.resize(room, len(cry)).astype(np.int32)
        mixed = np.clip(background + cry, -32768, 32767).astype(np.int16)
        return any(CRY in decision.heard for decision in detector.feed(mixed))


def _quiet_room(length: int) -> Samples:
    noise = np.random.default_rng(0).normal(0.0, 32768.0 * 10.0 ** ((CRY_DBFS - CLEAR_DB) / 20.0), length)
    return np.round(noise).astype(np.int16)
