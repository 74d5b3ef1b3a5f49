"""Which rooms alert again and again for nothing, and what to change there. Pure.

monitord never asks whether an alert was a false one, so this is a rule, and the report states it: an alert of a sound
is *probably false* when the camera then saw nobody, or when it was over within SHORT_S and nobody had acknowledged it.
A room in which that happened REPEATED times with one sound, and to at least half of that sound's alerts, is named.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHORT_S = 60.0
REPEATED = 3


@unique
class Change(StrEnum):
    """What to change."""

    SENSITIVITY = "sensitivity"
    WORDS = "words"
    ALARMS = "alarms"


_CHANGES = {
    "Sound.CRY": Change.SENSITIVITY,
    "Sound.HELP": Change.WORDS,
    "Sound.HILFE": Change.WORDS,
    "Sound.WORD": Change.WORDS,
    "Sound.SMOKE_ALARM": Change.ALARMS,
    "Sound.CO_ALARM": Change.ALARMS,
}


@dataclass(frozen=True)
class Suspicion:
    """A room alerts too often for nothing.

    Attributes:
        room: which.
        subject: code of the sound.
        alerts: of that sound.
        nobody: of these, the camera saw nobody.
        short: of the others, over within SHORT_S without an acknowledgement.
        change: what to change.
    """

    room: str
    subject: str
    alerts: int
    nobody: int
    short: int
    change: Change

    @property
    def false(self) -> int:
        """Alerts that were probably false."""
        return self.nobody + self.short


def suspicions(calls: Iterable[Mapping[str, Any]]) -> list[Suspicion]:
    """Rooms and sounds with repeated alerts that were probably false, the most frequent first."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for each in calls:
        groups[each["room"], each["subject"]].append(each)
    found = []
    for (room, subject), own in groups.items():
        nobody = sum(saw_nobody(each) for each in own)
        short = sum(was_short(each) and not saw_nobody(each) for each in own)
        if nobody + short >= REPEATED and 2 * (nobody + short) >= len(own):
            found.append(Suspicion(room, subject, len(own), nobody, short, _CHANGES[subject]))
    return sorted(found, key=lambda each: (-each.false, each.room, each.subject))


def saw_nobody(alert: Mapping[str, Any]) -> bool:
    """Whether the camera looked and saw an empty room."""
    return bool(alert["sight"] == "Sight.NOBODY")


def was_short(alert: Mapping[str, Any]) -> bool:
    """Whether it was over at once, and nobody had acknowledged it."""
    if alert["over"] is None or alert["acknowledged"] is not None:
        return False
    return float(alert["over"]) - float(alert["since"]) <= SHORT_S
