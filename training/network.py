"""Stage one: a depthwise-separable CNN over two seconds of log-mel frames, small enough for a Raspberry Pi Zero 2.

After Zhang et al., "Hello Edge" (arXiv:1711.07128). The input is normalised by the first layer, so that training and
daemon share nothing but ``monitord.audio.features``; the output is one logit per label.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

BLOCKS = ((32, 2), (56, 1), (56, 1), (80, 2), (80, 1), (80, 1))
"""Channels and stride of each depthwise-separable block."""
STEM = 16


def build(frames: int, bins: int, labels: int, mean: float, deviation: float) -> keras.Model:
    """The untrained network: (frames, bins) float32 log-mel -> (labels,) logits.

    Args:
        frames: frames of one example.
        bins: mel bins of one frame.
        labels: outputs.
        mean: of the training features over all bins, for the input layer.
        deviation: standard deviation, likewise.
    """
    given = keras.Input((frames, bins))
    x = layers.Rescaling(1.0 / deviation, -mean / deviation)(given)
    x = layers.Reshape((frames, bins, 1))(x)
    x = _normed(layers.Conv2D(STEM, 5, strides=2, padding="same", use_bias=False)(x))
    for channels, stride in BLOCKS:
        skip = x
        x = _normed(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
        x = layers.BatchNormalization()(layers.Conv2D(channels, 1, use_bias=False)(x))
        if stride == 1 and skip.shape[-1] == channels:
            x = layers.Add()([x, skip])
        x = layers.ReLU()(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dropout(0.2)(x)
    return keras.Model(given, layers.Dense(labels)(x), name="stage_one")


def _normed(x: Any) -> Any:
    return layers.ReLU()(layers.BatchNormalization()(x))


def multiplications(model: keras.Model) -> int:
    """Multiply-accumulates of one call."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            total += int(np.prod(layer.output.shape[1:])) * int(np.prod(layer.kernel_size))
        elif isinstance(layer, layers.Conv2D):
            total += int(np.prod(layer.output.shape[1:])) * int(np.prod(layer.kernel_size)) * layer.input.shape[-1]
        elif isinstance(layer, layers.Dense):
            total += layer.input.shape[-1] * layer.units
    return total
