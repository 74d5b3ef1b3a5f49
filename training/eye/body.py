"""YOLOX-Nano as it is, asked for what its predictions are made from; the file's own weights, in onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime

from training.eye import backbone

if TYPE_CHECKING:
    from pathlib import Path

STRIDES = (8, 16, 32)
PERSON, COUCH, BED = 0, 57, 59
"""Numbers of COCO's classes."""
_BATCH, _ROWS, _COLUMNS = 0, 2, 3
_QUIET = 3
"""onnxruntime's level of errors: it warns of every weight that the cut leaves unused."""


@dataclass(slots=True)
class Level:
    """What the body says at the places of one stride, for n pictures.

    Attributes:
        both: (n, h, w, 128) the maps that classes, and then boxes, are predicted from.
        kinds: (n, h, w, 80) logits of the classes, each the smaller of its own and of "object".
        boxes: (n, h, w, 4) raw boxes, as in `monitord.video.boxes.decode`.
    """

    both: np.ndarray
    kinds: np.ndarray
    boxes: np.ndarray


class Body:
    """Answers for pictures of any size whose sides are multiples of 32."""

    def __init__(self, weights: Path) -> None:
        """Read yolox_nano.onnx and leave out what follows the predictions."""
        plan = backbone.read(weights)
        network = onnx.load(str(weights))
        graph = network.graph
        wanted: list[str] = []
        for level, maps in enumerate(plan.maps):
            made = {node.input[1]: node.output[0] for node in graph.node if node.op_type == "Conv"}
            wanted += [*maps, *(made[f"head.{kind}_preds.{level}.weight"] for kind in ("cls", "reg", "obj"))]
        wanted.append(plan.stems[0])
        sides = graph.input[0].type.tensor_type.shape.dim
        for number in (_BATCH, _ROWS, _COLUMNS):
            sides[number].dim_param = f"side{number}"
        del graph.output[:], graph.value_info[:]
        graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in wanted)
        needed, kept = set(wanted), []
        for node in reversed(graph.node):
            if needed & set(node.output):
                kept.append(node)
                needed |= set(node.input)
        del graph.node[:]
        graph.node.extend(reversed(kept))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        content = network.SerializeToString()
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def __call__(self, pictures: np.ndarray) -> tuple[list[Level], np.ndarray]:
        """(n, height, width, 3) RGB 0..255 -> levels, finest first, and the finest stem (n, h / 8, w / 8, 64)."""
        # The file wants blue, green, red.
        planes = np.ascontiguousarray(pictures[..., ::-1].transpose(0, 3, 1, 2), np.float32)
        told = [value.transpose(0, 2, 3, 1) for value in self._session.run(None, {"images": planes})]
        levels = []
        for first in range(0, 5 * len(STRIDES), 5):
            kind, box, classes, raw, thing = told[first : first + 5]
            levels.append(Level(np.concatenate([kind, box], -1), np.minimum(thing, classes), raw))
        return levels, told[-1]
