"""The configuration: one TOML file into frozen pydantic models. Unknown keys and wrong values are errors.

Each error is one line: file, line, key, what was found, what is allowed. ``config.example.toml`` shows every key with
its default; a test holds the two together. Each section has a module of its own; users import from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from monitord.config.channels import (
    BUILT_IN,
    LOG,
    PAGE,
    AppriseConfig,
    BrokersConfig,
    ChannelConfig,
    Channels,
    DesktopConfig,
    GotifyConfig,
    MqttConfig,
    MqttVersion,
    NtfyConfig,
    WardConfig,
    WebhookConfig,
)
from monitord.config.file import read_file
from monitord.config.hours import QuietConfig
from monitord.config.page import PageConfig
from monitord.config.report import ReportConfig
from monitord.config.rules import (
    EVERYONE,
    AlertWhen,
    CryConfig,
    FaultConfig,
    Groups,
    Lowered,
    Priority,
    RuleConfig,
    RulesConfig,
    Until,
)
from monitord.config.section import ConfigError, Section
from monitord.config.senses import (
    HOP_S,
    LOOK_GRACE_S,
    PAUSE_MAX_S,
    AudioConfig,
    Language,
    Profile,
    RoomConfig,
    Sensitivity,
    VideoConfig,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BUILT_IN",
    "EVERYONE",
    "HOP_S",
    "LOG",
    "LOOK_GRACE_S",
    "PAGE",
    "PAUSE_MAX_S",
    "AlertWhen",
    "AppriseConfig",
    "AudioConfig",
    "BrokersConfig",
    "ChannelConfig",
    "Config",
    "ConfigError",
    "CryConfig",
    "DesktopConfig",
    "FaultConfig",
    "GotifyConfig",
    "JournalConfig",
    "Language",
    "Lowered",
    "MqttConfig",
    "MqttVersion",
    "NtfyConfig",
    "PageConfig",
    "Priority",
    "Profile",
    "QuietConfig",
    "ReportConfig",
    "RoomConfig",
    "RuleConfig",
    "RulesConfig",
    "Sensitivity",
    "Until",
    "VideoConfig",
    "WardConfig",
    "WebhookConfig",
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
    groups: Groups = Field(default_factory=dict)
    quiet_hours: QuietConfig = QuietConfig()
    page: PageConfig = PageConfig()
    notify: Channels = Field(default_factory=dict)
    journal: JournalConfig = JournalConfig()
    report: ReportConfig = ReportConfig()

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels that an alert can leave by."""
        return (*BUILT_IN, *self.notify)

    @model_validator(mode="after")
    def _groups_exist(self) -> Self:
        for name, channels in self.groups.items():
            for each in channels:
                if each not in self.channels:
                    raise _mistake(["groups", name], f"{each!r} is no channel; there are {', '.join(self.channels)}")
            if set(channels) == {LOG}:
                raise _mistake(["groups", name], "would reach nobody: nobody is woken by a line in the log")
        for label in RulesConfig.model_fields:
            for name in getattr(self.rules, label).notify:
                if name != EVERYONE and name not in self.groups:
                    known = ", ".join(dict.fromkeys([EVERYONE, *self.groups]))
                    raise _mistake(["rules", label, "notify"], f"{name!r} is no group; there are {known}")
        return self

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read `path`; None gives the defaults.

        Raises:
            ConfigError: the file cannot be read, is no TOML, or has a wrong key or value; one line per mistake.
        """
        return cls() if path is None else read_file(path, cls)


def _mistake(keys: list[str], sentence: str) -> PydanticCustomError:
    """A mistake that only the whole file shows, at the key that has to be changed."""
    return PydanticCustomError("whole_file", "{sentence}", {"sentence": sentence, "keys": keys})
