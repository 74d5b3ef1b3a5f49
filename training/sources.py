"""The sounds that scenes are composed of, in memory: each clip as it is, through a telephone codec, and its marks."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr
from tqdm import tqdm

from monitord.audio.features import RATE_HZ
from training import augment
from training.activity import IS_CRY, TEACHER_DOUBTS, mark
from training.clips import CRY, Clip, read_sound

MADE_UP_SPEECH = 240
"""Sentences that espeak-ng speaks: high and fast voices, nearer to a cry in pitch than the recorded speakers."""
WORDS = (
    "mama papa come here now what no yes where is the ball look daddy baby oh wow good night sleep well",
    "ich bin hier komm mal nein doch schau warte ja mein kleiner schatz wo bist du hallo",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A clip in memory: its own sound, a coded version of it, and its marks (None: no frame is cry)."""

    name: str
    kind: str
    sound: npt.NDArray[np.int16]
    coded: npt.NDArray[np.int16]
    marks: npt.NDArray[np.uint8] | None


def load_sources(clips: list[Clip], teacher: dict[str, npt.NDArray[np.float32]], seed: int) -> list[Source]:
    """Read `clips`, leave out what is neither, mark the cries, and make a coded version of each clip."""
    rng = np.random.default_rng(seed)
    kept = [c for c in clips if not (c.kind == "rejected" and teacher[c.name].max() > TEACHER_DOUBTS)]
    raw = [read_sound(clip.path) for clip in tqdm(kept, desc="reading", mininterval=2.0)]
    names = list(augment.CODECS)
    chosen = rng.integers(len(names), size=len(kept))
    coded: list[npt.NDArray[np.int16]] = list(raw)
    for number, name in enumerate(names):
        which = [index for index in range(len(kept)) if chosen[index] == number]
        heard = augment.through_codec([raw[index].astype(np.float32) / 32768.0 for index in which], name)
        for index, sound in zip(which, heard, strict=True):
            coded[index] = np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16)
    sources = []
    for clip, sound, heard in zip(kept, raw, coded, strict=True):
        marks = mark(sound, clip.kind, teacher[clip.name]) if clip.kind in {CRY, "unvetted"} else None
        if marks is not None and not (marks == IS_CRY).any():
            continue
        sources.append(Source(clip.name, CRY if marks is not None else clip.kind, sound, heard, marks))
    return sources + [_as_source(number, sound) for number, sound in enumerate(made_up_speech(rng))]


def _as_source(number: int, sound: npt.NDArray[np.int16]) -> Source:
    return Source(f"made-up speech {number}", "made-up speech", sound, sound, None)


def made_up_speech(rng: np.random.Generator) -> list[npt.NDArray[np.int16]]:
    """`MADE_UP_SPEECH` sentences in random voices, int16, 16 kHz."""
    words = [word for line in WORDS for word in line.split()]
    voices = ("en-gb+f2", "en-us+f4", "de+f3", "de", "fr+f2", "es+f5", "it+f1", "en-us+m3", "pl+f2", "tr+f4")
    sounds = []
    for _ in range(MADE_UP_SPEECH):
        sentence = " ".join(rng.choice(words, int(rng.integers(2, 12))))
        voice, pitch, pace = str(rng.choice(voices)), int(rng.integers(30, 100)), int(rng.integers(110, 220))
        line = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(pace), "--stdout", sentence]
        spoken = subprocess.run(line, capture_output=True, check=True).stdout  # noqa: S603 - our own words
        samples = np.frombuffer(spoken[44:], "<i2").astype(np.float32) / 32768.0  # After the WAV header.
        heard = soxr.resample(samples, 22_050, RATE_HZ)
        sounds.append(np.clip(np.rint(heard * 32767.0), -32768, 32767).astype(np.int16))
    return sounds
