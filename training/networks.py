"""Trains and quantises both networks of the cascade on the scenes of some folds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import keras
import numpy as np

from training import fit, network, stage_one, verifier, yamnet
from training.cache import kept
from training.data import further_scenes, scenes_of
from training.quantise import to_int8
from training.scenes import Scenes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.data import Corpus

STAGE_ONE = fit.Schedule(epochs=6, batches=400, rate=2e-3)
STAGE_TWO = fit.Schedule(epochs=5, batches=400, rate=3e-4)
FURTHER = 2000
"""Scenes without a cry, of sounds that are in no fold; every network learns from them."""
CALIBRATION = 500
"""Windows that decide the range of every quantised tensor."""


def train(corpus: Corpus, folds: Sequence[str], count: int, seed: int, teacher: Path) -> tuple[bytes, bytes]:
    """Both int8 networks (stage one, verifier), trained on `count` scenes from each of `folds`."""
    pairs = yamnet.read_weights(teacher)
    parts = [scenes_of(corpus, (fold,), count, seed) for fold in folds] + [further_scenes(FURTHER, seed)]
    taught = np.concatenate([_taught(part, name, pairs) for name, part in zip([*folds, "further"], parts, strict=True)])
    scenes = Scenes.joined(parts)

    keras.utils.set_random_seed(seed)
    second = verifier.build(pairs, 1 + len(verifier.TAUGHT))
    looks = verifier.examples(scenes, taught)
    fit.fit(second, looks, STAGE_TWO, seed)

    keras.utils.set_random_seed(seed)
    said = verifier.opinions(second, looks, len(scenes.near), stage_one.starts(scenes.near.shape[1]))
    windows = stage_one.examples(scenes, said, taught)
    sample = scenes.near[::20].astype(np.float32)
    first = network.build(*windows.cut(np.zeros((1, 2), np.int64)).shape[1:], len(stage_one.LABELS),
                          float(sample.mean()), float(sample.std()))  # fmt: skip
    fit.fit(first, windows, STAGE_ONE, seed)
    return to_int8(first, _calibration(windows, seed)), to_int8(verifier.only_cry(second), _calibration(looks, seed))


def _taught(scenes: Scenes, name: str, pairs: yamnet.Pairs) -> np.ndarray:
    """YAMNet's scores of `scenes`, kept under `name`."""
    made_from = (name, len(scenes.fine), hashlib.sha256(scenes.fine[::50].tobytes()).hexdigest())
    return kept(f"taught-{name}", made_from, ("yamnet", "front"), lambda: verifier.taught(scenes, pairs))


def _calibration(examples: fit.Examples, seed: int) -> fit.Floats:
    """Windows drawn as the batches are."""
    batches = fit.Batches(examples, seed).draw(CALIBRATION // fit.BATCH + 1, 0.0)
    return np.concatenate([windows for windows, _, _ in batches])
