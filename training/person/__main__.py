"""Trains, quantises and measures the person model, and writes it with its card.

Run ``python -m training.person --data ../shared/data --out models`` from the root of the repository.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from monitord.model import Card, Model
from training.person import card, data, export, measure, network

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

SEED = 2


def main() -> None:
    """Run the whole of it."""
    options = _options()
    began = time.monotonic()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(SEED)
    items = data.load(options.data / "vision", leave_room_out=options.leave_room_out)
    net, new = network.build(options.weights)
    if options.resume:
        net.load_weights(options.resume)
    else:
        network.train(net, new, items, steps=options.steps, seed=SEED)
        network.train_rounded(net, new, items, steps=options.steps * 2 // 5, seed=SEED)
    content = export.to_int8(net, items, SEED)
    print(f"{len(content)} bytes")

    run = tf.function(lambda picture: net(picture, training=False))
    floating = _measure("float", lambda picture: run(picture[None]).numpy()[0], items)
    with _loaded(content) as model:
        quantised = _measure("int8", model.logits, items)
    _report({"float": floating[2], "int8": quantised[2]})
    if options.baselines:
        from training.person import baselines  # noqa: PLC0415 - needs OpenCV's networks, which training does not

        _report(baselines.compare(options.weights.parent, items))
    if options.out is not None:
        (options.out / "person.tflite").write_bytes(content)
        card.write(options.out / "person.toml", content, *quantised)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.monotonic() - began:.0f} s, {memory:.0f} MiB at most")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.person", description="Trains the eye's model.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds vision/manifest.csv")
    parser.add_argument("--weights", type=Path, help="yolox_nano.onnx; default: in models/ beside the data")
    parser.add_argument("--out", type=Path, help="where person.tflite and person.toml go; without it, only measure")
    parser.add_argument("--steps", type=int, default=1000, help="of 16 pictures (default %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of TensorFlow (default %(default)s)")
    parser.add_argument("--resume", type=Path, help="Keras weights; nothing is trained")
    parser.add_argument("--baselines", action="store_true", help="measure two known detectors on the same pictures")
    parser.add_argument(
        "--leave-room-out", action="store_true", help="keep all of gmdcsa24 for the test: a room that was never seen"
    )
    options = parser.parse_args()
    if options.weights is None:
        options.weights = options.data.resolve().parent / "models" / "yolox_nano.onnx"
    for needed in (options.data / "vision" / "manifest.csv", options.weights):
        if not needed.is_file():
            parser.error(f"{needed} is not there")
    return options


class _loaded:  # noqa: N801 - a context manager, used like a function
    """The daemon's own loader on `content`, so that what is measured is what runs."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> Model:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        (folder / "person.tflite").write_bytes(self._content)
        card.write(folder / "person.toml", self._content, 1.0, (0.5, 0.5), {})
        return Model(Card.read(folder / "person.toml"))

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def _measure(
    name: str, logits: Callable[[np.ndarray], np.ndarray], items: list[data.Item]
) -> tuple[float, tuple[float, float], dict[str, str]]:
    validation = measure.score(items, "validation", logits)
    heat = measure.temperature(validation)
    chosen = measure.thresholds(validation, heat)
    somebody = 1 - measure.probabilities(validation.logits, heat)[:, 0]
    empty = validation.pick(targets=(data.NOBODY,))
    people = validation.pick(targets=(data.PERSON, data.LYING, data.UPRIGHT))
    print(f"{name}: AUC of presence on the validation split {measure.auc(somebody[people], somebody[empty]):.4f}")
    test = measure.score(items, "test", logits)
    p = measure.probabilities(test.logits, heat)
    print(f"{name}: temperature {heat:.2f}, present {chosen[0]:.4f}, absent {chosen[1]:.4f}")
    return heat, chosen, measure.figures(test, 1 - p[:, 0], chosen[0], p[:, 1] >= p[:, 2])


def _report(tables: dict[str, dict[str, str]]) -> None:
    for name in dict.fromkeys(row for table in tables.values() for row in table):
        print(f"{name}: " + ", ".join(f"{which} {table.get(name, '-')}" for which, table in tables.items()))


if __name__ == "__main__":
    main()
