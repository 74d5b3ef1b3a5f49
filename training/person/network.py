"""The network and its training: YOLOX-Nano's features, one small head, three logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from training.person import augment, backbone
from training.person.data import LABELS, NOBODY
from training.person.rounding import OBSERVE, OFF, ROUND, Mode, Rounding

if TYPE_CHECKING:
    from pathlib import Path

    from training.person.data import Item

HEIGHT, WIDTH = 192, 256
"""4:3, as most cameras deliver, so that nothing is lost to bars. Multiples of the network's stride, 32."""

_BATCH = 16
_HEAD_RATE, _BODY_RATE = 2e-3, 2e-4
_OBSERVED = 20
_SHARES = {
    ("coco", "person"): 0.22,
    ("coco", "nobody"): 0.12,
    ("gmdcsa24", "person"): 0.20,
    ("gmdcsa24_empty", "nobody"): 0.07,
    ("rooms", "nobody"): 0.17,
    ("messy_rooms", "nobody"): 0.04,
    ("infants", "person"): 0.18,
}
"""What an epoch is made of; without it rooms would be two thirds of it."""


def build(weights: Path) -> tuple[keras.Model, list[str]]:
    """The whole network, RGB 0..255 in, logits out; and the names of the weights that are new."""
    body = backbone.build(weights, HEIGHT, WIDTH)
    maps = body.outputs
    pooled = []
    new = []
    for level, (kind, box) in enumerate(zip(maps[::2], maps[1::2], strict=True)):
        evidence = keras.layers.Conv2D(32, 1, activation="relu6", name=f"evidence_{level}")
        seen = Rounding()(evidence(keras.layers.Concatenate()([kind, box])))
        # The strongest place says whether somebody is there; the mean says what surrounds it.
        pooled += [
            keras.layers.MaxPooling2D(seen.shape[1:3])(seen),
            keras.layers.AveragePooling2D(seen.shape[1:3])(seen),
        ]
        new.append(evidence.name)
    joined = Rounding()(keras.layers.Flatten()(keras.layers.Concatenate()(pooled)))
    joined = keras.layers.Dropout(0.3)(joined)
    logits = keras.layers.Dense(len(LABELS), name="logits")(joined)
    return keras.Model(body.input, logits, name="person"), [*new, "logits"]


def train(network: keras.Model, new: list[str], items: list[Item], *, steps: int, seed: int) -> None:
    """Train in place: the head alone for the first tenth, then everything, at a rate that falls as a cosine."""
    Mode.value = OFF
    warm = steps // 10
    _run(network, new, items, steps=steps, warm=warm, rates=(_HEAD_RATE, _BODY_RATE), seed=seed, name="training")


def train_rounded(network: keras.Model, new: list[str], items: list[Item], *, steps: int, seed: int) -> None:
    """Train in place with 8-bit activations, whose ranges are taken from training pictures first."""
    rng = np.random.default_rng(seed)
    pools = _pools(items)
    Mode.value = OBSERVE
    for _ in tqdm(range(_OBSERVED), desc="observing ranges", unit="batch"):
        network(_batch(pools, rng)[0], training=False)
    Mode.value = ROUND
    rates = (_HEAD_RATE / 4, _BODY_RATE / 2)
    _run(network, new, items, steps=steps, warm=0, rates=rates, seed=seed + 1, name="training rounded")
    Mode.value = OFF


def _run(
    network: keras.Model,
    new: list[str],
    items: list[Item],
    *,
    steps: int,
    warm: int,
    rates: tuple[float, float],
    seed: int,
    name: str,
) -> None:
    rng = np.random.default_rng(seed)
    pools = _pools(items)
    head = [weight for layer in network.layers if layer.name in new for weight in layer.trainable_weights]
    head_ids = {id(weight) for weight in head}
    body = [weight for weight in _later(network) if id(weight) not in head_ids]
    head_steps, body_steps = (keras.optimizers.AdamW(rate, 1e-3) for rate in rates)
    head_steps.build(head)
    body_steps.build(body)

    @tf.function
    def step(pictures: tf.Tensor, targets: tf.Tensor, everything: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            log_p = tf.nn.log_softmax(network(pictures, training=True))
            # Probability of the set of labels that the picture may have.
            allowed = tf.reduce_logsumexp(tf.where(targets > 0, log_p, -1e9), axis=1)
            # A little of every answer stays possible, or the logits grow without end.
            loss = -tf.reduce_mean(0.95 * allowed + 0.05 * tf.reduce_mean(log_p, axis=1))
        gradients = tape.gradient(loss, head + body)
        head_steps.apply(gradients[: len(head)], head)
        if everything:
            body_steps.apply(tf.clip_by_global_norm(gradients[len(head) :], 5.0)[0], body)
        return loss

    mean = 0.0
    with tqdm(total=steps, desc=name, unit="step", mininterval=5) as bar:
        for count in range(steps):
            if count >= warm:
                fall = 0.5 * (1 + np.cos(np.pi * (count - warm) / (steps - warm)))
                head_steps.learning_rate.assign(rates[0] * fall)
                body_steps.learning_rate.assign(rates[1] * fall)
            pictures, targets = _batch(pools, rng)
            loss = float(step(pictures, targets, tf.constant(count >= warm)))
            mean = loss if count == 0 else 0.98 * mean + 0.02 * loss
            bar.set_postfix(loss=f"{mean:.3f}", refresh=False)
            bar.update()


def _later(network: keras.Model) -> list[keras.Variable]:
    """Weights of the layers at a stride of 8 and more.

    The first ones see edges, which need no teaching, cost half of the time, and their kernels on 0..255 are so small
    that a step of Adam would wreck them.
    """
    return [
        weight
        for layer in network.layers
        if layer.trainable_weights and len(layer.output.shape) == 4 and layer.output.shape[1] <= HEIGHT // 8
        for weight in layer.trainable_weights
    ]


def _pools(items: list[Item]) -> dict[tuple[str, str], list[Item]]:
    pools: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        name = (item.source, "nobody" if item.target == NOBODY else "person")
        if item.split == "train" and name in _SHARES:
            pools.setdefault(name, []).append(item)
    return pools


def _batch(pools: dict[tuple[str, str], list[Item]], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    names = list(pools)
    shares = np.array([_SHARES[name] for name in names])
    pictures, targets = [], []
    for which in rng.choice(len(names), _BATCH, p=shares / shares.sum()):
        pool = pools[names[which]]
        picture, target = augment.vary(pool[rng.integers(len(pool))], HEIGHT, WIDTH, rng)
        pictures.append(picture)
        targets.append(target)
    return np.stack(pictures).astype(np.float32), np.array(targets, np.float32)
