"""Tiny models with cards, written by the tests: one linear layer each, int8 as the shipped ones are.

They need the TFLite schema that comes with LiteRT; tflite-runtime has none.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json

import numpy as np

from monitord.audio.features import FrontEnd

CAN_WRITE = importlib.util.find_spec("ai_edge_litert") is not None
NO_SCHEMA = "models are written with LiteRT's schema, and it is not installed"
IN_SCALE, OUT_SCALE = 0.125, 0.125
VERIFIER_FRONT = FrontEnd(
    window=400, hop=160, bins=46, low_hz=125.0, high_hz=3641.3, floor=2.679, transform=512, power=1
)
EMBEDDING = (16, 96)


def linear(weights, bias):
    """The bytes of an int8 network: logits = weights (labels, rows, columns) * example + bias (labels,)."""
    import flatbuffers  # noqa: PLC0415 - see above
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    weights = np.asarray(weights, np.float64)
    scale = max(np.abs(weights).max() / 127.0, 1e-9)
    steps = np.rint(weights / scale).astype(np.int8)
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]

    def buffer(content):
        held = schema.BufferT()
        held.data = np.frombuffer(content, np.uint8)
        model.buffers.append(held)
        return len(model.buffers) - 1

    def tensor(name, shape, kind, scale, content=None):
        made = schema.TensorT()
        made.name, made.shape, made.type = name, list(shape), kind
        made.buffer = 0 if content is None else buffer(content)
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
        return made

    labels, *shape = weights.shape
    graph = schema.SubGraphT()
    kinds = schema.TensorType
    bias_steps = np.rint(np.asarray(bias, np.float64) / (IN_SCALE * scale)).astype(np.int32)
    graph.tensors = [
        tensor("example", (1, *shape), kinds.INT8, IN_SCALE),
        tensor("weights", (labels, int(np.prod(shape))), kinds.INT8, scale, steps.tobytes()),
        tensor("bias", (labels,), kinds.INT32, IN_SCALE * scale, bias_steps.tobytes()),
        tensor("logits", (1, labels), kinds.INT8, OUT_SCALE),
    ]
    graph.inputs, graph.outputs = [0], [3]
    layer = schema.OperatorT()
    layer.opcodeIndex, layer.inputs, layer.outputs = 0, [0, 1, 2], [3]
    layer.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    layer.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators = [layer]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def write(path, labels, weights, bias, **sections):
    """Write the model and its card at `path` (NAME.toml); `sections` go into the card."""
    content = linear(weights, bias)
    path.with_suffix(".tflite").write_bytes(content)
    plain = {
        "name": path.stem,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(labels),
        "input_shape": list(np.shape(weights)[1:]),
    }
    plain |= {key: value for key, value in sections.items() if not isinstance(value, dict) and key != "operating"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for section, table in sections.items():
        if isinstance(table, dict):
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    for row in sections.get("operating", ()):
        lines += ["[[operating]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def operating(threshold=0.5):
    """Rows for each profile and sensitivity."""
    return [
        {
            "profile": profile,
            "sensitivity": sensitivity,
            "threshold": threshold,
            "recall": 0.9,
            "recall_interval": [0.85, 0.94],
            "false_alarms_per_hour": 0.5,
            "false_alarms": 1,
        }
        for profile in ("eco", "balanced")
        for sensitivity in ("low", "balanced", "high")
    ]


def bins(shape, high, low, newest):
    """Weights whose sum is mean(bin `high`) - mean(bin `low`) over the `newest` frames."""
    weights = np.zeros(shape)
    weights[-newest:, high], weights[-newest:, low] = 1.0 / newest, -1.0 / newest
    return weights


SMOOTHING = {"window_s": 1.0, "release": 0.6}
COMBINE = {"stage_one": 0.5, "stage_two": 0.5, "bias": 0.0, "unseen": -8.0}


def write_ear(folder, candidate=None):
    """Stage one: a "cry" is near 1 kHz, a "voice" near 500 Hz."""
    weights = [bins((80, 40), 18, 2, 40), bins((80, 40), 10, 2, 40)]
    front = {"window": 512, "hop": 400, "bins": 40, "low_hz": 100.0, "high_hz": 3800.0, "floor": 100.0}
    candidate = candidate or {"cry": 0.05, "voice": 0.3}
    write(folder / "ear.toml", ("cry", "voice"), weights, (-3.0, -3.0), front_end=front, candidate=candidate)


def write_cry(folder, high=18, **sections):
    """A verifier that takes a tone in its bin `high` for a cry."""
    front = {name: getattr(VERIFIER_FRONT, name) for name in VERIFIER_FRONT.__slots__}
    sections = {"candidate": "cry", "front_end": front, "combine": COMBINE, "smoothing": SMOOTHING} | sections
    weights = [bins((200, 46), high, 2, 100)]
    write(folder / "cry.toml", ("cry",), weights, (-1.0,), **{"operating": operating()} | sections)


def write_word(path, bias=0.0, **sections):
    """A head that sees a word in whatever the mean embedding of `path`'s name points to."""
    weights = np.random.default_rng(len(path.stem)).standard_normal((1, *EMBEDDING)) * 0.01
    sections = {
        "candidate": "voice",
        "backbone": "speech_embedding",
        "phrase": path.stem,
        "language": "en",
        "combine": COMBINE,
        "smoothing": SMOOTHING,
        "operating": operating(),
    } | sections
    write(path, (path.stem,), weights, (bias,), **sections)
