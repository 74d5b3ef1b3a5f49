"""Stage two for cries: the first blocks of YAMNet, taught anew on two seconds below 3.64 kHz.

YAMNet has heard two million clips of AudioSet; cats, sirens and laughter are few in our recordings. So its first blocks
are where ours starts, and while it learns cries it goes on answering what the whole of YAMNet answers (its scores of
`TAUGHT` classes are further targets), so as not to forget what it is not reminded of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
from keras import layers
from tqdm import tqdm

from training import yamnet
from training.fit import Examples, Places, targets_of
from training.front import BINS, SHIFT, VERIFIER_FRAMES
from training.windows import cry_labels

if TYPE_CHECKING:
    from training.scenes import Scenes

Floats = npt.NDArray[np.float32]

BLOCKS, FROZEN = 8, 4
HIDDEN = 64
PATCH, PATCH_HOP = 96, 64
TAUGHT = (
    *range(46),  # Human voices and what else people's heads do.
    *range(67, 133),  # Animals.
    147, 148, 150, 153, 180, 182, 184, 186, 190, 191, 192, 203, 205, 208,  # Instruments that sing.
    302, 304, *range(316, 320), 327, 348, 349, 355, *range(382, 398), *range(475, 481), 494, 507, 514,
)  # fmt: skip
"""Rows of YAMNet's class map: whatever may be taken for a cry, and the kinds around it."""
TAUGHT_WEIGHT = 2.0
"""Of all taught classes together, beside the cry's own 1."""


def build(pairs: yamnet.Pairs, outputs: int) -> keras.Model:
    """(VERIFIER_FRAMES, BINS) -> logits; the first output is the cry."""
    given = keras.Input((VERIFIER_FRAMES, BINS))
    x = layers.Rescaling(1.0, SHIFT)(given)
    x = yamnet.trunk(layers.Reshape((VERIFIER_FRAMES, BINS, 1))(x), BLOCKS)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(HIDDEN, activation="relu", name="hidden")(x)
    model = keras.Model(given, layers.Dense(outputs, name="logits")(x), name="verifier")
    yamnet.set_trunk(model, pairs)
    for layer in model.layers:
        if layer.name.split("_")[0] in {f"block{number}" for number in range(1, FROZEN + 1)}:
            layer.trainable = False
    return model


def taught(scenes: Scenes, pairs: yamnet.Pairs) -> npt.NDArray[np.float16]:
    """YAMNet's scores of `TAUGHT` for patches every `PATCH_HOP` frames, shape (scenes, patches, classes), 0..1."""
    model = yamnet.whole(pairs)
    starts = range(0, scenes.fine.shape[1] - PATCH + 1, PATCH_HOP)
    scores = np.empty((len(scenes.fine), len(starts), len(TAUGHT)), np.float16)
    for number, fine in enumerate(tqdm(scenes.fine, desc="teacher on scenes", mininterval=2.0)):
        patches = np.stack([fine[start : start + PATCH] for start in starts]).astype(np.float32) + np.float32(SHIFT)
        logits = np.asarray(model.predict_on_batch(patches))[:, TAUGHT]
        scores[number] = 1.0 / (1.0 + np.exp(-logits))
    return scores


def examples(scenes: Scenes, scores: npt.NDArray[np.float16]) -> Examples:
    """Windows for the verifier; `scores` are those of `taught`."""
    labels = cry_labels(scenes.cry)

    def cut(places: Places) -> Floats:
        index = fine_start(places)[:, None] + np.arange(VERIFIER_FRAMES)
        return scenes.fine[places[:, 0, None], index, :BINS].astype(np.float32)

    def targets(places: Places) -> tuple[Floats, Floats]:
        own, weights = targets_of(labels, places)
        soft = teacher_says(scores, places)
        share = np.full(soft.shape, TAUGHT_WEIGHT / len(TAUGHT), np.float32)
        return np.concatenate([own[:, None], soft], axis=1), np.concatenate([weights[:, None], share], axis=1)

    cries, others = np.argwhere(labels == 1), np.argwhere(labels == 0)
    return Examples(cut, targets, [(cries, 0.35), (others, 0.65)], others)


def teacher_says(scores: npt.NDArray[np.float16], places: Places) -> Floats:
    """The teacher's highest score of each taught class in the patches within the windows at `places`, (n, classes)."""
    starts = np.arange(scores.shape[1]) * PATCH_HOP
    first = fine_start(places)[:, None]
    inside = (starts >= first - 8) & (starts + PATCH <= first + VERIFIER_FRAMES + 8)
    return np.where(inside[..., None], scores[places[:, 0]], 0).max(axis=1).astype(np.float32)


def opinions(model: keras.Model, looks: Examples, scenes: int, starts: npt.NDArray[np.int64]) -> Floats:
    """Posterior of a cry by the trained verifier for windows at each of `starts` of each scene, (scenes, starts)."""
    said = np.empty((scenes, len(starts)), np.float32)
    for scene in tqdm(range(0, scenes, 8), desc="verifier on scenes", mininterval=2.0):
        rows = range(scene, min(scene + 8, scenes))
        places = np.array([(row, start) for row in rows for start in starts])
        logits = np.asarray(model.predict_on_batch(looks.cut(places)))[:, 0]
        said[rows.start : rows.stop] = (1.0 / (1.0 + np.exp(-logits))).reshape(len(rows), -1)
    return said


def fine_start(places: Places) -> npt.NDArray[np.int64]:
    """First fine frame of the windows at `places`, so that both stages' windows end together."""
    return np.maximum(np.rint(2.5 * places[:, 1] - 0.8).astype(np.int64), 0)


def only_cry(model: keras.Model) -> keras.Model:
    """The trained network with the cry's logit alone."""
    kernel, bias = model.get_layer("logits").get_weights()
    last = layers.Dense(1, name="cry")
    single = keras.Model(model.input, last(model.get_layer("hidden").output), name="cry")
    last.set_weights([kernel[:, :1], bias[:1]])
    return single
