"""What the senses and the supervisor need of the configuration, without the library that checks it.

The library (pydantic) and its models take 15 MB of each process that loads them, for something that is done once. So
the ear, the eye and the supervisor let a child of theirs check the whole file (`monitord.checked`) and keep what it
says of the two senses: the same names as in `monitord.config`, whose models serve in their place wherever a tool has
one.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class ConfigError(Exception):
    """The configuration cannot be used; the text has one line per mistake."""


class Profile(StrEnum):
    """How often the ear decides: a trade between wake-ups and delay."""

    ECO = "eco"
    BALANCED = "balanced"


HOP_S = {Profile.ECO: 0.5, Profile.BALANCED: 0.25}
"""Seconds between decisions."""
PERIOD_S = {Profile.ECO: 1.0, Profile.BALANCED: 0.25}
"""Default length of a block, seconds. In eco two decisions fall due at once: to wake up costs more than to decide."""


class Sensitivity(StrEnum):
    """Which of the thresholds on the model card applies; the card says what each finds and how often it errs."""

    LOW = "low"
    BALANCED = "balanced"
    HIGH = "high"


LOOK_GRACE_S = 8.0
"""Seconds beyond `look_s` for starting, loading and answering; after that the eye is killed."""

PAUSE_MAX_S = 12 * 3600.0
"""No pause is longer, prolonging included; then the ear opens the microphone, whether anybody tells it to or not."""


LOOK_S, LOOKS_PER_HOUR, COOLDOWN_S = (1.0, 30.0), (0, 120), (0.0, 600.0)
"""Lowest and highest value of each."""


class Hearing(Protocol):
    """The section [audio]; config.example.toml explains each key."""

    @property
    def device(self) -> str: ...  # noqa: D102 - see there
    @property
    def profile(self) -> Profile: ...  # noqa: D102
    @property
    def sensitivity(self) -> Sensitivity: ...  # noqa: D102
    @property
    def words(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def alarms(self) -> bool: ...  # noqa: D102
    @property
    def hop_s(self) -> float:
        """Seconds between decisions."""
        ...

    @property
    def period_s(self) -> float:
        """Seconds of sound that are read at once."""
        ...


class Seeing(Protocol):
    """The section [video]; config.example.toml explains each key."""

    @property
    def device(self) -> str: ...  # noqa: D102 - see there
    @property
    def look_s(self) -> float: ...  # noqa: D102
    @property
    def looks_per_hour(self) -> int: ...  # noqa: D102
    @property
    def cooldown_s(self) -> float: ...  # noqa: D102
    @property
    def off(self) -> bool:
        """Whether the owner wants no camera at all."""
        ...


class Testing(Protocol):
    """The section [selftest]; config.example.toml explains each key."""

    @property
    def nightly(self) -> str:
        """Local time at which the self-test runs by itself; "": never."""
        ...


class Senses(Protocol):
    """What the ear, the eye and the supervisor read of the configuration; `monitord.config.Config` has it too."""

    @property
    def audio(self) -> Hearing:
        """Of the ear."""
        ...

    @property
    def video(self) -> Seeing:
        """Of the eye."""
        ...

    @property
    def selftest(self) -> Testing:
        """Of the supervisor, which starts it."""
        ...


@dataclass(frozen=True, slots=True)
class Audio:
    """See `Hearing`."""

    device: str = "default"
    profile: Profile = Profile.ECO
    sensitivity: Sensitivity = Sensitivity.BALANCED
    words: tuple[str, ...] = ()
    alarms: bool = True
    hop_s: float = HOP_S[Profile.ECO]
    period_s: float = PERIOD_S[Profile.ECO]


@dataclass(frozen=True, slots=True)
class Video:
    """See `Seeing`."""

    device: str = "0"
    look_s: float = 4.0
    looks_per_hour: int = 12
    cooldown_s: float = 20.0
    off: bool = False


@dataclass(frozen=True, slots=True)
class Selftest:
    """See `Testing`."""

    nightly: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """See `Senses`; without anything given, the defaults."""

    audio: Audio = Audio()
    video: Video = Video()
    selftest: Selftest = Selftest()

    @classmethod
    def of(cls, senses: Senses) -> Settings:
        """The same of any other."""
        audio, video = ({name: getattr(part, name) for name in kind.__slots__} for part, kind in _parts(senses))
        return cls(Audio(**audio), Video(**video), Selftest(senses.selftest.nightly))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """What `to_json` has written."""
        told = json.loads(text)
        audio, video = told["audio"], told["video"]
        audio |= {
            "profile": Profile(audio["profile"]),
            "sensitivity": Sensitivity(audio["sensitivity"]),
            "words": tuple(audio["words"]),
        }
        return cls(Audio(**audio), Video(**video), Selftest(**told["selftest"]))

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))


def _parts(senses: Senses) -> tuple[tuple[Hearing, type[Audio]], tuple[Seeing, type[Video]]]:
    return (senses.audio, Audio), (senses.video, Video)


def plainly(path: Path | None) -> Settings | None:
    """What the file at `path` says of [video], where that is plainly right; None where it takes the whole check to say.

    For the eye: somebody waits for its look, and the whole check takes a third of one. None: the defaults.
    """
    try:
        section = {} if path is None else tomllib.loads(path.read_text("utf-8")).get("video", {})
        video = Video(**section, off=section.get("device") == "off")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    ranges = ((video.look_s, LOOK_S), (video.looks_per_hour, LOOKS_PER_HOUR), (video.cooldown_s, COOLDOWN_S))
    right = (
        isinstance(video.device, str)
        and re.fullmatch(r"file:.+|(?!.*://).+", video.device, re.DOTALL) is not None
        and type(video.looks_per_hour) is int
        and all(type(value) in (int, float) and lowest <= value <= highest for value, (lowest, highest) in ranges)
    )
    return Settings(video=video) if right else None
