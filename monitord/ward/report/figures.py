"""What the report of a ward says in figures, from the rows of its ledger. Pure.

Alerts of sounds are what a person is called for; alerts of faults are here only as the cause of a time without
protection. A response time is from the moment the station knew that the room alerts until somebody acknowledged, in the
room or at a station. All times are seconds since 1970.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

Row = dict[str, Any]

UNSEEN = "unseen"
UNTOLD = "untold"
"""Causes that are no fault: nothing was heard of the room; the room did not say why."""
LATE_S = 180.0
"""An answer that took longer is counted apart: three minutes, as long as care homes commonly allow for a call."""


@dataclass(frozen=True)
class Answers:
    """How fast alerts were answered, in seconds; None: none was. `late`: of `answered`, after more than LATE_S."""

    alerts: int
    answered: int
    median: float | None
    p95: float | None
    slowest: float | None
    late: int

    @property
    def unanswered(self) -> int:
        """Alerts that nobody acknowledged."""
        return self.alerts - self.answered


@dataclass(frozen=True)
class Gap:
    """A room was not protected for so many seconds in so many spans, because of `cause`: a fault's code, or a word."""

    room: str
    cause: str
    seconds: float
    spans: int


@dataclass(frozen=True)
class Report:
    """What the report says.

    Attributes:
        begin: of the time that it is about.
        end: of that time.
        heat: room -> alerts of sounds in each of the 24 hours of the day.
        subjects: alerts by code ("Sound.CRY"), the most frequent first.
        answers: of the whole ward.
        by_room: of each room with an alert.
        slowest: the alert that waited longest for an answer.
        gaps: the longest first.
        paused: room -> seconds that it was paused by a person.
        watched: seconds that all rooms together were protected.
    """

    begin: float
    end: float
    heat: dict[str, list[int]]
    subjects: list[tuple[str, int]]
    answers: Answers
    by_room: dict[str, Answers]
    slowest: Row | None
    gaps: list[Gap]
    paused: dict[str, float]
    watched: float
    alerts: list[Row] = field(repr=False)


def figures(
    alerts: Iterable[Row],
    spans: Iterable[Row],
    *,
    rooms: Sequence[str],
    begin: float,
    end: float,
    local: Callable[[float], datetime],
) -> Report:
    """The figures of the time from `begin` to `end`.

    Args:
        alerts: rows of the ledger.
        spans: likewise.
        rooms: of the ward, in the order in which they are to stand.
        begin: of the time.
        end: of the time.
        local: what a clock on the wall shows.
    """
    known = [each for each in alerts if each["room"] in rooms]
    rows = list(spans)
    calls = [each for each in known if is_call(each) and begin <= each["since"] < end]
    heat = {room: [0] * 24 for room in rooms}
    for each in calls:
        heat[each["room"]][local(each["since"]).hour] += 1
    of_rooms = {room: [each for each in calls if each["room"] == room] for room in rooms}
    answered = [each for each in calls if waited(each) is not None]
    return Report(
        begin,
        end,
        heat,
        Counter(str(each["subject"]) for each in calls).most_common(),
        answers(calls),
        {room: answers(own) for room, own in of_rooms.items() if own},
        max(answered, key=lambda each: waited(each) or 0.0, default=None),
        gaps(rows, [each for each in known if not is_call(each)], rooms, begin, end),
        _lengths(rows, "paused", rooms, begin, end),
        sum(_lengths(rows, "protected", rooms, begin, end).values()),
        calls,
    )


def is_call(alert: Mapping[str, Any]) -> bool:
    """Whether it is an alert of a sound that called for a person."""
    return str(alert["subject"]).startswith("Sound.") and alert["alerted"] is not None


def waited(alert: Mapping[str, Any]) -> float | None:
    """Seconds until it was answered; None: it was not. Clocks of two machines may differ: never below zero."""
    if alert["acknowledged"] is None:
        return None
    return max(0.0, float(alert["acknowledged"]) - float(alert["alerted"]))


def answers(calls: Sequence[Row]) -> Answers:
    """How fast these were answered."""
    times = sorted(each for each in map(waited, calls) if each is not None)
    if not times:
        return Answers(len(calls), 0, None, None, None, 0)
    p95 = times[math.ceil(0.95 * len(times)) - 1]  # The nearest rank: a time that there was.
    return Answers(len(calls), len(times), median(times), p95, times[-1], sum(each > LATE_S for each in times))


def gaps(spans: Sequence[Row], faults: Sequence[Row], rooms: Sequence[str], begin: float, end: float) -> list[Gap]:
    """The times in which nobody was protected, by room and cause; a fault that was on at the time is the cause."""
    found: dict[tuple[str, str], list[float]] = {}
    for each in spans:
        if each["guard"] not in ("unprotected", UNSEEN) or each["room"] not in rooms:
            continue
        first, last = _within(each, begin, end)
        if last > first:
            cause = UNSEEN if each["guard"] == UNSEEN else _cause(each["room"], faults, first, last)
            found.setdefault((each["room"], cause), []).append(last - first)
    made = [Gap(room, cause, sum(lengths), len(lengths)) for (room, cause), lengths in found.items()]
    return sorted(made, key=lambda gap: (-gap.seconds, gap.room, gap.cause))


def _cause(room: str, faults: Sequence[Row], first: float, last: float) -> str:
    """The fault of the room that shares the longest time with the span."""

    def shared(fault: Row) -> float:
        over = last if fault["over"] is None else float(fault["over"])
        return min(last, over + _TOLD_LATE_S) - max(first, float(fault["since"]) - _TOLD_LATE_S)

    own = [each for each in faults if each["room"] == room and shared(each) > 0]
    return str(max(own, key=shared)["subject"]) if own else UNTOLD


_TOLD_LATE_S = 15.0
"""State and incident of a room are two messages, and each is told when it is due."""


def _within(span: Mapping[str, Any], begin: float, end: float) -> tuple[float, float]:
    ended = end if span["ended"] is None else float(span["ended"])
    return max(begin, float(span["began"])), min(end, ended)


def _lengths(spans: Sequence[Row], guard: str, rooms: Sequence[str], begin: float, end: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in spans:
        first, last = _within(each, begin, end)
        if each["guard"] == guard and each["room"] in rooms and last > first:
            found[each["room"]] = found.get(each["room"], 0.0) + last - first
    return found
