"""The ear of `monitord bench`: its own loop and models on made-up sound, in real time, in a process of its own.

No microphone, nothing of the room; what it says goes to a socket of the bench's.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from monitord import memory, paths
from monitord.audio.features import RATE_HZ, Samples
from monitord.audio.loop import Loop
from monitord.audio.masking import Masking
from monitord.audio.models import EarModels
from monitord.audio.process import reference_cry
from monitord.channel import Channel
from monitord.events import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.settings import Senses

QUIET, SPEECH = "quiet", "speech"
QUIET_RMS, SPEECH_RMS = 20.0, 1500.0
SOUND_S = 30
SENTENCE_S, EACH_S = 2.4, 3.0
"""Of each three seconds; the rest is a pause."""


def made_sound(kind: str) -> Samples:
    """`SOUND_S` seconds, shape (n,), the same each time.

    "quiet" is room noise at RMS 20 (-64 dBFS), at which the level gate stays shut; "speech" is a voice-like sound at
    RMS 1500 (-27 dBFS) in syllables with pauses, at which it is open.
    """
    chance = np.random.default_rng(1)
    time_s = np.arange(SOUND_S * RATE_HZ) / RATE_HZ
    noise = chance.standard_normal(len(time_s))
    if kind == QUIET:
        wave = noise * QUIET_RMS
    else:
        phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.4 * time_s)) / RATE_HZ
        voice = sum(np.sin(number * phase) / number for number in range(1, 20)) + 0.1 * noise
        syllables = np.clip(np.sin(2 * np.pi * 4 * time_s), 0, None) * (time_s % EACH_S < SENTENCE_S)
        voice = voice * syllables
        wave = voice * SPEECH_RMS / np.sqrt(np.mean(voice**2)) + noise * QUIET_RMS
    made: Samples = np.clip(np.rint(wave), -32768, 32767).astype(np.int16)
    return made


class MadeSource:
    """Made-up sound at its true rate, over and over."""

    silence_is_fault = True
    overruns = 0

    def __init__(self, sound: Samples, period_s: float, end: Callable[[], None], seconds: float) -> None:
        self._blocks = sound[: len(sound) // round(period_s * RATE_HZ) * round(period_s * RATE_HZ)]
        self._blocks = self._blocks.reshape(-1, round(period_s * RATE_HZ))
        self._period_s, self._end = period_s, end
        self._began = time.monotonic()
        self._count, self._last = 0, round(seconds / period_s)

    def read(self, timeout_s: float) -> Samples | None:  # noqa: ARG002 - a block is never late
        """See `monitord.audio.source.Source`."""
        self._count += 1
        if self._count > self._last:
            self._end()
        time.sleep(max(0.0, self._began + self._count * self._period_s - time.monotonic()))
        block: Samples = self._blocks[self._count % len(self._blocks)].copy()
        return block

    def wake(self) -> None:
        """It wakes with the next block."""

    def close(self) -> bool:
        """Nothing is open."""
        return True


def main(config: Senses, kind: str, seconds: float) -> int:
    """Listen for so long; "ready" on stdout says that it begins."""
    models = EarModels.load(config.audio)
    sound = made_sound(kind)
    with Channel(paths.runtime_dir() / paths.EVENTS_SOCKET, Role.EAR) as channel:
        loop = Loop(
            config,
            channel,
            lambda: MadeSource(sound, config.audio.period_s, loop.stop, seconds),
            models.detector,
            masking=Masking(reference_cry, models.detector),
        )
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        loop.run(memory.settle)
    return 0
