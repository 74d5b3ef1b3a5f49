"""A mistake in the file as one line: file, line, key, what was found, what is allowed. Pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from pathlib import Path


def explain(path: Path, text: str, error: Any, model: type[BaseModel]) -> str:
    """The line for one `error` of pydantic in `text` of `path`, read as `model`."""
    keys = [str(part) for part in error["loc"]]
    line = _line_of(text, keys)
    where = f"{path}:{line}" if line else str(path)
    return f"{where}: {'.'.join(keys)}: {_what(keys, error, model)}"


def _what(keys: list[str], error: Any, model: type[BaseModel]) -> str:  # noqa: PLR0911 - one return for each kind of mistake
    found = repr(error["input"])
    match error["type"]:
        case "extra_forbidden":
            return "is no key of monitord; config.example.toml shows all of them"
        case "greater_than_equal" | "less_than_equal" as side:
            low, high = _range(keys, model)
            if found == "nan":
                return f"nan is no number, {low} to {high}"
            short = side == "greater_than_equal"
            size = ("short" if short else "long") if keys[-1].endswith("_s") else ("small" if short else "large")
            return f"{found} is too {size}, {low} to {high}"
        case "string_too_short" | "string_too_long" as side:
            return f"{found} is too {side.rpartition('_')[2]}, {error['msg'].removeprefix('String should have ')}"
        case "enum":
            return f"{found} is none of {error['ctx']['expected']}"
        case "value_error":
            return f"{found} {error['ctx']['error']}"
        case _:
            wanted = error["msg"].removeprefix("Input ").split(" or instance of")[0]
            return f"{found} is of the wrong kind, it {wanted.replace('a valid dictionary', 'a section')}"


def _range(keys: list[str], model: type[BaseModel]) -> tuple[float, float]:
    """The `ge` and `le` of the field that `keys` name."""
    section = model
    for key in keys[:-1]:
        inner = section.model_fields[key].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            raise TypeError(f"{key} is no section")
        section = inner
    low, high = -math.inf, math.inf
    for bound in section.model_fields[keys[-1]].metadata:
        low, high = getattr(bound, "ge", low), getattr(bound, "le", high)
    return low, high


def _line_of(text: str, keys: list[str]) -> int:
    """Line of the key, or of its section, in `text`; 0 where neither is found (tomllib keeps no positions)."""
    section: list[str] = []
    best = 0
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if header:
            section = [part.strip(" \"'") for part in header[1].split(".")]
            if section == keys[: len(section)]:
                best = best or number
            continue
        key = re.match(r"\s*([A-Za-z0-9_\-.\"']+)\s*=", line)
        if key:
            full = section + [part.strip(" \"'") for part in key[1].split(".")]
            if full == keys[: len(full)]:
                return number
    return best
