"""Scores clips as the daemon would: level gate, both stages, smoothing; the best smoothed posterior of a clip.

Of each clip also the best mean over the short window by which a sound may begin at once; 0 where the card has none.

Uses the daemon's own detector and `monitord evaluate`'s own reading of it, so that the card's figures hold for what
runs in the house.
"""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from monitord.audio.models import EarModels
from monitord.config import AudioConfig, Profile
from monitord.tools.evaluate import highest_both
from training.clips import Clip, read_sound

if TYPE_CHECKING:
    from pathlib import Path

_models: EarModels


def listening(profile: str) -> AudioConfig:
    """The ear's configuration under which clips are scored."""
    return AudioConfig(profile=Profile(profile), alarms=False)


def _start(folder: Path, profile: str) -> None:
    global _models  # noqa: PLW0603 - each worker's own models, loaded once
    _models = EarModels.load(listening(profile), folder=folder)


def _score(clip: Clip) -> tuple[float, float]:
    steady, quick = highest_both([read_sound(clip.path)], _models.detector())
    return steady["cry"], quick.get("cry", 0.0)


def score_clips(folder: Path, profile: str, clips: list[Clip], processes: int = 2) -> npt.NDArray[np.float64]:
    """Score of each of `clips` by the models in `folder`, shape (clips,), 0..1."""
    return score_both(folder, profile, clips, processes)[:, 0]


def score_both(folder: Path, profile: str, clips: list[Clip], processes: int = 2) -> npt.NDArray[np.float64]:
    """The same, and beside it the highest mean over the short window, shape (clips, 2)."""
    # Spawned, not forked: tensorflow may run in this process, and its threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(processes, _start, (folder, profile)) as pool:
        scored = pool.imap(_score, clips, chunksize=16)
        rows = list(tqdm(scored, total=len(clips), desc=f"scoring, {profile}", mininterval=2.0))
    return np.array(rows, np.float64).reshape(-1, 2)
