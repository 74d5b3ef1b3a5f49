"""The self-test: by which speaker, how loud, and whether every night."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from monitord.config.hours import TimeOfDay  # noqa: TC001 - pydantic reads it when the class is made
from monitord.config.section import Section

OFF = "off"


def _not_off(value: object) -> object:
    return "" if value == OFF else value


class SelftestConfig(Section):
    """What `monitord selftest` plays its cry by. `speaker` "": a person claps and cries instead.

    `nightly`: local time at which it runs by itself; "off": never.
    """

    speaker: str = Field(default="", max_length=200)
    level_dbfs: float = Field(default=-20.0, ge=-60.0, le=-12.0)
    nightly: Annotated[TimeOfDay, BeforeValidator(_not_off)] = ""

    @model_validator(mode="after")
    def _nobody_claps_at_night(self) -> Self:
        if self.nightly and not self.speaker:
            raise ValueError(
                'has a time in "nightly" and no "speaker"; name one: `monitord selftest --speakers` lists them'
            )
        return self
