"""Sound -> log-mel frames, in plain numpy and in batches.

One front end serves training and the daemon: ``training`` imports this file, and the model card carries `FrontEnd`'s
numbers, so that a model cannot meet features it was not trained on.

The mel bins end at 3.8 kHz: more than half of the real cries to learn from went through telephone codecs with nothing
above 4 kHz, and wider features would let a network tell cries by their codec.

Formula of the mel scale: 2595 log10(1 + f/700) (O'Shaughnessy, Speech Communication, 1987; as in HTK).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
Samples = npt.NDArray[np.int16]
Frames = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The numbers of the front end, as a model card states them.

    Attributes:
        window: samples per frame.
        hop: samples from one frame to the next.
        bins: number of mel bins.
        low_hz, high_hz: edges of the lowest and highest bin.
        floor: added to each bin before the logarithm, in int16 steps to the `power`; hides what is quieter than any
            microphone's own noise.
        transform: length of the Fourier transform, at least `window`; 0 means the same.
        power: 2 for energy, 1 for magnitude.
    """

    window: int = 512
    hop: int = 400
    bins: int = 40
    low_hz: float = 100.0
    high_hz: float = 3800.0
    floor: float = 100.0
    transform: int = 0
    power: int = 2

    @property
    def points(self) -> int:
        """Length of the Fourier transform."""
        return self.transform or self.window


def mel_matrix(front: FrontEnd) -> Frames:
    """Triangular mel filters, shape (points // 2 + 1, bins), each peaking at 1."""

    def mel(hz: float) -> float:
        return float(2595.0 * np.log10(1.0 + hz / 700.0))

    edges = 700.0 * (10.0 ** (np.linspace(mel(front.low_hz), mel(front.high_hz), front.bins + 2) / 2595.0) - 1.0)
    hz = np.arange(front.points // 2 + 1) * RATE_HZ / front.points
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rise = (hz[:, None] - low) / (centre - low)
    fall = (high - hz[:, None]) / (high - centre)
    return np.clip(np.minimum(rise, fall), 0.0, None).astype(np.float32)


class LogMel:
    """Turns samples into log-mel frames without keeping any state: the caller brings the overlap."""

    def __init__(self, front: FrontEnd) -> None:
        self.front = front
        self._hann = np.hanning(front.window).astype(np.float32)
        # Mean energy per sample and bin, so that the figures do not depend on the window's length.
        mel = mel_matrix(front) / np.float32(np.sum(self._hann**2) ** (front.power / 2))
        # No filter reaches beyond `high_hz`: half of the spectrum need not be squared.
        self._top = int(np.flatnonzero(mel.any(axis=1))[-1]) + 1
        self._mel = np.ascontiguousarray(mel[: self._top])

    def frames(self, samples: Samples) -> Frames:
        """Log-mel frames of `samples`.

        Args:
            samples: shape (n,), int16, mono, 16 kHz; n >= window.

        Returns:
            Shape ((n - window) // hop + 1, bins), float32, natural logarithm of energy in squared int16 steps, or of
            magnitude in int16 steps.
        """
        front = self.front
        count = (len(samples) - front.window) // front.hop + 1
        if count < 1:
            return np.empty((0, front.bins), np.float32)
        samples = np.ascontiguousarray(samples)
        step = samples.itemsize
        # A view, as `sliding_window_view` makes it, which takes twenty times as long to do so.
        pieces = np.ndarray((count, front.window), samples.dtype, samples, 0, (front.hop * step, step))
        spectrum = np.fft.rfft(pieces * self._hann, front.points, axis=1)[:, : self._top]
        strength = np.square(spectrum.real)
        strength += np.square(spectrum.imag)
        strength = strength.astype(np.float32, copy=False)  # Numpy 1 transforms in double precision.
        if front.power == 1:
            np.sqrt(strength, out=strength)
        energy: Frames = strength @ self._mel
        energy += np.float32(front.floor)
        return np.log(energy, out=energy)
