"""Scenes to train on: cries and other sounds, one after another, in rooms, under noise, through telephones.

A scene is ten seconds of features with marks per frame. Windows are cut from scenes, not from clips, so that a network
meets what the daemon meets: a sound that begins in silence, in noise, or behind a television. Both stages learn from
the same scenes, each through its own front end.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from monitord.audio.features import RATE_HZ, FrontEnd, LogMel
from training import augment
from training.activity import IS_CRY, NOT_CRY, UNKNOWN, is_loud
from training.clips import CRY
from training.front import TEACHER_FRONT
from training.sources import PERHAPS_SPOKEN, SPOKEN

if TYPE_CHECKING:
    from training.augment import Sound
    from training.sources import Source

SCENE_S = 10.0
SCENE = int(SCENE_S * RATE_HZ)
FRONT = FrontEnd()
FRAMES = (SCENE - FRONT.window) // FRONT.hop + 1
FINE_FRAMES = (SCENE - TEACHER_FRONT.window) // TEACHER_FRONT.hop + 1
CRY_SHARE = 0.42

WEIGHTS = {
    "rejected": 4.0, "household, nature": 5.0, "cat": 2.0, "rooster": 1.5, "siren": 1.5, "laughing": 1.5, "dog": 1.0,
    "chirping birds": 0.7, "music": 1.0, "background noise": 1.0, "speech, words": 4.0, "speech, sentences": 2.0,
    "speech, digits": 1.5, "made-up tones": 1.5, "made-up speech": 2.0, "made-up music": 3.0,
    "animal": 8.0, "thing": 4.0, "narration": 4.0,
}  # fmt: skip
"""How often a negative of each kind is drawn: what resembles a cry more often than its share of the recordings."""

Marks = npt.NDArray[np.uint8]
Scene = tuple[npt.NDArray[np.float16], npt.NDArray[np.float16], Marks, Marks]


@dataclass(frozen=True, slots=True)
class Scenes:
    """Scenes of one or more folds.

    Attributes:
        near: stage one's features, (scenes, FRAMES, bins) float16.
        fine: the teacher's features, (scenes, FINE_FRAMES, 64) float16.
        cry: a mark per frame of `near`: ``NOT_CRY``, ``IS_CRY`` or ``UNKNOWN``.
        voice: likewise for a human voice: 0, 1 or ``UNKNOWN``.
    """

    near: npt.NDArray[np.float16]
    fine: npt.NDArray[np.float16]
    cry: Marks
    voice: Marks

    @classmethod
    def joined(cls, parts: list[Scenes]) -> Scenes:
        """The scenes of all `parts`."""
        names = ("near", "fine", "cry", "voice")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class Composer:
    """Composes scenes from `sources`; the same generator state gives the same scene."""

    def __init__(self, sources: list[Source]) -> None:
        self._cry_share = CRY_SHARE if any(source.kind == CRY for source in sources) else 0.0
        self._cries = [source for source in sources if source.kind == CRY]
        self._others: dict[str, list[Source]] = {}
        for source in sources:
            if source.kind != CRY:
                self._others.setdefault(source.kind, []).append(source)
        self._others["made-up tones"] = []
        self._kinds = sorted(self._others)
        share = np.array([WEIGHTS.get(kind, 1.0) for kind in self._kinds])
        self._share = share / share.sum()
        self._near, self._fine = LogMel(FRONT), LogMel(TEACHER_FRONT)

    def scene(self, rng: np.random.Generator) -> Scene:
        """One scene: `near`, `fine`, `cry` and `voice`, as in `Scenes`."""
        samples, cry, voice = self.sound(rng)
        return self._near.frames(samples).astype(np.float16), self._fine.frames(samples).astype(np.float16), cry, voice

    def sound(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.int16], Marks, Marks]:
        """The sound of one scene, shape (SCENE,), and its two marks."""
        sound, cry, voice = np.zeros(SCENE, np.float32), np.zeros(FRAMES, np.uint8), np.zeros(FRAMES, np.uint8)
        at = int(rng.choice([0.0, rng.uniform(0.0, 3.0)]) * RATE_HZ)
        if rng.random() < self._cry_share:
            self._put_cry(rng, sound, cry, at)
            voice[:] = UNKNOWN
        else:
            while at < SCENE - RATE_HZ // 2:
                kind, piece = self._negative(rng, min(SCENE - at, int(rng.uniform(1.0, 8.0) * RATE_HZ)))
                piece = augment.scaled(piece, rng.uniform(-12.0, 0.0))[: SCENE - at]
                sound[at : at + len(piece)] += piece
                self._mark_voice(voice, kind, piece, at)
                at += len(piece) + int(rng.exponential(0.4) * RATE_HZ)
        if rng.random() < 0.5:
            sound = augment.reverberated(rng, sound)
        sound = augment.scaled(sound, 0.0)
        bed, spoken = self._bed(rng)
        sound += bed
        if spoken:
            voice[voice == NOT_CRY] = UNKNOWN
        if rng.random() < 0.7:
            sound = augment.coloured(rng, sound)
        sound = augment.scaled(sound, rng.uniform(-52.0, -10.0))
        if rng.random() < 0.7:  # A microphone's own noise; otherwise digital silence between sounds.
            sound += augment.hiss(rng, SCENE) * np.float32(10.0 ** (rng.uniform(-85.0, -55.0) / 20.0))
        return np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16), cry, voice

    def _take(self, rng: np.random.Generator, source: Source) -> Sound:
        return (source.coded if rng.random() < 0.45 else source.sound).astype(np.float32) / np.float32(32768.0)

    def _negative(self, rng: np.random.Generator, length: int) -> tuple[str, Sound]:
        kind = str(rng.choice(self._kinds, p=self._share))
        if kind == "made-up tones":
            return kind, augment.tones(rng, length)
        sound = self._take(rng, self._others[kind][rng.integers(len(self._others[kind]))])
        if rng.random() < 0.5:
            sound = augment.sped(rng, sound, 0.2)
        start = int(rng.integers(max(1, len(sound) - length)))
        return kind, sound[start : start + length]

    def _mark_voice(self, voice: Marks, kind: str, piece: Sound, at: int) -> None:
        if kind not in SPOKEN and kind not in PERHAPS_SPOKEN:
            return
        loud = is_loud(self._near.frames((piece * 32767.0).astype(np.int16)))
        first = at // FRONT.hop
        marks = np.where(loud, IS_CRY if kind in SPOKEN else UNKNOWN, NOT_CRY)[: FRAMES - first]
        voice[first : first + len(marks)] = np.maximum(voice[first : first + len(marks)], marks)

    def _put_cry(self, rng: np.random.Generator, sound: Sound, marks: Marks, at: int) -> None:
        source = self._cries[rng.integers(len(self._cries))]
        cry, own = self._take(rng, source), source.marks if source.marks is not None else np.ones(1, np.uint8)
        before = len(cry)
        if rng.random() < 0.5:
            cry = augment.sped(rng, cry, 0.12)
        ratio = before / len(cry)
        length = min(len(cry), SCENE - at, int(rng.uniform(1.5, 9.0) * RATE_HZ))
        start = int(rng.integers(len(cry) - length + 1))
        sound[at : at + length] += augment.scaled(cry[start : start + length], 0.0)
        first, last = at // FRONT.hop, min(FRAMES, (at + length) // FRONT.hop)
        index = ((np.arange(first, last) * FRONT.hop - at + start) * ratio / FRONT.hop).astype(int)
        marks[first:last] = own[np.clip(index, 0, len(own) - 1)]

    def _bed(self, rng: np.random.Generator) -> tuple[Sound, bool]:
        """What goes on behind, relative to a foreground at 0 dB, and whether somebody may be speaking in it.

        Often nothing, else noise, speech, music, a street.
        """
        style = rng.random()
        if style < 0.35:
            return np.zeros(SCENE, np.float32), False
        below = rng.uniform(2.0, 40.0)
        if style < 0.65:
            return augment.hiss(rng, SCENE) * np.float32(10.0 ** (-below / 20.0)), False
        bed, at, spoken = np.zeros(SCENE, np.float32), 0, False
        while at < SCENE:
            kind, piece = self._negative(rng, SCENE - at)
            bed[at : at + len(piece)] = piece
            at += max(len(piece), RATE_HZ // 10)
            spoken |= kind in SPOKEN or kind in PERHAPS_SPOKEN
        return augment.scaled(bed, -below - 2.0), spoken


_composer: Composer


def _compose(job: tuple[int, int]) -> Scene:
    seed, number = job
    return _composer.scene(np.random.default_rng((seed, number)))


def compose(sources: list[Source], count: int, seed: int, processes: int = 2) -> Scenes:
    """`count` scenes; scene n depends on `seed` and n only, not on the number of processes."""
    global _composer  # noqa: PLW0603 - handed to forked workers without copying the recordings
    _composer = Composer(sources)
    made = Scenes(
        np.empty((count, FRAMES, FRONT.bins), np.float16),
        np.empty((count, FINE_FRAMES, TEACHER_FRONT.bins), np.float16),
        np.empty((count, FRAMES), np.uint8),
        np.empty((count, FRAMES), np.uint8),
    )
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        jobs = pool.imap(_compose, ((seed, number) for number in range(count)), chunksize=32)
        for number, scene in enumerate(tqdm(jobs, total=count, desc="scenes", mininterval=2.0)):
            made.near[number], made.fine[number], made.cry[number], made.voice[number] = scene
    return made
