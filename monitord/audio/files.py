"""Sound files: read in pieces, or played in real time in the place of a microphone. The only importer of soundfile."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from monitord.audio.features import RATE_HZ, Samples
from monitord.audio.resample import Resampler
from monitord.audio.source import MicrophoneError
from monitord.events import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

PIECE_S = 1.0
RATES_HZ = (4_000, 768_000)
"""No recorder writes slower or faster; a damaged header may say 2^31 - 1, and a second of that is gigabytes."""


class SoundFileError(Exception):
    """A sound file that cannot be used; the text says which, where and why in one sentence."""


def read_pieces(path: Path) -> Iterator[Samples]:
    """The sound of `path` in pieces of about a second: 16 kHz, mono (the mean of the channels), int16.

    Any WAV or FLAC (and what else libsndfile knows), any rate, any number of channels.

    Raises:
        SoundFileError: missing, a folder, no sound file, without any sound, broken, or with values that are no numbers.
    """
    if not path.exists():
        raise SoundFileError(f"{path}: no such file")
    if path.is_dir():
        raise SoundFileError(f"{path}: is a folder; name a WAV or FLAC file")
    try:
        with soundfile.SoundFile(path) as file:
            yield from _pieces(file, path)
    except (soundfile.SoundFileError, OSError, TypeError) as cause:  # TypeError: a raw file, which tells no rate.
        raise SoundFileError(f"{path}: cannot be read as sound: {_reason(cause)}; name a WAV or FLAC file") from None


def _pieces(file: soundfile.SoundFile, path: Path) -> Iterator[Samples]:
    rate = file.samplerate
    if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise SoundFileError(f"{path}: says {rate} samples a second, which no recording has; export it again")
    length = max(1, round(rate * PIECE_S))
    resampler = Resampler(rate)
    frames = 0
    while True:
        sound = file.read(length, dtype="float32", always_2d=True)
        if not np.isfinite(sound).all():
            raise SoundFileError(f"{path}: has values that are no numbers near {frames / rate:.1f} s; export it again")
        frames += len(sound)
        last = len(sound) < length
        yield resampler.take(sound.mean(axis=1), last=last)
        if last:
            break
    if not frames:
        raise SoundFileError(f"{path}: holds no sound")


def _reason(cause: Exception) -> str:
    text = str(getattr(cause, "error_string", "") or getattr(cause, "strerror", "") or cause)
    return text.rstrip(". ") or "it is damaged"


def blocks(pieces: Iterable[Samples], size: int) -> Iterator[Samples]:
    """`pieces` cut anew into blocks of `size` samples; the last may be shorter."""
    kept = np.empty(0, np.int16)
    for piece in pieces:
        kept = np.concatenate((kept, piece)) if len(kept) else piece
        whole = len(kept) - len(kept) % size
        yield from kept[:whole].reshape(-1, size)
        kept = kept[whole:]
    if len(kept):
        yield kept


class FileSource:
    """A file in the place of a microphone: its blocks come in real time, and quiet for ever after its end.

    Args:
        path: any file that `read_pieces` reads.
        period_s: seconds of sound per block.
        clock: seconds, monotonic.

    Raises:
        MicrophoneError: the file cannot be read.
    """

    silence_is_fault = False

    def __init__(self, path: Path, period_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.overruns = 0
        self._size = round(period_s * RATE_HZ)
        self._period_s = period_s
        self._clock = clock
        self._woken: SimpleQueue[None] = SimpleQueue()
        self._blocks = blocks(read_pieces(path), self._size)
        self._next = self._advance()
        self._due = clock() + period_s

    def read(self, timeout_s: float) -> Samples | None:
        """See `Source.read`."""
        wait_s = min(self._due - self._clock(), timeout_s)
        if wait_s > 0.0:
            try:
                self._woken.get(timeout=wait_s)
            except Empty:
                pass
            else:
                return None
        if self._clock() < self._due:
            return None
        block, self._next = self._next, self._advance()
        self._due += self._period_s
        return block

    def _advance(self) -> Samples:
        try:
            block = next(self._blocks, None)
        except SoundFileError as cause:
            raise MicrophoneError(Fault.MICROPHONE_MISSING, str(cause)) from None
        if block is None:
            return np.zeros(self._size, np.int16)
        return block if len(block) == self._size else np.pad(block, (0, self._size - len(block)))

    def wake(self) -> None:
        """See `Source.wake`."""
        self._woken.put(None)

    def close(self) -> bool:
        """See `Source.close`."""
        self._blocks = iter(())
        return True
