"""TFLite files are cut, joined and unpacked without a change in what they say."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip(
    "ai_edge_litert", reason="LiteRT, which brings the file format's description, is not installed here"
)
pytest.importorskip("flatbuffers")

# After the skips above: these need them.
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from monitord import paths
from training.eye import surgery

ADD = schema.BuiltinOperator.ADD, schema.BuiltinOptions.AddOptions, schema.AddOptionsT
MUL = schema.BuiltinOperator.MUL, schema.BuiltinOptions.MulOptions, schema.MulOptionsT


def tiny(count, inputs, steps, outputs):
    """A network of `count` tensors of four numbers; each step is (kind, a, b, made)."""
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = [], []
    for number in range(count):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = b"t%d" % number, np.array([1, 4], np.int32), 0
        graph.tensors.append(tensor)
    for (code, options, made_of), first, second, made in steps:
        known = schema.OperatorCodeT()
        known.builtinCode = known.deprecatedBuiltinCode = code
        known.version = 1
        model.operatorCodes.append(known)
        step = schema.OperatorT()
        step.opcodeIndex, step.builtinOptionsType, step.builtinOptions = (
            len(model.operatorCodes) - 1,
            options,
            made_of(),
        )
        step.inputs, step.outputs = np.array([first, second], np.int32), np.array([made], np.int32)
        graph.operators.append(step)
    graph.inputs, graph.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
    model.subgraphs = [graph]
    return surgery.read(surgery.write(model))


def answers(content, *values):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for given, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(given["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]


X = np.array([[1.0, 2.0, 3.0, -4.0]], np.float32)


def test_what_is_joined_takes_its_turn():
    """x -> y = x + x, given away; z, given back, -> z + x. The other: y -> y * y."""
    first = tiny(4, [0, 2], [(ADD, 0, 0, 1), (ADD, 2, 0, 3)], [3, 1])
    second = tiny(2, [0], [(MUL, 0, 0, 1)], [1])
    surgery.join(first, second, given=(1, 0), back=[(1, 2)], outputs=[3])
    (told,) = answers(surgery.write(first), X)
    assert np.array_equal(told, (2 * X) ** 2 + X)


def test_steps_that_wait_for_each_other_are_refused():
    first = tiny(4, [0, 2], [(ADD, 0, 2, 1), (ADD, 2, 0, 3)], [3, 1])
    second = tiny(2, [0], [(MUL, 0, 0, 1)], [1])
    with pytest.raises(ValueError, match="circle"):
        surgery.join(first, second, given=(1, 0), back=[(1, 2)], outputs=[3])


def test_what_nothing_needs_is_cut_off():
    model = tiny(4, [0], [(ADD, 0, 0, 1), (MUL, 1, 1, 2), (MUL, 2, 2, 3)], [3])
    surgery.cut(model, [2])
    assert len(model.subgraphs[0].operators) == 2
    assert len(model.subgraphs[0].tensors) == 3
    (told,) = answers(surgery.write(model), X)
    assert np.array_equal(told, (2 * X) ** 2)


def test_the_shipped_network_survives_being_read_and_written():
    content = (paths.models_dir() / "person.tflite").read_bytes()
    model = surgery.read(content)
    outputs = [int(each) for each in model.subgraphs[0].outputs]
    surgery.cut(model, outputs[:1])
    picture = np.random.default_rng(0).uniform(0, 255, (1, 192, 256, 3)).astype(np.float32)
    whole, part, again = (answers(each, picture) for each in (content, surgery.write(model), surgery.unpack(content)))
    assert np.abs(part[0] - whole[0]).max() < 1e-4
    assert all(np.abs(one - other).max() < 1e-4 for one, other in zip(again, whole, strict=True))


def test_a_square_network_takes_another_picture():
    model = tiny(2, [0], [(MUL, 0, 0, 1)], [1])
    for tensor in model.subgraphs[0].tensors:
        tensor.shape = np.array([1, 8, 8, 3], np.int32)
    surgery.resize(model, 8, 4, 6)
    picture = np.arange(72, dtype=np.float32).reshape(1, 4, 6, 3)
    (told,) = answers(surgery.write(model), picture)
    assert np.array_equal(told, picture**2)
