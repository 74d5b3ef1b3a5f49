"""Scores clips as the daemon would: level gate, features, int8 model, smoothing; the best smoothed posterior of a clip.

Uses ``monitord.audio.detector`` itself, so that the card's figures hold for what runs in the house.
"""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from monitord import model as models
from monitord.audio.detector import Detector
from monitord.audio.features import RATE_HZ
from monitord.config import Sensitivity
from training.card import SMOOTHING_S
from training.clips import Clip, read_sound

if TYPE_CHECKING:
    from pathlib import Path

_job: tuple[models.Model, float]


def clip_score(model: models.Model, hop_s: float, samples: npt.NDArray[np.int16]) -> float:
    """Highest smoothed cry posterior of `samples`, 0..1; silence of the smoothing's length follows, to a whole hop."""
    detector = Detector(model, hop_s, Sensitivity.BALANCED)
    tail = round(SMOOTHING_S * RATE_HZ) + (-len(samples)) % round(hop_s * RATE_HZ)
    decisions = detector.feed(samples) + detector.feed(np.zeros(tail, np.int16))
    return max(decision.posteriors["cry"] for decision in decisions)


def _start(card: Path, hop_s: float) -> None:
    global _job  # noqa: PLW0603 - each worker's own model, loaded once
    _job = (models.load(card), hop_s)


def _score(clip: Clip) -> float:
    model, hop_s = _job
    return clip_score(model, hop_s, read_sound(clip.path))


def score_clips(card: Path, hop_s: float, clips: list[Clip], processes: int = 2) -> npt.NDArray[np.float64]:
    """Score of each of `clips` by the model at `card`, shape (clips,), 0..1."""
    # Spawned, not forked: tensorflow may run in this process, and its threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(processes, _start, (card, hop_s)) as pool:
        scored = pool.imap(_score, clips, chunksize=16)
        return np.array(list(tqdm(scored, total=len(clips), desc=f"scoring at {hop_s} s", mininterval=2.0)))
