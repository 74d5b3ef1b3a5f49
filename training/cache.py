"""Keeps what takes minutes to make in training/work, named by everything it was made from."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

WORK = Path(__file__).parent / "work"
Made = TypeVar("Made")


def kept(name: str, made_from: tuple[object, ...], code: tuple[str, ...], make: Callable[[], Made]) -> Made:
    """What `make` returns, or what it returned before for the same `made_from` and the same `code`.

    Args:
        name: first part of the file's name.
        make: makes it; only called when it is not there.
        made_from: values with a stable `repr`.
        code: names of the modules of this folder, or of monitord.audio, whose text decides the result.
    """
    digest = hashlib.sha256(repr(made_from).encode())
    for module in code:
        digest.update((WORK.parent / f"{module}.py").read_bytes())
    digest.update((WORK.parents[1] / "monitord" / "audio" / "features.py").read_bytes())
    path = WORK / f"{name}-{digest.hexdigest()[:12]}.pickle"
    if path.is_file():
        with path.open("rb") as stored:
            return pickle.load(stored)  # type: ignore[no-any-return]  # noqa: S301 - our own file
    WORK.mkdir(parents=True, exist_ok=True)
    made = make()
    with path.open("wb") as stored:
        pickle.dump(made, stored, protocol=5)
    return made
