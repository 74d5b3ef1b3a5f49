"""TFLite files, cut and joined: which maps a network gives, how large its picture is, and what follows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
_UNPACK = ("DEQUANTIZE", "DENSIFY")
"""What makes weights, not maps."""


def read(content: bytes) -> Any:
    """The file as objects that can be changed."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def write(model: Any) -> bytes:
    """The file again."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def kind(model: Any, step: Any) -> str:
    """Name of an operator, as TFLite's schema has it."""
    return NAMES[model.operatorCodes[step.opcodeIndex].builtinCode]


def cut(model: Any, outputs: Sequence[int]) -> None:
    """Leave only what `outputs` (numbers of tensors) need; they become the network's outputs, in that order."""
    graph = model.subgraphs[0]
    needed, kept = set(outputs), []
    for step in reversed(graph.operators):
        if needed & {int(each) for each in step.outputs}:
            kept.append(step)
            needed |= {int(each) for each in step.inputs if each >= 0}
    graph.operators = kept[::-1]
    graph.outputs = np.array(outputs, np.int32)
    drop_unused(model)


def drop_unused(model: Any) -> None:
    """Number tensors and their weights anew, without those that nothing reads."""
    graph = model.subgraphs[0]
    touched = [each for step in graph.operators for each in (*step.inputs, *step.outputs) if each >= 0]
    used = sorted({int(each) for each in (*touched, *graph.inputs, *graph.outputs)})
    number = {old: new for new, old in enumerate(used)}

    def renumbered(tensors: Any) -> np.ndarray:
        return np.array([number[int(each)] if each >= 0 else -1 for each in tensors], np.int32)

    for step in graph.operators:
        step.inputs, step.outputs = renumbered(step.inputs), renumbered(step.outputs)
    graph.inputs, graph.outputs = renumbered(graph.inputs), renumbered(graph.outputs)
    graph.tensors = [graph.tensors[each] for each in used]
    buffers = [schema.BufferT()]  # The first is the empty one of what is computed.
    for tensor in graph.tensors:
        held = model.buffers[tensor.buffer]
        tensor.buffer = 0
        if held.data is not None and len(held.data):
            tensor.buffer = len(buffers)
            buffers.append(held)
    model.buffers, model.metadata, model.signatureDefs = buffers, None, None


def resize(model: Any, was: int, height: int, width: int) -> None:
    """Make a network of square pictures, `was` pixels a side, one of (height, width); both are multiples of 32."""
    graph = model.subgraphs[0]
    weights = {int(each) for step in graph.operators if kind(model, step) in _UNPACK for each in step.outputs}
    for number, tensor in enumerate(graph.tensors):
        shape = tensor.shape
        if tensor.buffer == 0 and number not in weights and shape is not None and len(shape) == 4:
            side = was >> max(0, int(np.ceil(np.log2(was / int(shape[1])))))
            more = int(shape[1]) - side  # Padded maps.
            tensor.shape = np.array(
                [shape[0], side * height // was + more, side * width // was + more, shape[3]], np.int32
            )
    for step in graph.operators:
        if kind(model, step) == "RESIZE_BILINEAR":
            held = model.buffers[graph.tensors[step.inputs[1]].buffer]
            rows, columns = np.frombuffer(bytes(held.data), np.int32)
            held.data = raw(np.array([rows * height // was, columns * width // was], np.int32))


def unpack(content: bytes) -> bytes:
    """The network with its sparse weights written out: a runtime takes 20 ns to unpack each, at every start."""
    model = read(content)
    graph = model.subgraphs[0]
    sparse = [step for step in graph.operators if kind(model, step) == "DENSIFY"]
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=content, experimental_preserve_all_tensors=True, experimental_op_resolver_type=plain
    )
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    interpreter.set_tensor(given["index"], np.zeros(given["shape"], np.float32))
    interpreter.invoke()
    for step in sparse:
        held = schema.BufferT()
        held.data = raw(interpreter.get_tensor(int(step.outputs[0])))
        model.buffers.append(held)
        graph.tensors[int(step.outputs[0])].buffer = len(model.buffers) - 1
    graph.operators = [step for step in graph.operators if kind(model, step) != "DENSIFY"]
    drop_unused(model)
    return write(model)


def raw(values: np.ndarray) -> np.ndarray:
    """Bytes of `values`, as a buffer holds them."""
    return np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)


def join(
    first: Any, second: Any, given: tuple[int, int], back: Sequence[tuple[int, int]], outputs: Sequence[int]
) -> None:
    """Put `second` into `first`, which gives it its picture and reads what it says.

    Args:
        first: gets all steps and weights.
        second: of one input.
        given: tensor of `first`, and the input of `second` that it is.
        back: for each output of `second`, its tensor, and the input of `first` that it is.
        outputs: tensors of `first` that are the outputs of both.
    """
    ours, theirs = first.subgraphs[0], second.subgraphs[0]
    tensors, buffers, codes = len(ours.tensors), len(first.buffers), len(first.operatorCodes)
    for tensor in theirs.tensors:
        tensor.buffer += buffers
    for step in theirs.operators:
        step.opcodeIndex += codes
        step.inputs, step.outputs = (np.where(each < 0, each, each + tensors) for each in (step.inputs, step.outputs))
    ours.tensors += theirs.tensors
    first.buffers += second.buffers
    first.operatorCodes += second.operatorCodes
    instead = {given[1] + tensors: given[0], **{mine: other + tensors for other, mine in back}}
    steps = [*ours.operators, *theirs.operators]
    for step in steps:
        step.inputs = np.array([instead.get(int(each), int(each)) for each in step.inputs], np.int32)
    ours.inputs = np.array([each for each in ours.inputs if int(each) not in instead], np.int32)
    ours.outputs = np.array(outputs, np.int32)
    ours.operators = _ordered(steps, {int(each) for each in ours.inputs})
    drop_unused(first)


def _ordered(steps: list[Any], known: set[int]) -> list[Any]:
    """`steps`, each after those that make what it reads."""
    made = {int(each) for step in steps for each in step.outputs}
    known, ordered, left = set(known), [], steps
    while left:
        now = [step for step in left if all(int(each) in known or int(each) not in made for each in step.inputs)]
        if not now:
            raise ValueError("the steps go round in a circle")
        ordered.append(now[0])
        known |= {int(each) for each in now[0].outputs}
        left = [step for step in left if step is not now[0]]
    return ordered
