"""One TOML file into one frozen model; each mistake in it is one line."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from monitord.config.mistakes import explain
from monitord.config.section import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

Model = TypeVar("Model", bound=BaseModel)


def read_file(path: Path, model: type[Model]) -> Model:
    """The file at `path`, read as `model`.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or has a wrong key or value; one line per mistake.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as cause:
        raise ConfigError(f"{path}: cannot be read: {cause.strerror}") from None
    except UnicodeDecodeError as cause:
        raise ConfigError(f"{path}: is not UTF-8 text at byte {cause.start}; save it as UTF-8") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise ConfigError(f"{path}: is not valid TOML: {cause}") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply") from None
    except ValueError:  # Of Python's own: an integer of thousands of digits.
        raise ConfigError(f"{path}: has a number of far too many digits") from None
    try:
        return model.model_validate(content)
    except ValidationError as cause:
        raise ConfigError("\n".join(explain(path, text, error, model) for error in cause.errors())) from None
