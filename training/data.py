"""From the folder of recordings to scenes to train on, for any set of splits; every step is kept in training/work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training import scenes
from training.cache import WORK, kept
from training.clips import Clip, read_manifest, split_groups
from training.teacher import Floats, teach

if TYPE_CHECKING:
    from pathlib import Path

SOURCE_CODE = ("clips", "activity", "augment", "sources")
SCENE_CODE = (*SOURCE_CODE, "scenes")


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


def scenes_of(corpus: Corpus, clips: list[Clip], count: int, seed: int, processes: int = 2) -> scenes.Scenes:
    """`count` scenes composed of `clips`, none of which may be of the test split.

    Raises:
        ValueError: a clip is of the test split.
    """
    if any(corpus.splits[clip.group] == "test" for clip in clips):
        raise ValueError("a clip of the test split was about to be trained on")
    names = {clip.name for clip in clips}

    def make() -> scenes.Scenes:
        learn = corpus.of("train") + corpus.of("validation")
        all_names = tuple(sorted(clip.name for clip in learn))
        sources = kept("sources", (all_names,), SOURCE_CODE, lambda: scenes.load_sources(learn, corpus.teacher, 1))
        return scenes.compose([source for source in sources if source.name in names], count, seed, processes)

    return kept("scenes", (tuple(sorted(names)), count, seed), SCENE_CODE, make)
