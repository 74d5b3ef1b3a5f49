"""The state of the monitor in one word. Pure."""

from __future__ import annotations

from enum import StrEnum


class Mood(StrEnum):
    """The state of the monitor in one word, most urgent first."""

    ALERT = "alert"
    FAULT = "fault"
    PAUSED = "paused"
    LOOKING = "looking"
    SOUND = "sound"
    STARTING = "starting"
    CALM = "calm"
