"""The look of a program that a user would write instead: YOLOX-Nano in onnxruntime, with OpenCV for the pictures.

    python peer_look.py --model yolox_nano.onnx --frames 5 FOLDER

It loads, takes the first `--frames` pictures of FOLDER, finds persons on each (letterbox to 416 x 416 as the model's
authors do, one thread), and says how likely somebody is there. No camera, no confinement, no message.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

SIDE, GREY, PERSON = 416, 114, 0
_PROPERTIES = 5


def person(session: onnxruntime.InferenceSession, path: Path) -> float:
    """Probability of the likeliest person on the picture at `path`."""
    picture = cv2.imread(str(path))
    scale = min(SIDE / picture.shape[0], SIDE / picture.shape[1])
    small = cv2.resize(picture, (round(picture.shape[1] * scale), round(picture.shape[0] * scale)))
    padded = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    padded[: small.shape[0], : small.shape[1]] = small
    given = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32)
    found = session.run(None, {session.get_inputs()[0].name: given})[0][0]
    return float((found[:, 4] * found[:, _PROPERTIES + PERSON]).max())


def main() -> None:
    """One look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(options.model), settings, providers=["CPUExecutionProvider"])
    paths = sorted(path for path in options.folder.rglob("*") if path.suffix in {".png", ".jpg", ".webp"})
    scores = [person(session, path) for path in paths[: options.frames]]
    print(f"{sum(scores) / len(scores):.3f}", flush=True)


if __name__ == "__main__":
    main()
