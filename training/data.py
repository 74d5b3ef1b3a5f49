"""From the folder of recordings to scenes to train on, fold by fold; every step is kept in training/work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training import further
from training.cache import WORK, kept
from training.clips import Clip, read_manifest, split_groups
from training.scenes import Scenes, compose
from training.sources import Source, load_sources
from training.teacher import Floats, teach

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SOURCE_CODE = ("clips", "activity", "augment", "made_up", "sources")
SCENE_CODE = (*SOURCE_CODE, "front", "scenes")


@dataclass(frozen=True, slots=True)
class Corpus:
    """All clips, each group's split, and the teacher's scores by clip name."""

    clips: list[Clip]
    splits: dict[str, str]
    teacher: dict[str, Floats]

    def of(self, split: str) -> list[Clip]:
        """The clips of one split."""
        return [clip for clip in self.clips if self.splits[clip.group] == split]


def open_corpus(data: Path, teacher: Path) -> Corpus:
    """Read the manifest, split it, and ask the teacher about every clip."""
    clips = read_manifest(data)
    return Corpus(clips, split_groups(clips), teach(clips, teacher, WORK / "yamnet.npz"))


def scenes_of(corpus: Corpus, folds: Sequence[str], count: int, seed: int, processes: int = 2) -> Scenes:
    """`count` scenes from each of `folds`, composed of the sounds of that fold alone.

    Raises:
        ValueError: one of `folds` is the test split.
    """
    if "test" in folds:
        raise ValueError("the test split was about to be trained on")
    return Scenes.joined([_scenes_of_fold(corpus, fold, count, seed, processes) for fold in folds])


def further_scenes(count: int, seed: int, processes: int = 2) -> Scenes:
    """`count` scenes without a cry, of sounds that are in no fold."""

    def make() -> Scenes:
        return compose(further.load(seed), count, seed + 1000, processes)

    return kept("scenes-further", (count, seed), (*SCENE_CODE, "further"), make)


def _scenes_of_fold(corpus: Corpus, fold: str, count: int, seed: int, processes: int) -> Scenes:
    clips = corpus.of(fold)
    names = tuple(clip.name for clip in clips)

    def load() -> list[Source]:
        return load_sources(clips, corpus.teacher, seed)

    def make() -> Scenes:
        return compose(kept(f"sources-{fold}", (names, seed), SOURCE_CODE, load), count, seed, processes)

    return kept(f"scenes-{fold}", (names, count, seed), SCENE_CODE, make)
