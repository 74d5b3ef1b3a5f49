"""The configuration: one TOML file into frozen pydantic models. Unknown keys and wrong values are errors.

Each error is one line: file, line, key, what was found, what is allowed. ``config.example.toml`` shows every key with
its default; a test holds the two together. Each section has a module of its own; users import from here.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Self

from pydantic import Field, ValidationError

from monitord.config.mistakes import explain
from monitord.config.page import PageConfig
from monitord.config.rules import AlertWhen, Priority, RuleConfig, RulesConfig
from monitord.config.section import ConfigError, Section
from monitord.config.senses import (
    HOP_S,
    LOOK_GRACE_S,
    AudioConfig,
    Profile,
    RoomConfig,
    Sensitivity,
    VideoConfig,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "HOP_S",
    "LOOK_GRACE_S",
    "AlertWhen",
    "AudioConfig",
    "Config",
    "ConfigError",
    "JournalConfig",
    "PageConfig",
    "Priority",
    "Profile",
    "RoomConfig",
    "RuleConfig",
    "RulesConfig",
    "Sensitivity",
    "VideoConfig",
]


class JournalConfig(Section):
    """How long incidents are kept."""

    keep_days: int = Field(default=30, ge=1, le=3650)


class Config(Section):
    """The whole file."""

    room: RoomConfig = RoomConfig()
    audio: AudioConfig = AudioConfig()
    video: VideoConfig = VideoConfig()
    rules: RulesConfig = RulesConfig()
    page: PageConfig = PageConfig()
    journal: JournalConfig = JournalConfig()

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read `path`; None gives the defaults.

        Raises:
            ConfigError: the file cannot be read, is no TOML, or has a wrong key or value; one line per mistake.
        """
        if path is None:
            return cls()
        try:
            text = path.read_bytes().decode("utf-8")
        except OSError as cause:
            raise ConfigError(f"{path}: cannot be read: {cause.strerror}") from None
        except UnicodeDecodeError as cause:
            raise ConfigError(f"{path}: is not UTF-8 text at byte {cause.start}; save it as UTF-8") from None
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as cause:
            raise ConfigError(f"{path}: is not valid TOML: {cause}") from None
        except ValidationError as cause:
            raise ConfigError("\n".join(explain(path, text, error, cls) for error in cause.errors())) from None
