"""What was last heard of the ear and the eye, from what they say. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.events import (
    LOOK_FAULTS,
    Fault,
    Gate,
    Kind,
    Life,
    Look,
    Role,
    Sight,
    level_to_calibration,
    level_to_measures,
)

if TYPE_CHECKING:
    from monitord.events import Frame
    from monitord.notify.view import Senses


def sense(senses: Senses, frame: Frame, now: float) -> None:
    """Note what `frame`, which came at `now`, says."""
    message = frame.message
    if frame.role is Role.EAR:
        senses.ear_at = now
    match message.label:
        case Gate():
            senses.gate, senses.level_dbfs = message.label, -message.level
        case Life() if message.level:
            senses.measures["ear"] = level_to_measures(message.level)
        case Look.ENDED if isinstance(senses.seen, Sight | Fault):
            pass  # The verdict came before it and says more.
        case Look() | Sight():
            if message.label is Look.BEGAN and message.level:
                senses.measures["eye"] = level_to_measures(message.level)
            senses.seen, senses.seen_at = message.label, now - frame.age_s
            if isinstance(message.label, Sight):
                senses.calibration = level_to_calibration(message.level)
        case Fault() as fault if fault in LOOK_FAULTS:
            senses.seen, senses.seen_at = fault, now - frame.age_s
    if message.kind in (Kind.SOUND, Kind.SOUND_END):
        senses.sound_at = now - frame.age_s
        senses.level_dbfs = -message.level if message.level else senses.level_dbfs


def says_nothing_new(senses: Senses, frame: Frame) -> bool:
    """A heartbeat like the one before is not written: 17,000 syncs a day would wear out an SD card."""
    return frame.message.kind is Kind.HEARTBEAT and frame.message.label is senses.gate


def give_up_looking(senses: Senses, now: float, wait_s: float) -> None:
    """A look that never ended must not be shown for ever."""
    pending = isinstance(senses.seen, Look) and senses.seen in (Look.ASKED, Look.BEGAN)
    if pending and senses.seen_at is not None and now - senses.seen_at >= wait_s:
        senses.seen, senses.seen_at = Fault.CAMERA_TIMEOUT, now
