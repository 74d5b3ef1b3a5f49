"""The room, the ear and the eye."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from monitord.config.section import Section
from monitord.settings import COOLDOWN_S, HOP_S, LOOK_S, LOOKS_PER_HOUR, PERIOD_S, Profile, Sensitivity


def _no_url(value: str) -> str:
    if "://" in value and not value.startswith("file:"):
        raise ValueError(
            "is a network address and refused: the raw picture or sound would cross the network before monitord "
            "has it; use a device of this machine"
        )
    return value


Source = Annotated[str, Field(min_length=1), AfterValidator(_no_url)]


def _word(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", value) and not value.endswith(".toml"):
        raise ValueError('is no name of a word (small letters, as in "help"), and no path of a card (.toml)')
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names a word twice")
    return values


Words = Annotated[tuple[Annotated[str, AfterValidator(_word)], ...], Field(strict=False), AfterValidator(_each_once)]


class Language(StrEnum):
    """A language that monitord speaks (ISO 639-1)."""

    EN = "en"
    DE = "de"


class RoomConfig(Section):
    """What the alert calls this place, and the language of everything but the page, which speaks the browser's."""

    name: str = Field(default="Room", min_length=1, max_length=40)
    language: Annotated[Language, Field(strict=False)] = Language.EN


class AudioConfig(Section):
    """The ear. `block_s` None means: as long as suits the profile."""

    device: Source = "default"
    profile: Annotated[Profile, Field(strict=False)] = Profile.ECO
    block_s: float | None = Field(default=None, ge=0.1, le=1.0)
    sensitivity: Annotated[Sensitivity, Field(strict=False)] = Sensitivity.BALANCED
    words: Words = ()
    alarms: bool = True

    @property
    def hop_s(self) -> float:
        """Seconds between decisions."""
        return HOP_S[self.profile]

    @property
    def period_s(self) -> float:
        """Seconds of sound that are read at once."""
        return self.block_s if self.block_s is not None else PERIOD_S[self.profile]


class VideoConfig(Section):
    """The eye. `device` "off" means that no look is ever asked for."""

    device: Source = "0"
    look_s: float = Field(default=4.0, ge=LOOK_S[0], le=LOOK_S[1])
    looks_per_hour: int = Field(default=12, ge=LOOKS_PER_HOUR[0], le=LOOKS_PER_HOUR[1])
    cooldown_s: float = Field(default=20.0, ge=COOLDOWN_S[0], le=COOLDOWN_S[1])

    @property
    def off(self) -> bool:
        """Whether the owner wants no camera at all."""
        return self.device == "off"
