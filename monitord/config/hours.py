"""Quiet hours: when alerts of some priorities wait, and which ones never do."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from monitord.config.section import Section


class Day(StrEnum):
    """Days of the week, in the order of `datetime.weekday`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Grade(StrEnum):
    """What quiet hours tell apart: the priorities of sounds, and faults."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    FAULT = "fault"


def _time_of_day(value: object) -> object:
    """A local time of TOML (22:00:00) is as good as a text ("22:00")."""
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, str) and not re.fullmatch(r"(|([01][0-9]|2[0-3]):[0-5][0-9])", value, re.ASCII):
        raise ValueError('is no time of day, "00:00" to "23:59"')
    return value


TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]


class QuietConfig(Section):
    """Hours in which what is not in `let_through` waits. Local time of this machine; "" and "": none.

    They are told by what the clock on the wall shows, so an hour that summer time repeats is quiet twice, and one that
    it skips is not there: nothing is ever held back beyond the time that the owner wrote.
    """

    begin: TimeOfDay = Field(default="", alias="from")
    end: TimeOfDay = Field(default="", alias="to")
    days: Annotated[tuple[Annotated[Day, Field(strict=False)], ...], Field(strict=False)] = tuple(Day)
    let_through: Annotated[tuple[Annotated[Grade, Field(strict=False)], ...], Field(strict=False)] = (
        Grade.HIGH,
        Grade.FAULT,
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.begin) != bool(self.end) or (self.begin and self.begin == self.end):
            raise ValueError('needs both a "from" and another "to", or neither')
        return self

    def holds_back(self, grade: str, local: datetime) -> bool:
        """Whether an alert of `grade` ("high", "medium", "low", "fault") waits while the wall clock shows `local`."""
        return grade not in self.let_through and self._are_on(local)

    def _are_on(self, local: datetime) -> bool:
        if not self.begin:
            return False
        now, days = local.strftime("%H:%M"), tuple(Day)
        today, yesterday = days[local.weekday()], days[(local - timedelta(days=1)).weekday()]
        if self.begin < self.end:
            return self.begin <= now < self.end and today in self.days
        return (now >= self.begin and today in self.days) or (now < self.end and yesterday in self.days)
