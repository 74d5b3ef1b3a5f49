"""Keras -> fully int8 TFLite (int8 in, int8 out) by post-training quantisation on real features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras


def to_int8(model: keras.Model, examples: npt.NDArray[np.float32]) -> bytes:
    """The int8 model; `examples` (n, ...) are features that decide every tensor's range."""
    shape = (1, *model.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def call(given: tf.Tensor) -> tf.Tensor:
        return model(given, training=False)

    def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
        for example in examples:
            yield [example[None].astype(np.float32)]

    frozen = convert_variables_to_constants_v2(call.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    # Names of tensors help nobody here and are an eighth of a small model.
    content = flatbuffer_utils.convert_bytearray_to_object(bytearray(converter.convert()))
    flatbuffer_utils.strip_strings(content)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(content))
