"""The body: YOLOX-Nano's ONNX file as a list of steps and weights, for `training.eye.export` to build it anew.

Only what that file needs is translated. What comes out is compared with onnxruntime's reading of the same file in
tests/training_/test_eye_network.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: what it is, names of the maps it reads, of the map it makes, and of its weights."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    weights: tuple[str, ...] = ()
    stride: int = 1
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole network.

    Attributes:
        steps: in order; the first reads "input", Focus' planes of the picture.
        weights: by name.
        maps: names of the class map and the box map of each stride, finest first, 64 channels each.
        stems: names of the map both branch from, finest first, 64 channels.
        predictions: names of the weights of the class, box and object predictions, finest stride first.
    """

    steps: list[Step]
    weights: dict[str, np.ndarray]
    maps: list[tuple[str, str]]
    stems: list[str]
    predictions: list[dict[str, tuple[str, str]]]


def read(path: Path) -> Plan:
    """Read yolox_nano.onnx; its first kernel is turned to take red, green, blue."""
    graph = onnx.load(str(path)).graph
    weights = {item.name: np.array(numpy_helper.to_array(item)) for item in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    predictions, maps, stems = [], [], []
    for level in range(len(STRIDES)):
        named = {kind: (f"head.{kind}_preds.{level}.weight", f"head.{kind}_preds.{level}.bias") for kind in _KINDS}
        predictions.append(named)
        reads = {kind: _reader(graph, named[kind][0]) for kind in _KINDS}
        maps.append((reads["cls"], reads["reg"]))
        stems.append(_stem(made_by, reads["cls"], reads["reg"]))
    wanted = {name for pair in maps for name in pair}
    steps: list[Step] = []
    known = {"input"}
    gates: dict[str, str] = {}
    for node in graph.node:
        step = _translate(node, known, gates)
        if step is None:
            continue
        if step.weights and step.inputs == ("input",):
            kernel = weights[step.weights[0]]
            weights[step.weights[0]] = kernel[:, [c + p for p in (0, 3, 6, 9) for c in (2, 1, 0)]].copy()
        if not (step.weights and "preds" in step.weights[0]):
            steps.append(step)
            known.add(step.output)
        if wanted <= known:
            break
    return Plan(steps, weights, maps, stems, predictions)


_KINDS = ("cls", "reg", "obj")


def _reader(graph: Any, weight: str) -> str:
    return str(next(node.input[0] for node in graph.node if node.op_type == "Conv" and node.input[1] == weight))


def _stem(made_by: dict[str, Any], first: str, second: str) -> str:
    """The last map that both `first` and `second` come from."""

    def ancestors(name: str) -> list[str]:
        found = []
        while name in made_by and made_by[name].op_type in ("Conv", "Mul", "Sigmoid"):
            found.append(name)
            name = made_by[name].input[0]
        return found

    others = set(ancestors(second))
    return next(name for name in ancestors(first) if name in others and made_by[name].op_type == "Mul")


def _translate(node: Any, known: set[str], gates: dict[str, str]) -> Step | None:  # noqa: PLR0911 - a table
    what = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    match node.op_type:
        case "Conv":
            if node.input[0] not in known:
                return None
            return Step(
                "conv", (node.input[0],), node.output[0], tuple(node.input[1:]), what["strides"][0], what["group"]
            )
        case "Sigmoid":
            gates[node.output[0]] = node.input[0]
            return None
        case "Mul" if gates.get(node.input[1]) == node.input[0]:
            return Step("silu", (node.input[0],), node.output[0])
        case "Add" if set(node.input) <= known:
            return Step("add", tuple(node.input), node.output[0])
        case "Concat" if set(node.input) <= known:
            return Step("concat", tuple(node.input), node.output[0])
        case "MaxPool":
            return Step("pool", (node.input[0],), node.output[0], stride=what["kernel_shape"][0])
        case "Resize":
            return Step("double", (node.input[0],), node.output[0])
    return None
