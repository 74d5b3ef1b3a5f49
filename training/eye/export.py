"""Body and head as one TFLite network: float arithmetic; the body's weights in half precision and sparse, as they came.

8-bit arithmetic was tried with another body and cost most of what it could do; see docs/models-person.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from training.eye import pose, surgery
from training.eye.head import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.eye.head import Head

OUTPUTS = ("bodies", "boxes", "room")
CELLS = (4, 6)
Op = schema.BuiltinOperator
Options = schema.BuiltinOptions


@dataclass(frozen=True, slots=True)
class Linear:
    """A layer at every place: kernel (out, in), bias (out,)."""

    kernel: np.ndarray
    bias: np.ndarray


def to_tflite(content: bytes, head: Head, boxes: Sequence[Linear], room: Linear, size: tuple[int, int]) -> bytes:
    """The network: (1, height, width, 3) RGB 0..255 -> bodies (3, places), boxes (2, places, 4), room (1, 24 n).

    Args:
        content: the body's file, see `pose.read`.
        head: over it.
        boxes: for each stride, from the body's map to raw boxes as `monitord.video.boxes.decode` wants them.
        room: from the early map to what describes the room.
        size: height and width of the picture, multiples of 32.
    """
    height, width = size
    model = surgery.read(content)
    surgery.cut(model, [*pose.MAPS, *pose.KINDS, pose.ROOM])
    surgery.resize(model, pose.SIDE, height, width)
    more = _More(model)
    more.begin_with_bytes(height, width)
    made = [int(each) for each in model.subgraphs[0].outputs]
    maps, kinds, early = made[:LEVELS], made[LEVELS:-1], made[-1]
    told, where = [], []
    for level, (seen, kind) in enumerate(zip(maps, kinds, strict=True)):
        hidden, said = _layers(head, level)
        score = more.likeliest(kind)
        known = more.joined([score, more.linear(seen, hidden, relu6=True)], 3)
        told.append(more.shaped(more.linear(known, said), (-1, 3)))
        where.append(more.shaped(more.linear(seen, boxes[level]), (1, -1, 4)))
    alike = more.joined(where, 1)
    outputs = [more.turned(more.joined(told, 0)), more.joined([alike, alike], 0)]
    outputs.append(more.shaped(more.linear(more.pooled(early, CELLS), room), (1, -1)))
    more.end_with(outputs)
    return surgery.write(model)


def _layers(head: Head, level: int) -> tuple[Linear, Linear]:
    """The hidden layers of all parts as one, and what is said from the body's score and them."""
    values = {name: value.detach().numpy().astype(np.float32) for name, value in head.state_dict().items()}
    parts = ("upright", "lying", "posture")
    looks = [values[f"{part}.look.{level}.weight"][:, : pose.CHANNELS[level]] for part in parts]
    hidden = Linear(np.concatenate(looks), np.concatenate([values[f"{part}.look.{level}.bias"] for part in parts]))
    said, bias = np.zeros((3, 1 + len(hidden.bias)), np.float32), np.zeros(3, np.float32)
    first = 1
    for row, part in enumerate(parts):
        say = values[f"{part}.say.{level}.weight"][0]
        said[row, first : first + len(say)] = say
        bias[row] = values[f"{part}.say.{level}.bias"][0]
        first += len(say)
    said[0, 0], said[1, 0] = 1.0, values["share"]
    bias[:2] += values["shift"]
    slope, shift = values["line"]
    said[2] += slope * (said[1] - said[0])
    bias[2] += slope * (bias[1] - bias[0]) + shift
    return hidden, Linear(said, bias)


