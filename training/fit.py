"""Fits the network to windows cut from scenes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from training import network
from training.windows import WINDOW_FRAMES, window_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.scenes import Scenes

BATCH = 64
RATE = 2e-3
TARGET_CRY, TARGET_NOT = 0.98, 0.01
"""Targets short of 1 and 0: the labels are not that sure, and an int8 logit needs room above the threshold."""
POSITIVE_SHARE = 0.4
Windows = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class Cutter:
    """Cuts random windows from scenes, harder ones more often as training goes on."""

    def __init__(self, scenes: Scenes, seed: int) -> None:
        self._features = scenes.features
        labels = window_labels(scenes.marks)
        self._places = {what: np.argwhere(labels == what) for what in (0, 1)}
        self._rng = np.random.default_rng(seed)
        self._hard: npt.NDArray[np.int64] = np.empty((0, 2), np.int64)

    def cut(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The windows at `places` (scene, first frame), shape (n, WINDOW_FRAMES, bins)."""
        index = places[:, 1, None] + np.arange(WINDOW_FRAMES)
        return self._features[places[:, 0, None], index].astype(np.float32)

    def batches(self, count: int, hard_share: float) -> Iterator[Windows]:
        """`count` batches; `hard_share` of the negatives are those that `find_hard` found."""
        positives = int(BATCH * POSITIVE_SHARE)
        for _ in range(count):
            hard = int((BATCH - positives) * hard_share) if len(self._hard) else 0
            places = np.concatenate(
                [
                    self._draw(self._places[1], positives),
                    self._draw(self._hard, hard) if hard else np.empty((0, 2), np.int64),
                    self._draw(self._places[0], BATCH - positives - hard),
                ]
            )
            targets = np.full((BATCH, 1), TARGET_NOT, np.float32)
            targets[:positives] = TARGET_CRY
            yield self.cut(places), targets

    def find_hard(self, model: keras.Model, sample: int, keep: float = 0.08) -> None:
        """Look at `sample` random negatives and keep the share `keep` that the network takes most for a cry."""
        places = self._draw(self._places[0], sample)
        scores = np.concatenate(
            [model.predict_on_batch(self.cut(places[at : at + 512]))[:, 0] for at in range(0, sample, 512)]
        )
        self._hard = places[np.argsort(-scores)[: int(sample * keep)]]

    def _draw(self, places: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
        return places[self._rng.integers(len(places), size=count)]


def fit(scenes: Scenes, epochs: int, batches: int, seed: int) -> keras.Model:
    """Train a new network on `scenes`, `epochs` x `batches` batches: AdamW, cosine rate, averaged weights."""
    keras.utils.set_random_seed(seed)
    cutter = Cutter(scenes, seed)
    sample = scenes.features[:: max(1, len(scenes.features) // 500)].astype(np.float32)
    model = network.build(WINDOW_FRAMES, scenes.features.shape[2], 1, float(sample.mean()), float(sample.std()))
    total = epochs * batches
    rate = keras.optimizers.schedules.CosineDecay(RATE / 10, total, alpha=0.01, warmup_target=RATE, warmup_steps=200)
    optimiser = keras.optimizers.AdamW(rate, weight_decay=2e-3, use_ema=True, ema_momentum=0.997)
    loss_of = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function(jit_compile=False)
    def step(windows: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(targets, model(windows, training=True))
        optimiser.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    running = math.nan
    with tqdm(total=total, desc="training", mininterval=2.0) as bar:
        for epoch in range(epochs):
            for windows, targets in cutter.batches(batches, hard_share=0.3):
                loss = float(step(tf.constant(windows), tf.constant(targets)))
                running = loss if math.isnan(running) else 0.99 * running + 0.01 * loss
                bar.update()
            bar.set_postfix(epoch=epoch + 1, loss=f"{running:.4f}")
            if epoch < epochs - 1:
                cutter.find_hard(model, 8192)
    optimiser.finalize_variable_values(model.trainable_variables)
    _settle_statistics(model, cutter)
    return model


def _settle_statistics(model: keras.Model, cutter: Cutter) -> None:
    """Let the batch normalisations see the averaged weights: their own averages belong to the weights before."""
    for windows, _ in cutter.batches(150, hard_share=0.2):
        model(tf.constant(windows), training=True)
