"""The configuration of a station: ``ward.toml``. ``ward.example.toml`` shows every key with its default. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from monitord.config import BUILT_IN, EVERYONE, LOG, Config, ConfigError, JournalConfig, PageConfig, RoomConfig
from monitord.config.channels import BrokersConfig, Channels, WardConfig, WardName
from monitord.config.file import read_file
from monitord.config.hours import Day, TimeOfDay
from monitord.config.rules import FaultConfig, Groups, Names, RulesConfig, Wait
from monitord.config.section import Section
from monitord.config.senses import Language

if TYPE_CHECKING:
    from pathlib import Path

SHIFTS_MAX = 32
ROOMS_MAX = 2000
"""Of one ward; a station was measured with a thousand (docs/scale.md)."""


class WardRoom(Section):
    """One room of the ward. `label`: what the board calls it; "": as the topics do."""

    name: WardName
    label: str = Field(default="", max_length=40)


def _rooms(value: object) -> object:
    """A name is as good as a table."""
    if not isinstance(value, list):
        return value
    return tuple({"name": each} if isinstance(each, str) else each for each in value)


class WardSection(Section):
    """Which ward this is, and what this station of it is called.

    Attributes:
        site: as the topics call the house.
        name: as the topics call the ward.
        label: what the page and the alerts call it; "": as the topics do.
        station: as the topics call this machine; another one for each station of the ward.
        rooms: of the ward.
        language: of everything but the page.
    """

    site: WardName
    name: WardName
    label: str = Field(default="", max_length=40)
    station: WardName
    rooms: Annotated[tuple[WardRoom, ...], BeforeValidator(_rooms), Field(strict=False, min_length=1)]
    language: Annotated[Language, Field(strict=False)] = Language.EN

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what in ("name", "label"):
            seen = [getattr(each, what) or each.name for each in self.rooms]
            twice = next((each for each in seen if seen.count(each) > 1), None)
            if twice is not None:
                raise PydanticCustomError("at_key", "{sentence}", {"key": "rooms", "sentence": f"has {twice!r} twice"})
        if len(self.rooms) > ROOMS_MAX:
            sentence = f"are more than {ROOMS_MAX}; make two wards of them"
            raise PydanticCustomError("at_key", "{sentence}", {"key": "rooms", "sentence": sentence})
        return self

    @property
    def labels(self) -> dict[str, str]:
        """Name of each room -> what the board calls it."""
        return {each.name: each.label or each.name for each in self.rooms}


class WardBroker(BrokersConfig):
    """The brokers, as a room's channel of kind "ward" names them."""


class WardCalling(Section):
    """Who is told of an alert, and how often, until somebody takes it: see `monitord.config.rules.Calling`."""

    repeat_s: Wait = 60.0
    escalate_s: Wait = 120.0
    notify: Names = (EVERYONE,)


class UnseenCalling(WardCalling):
    """A room that is silent."""

    repeat_s: Wait = 120.0
    escalate_s: Wait = 300.0


class FaultCalling(WardCalling):
    """A fault of a room, or of the station."""

    repeat_s: Wait = 600.0
    escalate_s: Wait = 600.0


class WardRules(Section):
    """One rule for each sound, one for the faults of rooms and of the station, one for rooms that are silent."""

    cry: WardCalling = WardCalling()
    help: WardCalling = WardCalling()
    hilfe: WardCalling = WardCalling()
    smoke_alarm: WardCalling = WardCalling()
    co_alarm: WardCalling = WardCalling()
    word: WardCalling = WardCalling()
    fault: FaultCalling = FaultCalling()
    unseen: UnseenCalling = UnseenCalling()


