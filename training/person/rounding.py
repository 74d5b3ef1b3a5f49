"""Teaches the network to live with 8-bit activations: the same rounding as on the device, while it still learns.

Quantised only afterwards, the network lost half of the lying adults (23 of 23 found before, 13 after).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

OFF, OBSERVE, ROUND = 0, 1, 2


class Mode:
    """What all `Rounding` layers do: nothing, widen their range, or round to 256 steps of it."""

    value = OFF


class Rounding(keras.layers.Layer):
    """Passes its input on; see `Mode`. The range is kept with the weights."""

    def build(self, _shape: Any) -> None:
        """Make the range."""
        self.low = self.add_weight(name="low", initializer="zeros", trainable=False)
        self.high = self.add_weight(name="high", initializer="zeros", trainable=False)

    def call(self, x: Any) -> Any:
        """(any shape) -> the same."""
        if Mode.value == OBSERVE:
            self.low.assign(tf.minimum(self.low.value, tf.reduce_min(x)))
            self.high.assign(tf.maximum(self.high.value, tf.reduce_max(x)))
        if Mode.value == ROUND:
            return tf.quantization.fake_quant_with_min_max_vars(x, self.low.value, self.high.value)
        return x
