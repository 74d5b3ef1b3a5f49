"""Puts an utterance where it would be heard: another mouth, a room, a microphone, noise, a level, a codec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.signal

from monitord.audio.features import RATE_HZ
from training import augment

if TYPE_CHECKING:
    from collections.abc import Sequence

Sound = npt.NDArray[np.float32]
Samples = npt.NDArray[np.int16]

WHISPERED, SHOUTED, CODED = 0.04, 0.12, 0.3
"""Shares of utterances that are whispered, shouted, and sent through a speech codec."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A short sound and where the utterance in it ends, in samples (None: it holds no whole utterance)."""

    samples: Samples
    end: int | None


def whispered(rng: np.random.Generator, sound: Sound) -> Sound:
    """`sound` without its voice: noise through the same resonances (linear prediction, 30 ms frames)."""
    frame, step, order = 480, 240, 18
    window = np.hanning(frame).astype(np.float32)
    out = np.zeros(len(sound) + frame, np.float32)
    for start in range(0, len(sound) - frame, step):
        piece = sound[start : start + frame] * window
        lags = np.correlate(piece, piece, "full")[frame - 1 : frame + order]
        if lags[0] < 1e-6:
            continue
        lags[0] *= 1.001
        taps = scipy.signal.lfilter(
            [1.0], np.r_[1.0, -scipy.linalg.solve_toeplitz(lags[:-1], lags[1:])], rng.standard_normal(frame)
        )
        out[start : start + frame] += (taps * window * np.sqrt(lags[0] / (np.sum(taps**2) + 1e-9))).astype(np.float32)
    return np.asarray(scipy.signal.lfilter([1.0, -0.6], [1.0], out[: len(sound)]), np.float32)


def shouted(rng: np.random.Generator, sound: Sound) -> Sound:
    """`sound` as a shout has it: higher, the upper harmonics 6 to 12 dB stronger, clipped a little."""
    higher = augment.sped(rng, sound, 0.02)
    tilted = scipy.signal.lfilter([1.0, -rng.uniform(0.5, 0.85)], [1.0], higher)
    tilted /= np.abs(tilted).max() + 1e-9
    drive = rng.uniform(1.0, 3.0)
    return np.tanh(tilted * drive).astype(np.float32)


def spoken(rng: np.random.Generator, samples: Samples) -> Sound:
    """One utterance as another mouth might have said it; peaks near 1."""
    sound = augment.sped(rng, samples.astype(np.float32) / 32768.0, 0.15)
    manner = rng.random()
    if manner < WHISPERED:
        sound = whispered(rng, sound)
    elif manner < WHISPERED + SHOUTED:
        sound = shouted(rng, sound)
    return sound / np.float32(np.abs(sound).max() + 1e-9)


def placed(
    rng: np.random.Generator, utterance: Sound, length: int, end: int, noises: Sequence[Samples], *, repeat: bool
) -> Scene:
    """A scene of `length` samples in which `utterance` ends at sample `end`; `repeat`: it may have been said before."""
    dry = np.zeros(length, np.float32)
    stop = end
    while stop > 0:
        start = stop - len(utterance)
        dry[max(0, start) : stop] += utterance[max(0, -start) :][: stop - max(0, start)]
        if not repeat or rng.random() > 0.3:
            break
        stop = start - int(rng.uniform(0.08, 0.6) * RATE_HZ)
    return Scene(heard(rng, dry, noises), end)


def heard(rng: np.random.Generator, dry: Sound, noises: Sequence[Samples]) -> Samples:
    """`dry` in a room, through a microphone, in noise or none, at some level, sometimes coded; int16."""
    wet = augment.reverberated(rng, dry) if rng.random() < 0.6 else dry
    if rng.random() < 0.6:
        wet = augment.coloured(rng, wet)
    level = rng.uniform(-45.0, -6.0)
    wet = augment.scaled(wet, level)
    choice = rng.random()
    if choice < 0.45:
        noise = augment.hiss(rng, len(wet))
        wet = wet + augment.scaled(noise, level - rng.uniform(6.0, 45.0))
    elif choice < 0.8 and noises:
        noise = stretch(rng, noises, len(wet))
        wet = wet + augment.scaled(noise, level - rng.uniform(4.0, 30.0))
    return np.clip(np.rint(wet * 32767.0), -32768, 32767).astype(np.int16)


def stretch(rng: np.random.Generator, noises: Sequence[Samples], length: int) -> Sound:
    """`length` samples of one of `noises` from a random place, repeated where it is shorter."""
    noise = noises[int(rng.integers(len(noises)))]
    start = int(rng.integers(max(1, len(noise) - length)))
    return np.resize(noise[start : start + length], length).astype(np.float32) / 32768.0


def coded(rng: np.random.Generator, scenes: list[Scene]) -> list[Scene]:
    """`scenes`, a share of them through a codec each."""
    names = list(augment.CODECS)
    done = list(scenes)
    which = np.where(rng.random(len(scenes)) < CODED, rng.integers(len(names), size=len(scenes)), -1)
    for number, name in enumerate(names):
        chosen = np.flatnonzero(which == number)
        if len(chosen):
            through = augment.through_codec([scenes[k].samples.astype(np.float32) / 32768.0 for k in chosen], name)
            for k, sound in zip(chosen, through, strict=True):
                done[k] = Scene(np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16), scenes[k].end)
    return done
