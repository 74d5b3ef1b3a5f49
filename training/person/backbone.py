"""Starting weights: an ONNX detector as a Keras graph, so that its features can be trained on.

Only what YOLOX-Nano's file needs is translated. Its maps were compared with OpenCV's reading of the same file on one
picture at 416 x 416: they differ by at most 0.0001 at values up to 33.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import onnx
from onnx import numpy_helper

from training.person.rounding import Rounding

if TYPE_CHECKING:
    from pathlib import Path


def feature_names(graph: Any) -> list[str]:
    """Names of the maps that the class and box predictions are made from, finest stride first."""
    found = {
        node.input[1]: node.input[0]
        for node in graph.node
        if node.op_type == "Conv" and ("cls_preds" in node.input[1] or "reg_preds" in node.input[1])
    }
    return [found[f"head.{branch}_preds.{level}.weight"] for level in range(3) for branch in ("cls", "reg")]


def build(path: Path, height: int, width: int) -> keras.Model:
    """The network at `path` up to its six feature maps.

    Args:
        path: yolox_nano.onnx.
        height: of the picture in pixels, a multiple of 32.
        width: the same.

    Returns:
        (n, height, width, 3) RGB 0..255 -> six maps, (n, height / stride, width / stride, 64): the class and the box
        branch of each of the strides 8, 16 and 32.
    """
    graph = onnx.load(str(path)).graph
    weights = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    wanted = feature_names(graph)
    picture = keras.Input((height, width, 3), name="picture")
    # YOLOX was trained on blue, green, red; the order is turned in the first kernel, see `_convolution`.
    # Its Focus: planes in the order top-left, bottom-left, top-right, bottom-right.
    planes = [picture[:, row::2, column::2, :] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
    known: dict[str, Any] = {}
    for node in graph.node:
        if all(name in known for name in wanted):
            break
        _translate(node, known, weights, planes)
    return keras.Model(picture, [known[name] for name in wanted], name="yolox_nano_features")


def _translate(node: Any, known: dict[str, Any], weights: dict[str, Any], planes: list[Any]) -> None:
    what = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    inputs = [known[name] for name in node.input if name in known]
    match node.op_type:
        case "Conv":
            kernel, bias = (weights[name] for name in node.input[1:])
            if node.input[0] == "input":
                kernel = kernel[:, [channel + plane for plane in (0, 3, 6, 9) for channel in (2, 1, 0)]]
            known[node.output[0]] = _convolution(inputs[0], what, kernel, bias)
        case "Sigmoid":
            known[node.output[0]] = keras.ops.sigmoid(inputs[0])
        case "Mul":
            known[node.output[0]] = Rounding()(inputs[0] * inputs[1])
        case "Add":
            known[node.output[0]] = Rounding()(inputs[0] + inputs[1])
        case "Concat" if len(inputs) == len(node.input):
            known[node.output[0]] = Rounding()(keras.layers.Concatenate()(inputs))
        case "Concat" if node.output[0] == "input":
            known["input"] = keras.layers.Concatenate()(planes)
        case "MaxPool":
            size = what["kernel_shape"][0]
            known[node.output[0]] = keras.layers.MaxPooling2D(size, what["strides"][0], "same")(inputs[0])
        case "Resize":
            known[node.output[0]] = keras.layers.UpSampling2D(2, interpolation="nearest")(inputs[0])
        case _:  # Slices of Focus, constants, shapes: already accounted for, or after the maps that are wanted.
            pass


def _convolution(x: Any, what: dict[str, Any], kernel: Any, bias: Any) -> Any:
    side, stride = what["kernel_shape"][0], what["strides"][0]
    if side > 1:
        # Not "same": TensorFlow pads an even picture at stride 2 on one side only, PyTorch on both.
        x = keras.layers.ZeroPadding2D(side // 2)(x) if stride > 1 else x
    padding = "valid" if stride > 1 else "same"
    layer: Any
    if what["group"] > 1:
        layer = keras.layers.DepthwiseConv2D(side, stride, padding)
        kernel = np.transpose(kernel, (2, 3, 0, 1))
    else:
        layer = keras.layers.Conv2D(kernel.shape[0], side, stride, padding)
        kernel = np.transpose(kernel, (2, 3, 1, 0))
    y = layer(x)
    layer.set_weights([kernel, bias])
    return Rounding()(y)
