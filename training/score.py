"""Scores clips as the daemon would: level gate, both stages, smoothing; the best smoothed posterior of a clip.

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
from monitord.config import HOP_S, AudioConfig
from monitord.tools.evaluate import highest
from training.clips import Clip, read_sound

if TYPE_CHECKING:
    from pathlib import Path

_models: EarModels


def _start(folder: Path, hop_s: float) -> None:
    global _models  # noqa: PLW0603 - each worker's own models, loaded once
    profile = next(profile for profile, seconds in HOP_S.items() if seconds == hop_s)
    _models = EarModels.load(AudioConfig(profile=profile, alarms=False), folder)


def _score(clip: Clip) -> float:
    return highest([read_sound(clip.path)], _models.detector())["cry"]


def score_clips(folder: Path, hop_s: float, clips: list[Clip], processes: int = 2) -> npt.NDArray[np.float64]:
    """Score of each of `clips` by the models in `folder`, shape (clips,), 0..1."""
    # Spawned, not forked: tensorflow may run in this process, and its threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(processes, _start, (folder, hop_s)) as pool:
        scored = pool.imap(_score, clips, chunksize=16)
        return np.array(list(tqdm(scored, total=len(clips), desc=f"scoring at {hop_s} s", mininterval=2.0)))
