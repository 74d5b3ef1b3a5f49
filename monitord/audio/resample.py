"""Any sample rate -> 16 kHz, as a stream, and back for a speaker. The only importer of soxr."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitord.audio.features import RATE_HZ, Samples

Floats = npt.NDArray[np.float32]


def for_speaker(sound: Samples, rate_hz: float) -> Samples:
    """`sound`, shape (n,), int16, 16 kHz, whole, at `rate_hz`."""
    if rate_hz == RATE_HZ:
        return sound
    import soxr  # noqa: PLC0415 - hardly any sound card needs it, and it takes memory

    made: Samples = soxr.resample(sound, RATE_HZ, rate_hz)
    return made


class Resampler:
    """Turns mono sound of `rate_hz` into 16 kHz int16, piece by piece; it keeps what the filter still needs."""

    def __init__(self, rate_hz: float) -> None:
        self._stream = None
        if rate_hz != RATE_HZ:
            import soxr  # noqa: PLC0415 - hardly any sound card needs it, and it takes memory

            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32")

    def take(self, sound: Floats, *, last: bool = False) -> Samples:
        """What 16 kHz samples can be made of `sound`, shape (n,), full scale -1..1, and of what was kept.

        Args:
            sound: float32.
            last: whether this is the end; then nothing is kept back.
        """
        if self._stream is not None:
            sound = self._stream.resample_chunk(sound, last=last)
        # By 32768, so that 16-bit sound comes through unchanged.
        steps = np.clip(np.rint(sound * np.float32(32768.0)), -32768, 32767)
        return np.asarray(steps, np.int16)
