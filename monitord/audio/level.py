"""The level gate: decides, before any feature is computed, whether there is anything to listen to.

It follows the quiet of the room and opens on what stands out of it, so that a fan or a white-noise machine in a
nursery does not keep the detector awake, and a cry a few decibels over that machine still wakes it.

Levels are judged in pieces of 50 ms. The floor follows their minima: it falls to a quieter piece at once by half of the
difference, and rises by half a decibel a second, so it lies near the quietest pieces of the last seconds. A cry has
pauses for breath of some tenths of a second; in each, the floor comes back down to the room, so that ten minutes of
crying do not raise it above the cry. While the detector hears something, the floor does not rise at all. A noise that
stays is forgotten within a minute or so: until then the gate is open, which costs energy but misses nothing.

Pure: it knows no clock but the pieces it is given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitord.audio.features import RATE_HZ, Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

PIECE_S = 0.05
PIECE = int(PIECE_S * RATE_HZ)
SILENCE_DBFS = -127.0
"""What digital silence is called; also the quietest level that fits into a frame of the wire."""
FLOOR_START_DBFS = -60.0
"""A quiet room through a microphone of common sensitivity."""
FLOOR_MIN_DBFS = -72.0
"""About the own noise of good microphones, and below that of cheap ones: nothing is to be heard under it."""
OPEN_OVER_DB = 6.0
OPEN_PIECES = 2
"""So many loud pieces within one hop open the gate: a click does not, the shortest cry does."""
RISE_DB_PER_S = 0.5
FALL = 0.5
HOLD_S = 3.0

_FULL_SCALE_DB = 20.0 * math.log10(32768.0)
_VECDOT = hasattr(np, "vecdot")


def piece_energies(samples: Samples) -> list[float]:
    """Mean square of each 50 ms piece, in squared int16 steps.

    Args:
        samples: shape (n * PIECE,), int16.
    """
    pieces = samples.reshape(-1, PIECE).astype(np.float32)
    # Cheaper by a third than einsum, which is what numpy 1 has.
    sums = np.vecdot(pieces, pieces) if _VECDOT else np.einsum("ij,ij->i", pieces, pieces)
    energies: list[float] = sums.tolist()
    return [energy / PIECE for energy in energies]


def dbfs(energy: float) -> float:
    """Level of a mean square: 0 dBFS is the RMS of a square wave at full scale; not below `SILENCE_DBFS`."""
    return max(10.0 * math.log10(energy) - _FULL_SCALE_DB, SILENCE_DBFS) if energy > 0.0 else SILENCE_DBFS


def piece_levels(energies: Sequence[float]) -> list[float]:
    """Level of each of `piece_energies`, dBFS, as `dbfs` has it: one step in one sample is louder than its lowest."""
    return [10.0 * math.log10(energy) - _FULL_SCALE_DB if energy else SILENCE_DBFS for energy in energies]


class LevelGate:
    """Open or closed, hop by hop.

    Attributes:
        open: whether what comes is to be listened to.
        floor_dbfs: the tracked level of the quiet room.
    """

    def __init__(self) -> None:
        self.open = False
        self.floor_dbfs = FLOOR_START_DBFS
        self._hold = 0

    def update(self, levels: Sequence[float], *, hearing: bool) -> bool:
        """Take the levels (dBFS) of the pieces of one hop, oldest first; returns `open`.

        Args:
            levels: one per 50 ms.
            hearing: whether the detector hears something it knows; the floor then does not rise.
        """
        floor = self.floor_dbfs
        threshold = floor + OPEN_OVER_DB
        loud = 0
        rise = 0.0 if hearing else RISE_DB_PER_S * PIECE_S
        for level in levels:
            if level >= threshold:
                loud += 1
            over = level - floor
            if over < 0.0:
                floor += over * FALL
            else:
                floor += rise if over > rise else over  # noqa: FURB136 - twenty calls of min() a second
        self.floor_dbfs = max(floor, FLOOR_MIN_DBFS)
        if loud >= OPEN_PIECES:
            self._hold = round(HOLD_S / PIECE_S)
            self.open = True
        else:
            self._hold -= len(levels)
            self.open = self.open and self._hold > 0
        return self.open
