"""What is told of a night."""

from __future__ import annotations

from monitord.config.hours import TimeOfDay  # noqa: TC001 - pydantic reads it when the class is made
from monitord.config.section import Section


class ReportConfig(Section):
    """The summary of the night, as a notification. `morning`: local time at which it is sent; "": never."""

    morning: TimeOfDay = ""
