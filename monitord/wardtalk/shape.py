"""Shapes of values in a message: each reads JSON strictly, writes it, and says itself as JSON Schema. Pure.

One table of shapes makes the parser and the published schema, so the two cannot say different things. Nothing is
coerced: ``1`` is no flag, ``1.0`` no whole number, ``"1"`` neither.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from monitord.wardtalk.topics import NAME, TalkError

if TYPE_CHECKING:
    from collections.abc import Mapping


_NAME = re.compile(NAME, re.ASCII)


class Shape(Protocol):
    """One kind of value."""

    def read(self, value: object) -> Any:
        """`value` of JSON, if it is of this shape.

        Raises:
            TalkError: it is not; the text continues the name of its key.
        """

    def schema(self) -> dict[str, Any]:
        """As JSON Schema (2020-12)."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`."""

    low: int
    high: int

    def read(self, value: object) -> int:
        """See `Shape`; so for what follows."""
        if type(value) is not int or not self.low <= value <= self.high:
            raise TalkError(f"is no whole number from {self.low} to {self.high}")
        return value

    def schema(self) -> dict[str, Any]:  # noqa: D102 - see `Shape`
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Seconds:
    """A time, seconds since 1970; up to the year 2514, which no clock of a Pi shows by accident."""

    high: float = float(1 << 34)

    def read(self, value: object) -> float:  # noqa: D102
        if type(value) not in (int, float):
            raise TalkError("is no time")
        seconds = float(value)  # type: ignore[arg-type] # the line above holds it
        if not math.isfinite(seconds) or not 0.0 <= seconds <= self.high:
            raise TalkError("is no time")
        return seconds

    def schema(self) -> dict[str, Any]:  # noqa: D102
        return {"type": "number", "minimum": 0, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: object) -> bool:  # noqa: D102
        if type(value) is not bool:
            raise TalkError("is neither true nor false")
        return value

    def schema(self) -> dict[str, Any]:  # noqa: D102
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Word:
    """One of `words`."""

    words: tuple[str, ...]

    def read(self, value: object) -> str:  # noqa: D102
        if type(value) is not str or value not in self.words:
            raise TalkError("is no word that there is")
        return value

    def schema(self) -> dict[str, Any]:  # noqa: D102
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a room, a ward or a station."""

    def read(self, value: object) -> str:  # noqa: D102
        if type(value) is not str or not _NAME.fullmatch(value):
            raise TalkError("is no name")
        return value

    def schema(self) -> dict[str, Any]:  # noqa: D102
        return {"type": "string", "pattern": f"^{NAME}$"}


@dataclass(frozen=True, slots=True)
class Maybe:
    """`inner`, or null."""

    inner: Shape

    def read(self, value: object) -> Any:  # noqa: D102
        return None if value is None else self.inner.read(value)

    def schema(self) -> dict[str, Any]:  # noqa: D102
        return {"anyOf": [self.inner.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Each:
    """A list of `inner`, none of them twice, `most` at most."""

    inner: Shape
    most: int

    def read(self, value: object) -> tuple[Any, ...]:  # noqa: D102
        if type(value) is not list or len(value) > self.most:
            raise TalkError(f"is no list of up to {self.most}")
        read = tuple(self.inner.read(each) for each in value)
        if len(set(read)) < len(read):
            raise TalkError("says one thing twice")
        return read

    def schema(self) -> dict[str, Any]:  # noqa: D102
        return {"type": "array", "items": self.inner.schema(), "maxItems": self.most, "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class Record:
    """An object with exactly the keys of `keys`, and exactly one of the keys of `either` (none: nothing to choose)."""

    keys: Mapping[str, Shape]
    either: Mapping[str, Shape] | None = None

    def read(self, value: object) -> dict[str, Any]:  # noqa: D102
        if type(value) is not dict:
            raise TalkError("is no object")
        wanted = dict(self.keys)
        if self.either is not None:
            chosen = [key for key in self.either if key in value]
            if len(chosen) != 1:
                raise TalkError(f"has not exactly one of {', '.join(self.either)}")
            wanted[chosen[0]] = self.either[chosen[0]]
        if len(value) != len(wanted) or not all(key in value for key in wanted):
            raise TalkError("has not exactly the keys that it must have")
        read = {}
        for key, shape in wanted.items():
            try:
                read[key] = shape.read(value[key])
            except TalkError as cause:
                raise TalkError(f"{key} {cause}") from None
        return read

    def schema(self) -> dict[str, Any]:  # noqa: D102
        either = self.either or {}
        properties = {key: shape.schema() for key, shape in {**self.keys, **either}.items()}
        made = {
            "type": "object",
            "properties": properties,
            "required": list(self.keys),
            "additionalProperties": False,
        }
        return {**made, "oneOf": [{"required": [key]} for key in either]} if either else made
