"""Fits a network to windows cut from scenes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from training.activity import IS_CRY, NOT_CRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH = 64
TARGET_IS, TARGET_NOT = 0.98, 0.01
"""Targets short of 1 and 0: the labels are not that sure, and an int8 logit needs room above the threshold."""

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Examples:
    """What one network learns from. A place is (scene, first frame of the window in stage one's frames).

    Attributes:
        cut: windows at places (n, 2), shape (n, frames, bins).
        targets: their targets and the weight of each, both (n, outputs).
        shares: places to draw from, with the share of a batch that each list gets.
        negatives: places among which hard ones are looked for, by the first output.
    """

    cut: Callable[[Places], Floats]
    targets: Callable[[Places], tuple[Floats, Floats]]
    shares: list[tuple[Places, float]]
    negatives: Places


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: `epochs` of `batches`, at most `rate`, `hard_share` of a batch from hard negatives."""

    epochs: int
    batches: int
    rate: float
    hard_share: float = 0.2
    hard_sample: int = 6144


def targets_of(labels: npt.NDArray[np.int8], places: Places) -> tuple[Floats, Floats]:
    """Target and weight, both (n,), of the windows at `places`; what is left out weighs nothing."""
    own = labels[places[:, 0], places[:, 1]]
    return np.where(own == IS_CRY, TARGET_IS, TARGET_NOT).astype(np.float32), (own >= NOT_CRY).astype(np.float32)


class Batches:
    """Draws batches from `examples`."""

    def __init__(self, examples: Examples, seed: int) -> None:
        self._examples = examples
        self._rng = np.random.default_rng(seed)
        self._hard: Places = np.empty((0, 2), np.int64)

    def draw(self, count: int, hard_share: float) -> Iterator[tuple[Floats, Floats, Floats]]:
        """`count` batches of windows, targets and weights; hard negatives take their share from the last list."""
        shares = self._examples.shares
        hard = int(BATCH * hard_share) if len(self._hard) else 0
        sizes = [int(BATCH * share) for _, share in shares]
        sizes[-1] = BATCH - hard - sum(sizes[:-1])
        for _ in range(count):
            parts = [self._some(places, size) for (places, _), size in zip(shares, sizes, strict=True)]
            places = np.concatenate([*parts, self._some(self._hard, hard)])
            yield (self._examples.cut(places), *self._examples.targets(places))

    def find_hard(self, model: keras.Model, sample: int, keep: float = 0.08) -> None:
        """Look at `sample` random negatives and keep the share `keep` whose first output is highest."""
        places = self._some(self._examples.negatives, sample)
        pieces = [self._examples.cut(places[at : at + 256]) for at in range(0, sample, 256)]
        scores = np.concatenate([model.predict_on_batch(piece)[:, 0] for piece in pieces])
        self._hard = places[np.argsort(-scores)[: int(sample * keep)]]

    def _some(self, places: Places, count: int) -> Places:
        return places[self._rng.integers(len(places), size=count)] if count else np.empty((0, 2), np.int64)


def fit(model: keras.Model, examples: Examples, schedule: Schedule, seed: int) -> None:
    """Train `model` in place: AdamW, cosine rate, averaged weights; logits out, one sigmoid each."""
    batches = Batches(examples, seed)
    total = schedule.epochs * schedule.batches
    rate = keras.optimizers.schedules.CosineDecay(
        schedule.rate / 10, total, alpha=0.01, warmup_target=schedule.rate, warmup_steps=200
    )
    optimiser = keras.optimizers.AdamW(rate, weight_decay=2e-3, use_ema=True, ema_momentum=0.997)

    @tf.function(jit_compile=False)
    def step(windows: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            each = tf.nn.sigmoid_cross_entropy_with_logits(targets, model(windows, training=True))
            loss = tf.reduce_sum(each * weights) / BATCH
        optimiser.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    running = math.nan
    with tqdm(total=total, desc=f"training {model.name}", mininterval=2.0) as bar:
        for epoch in range(schedule.epochs):
            for batch in batches.draw(schedule.batches, schedule.hard_share):
                loss = float(step(*map(tf.constant, batch)))
                running = loss if math.isnan(running) else 0.99 * running + 0.01 * loss
                bar.update()
            bar.set_postfix(epoch=epoch + 1, loss=f"{running:.4f}")
            if epoch < schedule.epochs - 1:
                batches.find_hard(model, schedule.hard_sample)
    optimiser.finalize_variable_values(model.trainable_variables)
    # Batch normalisations must see the averaged weights: their own averages belong to the weights before.
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers):
        for windows, _, _ in batches.draw(150, schedule.hard_share):
            model(tf.constant(windows), training=True)
