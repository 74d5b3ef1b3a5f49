"""The network of a word detector: 16 embeddings in, one logit out; and how it learns.

A batch holds the phrase, near-words and sentences with the phrase from made-up speakers, and recordings of everything
else, half of them the ones that the network itself finds hardest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from training.words.recordings import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]

NUMBERS = 96
LOOKED = 60_000
"""Recorded examples among which the hardest are sought, anew each time."""
SCALE = 16.0
"""Embeddings have about this standard deviation."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What can be varied in training.

    Attributes:
        width: channels of each layer.
        flat: the last layer sees where in the example a sound lies; else only that it does.
        steps: batches.
        batch: examples in a batch.
        rate: highest learning rate.
        drop: dropout before the first and the last layer.
        noise: standard deviation of noise added to embeddings, in units of `SCALE`.
        shares: of the batch: the phrase, near-words, sentences, recordings, hardest recordings.
    """

    width: int = 32
    steps: int = 400
    batch: int = 256
    flat: bool = True
    rate: float = 3e-3
    drop: float = 0.15
    noise: float = 0.1
    shares: tuple[float, ...] = (0.25, 0.12, 0.13, 0.25, 0.25)


@dataclass(slots=True)
class Windows:
    """Examples inside longer runs of embeddings, without a copy: `flat[start : start + 16]`."""

    flat: Halves
    starts: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, runs: Sequence[Halves]) -> Windows:
        """Every example in every run; `owners` says in which."""
        offsets = np.cumsum([0, *map(len, runs)])
        counts = [max(0, len(run) - EXAMPLE + 1) for run in runs]
        starts = np.concatenate([offsets[k] + np.arange(count) for k, count in enumerate(counts)])
        return cls(np.concatenate(runs), starts.astype(np.int64), np.repeat(np.arange(len(runs)), counts))

    def only(self, chosen: npt.NDArray[np.bool_]) -> Windows:
        """The examples of the runs that are `chosen`, by number."""
        kept = chosen[self.owners]
        return Windows(self.flat, self.starts[kept], self.owners[kept])

    def take(self, which: npt.NDArray[np.int64]) -> Floats:
        """Examples number `which`, shape (n, 16, 96)."""
        rows = self.starts[which][:, None] + np.arange(EXAMPLE)
        return self.flat[rows].astype(np.float32)


def build(recipe: Recipe, seed: int) -> keras.Model:
    """The network; about 10,000 parameters at a width of 32."""
    keras.utils.set_random_seed(seed)
    given = keras.Input((EXAMPLE, NUMBERS))
    x = keras.layers.Rescaling(1.0 / SCALE)(given)
    x = keras.layers.SpatialDropout1D(recipe.drop)(x)
    x = keras.layers.Conv1D(recipe.width, 1, activation="relu")(x)
    x = keras.layers.Conv1D(recipe.width, 3, activation="relu")(x)
    x = keras.layers.Conv1D(recipe.width, 3, activation="relu")(x)
    x = keras.layers.Flatten()(x) if recipe.flat else keras.layers.GlobalMaxPooling1D()(x)
    x = keras.layers.Dropout(recipe.drop)(x)
    return keras.Model(given, keras.layers.Dense(1)(x))


def together(models: Sequence[keras.Model]) -> keras.Model:
    """One network whose logit is the mean of those of `models`."""
    given = keras.Input((EXAMPLE, NUMBERS))
    logits = [model(given) for model in models]
    return keras.Model(given, keras.layers.Average()(logits) if len(logits) > 1 else logits[0])


def logits(model: keras.Model, windows: Windows) -> Floats:
    """Logit of every example, shape (n,)."""
    call = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    parts = []
    for start in range(0, len(windows.starts), 8192):
        which = np.arange(start, min(start + 8192, len(windows.starts)))
        parts.append(call(tf.constant(windows.take(which))).numpy()[:, 0])
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def fit(sources: Sequence[Windows], recipe: Recipe, *, seed: int, name: str = "head") -> keras.Model:
    """Train one network.

    Args:
        sources: examples of the phrase, of near-words, of sentences with the phrase, of recordings without it.
        recipe: how.
        seed: of weights and batches.
        name: for the progress bar.
    """
    model = build(recipe, seed)
    rng = np.random.default_rng(seed)
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4, recipe.steps - 100, warmup_target=recipe.rate, warmup_steps=100
    )
    optimiser = keras.optimizers.AdamW(schedule, weight_decay=1e-2)
    loss_of = keras.losses.BinaryCrossentropy(from_logits=True)
    counts = [round(share * recipe.batch) for share in recipe.shares]
    truth = tf.constant(np.repeat([1.0, 0.0], [counts[0], sum(counts[1:])])[:, None], tf.float32)

    @tf.function
    def step(batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(truth, model(batch, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimiser.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    real = sources[-1]
    hardest: npt.NDArray[np.int64] | None = None
    for number in tqdm(range(recipe.steps), desc=name, mininterval=2.0):
        if number and number % (recipe.steps // 4) == 0:
            looked = rng.permutation(len(real.starts))[:LOOKED]
            order = looked[np.argsort(-logits(model, Windows(real.flat, real.starts[looked])))]
            hardest = order[: max(1000, len(order) // 40)]
        drawn = zip(sources, counts, strict=False)
        parts = [some.take(rng.integers(len(some.starts), size=count)) for some, count in drawn]
        pool = np.arange(len(real.starts)) if hardest is None else hardest
        parts.append(real.take(rng.choice(pool, counts[4])))
        batch = np.concatenate(parts)
        batch += rng.standard_normal(batch.shape, np.float32) * np.float32(recipe.noise * SCALE)
        step(tf.constant(batch))
    return model
