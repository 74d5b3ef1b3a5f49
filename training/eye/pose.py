"""BlazePose's person detector as it is, asked for the maps that its predictions are made from.

Bazarevsky et al., arXiv:2006.10204; Apache-2.0; ``modules/pose_detection/pose_detection.tflite`` of the PyPI package
mediapipe 0.10.21. It was made for people who bend, stretch and lie, from near: that is what a bed across the room is
not, and what a head learns from its maps.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from training.eye import surgery

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c"
SIDE = 224
"""Pixels of the square that the file was made for; what it says of others is measured, not promised."""
MAPS, KINDS = (367, 335, 292), (379, 404, 427)
"""Numbers of the file's tensors: the maps at strides 8, 16 and 32, and the logits of a person made from them (two or
six for each place)."""
CHANNELS = (96, 192, 192)


@dataclass(slots=True)
class Maps:
    """What the body says of one picture.

    Attributes:
        features: (h, w, c) of each stride, finest first.
        scores: (h, w) of each, logit of a person, the likeliest of those of the place.
    """

    features: list[np.ndarray]
    scores: list[np.ndarray]


def read(path: Path) -> bytes:
    """The file.

    Raises:
        SystemExit: it is not there or is another one.
    """
    try:
        content = path.read_bytes()
    except OSError as reason:
        raise SystemExit(f"{path}: {reason.strerror}; see training/requirements.txt for where it comes from") from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{path}: not the detector of mediapipe 0.10.21 (its SHA-256 differs)")
    return content


class Body:
    """Answers for pictures of one size."""

    def __init__(self, path: Path, height: int, width: int) -> None:
        """Read pose_detection.tflite; see `read`."""
        model = surgery.read(read(path))
        surgery.cut(model, [*MAPS, *KINDS])
        surgery.resize(model, SIDE, height, width)
        self._interpreter = Interpreter(model_content=surgery.write(model), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [each["index"] for each in self._interpreter.get_output_details()]

    def __call__(self, picture: np.ndarray) -> Maps:
        """Judge a picture (height, width, 3), RGB 0..255."""
        self._interpreter.set_tensor(self._input, picture[None].astype(np.float32) / 127.5 - 1)
        self._interpreter.invoke()
        told = [self._interpreter.get_tensor(each)[0] for each in self._outputs]
        return Maps(told[:3], [each.max(axis=-1) for each in told[3:]])
