"""A night in plain words: the lines of `monitord report`, and the few sentences of the summary in the morning. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitord.notify import texts
from monitord.notify.ledger import Guard
from monitord.notify.texts.report import REPORT

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitord.config import Language
    from monitord.notify.nights import Night
    from monitord.notify.timeline import Stretch

_NAMED = 3
"""So many stretches are named in the summary; the rest are counted."""
_MINUTE, _HOUR = 60, 3600


def length(seconds: float) -> str:
    """A length of time with one or two units: "12 s", "4 min 30 s", "7 h 5 min"."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        minutes, rest = divmod(whole, _MINUTE)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(round(whole / _MINUTE), _MINUTE)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def clock_time(at: float, zone: tzinfo | None = None) -> str:
    """The local time of `at` (UTC, seconds since 1970): "03:12:05"."""
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S")


def why(stretch: Stretch, language: Language) -> str:
    """Why nobody was protected, as one sentence; "" where somebody was."""
    return texts.catalogue(language).get(stretch.why, stretch.why)


def report(night: Night, room: str, language: Language, zone: tzinfo | None = None) -> list[str]:
    """The lines that `monitord report` prints of one night."""
    say = REPORT[language]
    dates = [datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d") for at in (night.began, night.ended)]
    lines = [say["night"].format(room=room, begin=dates[0], end=dates[1])]
    width = (
        max(len(say[key]) for key in ("protected", "paused", "unprotected", "camera", "sounds", "alerts", "tests")) + 2
    )

    def line(key: str, text: str) -> None:
        lines.append(f"  {say[key]:{width}}{text}")

    for guard in Guard:
        line(guard.value, length(night.total_s(guard)))
        if guard is not Guard.PROTECTED:
            lines.extend(
                f"  {'':{width}}{_from_to(each, zone)}  {why(each, language)}"
                for each in night.stretches
                if each.guard is guard
            )
    line("camera", _camera(night, language))
    line("sounds", str(sum(each.kind == "sound" for each in night.incidents)))
    line("alerts", ", ".join([str(len(night.alerts)), *_answers(night, language)]))
    if night.tests:
        times = ", ".join(clock_time(each.opened, zone) for each in night.tests)
        line("tests", say["tests_heard"].format(times=times))
    return lines


def summary(night: Night, room: str, language: Language, zone: tzinfo | None = None) -> tuple[str, str]:
    """Title and text of the summary in the morning."""
    say = REPORT[language]
    protected, paused, unprotected = (night.total_s(guard) for guard in Guard)
    whole = not paused and not unprotected
    parts = [say["all_protected" if whole else "some_protected"].format(time=length(protected))]
    if paused:
        parts.append(say["was_paused"].format(time=length(paused)))
    if unprotected:
        gaps = [each for each in night.stretches if each.guard is Guard.UNPROTECTED]
        gaps.sort(key=lambda each: -each.length_s)
        named = [f"{_from_to(each, zone)} {why(each, language).rstrip('.')}" for each in gaps[:_NAMED]]
        named += [say["more"].format(count=len(gaps) - _NAMED)] if len(gaps) > _NAMED else []
        parts.append(say["was_unprotected"].format(time=length(unprotected), spans="; ".join(named)))
    sounds = sum(each.kind == "sound" for each in night.incidents)
    if sounds or night.alerts:
        alerts = ", ".join([str(len(night.alerts)), *_answers(night, language)])
        parts.append(say["heard"].format(sounds=sounds, alerts=alerts))
    else:
        parts.append(say["quiet"])
    if night.looks:
        parts.append(say["camera_was_on"].format(time=length(night.camera_s)))
    if night.tests:
        times = ", ".join(clock_time(each.opened, zone) for each in night.tests)
        parts.append(say["tested"].format(times=times))
    return say["summary"].format(room=room), " ".join(parts)


def _from_to(each: Stretch, zone: tzinfo | None) -> str:
    return f"{clock_time(each.began, zone)}-{clock_time(each.ended, zone)}"


def _camera(night: Night, language: Language) -> str:
    say = REPORT[language]
    if not night.looks:
        return say["never"]
    key = "one_look" if len(night.looks) == 1 else "looks"
    return say[key].format(time=length(night.camera_s), count=len(night.looks))


def _answers(night: Night, language: Language) -> list[str]:
    say, answers = REPORT[language], night.answers_s
    told = []
    if answers:
        key = "answered_once" if len(answers) == 1 else "answered"
        told.append(say[key].format(fastest=length(answers[0]), slowest=length(answers[-1])))
    unanswered = len(night.alerts) - len(answers)
    return [*told, say["unanswered"].format(count=unanswered)] if unanswered else told
