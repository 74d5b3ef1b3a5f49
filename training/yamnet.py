"""YAMNet's weights, read from its TFLite file: the teacher as a Keras network, and the first layers to start from.

YAMNet (Google, Apache-2.0) is MobileNet v1 (Howard et al., arXiv:1704.04861) on log-mel patches of 96 frames x 64 bins,
trained on AudioSet. Its batch normalisations are folded into the convolutions, so weights and biases are all there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter
from keras import layers

if TYPE_CHECKING:
    from pathlib import Path

    from keras import KerasTensor

Floats = npt.NDArray[np.float32]

CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
"""Of the pointwise and depthwise halves of blocks 2 to 14; block 1 is a 3x3 convolution of stride 2."""
STEM = 32
CLASSES = 521

Pairs = list[tuple[Floats, Floats]]


def read_weights(path: Path) -> Pairs:
    """(kernel, bias) of every convolution and of the last layer, in order, as Keras wants the kernels."""
    # Without delegates and with all tensors kept, so that no runtime has repacked the constants.
    from ai_edge_litert.interpreter import OpResolverType  # noqa: PLC0415 - only here

    reader = Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    reader.allocate_tensors()
    details = {tensor["index"]: tensor for tensor in reader.get_tensor_details()}

    def constant(index: int) -> Floats:
        raw, quantised = reader.get_tensor(index).astype(np.float32), details[index]["quantization_parameters"]
        if not len(quantised["scales"]):
            return raw
        shape = [1] * raw.ndim
        shape[quantised["quantized_dimension"]] = -1
        return (raw - quantised["zero_points"].reshape(shape)) * quantised["scales"].reshape(shape)

    pairs: Pairs = []
    for step in reader._get_ops_details():  # noqa: SLF001 - the interpreter has no public list of operations
        if step["op_name"] not in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
            continue
        kernel, bias = constant(step["inputs"][1]), constant(step["inputs"][2])
        if step["op_name"] == "CONV_2D" or step["op_name"] == "DEPTHWISE_CONV_2D":
            kernel = kernel.transpose(1, 2, 3, 0)
        else:
            kernel = kernel.T
        pairs.append((kernel, bias))
    return pairs[1:]  # The first one is the mel matrix.


def trunk(given: KerasTensor, blocks: int) -> KerasTensor:
    """The first `blocks` blocks of YAMNet on `given`, shape (frames, bins, 1); 14 are all."""
    x = layers.Conv2D(STEM, 3, strides=2, padding="same", activation="relu", name="block1")(given)
    for number, (channels, stride) in enumerate(zip(CHANNELS[: blocks - 1], STRIDES, strict=False), 2):
        x = layers.DepthwiseConv2D(3, stride, padding="same", activation="relu", name=f"block{number}_depth")(x)
        x = layers.Conv2D(channels, 1, activation="relu", name=f"block{number}")(x)
    return x


def set_trunk(model: keras.Model, pairs: Pairs) -> None:
    """Give the layers of `trunk` in `model` YAMNet's weights."""
    own = [layer for layer in model.layers if layer.name.startswith("block")]
    for layer, (kernel, bias) in zip(own, pairs, strict=False):
        layer.set_weights([kernel.reshape(layer.get_weights()[0].shape), bias])


def whole(pairs: Pairs) -> keras.Model:
    """YAMNet itself: (96, 64) log-mel patches -> logits of all classes; the front end is `FRONT`'s."""
    given = keras.Input((96, 64))
    x = trunk(layers.Reshape((96, 64, 1))(given), 14)
    logits = layers.Dense(CLASSES, name="classes")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(given, logits)
    set_trunk(model, pairs)
    model.get_layer("classes").set_weights(list(pairs[-1]))
    return model
