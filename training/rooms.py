"""Rooms, noises and distances of stated figures, to measure with. To learn from, `augment` draws them at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.signal

from monitord.audio.features import RATE_HZ

if TYPE_CHECKING:
    from training.augment import Sound


def response(rng: np.random.Generator, rt60_s: float, direct_db: float) -> Sound:
    """Impulse response of a made-up room, the recipe of `augment.room` with its two figures stated.

    Args:
        rng: where the reflections lie.
        rt60_s: seconds in which the tail falls by 60 dB.
        direct_db: energy of the direct sound over that of everything after it.
    """
    when = np.arange(int(rt60_s * RATE_HZ)) / RATE_HZ
    tail = rng.standard_normal(len(when)) * 10.0 ** (-3.0 * when / rt60_s)
    tail[: int(0.003 * RATE_HZ)] = 0.0
    for _ in range(rng.integers(3, 9)):
        tail[rng.integers(int(0.002 * RATE_HZ), int(0.03 * RATE_HZ))] += rng.uniform(-1.0, 1.0) * 8.0
    tail = scipy.signal.lfilter([0.65], [1.0, -0.35], tail)
    tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return tail.astype(np.float32)


def in_room(rng: np.random.Generator, sound: Sound, rt60_s: float, direct_db: float) -> Sound:
    """`sound` in such a room, same length, same level as before."""
    heard = scipy.signal.fftconvolve(sound, response(rng, rt60_s, direct_db))[: len(sound)]
    power = np.mean(np.square(sound, dtype=np.float64)) / (np.mean(np.square(heard, dtype=np.float64)) + 1e-20)
    return (heard * np.sqrt(power)).astype(np.float32)


def white(rng: np.random.Generator, length: int) -> Sound:
    """White noise of RMS 1, 0 to 8 kHz."""
    return rng.standard_normal(length).astype(np.float32)


def pink(rng: np.random.Generator, length: int) -> Sound:
    """Pink noise (-3 dB per octave, flat below 50 Hz) of RMS 1."""
    hz = np.maximum(np.fft.rfftfreq(length, 1 / RATE_HZ), 50.0)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) / np.sqrt(hz), length)
    return (noise / np.std(noise)).astype(np.float32)
