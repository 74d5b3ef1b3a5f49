"""A mistake in the file as one line: file, line, key, what was found, what is allowed. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from pathlib import Path


_SECRET = frozenset({"password", "token", "secret", "url"})
"""Keys of which no value is repeated: they are secrets, or may hold one."""


def explain(path: Path, text: str, error: Any, model: type[BaseModel]) -> str:
    """The line for one `error` of pydantic in `text` of `path`, read as `model`."""
    keys = _keys(error)
    line = _line_of(text, keys)
    where = f"{path}:{line}" if line else str(path)
    return f"{where}: {'.'.join(keys)}: {_what(keys, error, model)}"


def _keys(error: Any) -> list[str]:
    """The keys as the file has them: pydantic also names the kind of a channel, and says "[key]" of a wrong name."""
    if error["type"] == "whole_file":
        return list(error["ctx"]["keys"])
    keys = [str(part) for part in error["loc"]]
    if keys[0] == "notify":
        del keys[2:3]
    if error["type"] == "at_key":
        keys.append(error["ctx"]["key"])
    return keys


def _what(keys: list[str], error: Any, model: type[BaseModel]) -> str:  # noqa: C901, PLR0911, PLR0912 - one return for each kind of mistake
    found = "what stands there" if keys[-1] in _SECRET else repr(error["input"])
    match error["type"]:
        case "whole_file":
            return str(error["ctx"]["sentence"])
        case "at_key":
            return str(error["ctx"]["sentence"])
        case "missing":
            return "is missing"
        case "union_tag_not_found":
            return f"has no kind; write kind = and one of {_kinds(model)}"
        case "union_tag_invalid":
            return f"kind {error['ctx']['tag']!r} is none of {_kinds(model)}"
        case "string_pattern_mismatch":
            return f"{found} has letters that may not stand there"
        case "too_long":
            return f"has too many entries, {error['ctx']['max_length']} at most"
        case "too_short":
            return f"has too few entries, {error['ctx']['min_length']} at least"
        case "extra_forbidden":
            return "is no key of monitord; config.example.toml shows all of them"
        case "greater_than_equal" | "less_than_equal" as side:
            low, high = _range(error["loc"], model)
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
            wanted = error["msg"].removeprefix("Input ").split(" or instance of")[0].split(" or object")[0]
            return f"{found} is of the wrong kind, it {wanted.replace('a valid dictionary', 'a section')}"


def _range(location: tuple[str | int, ...], model: type[BaseModel]) -> tuple[float, float]:
    """The `ge` and `le` of the field at pydantic's `location`."""
    section: Any = model
    for key in location[:-1]:
        if isinstance(section, type) and issubclass(section, BaseModel):
            section = section.model_fields[str(key)].annotation
        elif get_origin(section) is Mapping:
            section = get_args(section)[1]
        else:
            section = _kinds_of(section)[str(key)]
    low, high = -math.inf, math.inf
    for bound in section.model_fields[str(location[-1])].metadata:
        low, high = getattr(bound, "ge", low), getattr(bound, "le", high)
    return low, high


def _kinds(model: type[BaseModel]) -> str:
    return ", ".join(repr(kind) for kind in _kinds_of(get_args(model.model_fields["notify"].annotation)[1]))


def _kinds_of(union: Any) -> dict[str, type[BaseModel]]:
    """The models of a union by their `kind`."""
    inner = get_args(union)[0] if get_origin(union) is Annotated else union
    return {get_args(each.model_fields["kind"].annotation)[0]: each for each in get_args(inner)}


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
