"""Body and head as one TFLite network: float arithmetic, weights in half precision. In TensorFlow's terms.

8-bit arithmetic was tried and cost most of what the body can do; see docs/models-person.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from training.eye.body import PERSON
from training.eye.head import LEVELS

if TYPE_CHECKING:
    from training.eye.backbone import Plan
    from training.eye.head import Head

OUTPUTS = ("bodies", "boxes", "room")
CELLS = (4, 6)


@dataclass(frozen=True, slots=True)
class Room:
    """The layer that describes the room: kernel (channels, 64), bias (channels,)."""

    kernel: np.ndarray
    bias: np.ndarray


def to_tflite(plan: Plan, head: Head, room: Room, height: int, width: int, *, half: bool = True) -> bytes:
    """The network: (1, height, width, 3) RGB 0..255 -> bodies (3, places), boxes (2, places, 4), room (1, 24 n)."""

    def serve(picture: tf.Tensor) -> Any:
        made = _graph(plan, head, room, picture)
        return [tf.identity(value, name=f"out{number}") for number, value in enumerate(made)]

    plain = tf.autograph.experimental.do_not_convert(serve)
    signature = [tf.TensorSpec((1, height, width, 3), tf.float32, name="picture")]
    frozen = convert_variables_to_constants_v2(tf.function(plain, input_signature=signature).get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def _graph(plan: Plan, head: Head, room: Room, picture: Any) -> list[Any]:
    values = {name: value.detach().numpy() for name, value in head.state_dict().items()}
    upright = _body(plan, picture)
    turned = tf.transpose(picture, (0, 2, 1, 3))
    # numpy.rot90 by one quarter and by minus one.
    aside = _body(plan, tf.concat([tf.reverse(turned, (1,)), tf.reverse(turned, (2,))], 0))
    bodies: list[list[Any]] = [[], [], []]
    boxes: list[list[Any]] = [[], []]
    for level in range(LEVELS):
        views = [tf.concat([upright[name] for name in plan.maps[level]], -1), *_back(plan, aside, level)]
        scores = [_score(plan, level, view) for view in views]
        joint = tf.concat(views, -1)
        more = [_part(values, part, level, joint) for part in ("upright", "lying")]
        share, shift = values["share"], values["shift"]
        either = tf.maximum(scores[1], scores[2])
        logits = [scores[0] + more[0] + shift[0], share[0] * scores[0] + share[1] * either + more[1] + shift[1]]
        line = values["line"]
        logits.append(line[0] * (logits[1] - logits[0]) + line[1] + _part(values, "posture", level, joint))
        raw = [_box(plan, level, view) for view in views]
        where = [raw[0], tf.where(scores[1] > scores[2], _unturned(raw[1], 1), _unturned(raw[2], -1))]
        for rows, told, shape in ((bodies, logits, (1, -1)), (boxes, where, (1, -1, 4))):
            for row, value in zip(rows, told, strict=True):
                row.append(tf.reshape(value, shape))
    told = _pointwise(upright[plan.stems[0]], room.kernel, room.bias)
    cell = (told.shape[1] // CELLS[0], told.shape[2] // CELLS[1])
    pooled = tf.reshape(tf.nn.avg_pool2d(told, cell, cell, "VALID"), (1, -1))
    return [*(tf.concat([tf.concat(row, 1) for row in rows], 0) for rows in (bodies, boxes)), pooled]


def _back(plan: Plan, aside: dict[str, Any], level: int) -> list[Any]:
    """The two turned views' maps, turned back."""
    both = tf.transpose(tf.concat([aside[name] for name in plan.maps[level]], -1), (0, 2, 1, 3))
    return [tf.reverse(both[:1], (2,)), tf.reverse(both[1:], (1,))]


def _unturned(raw: Any, turn: int) -> Any:
    """Raw boxes of a turned view, laid back at their places, as the picture's own."""
    x, y, wide, high = (raw[..., number : number + 1] for number in range(4))
    return tf.concat([1.0 - y, x, high, wide] if turn == 1 else [y, 1.0 - x, high, wide], -1)


def _score(plan: Plan, level: int, both: Any) -> Any:
    named = plan.predictions[level]
    kind, thing = ([plan.weights[name] for name in named[which]] for which in ("cls", "obj"))
    who = _pointwise(both[..., :64], kind[0][PERSON : PERSON + 1, :, 0, 0], kind[1][PERSON : PERSON + 1])
    return tf.minimum(who, _pointwise(both[..., 64:], thing[0][:, :, 0, 0], thing[1]))


def _box(plan: Plan, level: int, both: Any) -> Any:
    kernel, bias = (plan.weights[name] for name in plan.predictions[level]["reg"])
    return _pointwise(both[..., 64:], kernel[:, :, 0, 0], bias)


def _part(values: dict[str, np.ndarray], part: str, level: int, joint: Any) -> Any:
    look, say = (f"{part}.{layer}.{level}" for layer in ("look", "say"))
    seen = tf.nn.relu6(_pointwise(joint, values[f"{look}.weight"], values[f"{look}.bias"]))
    return _pointwise(seen, values[f"{say}.weight"], values[f"{say}.bias"])


def _body(plan: Plan, picture: Any) -> dict[str, Any]:
    """All maps by name of (n, h, w, 3), from YOLOX's Focus on."""
    planes = [picture[:, row::2, column::2, :] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
    known = {"input": tf.concat(planes, -1)}
    for step in plan.steps:
        first = known[step.inputs[0]]
        match step.kind:
            case "conv":
                kernel, bias = (plan.weights[name] for name in step.weights)
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
        known[step.output] = made
    return known


def _pointwise(x: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    """A layer (out, in) at every place."""
    return _convolved(x, kernel[:, :, None, None], bias, 1, 1)


def _convolved(x: Any, kernel: np.ndarray, bias: np.ndarray, stride: int, groups: int) -> Any:
    side = kernel.shape[-1]
    if stride > 1:
        # Not "same": TensorFlow pads an even picture at stride 2 on one side only, PyTorch on both.
        x = tf.pad(x, [[0, 0], [side // 2, side // 2], [side // 2, side // 2], [0, 0]])
    padding = "VALID" if stride > 1 else "SAME"
    if groups > 1:
        made = tf.constant(np.transpose(kernel, (2, 3, 0, 1)).astype(np.float32))
        y = tf.nn.depthwise_conv2d(x, made, (1, stride, stride, 1), padding)
    else:
        y = tf.nn.conv2d(x, tf.constant(np.transpose(kernel, (2, 3, 1, 0)).astype(np.float32)), stride, padding)
    return tf.nn.bias_add(y, bias.astype(np.float32))
