"""Two well-known detectors on the same pictures, to be beaten: YOLOX-Nano and MLPerf Tiny's person detection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from tqdm import tqdm

from training.person import augment
from training.person.data import NOBODY
from training.person.measure import FALSE_ALARMS, Scored, figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitord.video.picture import Picture
    from training.person.data import Item

_SIDE = 416
_OBJECT, _PERSON = 4, 5


def compare(folder: Path, items: list[Item]) -> dict[str, dict[str, str]]:
    """Figures of both on the test split, at the threshold that calls 3 % of the validation split's rooms a person."""
    detectors = {
        "YOLOX-Nano, 416 x 416": _yolox(folder / "yolox_nano.onnx"),
        "MLPerf Tiny VWW int8, 96 x 96": _vww(folder / "vww_96_int8.tflite"),
    }
    return {name: _figures(name, detector, items) for name, detector in detectors.items()}


def _figures(name: str, detector: Callable[[Picture], float], items: list[Item]) -> dict[str, str]:
    somebody = {}
    scored = {}
    for split in ("validation", "test"):
        chosen = [item for item in items if item.split == split]
        somebody[split] = np.array([detector(it.picture) for it in tqdm(chosen, desc=f"{name}, {split}")])
        scored[split] = Scored(chosen, np.empty((len(chosen), 3)))
    rooms = scored["validation"].pick("rooms", "messy_rooms", targets=(NOBODY,))
    present = float(np.quantile(somebody["validation"][rooms], 1 - FALSE_ALARMS)) + 1e-6
    return figures(scored["test"], somebody["test"], present, None)


def _yolox(path: Path) -> Callable[[Picture], float]:
    network = cv2.dnn.readNetFromONNX(str(path))

    def somebody(picture: Picture) -> float:
        height, width = picture.shape[:2]
        scale = _SIDE / max(height, width)
        small = cv2.resize(picture, (round(width * scale), round(height * scale)))
        padded = np.full((_SIDE, _SIDE, 3), 114, np.float32)
        padded[: small.shape[0], : small.shape[1]] = small[:, :, ::-1]
        network.setInput(padded.transpose(2, 0, 1)[None])
        boxes = network.forward()[0]
        return float((boxes[:, _OBJECT] * boxes[:, _PERSON]).max())

    return somebody


def _vww(path: Path) -> Callable[[Picture], float]:
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, told = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = given["quantization"]

    def somebody(picture: Picture) -> float:
        small = augment.fit(picture, *given["shape"][1:3]).astype(np.float32) / 255
        steps = np.clip(np.rint(small / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(given["index"], steps[None])
        interpreter.invoke()
        return float(interpreter.get_tensor(told["index"])[0, 1])

    return somebody
