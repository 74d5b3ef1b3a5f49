"""Torch network with its ranges -> fully int8 TFLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from training.eye.backbone import key
from training.eye.detector import CELLS
from training.eye.rounding import family, steps

if TYPE_CHECKING:
    from training.eye.detector import Detector
    from training.eye.rounding import Rounding

OUTPUTS = ("person", "posture", "boxes", "room")


def to_int8(network: Detector, rounding: Rounding, height: int, width: int) -> bytes:
    """The quantised network: (1, height, width, 3) RGB 0..255 -> `OUTPUTS`, all int8, in this order."""

    @tf.function(input_signature=[tf.TensorSpec((1, height, width, 3), tf.float32, name="picture")])
    def serve(picture: tf.Tensor) -> Any:
        picture = tf.quantization.fake_quant_with_min_max_args(picture, 0, 255)
        return _graph(network, rounding, picture)

    frozen = convert_variables_to_constants_v2(serve.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _graph(network: Detector, rounding: Rounding, picture: Any) -> list[Any]:
    values = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
    passed = {step.output for step in network.plan.steps if step.kind in ("pool", "double")}

    def rounded(name: str, value: Any) -> Any:
        if name in passed:
            return value
        low, high = rounding.ranges[family(name)]
        scale, zero = steps(low, high)
        return tf.quantization.fake_quant_with_min_max_args(value, -zero * scale, (255 - zero) * scale)

    planes = [picture[:, row::2, column::2, :] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
    known = {"input": tf.concat(planes, -1)}
    for step in network.plan.steps:
        first = known[step.inputs[0]]
        match step.kind:
            case "conv":
                kernel, bias = (values[f"body.values.{key(name)}"] for name in step.weights)
                made = _convolved(first, kernel, bias, step.stride, step.groups)
            case "silu":
                made = first * tf.sigmoid(first)
            case "add":
                made = first + known[step.inputs[1]]
            case "concat":
                made = tf.concat([known[name] for name in step.inputs], -1)
            case "pool":
                made = tf.nn.max_pool2d(first, step.stride, 1, "SAME")
            case _:
                size = [2 * side for side in first.shape[1:3]]
                made = tf.raw_ops.ResizeNearestNeighbor(images=first, size=size, half_pixel_centers=False)
        known[step.output] = rounded(step.output, made)

    def layer(name: str, x: Any) -> Any:
        return _convolved(x, values[f"{name}.weight"], values[f"{name}.bias"], 1, 1)

    person, posture, boxes = [], [], []
    for level, (kind, box) in enumerate(network.plan.maps):
        obj = rounded(f"object_{level}", layer(f"object.{level}", known[box]))
        who = rounded(f"kind_{level}", layer(f"kind.{level}", known[kind]))
        person.append(tf.reshape(rounded("kind_0", tf.minimum(obj, who)), (1, -1)))
        both = rounded(f"both_{level}", tf.concat([known[kind], known[box]], -1))
        seen = rounded(f"look_{level}", tf.nn.relu6(layer(f"look.{level}", both)))
        posture.append(tf.reshape(rounded(f"lies_{level}", layer(f"lies.{level}", seen)), (1, -1)))
        boxes.append(tf.reshape(rounded(f"box_{level}", layer(f"box.{level}", known[box])), (1, -1, 4)))
    told = rounded("describe", layer("describe", known[network.plan.stems[0]]))
    cell = (told.shape[1] // CELLS[0], told.shape[2] // CELLS[1])
    room = tf.reshape(rounded("describe", tf.nn.avg_pool2d(told, cell, cell, "VALID")), (1, -1))
    joined = [
        rounded("kind_0", tf.concat(person, 1)),
        rounded("lies_0", tf.concat(posture, 1)),
        rounded("box_0", tf.concat(boxes, 1)),
        room,
    ]
    return [tf.identity(value, name=f"out{number}") for number, value in enumerate(joined)]


def _convolved(x: Any, kernel: np.ndarray, bias: np.ndarray, stride: int, groups: int) -> Any:
    side = kernel.shape[-1]
    if stride > 1:
        # Not "same": TensorFlow pads an even picture at stride 2 on one side only, PyTorch on both.
        x = tf.pad(x, [[0, 0], [side // 2, side // 2], [side // 2, side // 2], [0, 0]])
    padding = "VALID" if stride > 1 else "SAME"
    if groups > 1:
        made = np.transpose(kernel, (2, 3, 0, 1))
        limit = np.maximum(np.abs(made).max(axis=(0, 1, 3)), 1e-9)
        weights = _per_channel(made[..., 0], limit)[..., None]
        y = tf.nn.depthwise_conv2d(x, weights, (1, stride, stride, 1), padding)
    else:
        made = np.transpose(kernel, (2, 3, 1, 0))
        limit = np.maximum(np.abs(made).max(axis=(0, 1, 2)), 1e-9)
        y = tf.nn.conv2d(x, _per_channel(made, limit), stride, padding)
    return tf.nn.bias_add(y, bias.astype(np.float32))


def _per_channel(kernel: np.ndarray, limit: np.ndarray) -> Any:
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(
        tf.constant(kernel.astype(np.float32)), tf.constant(-limit, tf.float32), tf.constant(limit, tf.float32), narrow_range=True
    )
