"""Where the bed of a room is, as YOLOX-Nano sees it; the file's own weights, in onnxruntime. For training only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime

from monitord.video.boxes import STRIDES, decode

if TYPE_CHECKING:
    from pathlib import Path

_COUCH, _BED = 57, 59
"""Numbers of COCO's classes."""
_SURE = -1.2
"""Logit from which the network is believed."""
_COUCHES = 0.5
"""So much likelier must a couch be than a bed."""
_BATCH, _ROWS, _COLUMNS = 0, 2, 3
_QUIET = 3
"""onnxruntime's level of errors: it warns of every weight that the cut leaves unused."""


class Beds:
    """Finds beds in pictures of any size whose sides are multiples of 32."""

    def __init__(self, weights: Path) -> None:
        """Read yolox_nano.onnx and leave out what follows the predictions."""
        network = onnx.load(str(weights))
        graph = network.graph
        made = {node.input[1]: node.output[0] for node in graph.node if node.op_type == "Conv"}
        kinds = ("cls", "reg", "obj")
        wanted = [made[f"head.{kind}_preds.{level}.weight"] for level in range(len(STRIDES)) for kind in kinds]
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

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, bool]:
        """Box (left, top, right, bottom in pixels) of the likeliest bed, and whether it is believed to be one.

        Args:
            picture: (height, width, 3) RGB 0..255.
        """
        height, width = picture.shape[:2]
        # The file wants blue, green, red.
        planes = np.ascontiguousarray(picture[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32)
        told = [value[0].transpose(1, 2, 0) for value in self._session.run(None, {"images": planes})]
        levels = range(0, len(told), 3)
        scores = np.concatenate([np.minimum(told[at + 2], told[at]).reshape(-1, told[at].shape[-1]) for at in levels])
        where = decode(np.concatenate([told[at + 1].reshape(-1, 4) for at in levels]), height, width)
        beds = np.maximum(scores[:, _BED], scores[:, _COUCH] - _COUCHES)
        best = int(beds.argmax())
        return np.clip(where[best], 0, [width, height, width, height]), bool(beds[best] > _SURE)
