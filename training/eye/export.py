"""Two bodies and a head as one TFLite network: float arithmetic, weights in half precision.

The first body and the head go through TensorFlow's converter. The second is kept as its file has it, and put in
afterwards (`training.eye.surgery`). 8-bit arithmetic was tried and cost most of what the first body can do; see
docs/models-person.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from monitord.video.boxes import STRIDES, count
from monitord.video.picture import PAD_GREY
from training.eye import pose, surgery
from training.eye.bodies import CHANNELS, small
from training.eye.body import PERSON
from training.eye.head import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.eye.backbone import Plan
    from training.eye.head import Head

OUTPUTS = ("bodies", "boxes", "room")
CELLS = (4, 6)


@dataclass(frozen=True, slots=True)
class Linear:
    """A layer at every place: kernel (out, in), bias (out,)."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, slots=True)
class Parts:
    """What a network is made of.

    Attributes:
        plan: the first body.
        second: the second body's file, see `pose.read`.
        head: over both.
        boxes: for each stride, from the maps of both to raw boxes of who lies, as `monitord.video.boxes.decode` wants.
        room: from the first body's early map to what describes the room.
    """

    plan: Plan
    second: bytes
    head: Head
    boxes: Sequence[Linear]
    room: Linear


def to_tflite(parts: Parts, height: int, width: int, *, half: bool = True) -> bytes:
    """The network: (1, height, width, 3) RGB 0..255 -> bodies (3, places), boxes (2, places, 4), room (1, 24 n)."""
    rows, columns, padded = small(height, width)
    second = surgery.read(parts.second)
    surgery.cut(second, [*pose.MAPS, *pose.KINDS])
    surgery.resize(second, pose.SIDE, padded, columns)
    graph = second.subgraphs[0]
    said = [int(each) for each in graph.outputs]
    shapes = [tuple(int(side) for side in graph.tensors[each].shape) for each in said]

    def serve(picture: tf.Tensor, *theirs: tf.Tensor) -> Any:
        made = [
            *_graph(parts, picture, theirs[:LEVELS], theirs[LEVELS:], rows),
            _smaller(picture, rows, columns, padded),
        ]
        return [tf.identity(value, name=f"out{number}") for number, value in enumerate(made)]

    plain = tf.autograph.experimental.do_not_convert(serve)
    signature = [tf.TensorSpec((1, height, width, 3), tf.float32, name="picture")]
    signature += [tf.TensorSpec(shape, tf.float32, name=f"said{number}") for number, shape in enumerate(shapes)]
    frozen = convert_variables_to_constants_v2(tf.function(plain, input_signature=signature).get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    first = surgery.read(bytes(converter.convert()))
    names = {first.subgraphs[0].tensors[each].name.decode(): int(each) for each in first.subgraphs[0].inputs}
    back = [(tensor, _named(names, f"said{number}")) for number, tensor in enumerate(said)]
    places = count(height, width)
    wanted = [(3, places), (2, places, 4), None, (1, padded, columns, 3)]
    outputs = _by_shape(first, wanted)
    surgery.join(first, second, (outputs[3], int(graph.inputs[0])), back, outputs[:3])
    for number, tensor in enumerate(first.subgraphs[0].outputs):
        first.subgraphs[0].tensors[tensor].name = b"out%d" % number
    return surgery.unpack(surgery.write(first))


def _named(names: dict[str, int], name: str) -> int:
    return next(number for known, number in names.items() if name in known)


def _by_shape(model: Any, wanted: Sequence[tuple[int, ...] | None]) -> list[int]:
    """The network's outputs in the order of `wanted`; the one that is left stands for None."""
    graph = model.subgraphs[0]
    left = {tuple(int(side) for side in graph.tensors[each].shape): int(each) for each in graph.outputs}
    known = {shape: left.pop(shape) for shape in wanted if shape is not None}
    (rest,) = left.values()
    return [rest if shape is None else known[shape] for shape in wanted]


def _smaller(picture: Any, rows: int, columns: int, padded: int) -> Any:
    """The picture as the second body wants it, -1..1, with a bar of grey below."""
    made = tf.raw_ops.ResizeBilinear(images=picture, size=(rows, columns), half_pixel_centers=True)
    return tf.pad(
        made / 127.5 - 1.0, [[0, 0], [0, padded - rows], [0, 0], [0, 0]], constant_values=PAD_GREY / 127.5 - 1
    )


def _graph(parts: Parts, picture: Any, maps: Sequence[Any], kinds: Sequence[Any], rows: int) -> list[Any]:
    plan = parts.plan
    values = {name: value.detach().numpy() for name, value in parts.head.state_dict().items()}
    upright = _body(plan, picture)
    bodies: list[list[Any]] = [[], [], []]
    boxes: list[list[Any]] = [[], []]
    for level in range(LEVELS):
        ours = tf.concat([upright[name] for name in plan.maps[level]], -1)
        likeliest = tf.reduce_max(kinds[level], -1, keepdims=True)
        theirs, score = (_laid(each, ours, level, rows) for each in (maps[level], likeliest))
        joint = tf.concat([ours, theirs], -1)
        more = [_part(values, part, level, joint) for part in ("upright", "lying")]
        logits = [_score(plan, level, ours) + more[0] + values["shift"][0]]
        logits.append(values["share"] * score + more[1] + values["shift"][1])
        line = values["line"]
        logits.append(line[0] * (logits[1] - logits[0]) + line[1] + _part(values, "posture", level, joint))
        where = [_box(plan, level, ours), _pointwise(joint, parts.boxes[level].kernel, parts.boxes[level].bias)]
        for lines, told, shape in ((bodies, logits, (1, -1)), (boxes, where, (1, -1, 4))):
            for line_, value in zip(lines, told, strict=True):
                line_.append(tf.reshape(value, shape))
    told = _pointwise(upright[plan.stems[0]], parts.room.kernel, parts.room.bias)
    cell = (told.shape[1] // CELLS[0], told.shape[2] // CELLS[1])
    pooled = tf.reshape(tf.nn.avg_pool2d(told, cell, cell, "VALID"), (1, -1))
    return [*(tf.concat([tf.concat(row, 1) for row in rows_], 0) for rows_ in (bodies, boxes)), pooled]


def _laid(theirs: Any, ours: Any, level: int, rows: int) -> Any:
    """The second body's map without the bar, at the places of the first."""
    whole = theirs[:, : -(-rows // STRIDES[level])]
    return tf.raw_ops.ResizeBilinear(images=whole, size=ours.shape[1:3], half_pixel_centers=True)


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
    seen = tf.nn.relu6(_pointwise(joint, values[f"{look}.weight"][:, : CHANNELS[level]], values[f"{look}.bias"]))
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
