"""The configuration: one TOML file into frozen pydantic models. Unknown keys and wrong values are errors.

Each error is one line: file, line, key, what was found, what is allowed. ``config.example.toml`` shows every key with
its default; a test holds the two together.
"""

from __future__ import annotations

import math
import re
import tomllib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from monitord.lan import LanError, local_address

if TYPE_CHECKING:
    from pathlib import Path


class ConfigError(Exception):
    """The configuration cannot be used; the text has one line per mistake."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Profile(StrEnum):
    """How often the ear decides: a trade between wake-ups and delay."""

    ECO = "eco"
    BALANCED = "balanced"


HOP_S = {Profile.ECO: 0.5, Profile.BALANCED: 0.25}
"""Seconds between decisions, and the default length of a block."""


class Sensitivity(StrEnum):
    """Which of the thresholds on the model card applies; the card says what each finds and how often it errs."""

    LOW = "low"
    BALANCED = "balanced"
    HIGH = "high"


class AlertWhen(StrEnum):
    """Whether an alert waits for the look. It never waits longer than the look may last."""

    AT_ONCE = "at_once"
    AFTER_LOOK = "after_look"


class Priority(StrEnum):
    """Priorities of an incident, after IEC 60601-1-8."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


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


class RoomConfig(_Section):
    """What the alert calls this place."""

    name: str = Field(default="Room", min_length=1, max_length=40)


class AudioConfig(_Section):
    """The ear. `block_s` None means: as long as the profile's time between decisions."""

    device: Source = "default"
    profile: Annotated[Profile, Field(strict=False)] = Profile.ECO
    block_s: float | None = Field(default=None, ge=0.1, le=1.0)
    sensitivity: Annotated[Sensitivity, Field(strict=False)] = Sensitivity.BALANCED
    words: Words = ()

    @property
    def hop_s(self) -> float:
        """Seconds between decisions."""
        return HOP_S[self.profile]

    @property
    def period_s(self) -> float:
        """Seconds of sound that are read at once."""
        return self.block_s if self.block_s is not None else self.hop_s


class VideoConfig(_Section):
    """The eye. `device` "off" means that no look is ever asked for."""

    device: Source = "0"
    look_s: float = Field(default=4.0, ge=1.0, le=30.0)
    looks_per_hour: int = Field(default=12, ge=0, le=120)
    cooldown_s: float = Field(default=20.0, ge=0.0, le=600.0)

    @property
    def off(self) -> bool:
        """Whether the owner wants no camera at all."""
        return self.device == "off"


LOOK_GRACE_S = 8.0
"""Seconds beyond `look_s` for starting, loading and answering; after that the eye is killed."""


class RuleConfig(_Section):
    """What a sound of one kind leads to."""

    alert: Annotated[AlertWhen, Field(strict=False)] = AlertWhen.AT_ONCE
    priority: Annotated[Priority, Field(strict=False)] = Priority.HIGH


class RulesConfig(_Section):
    """One rule per sound; the keys are the names of ``monitord.events.Sound`` in small letters."""

    cry: RuleConfig = RuleConfig()
    help: RuleConfig = RuleConfig()
    hilfe: RuleConfig = RuleConfig()
    smoke_alarm: RuleConfig = RuleConfig()
    co_alarm: RuleConfig = RuleConfig()
    word: RuleConfig = RuleConfig()


def _local_address(value: str) -> str:
    if value in ("0.0.0.0", "::"):  # noqa: S104 - refused, not bound
        raise ValueError("would listen on every network of this machine; name one address of the house's network")
    try:
        local_address(value)
    except LanError:
        raise ValueError(
            "is no loopback, private, link-local or unique-local address; "
            '"127.0.0.1" serves this machine only, the Pi\'s own LAN address serves the house'
        ) from None
    return value


class PageConfig(_Section):
    """Where the page and the API are served."""

    address: Annotated[str, AfterValidator(_local_address)] = "127.0.0.1"
    port: int = Field(default=8740, ge=0, le=65535)


class JournalConfig(_Section):
    """How long incidents are kept."""

    keep_days: int = Field(default=30, ge=1, le=3650)


class Config(_Section):
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
            raise ConfigError("\n".join(_explain(path, text, error) for error in cause.errors())) from None


def _explain(path: Path, text: str, error: Any) -> str:
    keys = [str(part) for part in error["loc"]]
    line = _line_of(text, keys)
    where = f"{path}:{line}" if line else str(path)
    return f"{where}: {'.'.join(keys)}: {_what(keys, error)}"


def _what(keys: list[str], error: Any) -> str:  # noqa: PLR0911 - one return for each kind of mistake
    found = repr(error["input"])
    match error["type"]:
        case "extra_forbidden":
            return "is no key of monitord; config.example.toml shows all of them"
        case "greater_than_equal" | "less_than_equal" as side:
            low, high = _range(keys)
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


def _range(keys: list[str]) -> tuple[float, float]:
    """The `ge` and `le` of the field that `keys` name."""
    section: type[BaseModel] = Config
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