class _More:
    """What is added to a network, step by step; tensors are numbers, shapes as TFLite has them."""

    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.subgraphs[0]

    def begin_with_bytes(self, height: int, width: int) -> None:
        """Put before the network what makes -1..1 of 0..255."""
        was = int(self._graph.inputs[0])
        picture = self._tensor(b"picture", (1, height, width, 3))
        middle, half = (self._constant(np.array([value], np.float32)) for value in (127.5, 1 / 127.5))
        shifted = self._tensor(b"shifted", (1, height, width, 3))
        steps = [
            self._step(Op.SUB, Options.SubOptions, schema.SubOptionsT(), [picture, middle], [shifted]),
            self._step(Op.MUL, Options.MulOptions, schema.MulOptionsT(), [shifted, half], [was]),
        ]
        self._graph.operators = steps + self._graph.operators
        self._graph.inputs = np.array([picture], np.int32)

    def end_with(self, outputs: Sequence[int]) -> None:
        """These are the network's outputs."""
        for number, output in enumerate(outputs):
            self._graph.tensors[output].name = b"out%d" % number
        self._graph.outputs = np.array(outputs, np.int32)
        surgery.drop_unused(self._model)

    def linear(self, map_: int, layer: Linear, *, relu6: bool = False) -> int:
        """`layer` at every place of (1, h, w, in)."""
        kernel = self._constant(np.asarray(layer.kernel, np.float32)[:, None, None, :])
        bias = self._constant(np.asarray(layer.bias, np.float32))
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        options.padding = schema.Padding.VALID
        if relu6:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        shape = (*self._shape(map_)[:3], len(layer.bias))
        return self._add(Op.CONV_2D, Options.Conv2DOptions, options, [map_, kernel, bias], shape)

    def likeliest(self, map_: int) -> int:
        """The largest of (1, h, w, n) at every place."""
        options = schema.ReducerOptionsT()
        options.keepDims = True
        shape = (*self._shape(map_)[:3], 1)
        axis = self._constant(np.array([3], np.int32))
        return self._add(Op.REDUCE_MAX, Options.ReducerOptions, options, [map_, axis], shape)

    def joined(self, maps: Sequence[int], axis: int) -> int:
        """`maps`, one after the other along `axis`."""
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        shape = list(self._shape(maps[0]))
        shape[axis] = sum(self._shape(each)[axis] for each in maps)
        return self._add(Op.CONCATENATION, Options.ConcatenationOptions, options, maps, shape)

    def shaped(self, map_: int, shape: Sequence[int]) -> int:
        """The same numbers in another shape; one side may be -1."""
        known = -int(np.prod(shape))
        shape = tuple(int(np.prod(self._shape(map_))) // known if side < 0 else side for side in shape)
        options = schema.ReshapeOptionsT()
        options.newShape = np.array(shape, np.int32)
        return self._add(Op.RESHAPE, Options.ReshapeOptions, options, [map_, self._constant(options.newShape)], shape)

    def turned(self, map_: int) -> int:
        """Rows as columns."""
        order = self._constant(np.array([1, 0], np.int32))
        shape = self._shape(map_)[::-1]
        return self._add(Op.TRANSPOSE, Options.TransposeOptions, schema.TransposeOptionsT(), [map_, order], shape)

    def pooled(self, map_: int, cells: tuple[int, int]) -> int:
        """Mean of (1, h, w, n) in `cells`, whole places each."""
        _, rows, columns, channels = self._shape(map_)
        options = schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = rows // cells[0], columns // cells[1]
        options.strideH, options.strideW = options.filterHeight, options.filterWidth
        options.padding = schema.Padding.VALID
        shape = (1, *cells, channels)
        return self._add(Op.AVERAGE_POOL_2D, Options.Pool2DOptions, options, [map_], shape)

    def _add(self, code: int, kind: int, options: Any, inputs: Sequence[int], shape: Sequence[int]) -> int:
        made = self._tensor(b"head_%d" % len(self._graph.tensors), shape)
        self._graph.operators.append(self._step(code, kind, options, inputs, [made]))
        return made

    def _step(self, code: int, kind: int, options: Any, inputs: Sequence[int], outputs: Sequence[int]) -> Any:
        step = schema.OperatorT()
        step.opcodeIndex = self._code(code)
        step.builtinOptionsType, step.builtinOptions = kind, options
        step.inputs, step.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        return step

    def _code(self, code: int) -> int:
        for number, known in enumerate(self._model.operatorCodes):
            if known.builtinCode == code:
                return number
        made = schema.OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), 1
        self._model.operatorCodes.append(made)
        return len(self._model.operatorCodes) - 1

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self._graph.tensors[tensor].shape)

    def _tensor(self, name: bytes, shape: Sequence[int], *, whole: bool = False) -> int:
        made = schema.TensorT()
        made.name, made.shape = name, np.array(shape, np.int32)
        made.type = schema.TensorType.INT32 if whole else schema.TensorType.FLOAT32
        made.buffer = 0
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def _constant(self, values: np.ndarray) -> int:
        made = self._tensor(b"weight_%d" % len(self._graph.tensors), values.shape, whole=values.dtype == np.int32)
        held = schema.BufferT()
        held.data = surgery.raw(values)
        self._model.buffers.append(held)
        self._graph.tensors[made].buffer = len(self._model.buffers) - 1
        return made
