"""Model card + interpreter. A model is a file and a card side by side; the card's SHA-256 must match the file.

Shapes, scales and zero points are read from the tensors, never written in code. LiteRT (`ai_edge_litert`) is used
where it is installed, `tflite_runtime` otherwise: the same calls, the same results to a quantisation step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from monitord.card import Card, ModelError, read_file, read_toml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Card",
    "FloatNetwork",
    "Floats",
    "Model",
    "ModelError",
    "Network",
    "load",
    "read_file",
    "read_toml",
]

Floats = npt.NDArray[np.float32]
_LEAST, _MOST = np.float32(-128), np.float32(127)


class _Loaded:
    """A network beside its card: what all kinds of it share."""

    def __init__(self, card: Card) -> None:
        """Load the model beside `card`.

        Raises:
            ModelError: the file is missing, its hash differs, or the runtime cannot load it.
        """
        self.card = card
        self.path = card.path.with_suffix(".tflite")
        content = read_file(self.path, card.sha256, "reinstall monitord")
        try:
            self._interpreter = _interpreter_class()(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as cause:
            raise ModelError(f"{self.path}: the runtime cannot load the model: {_one_line(cause)}") from None
        self._in = self._interpreter.get_input_details()[0]
        self._outs = self._interpreter.get_output_details()

    def _is_all(self, kind: type) -> bool:
        return all(one["dtype"] == kind for one in (self._in, *self._outs))

    def _run(self, example: npt.NDArray[np.int8] | Floats) -> None:
        self._interpreter.set_tensor(self._in["index"], example[None])
        self._interpreter.invoke()


class Model(_Loaded):
    """A fully int8 network whose outputs are logits, one per label.

    Logits, because an int8 probability has no room between 0.99 and 1, where the thresholds for rare false alarms lie.
    """

    def __init__(self, card: Card) -> None:
        """Load the model beside `card`.

        Raises:
            ModelError: the file is missing, its hash differs, or its tensors are not what the card says.
        """
        super().__init__(card)
        shapes = tuple(self._in["shape"][1:]), tuple(self._outs[0]["shape"][1:])
        if shapes != (card.input_shape, (len(card.labels),)) or not self._is_all(np.int8):
            raise ModelError(
                f"{self.path}: tensors {shapes} do not fit the card's {card.input_shape} -> {len(card.labels)} int8"
            )
        self._in_scale, self._in_zero = map(np.float32, self._in["quantization"])

    def logits(self, example: Floats) -> Floats:
        """Logits, shape (labels,), float32, of one example of shape `card.input_shape`, float32."""
        steps = example / self._in_scale
        np.rint(steps, out=steps)
        steps += self._in_zero
        np.minimum(np.maximum(steps, _LEAST, out=steps), _MOST, out=steps)
        self._run(steps.astype(np.int8))
        scale, zero = self._outs[0]["quantization"]
        raw = self._interpreter.get_tensor(self._outs[0]["index"]).astype(np.float32)
        return np.asarray((raw[0] - np.float32(zero)) * np.float32(scale), np.float32)


class Network(_Loaded):
    """A float network (its weights may be float16) with several outputs, which its card names in order."""

    def __init__(self, card: Card) -> None:
        """Load the model beside `card`.

        Raises:
            ModelError: the file is missing, its hash differs, or its tensors are not what the card says.
        """
        super().__init__(card)
        names = card.extra.get("outputs")
        shape = tuple(self._in["shape"][1:])
        fits = isinstance(names, list) and len(names) == len(self._outs) and all(isinstance(one, str) for one in names)
        if not fits or shape != card.input_shape or not self._is_all(np.float32):
            raise ModelError(
                f"{self.path}: {shape} -> {len(self._outs)} tensors, the card says {card.input_shape} -> {names}, float"
            )
        self._named = dict(zip(names or (), self._outs, strict=True))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the outputs."""
        return {name: tuple(int(side) for side in out["shape"]) for name, out in self._named.items()}

    def __call__(self, example: Floats) -> dict[str, Floats]:
        """All outputs, float32, of one example of shape `card.input_shape`, float32."""
        self._run(example)
        told = {name: self._interpreter.get_tensor(out["index"]) for name, out in self._named.items()}
        return {name: np.asarray(value, np.float32) for name, value in told.items()}


class FloatNetwork:
    """A float network made by others, run as it is, for one shape of input.

    Args:
        path: where it is from, for what is said of it.
        content: the file's bytes, checked by the caller.
        shape: of the input, with the batch axis.
        gives: shape of the output.

    Raises:
        ModelError: the runtime cannot load it, or its output has another shape.
    """

    def __init__(self, path: Path, content: bytes, shape: tuple[int, ...], gives: tuple[int, ...]) -> None:
        try:
            self._interpreter = _interpreter_class()(model_content=content, num_threads=1)
            self._in = self._interpreter.get_input_details()[0]["index"]
            self._interpreter.resize_tensor_input(self._in, shape)
            self._interpreter.allocate_tensors()
            self._out = self._interpreter.get_output_details()[0]["index"]
            found = self(np.zeros(shape, np.float32)).shape
        except (ValueError, RuntimeError) as cause:
            raise ModelError(f"{path}: the runtime cannot load the model: {_one_line(cause)}") from None
        if found != gives:
            raise ModelError(f"{path}: the model gives {found} where its card says {gives}")

    def __call__(self, values: Floats) -> Floats:
        """The network's output for `values`, both float32 and of the shapes given."""
        self._interpreter.set_tensor(self._in, values)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._out), np.float32)


def load(path: Path) -> Model:
    """Read the card at `path` (NAME.toml) and load the model beside it (NAME.tflite).

    Raises:
        ModelError: see `Card.read` and `Model`.
    """
    return Model(Card.read(path))


def _one_line(cause: Exception) -> str:
    return " ".join(str(cause).split())


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - which runtime there is shows at run time
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter  # noqa: PLC0415
        except ImportError:
            raise ModelError("no TFLite runtime is installed; run ./monitord.sh again, it installs one") from None
    return Interpreter