class ShiftConfig(Section):
    """Who has the ward from when to when: these groups come in the place of every rule's. Local time.

    Attributes:
        name: for the owner.
        begin: of the hours.
        end: of the hours; before `begin`: on the next morning.
        days: on which it begins.
        notify: groups; the first is told at once, each further one at the next escalation.
    """

    name: str = Field(min_length=1, max_length=40)
    begin: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    days: Annotated[tuple[Annotated[Day, Field(strict=False)], ...], Field(strict=False)] = tuple(Day)
    notify: Names

    @model_validator(mode="after")
    def _has_hours(self) -> Self:
        if not self.begin or not self.end or self.begin == self.end:
            raise ValueError('needs both a "from" and another "to"')
        return self

    def is_on(self, local: datetime) -> bool:
        """Whether it is on while the wall clock shows `local`."""
        now, days = local.strftime("%H:%M"), tuple(Day)
        today, yesterday = days[local.weekday()], days[(local - timedelta(days=1)).weekday()]
        if self.begin < self.end:
            return self.begin <= now < self.end and today in self.days
        return (now >= self.begin and today in self.days) or (now < self.end and yesterday in self.days)


class WardFile(Section):
    """The whole file."""

    ward: WardSection
    broker: WardBroker
    page: PageConfig = PageConfig()
    rules: WardRules = WardRules()
    shift: Annotated[tuple[ShiftConfig, ...], Field(strict=False, max_length=SHIFTS_MAX)] = ()
    groups: Groups = Field(default_factory=dict)
    notify: Channels = Field(default_factory=dict)
    journal: JournalConfig = JournalConfig()

    @model_validator(mode="after")
    def _groups_exist(self) -> Self:
        channels = (*BUILT_IN, *self.notify)
        for name, section in self.notify.items():
            if isinstance(section, WardConfig):
                raise _mistake(["notify", name], 'is of kind "ward", which is for rooms; a station has [broker]')
        for name, members in self.groups.items():
            for each in members:
                if each not in channels:
                    raise _mistake(["groups", name], f"{each!r} is no channel; there are {', '.join(channels)}")
            if set(members) == {LOG}:
                raise _mistake(["groups", name], "would reach nobody: nobody is woken by a line in the log")
        called = {("rules", label, "notify"): getattr(self.rules, label).notify for label in WardRules.model_fields}
        called |= {("shift", str(number), "notify"): each.notify for number, each in enumerate(self.shift)}
        for keys, names in called.items():
            for name in names:
                if name != EVERYONE and name not in self.groups:
                    known = ", ".join(dict.fromkeys([EVERYONE, *self.groups]))
                    raise _mistake(list(keys), f"{name!r} is no group; there are {known}")
        return self

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read `path`.

        Raises:
            ConfigError: there is none, it cannot be read, is no TOML, or has a wrong key or value.
        """
        if path is None:
            raise ConfigError("monitord ward: name the station's file: --config ward.toml (see ward.example.toml)")
        return read_file(path, cls)

    def as_room(self) -> Config:
        """What the parts of the voice that a station is made of are to follow."""
        rules: dict[str, Any] = {
            label: _calling(getattr(self.rules, label)) for label in RulesConfig.model_fields if label != "fault"
        }
        return Config(
            room=RoomConfig(name=self.ward.label or self.ward.name, language=self.ward.language),
            rules=RulesConfig(**rules, fault=FaultConfig(**_calling(self.rules.fault))),
            groups=self.groups,
            page=self.page,
            notify=self.notify,
            journal=self.journal,
        )

    def unseen(self) -> FaultConfig:
        """The rule for a room that is silent."""
        return FaultConfig(**_calling(self.rules.unseen))

    def shift_at(self, local: datetime) -> int | None:
        """Which shift is on while the wall clock shows `local`; None: none."""
        return next((number for number, each in enumerate(self.shift) if each.is_on(local)), None)


def _calling(rule: WardCalling) -> dict[str, Any]:
    """Without a reminder: what goes on after an acknowledgement, the room says again."""
    return {"repeat_s": rule.repeat_s, "escalate_s": rule.escalate_s, "notify": rule.notify, "remind_s": 0.0}


def _mistake(keys: list[str], sentence: str) -> PydanticCustomError:
    return PydanticCustomError("whole_file", "{sentence}", {"sentence": sentence, "keys": keys})
