"""The sounds that scenes are composed of, in memory: each clip as it is, through a telephone codec, and its marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from training import augment, made_up
from training.activity import IS_CRY, TEACHER_DOUBTS, mark
from training.clips import CRY, Clip, read_sound

SPOKEN = frozenset({"speech, words", "speech, sentences", "speech, digits", "made-up speech", "narration"})
"""Kinds whose loud frames are a voice, the second label of stage one."""
PERHAPS_SPOKEN = frozenset({"rejected", "unvetted", "cat", "laughing", "music", "made-up music", "cry", "animal"})
"""Kinds of which nobody says whether a voice is in them."""


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
    for kind, make in (("made-up speech", made_up.speech), ("made-up music", made_up.music)):
        sources += [Source(f"{kind} {n}", kind, sound, sound, None) for n, sound in enumerate(make(rng))]
    return sources
