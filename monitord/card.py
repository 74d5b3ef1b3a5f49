"""A model's card, and the file beside it as bytes: what can be known of a model without running it.

The voice reads cards, too (`monitord.notify.shelf`), and has no use for numbers or networks; so this imports neither.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class ModelError(Exception):
    """A model that must not be used: missing, changed, or not the one its card describes."""


@dataclass(frozen=True, slots=True)
class Card:
    """What stands beside a model.

    Attributes:
        path: the card's own file.
        name: short name, as in the file names.
        sha256: of the model file, lower-case hexadecimal.
        labels: what the outputs mean, in order.
        input_shape: shape of one example, without the batch axis.
        extra: the whole card as read, for what only one kind of model has (front end, smoothing, thresholds).
    """

    path: Path
    name: str
    sha256: str
    labels: tuple[str, ...]
    input_shape: tuple[int, ...]
    extra: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Card:
        """Read a card.

        Raises:
            ModelError: missing, no TOML, or a field is missing or of the wrong type.
        """
        data = read_toml(path)
        try:
            name, sha256 = data["name"], data["sha256"]
            labels, shape = tuple(data["labels"]), tuple(data["input_shape"])
        except (KeyError, TypeError) as missing:
            raise ModelError(f"{path}: the model card has no usable {missing}") from None
        strings = isinstance(name, str) and isinstance(sha256, str) and all(isinstance(label, str) for label in labels)
        if not strings or not all(isinstance(side, int) and side > 0 for side in shape) or not labels:
            raise ModelError(f"{path}: the model card has a field of the wrong type")
        return cls(path, name, sha256, labels, shape, data)


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a card.

    Raises:
        ModelError: missing, or no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as cause:
        raise ModelError(f"{path}: the model card cannot be read: {cause.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ModelError(f"{path}: the model card is not valid TOML: {cause}") from None


def read_file(path: Path, sha256: str, remedy: str) -> bytes:
    """The content of a model's file, if it is the one that its card describes.

    Args:
        path: the file.
        sha256: what it must have, lower-case hexadecimal.
        remedy: what to do where it is another one.

    Raises:
        ModelError: it cannot be read, or its hash differs.
    """
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise ModelError(f"{path}: the model cannot be read: {cause.strerror}") from None
    if _sha256(content) != sha256:
        raise ModelError(f"{path}: the model is not the one its card describes (SHA-256 differs); {remedy}")
    return content


def _sha256(content: bytes) -> str:
    """Lower-case hexadecimal. By CPython's own code where it is there: hashlib loads OpenSSL, 3 MB, for this alone."""
    for name in ("_sha2", "_sha256", "hashlib"):
        try:
            return str(import_module(name).sha256(content).hexdigest())
        except ImportError:
            continue
    raise ModelError("this Python has no SHA-256")
