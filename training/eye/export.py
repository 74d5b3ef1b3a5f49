"""Torch network with its ranges -> fully int8 TFLite, in TensorFlow's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from training.eye.backbone import key
from training.eye.detector import CELLS
from training.eye.head import KINDS
from training.eye.rounding import PASSED, family, steps

if TYPE_CHECKING:
    from training.eye.rounding import Rounding
    from training.eye.whole import Whole

OUTPUTS = ("person", "posture", "boxes", "room")


def to_int8(network: Whole, rounding: Rounding, height: int, width: int, *, features: bool = False) -> bytes:
    """The quantised network: (1, height, width, 3) RGB 0..255 -> `OUTPUTS`, all int8, in this order.

    With `features`, what the head learns from instead: the scores and boxes of the original (3, places, ...), the map
    that the room is described from, pooled, and for each stride (places, 128) of the upright and the turned views.
    """

    def serve(picture: tf.Tensor) -> Any:
        made = _features if features else _graph
        return made(network, rounding, tf.quantization.fake_quant_with_min_max_args(picture, 0, 255))

    plain = tf.autograph.experimental.do_not_convert(serve)
    signature = [tf.TensorSpec((1, height, width, 3), tf.float32, name="picture")]
    frozen = convert_variables_to_constants_v2(tf.function(plain, input_signature=signature).get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # Every map has its range already; the converter asks for pictures all the same.
    converter.representative_dataset = lambda: iter([[np.full((1, height, width, 3), 127.0, np.float32)]])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _views(network: Whole, rounding: Rounding, picture: Any) -> tuple[Any, Any, Any, Any]:
    """Weights by name, the rounding, and the maps of the upright and of the turned views."""
    values = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}

    def rounded(name: str, value: Any) -> Any:
        low, high = rounding.ranges[family(name)]
        scale, zero = steps(low, high)
        return tf.quantization.fake_quant_with_min_max_args(value, -zero * scale, (255 - zero) * scale)

    upright = _body(network, values, rounded, picture)
    turned = tf.transpose(picture, (0, 2, 1, 3))
    # numpy.rot90 by one quarter and by minus one.
    aside = tf.concat([tf.reverse(turned, (1,)), tf.reverse(turned, (2,))], 0)
    return values, rounded, upright, _body(network, values, rounded, aside)


def _features(network: Whole, rounding: Rounding, picture: Any) -> list[Any]:
    values, rounded, upright, aside = _views(network, rounding, picture)
    scores, boxes, both = [], [], []
    for maps in (upright, aside):
        told: list[list[Any]] = [[], []]
        for level, (one, box) in enumerate(network.plan.maps):
            obj = rounded(f"object_{level}", _layer(values, f"found.object.{level}", maps[box]))
            who = rounded(f"kind_{level}", _layer(values, f"found.kind.{level}", maps[one]))
            count = maps[one].shape[0]
            told[0].append(tf.reshape(rounded("kind_0", tf.minimum(obj, who)), (count, -1)))
            raw = rounded(f"box_{level}", _layer(values, f"found.box.{level}", maps[box]))
            told[1].append(tf.reshape(raw, (count, -1, 4)))
            seen = rounded(f"both_{level}", tf.concat([maps[one], maps[box]], -1))
            both.append(tf.reshape(seen, (count, -1, 128)))
        scores.append(rounded("kind_0", tf.concat(told[0], 1)))
        boxes.append(rounded("box_0", tf.concat(told[1], 1)))
    stem = upright[network.plan.stems[0]]
    cell = (stem.shape[1] // CELLS[0], stem.shape[2] // CELLS[1])
    pooled = tf.nn.avg_pool2d(stem, cell, cell, "VALID")
    joined = [rounded("kind_0", tf.concat(scores, 0)), rounded("box_0", tf.concat(boxes, 0)), pooled, *both]
    return [tf.identity(value, name=f"out{number}") for number, value in enumerate(joined)]


def _graph(network: Whole, rounding: Rounding, picture: Any) -> list[Any]:
    values, rounded, upright, aside = _views(network, rounding, picture)
    views = [(upright, 0), (aside, 1)]
    person, posture, boxes = [], [], []
    for maps, kind in views:
        for told, parts in zip(_told(network, values, rounded, maps, kind), (person, posture, boxes), strict=True):
            parts.append(told)
    told = rounded("describe", _layer(values, "describe", upright[network.plan.stems[0]]))
    cell = (told.shape[1] // CELLS[0], told.shape[2] // CELLS[1])
    room = tf.reshape(rounded("describe", tf.nn.avg_pool2d(told, cell, cell, "VALID")), (1, -1))
    joined = [
        rounded("person", tf.concat(person, 0)),
        rounded("posture", tf.concat(posture, 0)),
        rounded("box_0", tf.concat(boxes, 0)),
        room,
    ]
    return [tf.identity(value, name=f"out{number}") for number, value in enumerate(joined)]


def _body(network: Whole, values: dict[str, np.ndarray], rounded: Any, picture: Any) -> dict[str, Any]:
    planes = [picture[:, row::2, column::2, :] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
    known = {"input": tf.concat(planes, -1)}
    for step in network.plan.steps:
        first = known[step.inputs[0]]
        match step.kind:
            case "conv":
                kernel, bias = (values[f"found.body.values.{key(name)}"] for name in step.weights)
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
        known[step.output] = made if step.kind in PASSED else rounded(step.output, made)
    return known


def _told(network: Whole, values: dict[str, np.ndarray], rounded: Any, maps: dict[str, Any], kind: int) -> list[Any]:
    """Answers of (n, h, w) views, (n, places) and (n, places, 4)."""
    person, posture, boxes = [], [], []
    gain = float(values["head.gain"][kind])
    for level, (one, box) in enumerate(network.plan.maps):
        obj = rounded(f"object_{level}", _layer(values, f"found.object.{level}", maps[box]))
        who = rounded(f"kind_{level}", _layer(values, f"found.kind.{level}", maps[one]))
        score = rounded("kind_0", tf.minimum(obj, who))
        at = level * KINDS + kind
        both = rounded(f"both_{level}", tf.concat([maps[one], maps[box]], -1))
        seen = rounded(f"look_{at}", tf.nn.relu6(_linear(values, f"head.look.{at}", both)))
        said = rounded(f"said_{at}", _linear(values, f"head.say.{at}", seen))
        gained = rounded(f"gained_{at}", score * tf.constant(gain, tf.float32))
        count = maps[one].shape[0]
        person.append(tf.reshape(rounded("person", gained + said[..., :1]), (count, -1)))
        posture.append(tf.reshape(rounded("posture", said[..., 1:]), (count, -1)))
        boxes.append(
            tf.reshape(rounded(f"box_{level}", _layer(values, f"found.box.{level}", maps[box])), (count, -1, 4))
        )
    names = ("person", "posture", "box_0")
    return [rounded(name, tf.concat(parts, 1)) for name, parts in zip(names, (person, posture, boxes), strict=True)]


def _layer(values: dict[str, np.ndarray], name: str, x: Any) -> Any:
    return _convolved(x, values[f"{name}.weight"], values[f"{name}.bias"], 1, 1)


def _linear(values: dict[str, np.ndarray], name: str, x: Any) -> Any:
    return _convolved(x, values[f"{name}.weight"][:, :, None, None], values[f"{name}.bias"], 1, 1)


def _convolved(x: Any, kernel: np.ndarray, bias: np.ndarray, stride: int, groups: int) -> Any:
    side = kernel.shape[-1]
    if stride > 1:
        # Not "same": TensorFlow pads an even picture at stride 2 on one side only, PyTorch on both.
        x = tf.pad(x, [[0, 0], [side // 2, side // 2], [side // 2, side // 2], [0, 0]])
    padding = "VALID" if stride > 1 else "SAME"
    if groups > 1:
        made = np.transpose(kernel, (2, 3, 0, 1))
        # The converter rounds these itself, one scale for each channel.
        y = tf.nn.depthwise_conv2d(x, tf.constant(made.astype(np.float32)), (1, stride, stride, 1), padding)
    else:
        made = np.transpose(kernel, (2, 3, 1, 0))
        limit = np.maximum(np.abs(made).max(axis=(0, 1, 2)), 1e-9)
        y = tf.nn.conv2d(x, _per_channel(made, limit), stride, padding)
    return tf.nn.bias_add(y, bias.astype(np.float32))


def _per_channel(kernel: np.ndarray, limit: np.ndarray) -> Any:
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(
        tf.constant(kernel.astype(np.float32)),
        tf.constant(-limit, tf.float32),
        tf.constant(limit, tf.float32),
        narrow_range=True,
    )
