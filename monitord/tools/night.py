"""A night as a person writes it down for `monitord simulate`: plain lines, each a time and what happens then. Pure.

docs/rules.md explains how to write one. A mistake is one sentence that names the line.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from enum import Enum
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from monitord.events import Fault, Role, Sight, Sound
from monitord.tools.happenings import (
    Broken,
    Channel,
    End,
    Ended,
    Happening,
    Heard,
    Line,
    Listening,
    Night,
    Person,
    Restart,
    Seen,
    Set,
    Trouble,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

START = datetime.fromisoformat("2026-01-01T20:00")
SCORE = 80
LONGEST_S = 7 * 86400.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_OF_OTHERS: tuple[Fault, ...] = (
    Fault.RECOVERED,
    Fault.JOURNAL,
    Fault.EAR_SILENT,
    Fault.ALERT_UNDELIVERED,
    Fault.VOICE_UNCONFINED,
)
_OF_OTHERS += tuple(fault for fault in Fault if fault.name.startswith("WIRE_"))
FAULTS = tuple(fault for fault in Fault if fault not in _OF_OTHERS)
"""What the ear and the eye report; the voice's own faults follow from what happens."""

Member = TypeVar("Member", bound=Enum)


class NightError(Exception):
    """The night cannot be used; the text says why in one sentence, with the line."""


def read_night(name: str, text: str, channels: Collection[str]) -> Night:
    """The night that `text` of the file `name` describes, in a house with `channels`.

    Raises:
        NightError: a line of it makes no sense.
    """
    start, zone = START, None
    lines: list[Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        words = raw.split("#")[0].split()
        if not words:
            continue
        try:
            if words[0] == "start":
                if lines:
                    raise NightError('"start" comes before everything else')  # noqa: TRY301 - all get their line below
                start, zone = _start(words[1:])
                continue
            when = _when(words[0])
            lines.append(Line(number, when, " ".join(words[1:]), _happening(words[1:], channels)))
        except NightError as mistake:
            raise NightError(f"{name}:{number}: {mistake}") from None
    if not lines:
        raise NightError(f"{name}: nothing happens; write lines like: 22:30 sound cry for 2m")
    return Night(start, zone, tuple(lines))


def seconds(text: str) -> float:
    """Seconds of "90s", "5m" or "1h30m".

    Raises:
        NightError: it is none, or longer than a week.
    """
    parts = re.findall(r"(\d{1,7}(?:\.\d+)?)([smhd])", text, re.ASCII)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise NightError(f"{text!r} is no length of time, as 90s, 5m or 1h30m")
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if total > LONGEST_S:
        raise NightError(f"{text!r} is longer than a week")
    return total


def _start(words: list[str]) -> tuple[datetime, ZoneInfo | None]:
    try:
        start = datetime.fromisoformat("T".join(words[:2]))
        if start.tzinfo is not None or not 1 < len(words) <= 3:  # noqa: PLR2004 - date, time, zone
            raise ValueError  # noqa: TRY301 - as if the time were none
    except ValueError:
        raise NightError('"start" wants a date and a time, as: start 2026-11-25 22:00 Europe/Berlin') from None
    if len(words) == 2:  # noqa: PLR2004 - no zone
        return start, None
    try:
        return start, ZoneInfo(words[2])
    except (OSError, ValueError, KeyError):
        raise NightError(f"{words[2]!r} is no time zone that this machine knows, as Europe/Berlin") from None


def _when(word: str) -> time | float:
    if word.startswith("+"):
        return seconds(word[1:])
    return _time_of_day(word)


def _time_of_day(word: str) -> time:
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", word, re.ASCII):
        try:
            return time.fromisoformat(word.rjust(len(word) + (word.index(":") == 1), "0"))
        except ValueError:
            pass
    raise NightError(f"{word!r} is no time: begin with a time of day (22:30, 22:30:15) or with how much later (+90s)")


def _happening(words: list[str], channels: Collection[str]) -> Happening:
    if not words:
        raise NightError("says when, and not what happens")
    verb, rest = words[0], words[1:]
    if verb not in _VERBS:
        raise NightError(f"{verb!r} is nothing that can happen; there are {', '.join(_VERBS)}")
    return _VERBS[verb](rest, channels)


def _sound(words: list[str], _: Collection[str]) -> Heard:
    label = _member(words, Sound, tuple(Sound), "sound")
    score, for_s, rest = SCORE, 0.0, words[1:]
    if rest and rest[0].endswith("%"):
        number = rest.pop(0)[:-1]
        if not (number.isascii() and number.isdecimal() and int(number) <= 100):  # noqa: PLR2004 - percent
            raise NightError(f"'{number}%' is no score, 0% to 100%")
        score = int(number)
    if rest and rest[0] == "for":
        if len(rest) < 2:  # noqa: PLR2004 - "for" and its length
            raise NightError('"for" wants a length of time, as 90s or 5m')
        for_s, rest = seconds(rest[1]), rest[2:]
    _no_more(rest)
    return Heard(label, score, for_s)


def _quiet(words: list[str], _: Collection[str]) -> Ended:
    label = _member(words, Sound, tuple(Sound), "quiet")
    _no_more(words[1:])
    return Ended(label)


def _sees(words: list[str], _: Collection[str]) -> Seen:
    sight = _member(words, Sight, tuple(Sight), "sees")
    _no_more(words[1:])
    return Seen(sight)


def _fault(words: list[str], _: Collection[str]) -> Broken:
    fault = _member(words, Fault, FAULTS, "fault")
    _no_more(words[1:])
    of_the_eye = Fault.CAMERA_MISSING.value <= fault.value < Fault.EYE_UNREACHABLE.value
    return Broken(fault, Role.EYE if of_the_eye or fault is Fault.EYE_NOT_CONFINED else Role.EAR)


def _recovered(words: list[str], _: Collection[str]) -> Broken:
    role = _member(words, Role, tuple(Role), "recovered")
    _no_more(words[1:])
    return Broken(Fault.RECOVERED, role)


def _ear(words: list[str], _: Collection[str]) -> Listening:
    if words not in (["stops"], ["starts"]):
        raise NightError('"ear" wants "stops" or "starts"')
    return Listening(words == ["starts"])


def _ack(words: list[str], channels: Collection[str]) -> Person:
    return _person(words, channels, mutes=False)


def _mute(words: list[str], channels: Collection[str]) -> Person:
    return _person(words, channels, mutes=True)


def _person(words: list[str], channels: Collection[str], *, mutes: bool) -> Person:
    which: Sound | Fault | int | None = None
    if words and words[0] not in ("by", "via"):
        word = words[0]
        known = {each.name.lower(): each for each in (*Sound, *Fault)}
        if word.isascii() and word.isdecimal() and len(word) < 10:  # noqa: PLR2004 - no longer number was ever given
            which = int(word)
        elif word in known:
            which = known[word]
        else:
            raise NightError(f"{word!r} is neither a sound, nor a fault, nor the number of an incident")
        words = words[1:]
    told = {"by": "", "via": "page"}
    while words:
        if words[0] not in told or len(words) < 2:  # noqa: PLR2004 - a word and what it wants
            raise NightError(f"{' '.join(words)!r} is not understood here; write: ack cry by Anna via page")
        told[words[0]], words = words[1], words[2:]
    _channel_name(told["via"], channels)
    return Person(mutes, which, told["by"], told["via"])


def _channel(words: list[str], channels: Collection[str]) -> Channel:
    if len(words) != 2 or words[1] not in [each.value for each in Trouble]:  # noqa: PLR2004 - a name and a word
        raise NightError('"channel" wants a name and "works", "fails" or "unseen"')
    _channel_name(words[0], channels)
    return Channel(words[0], Trouble(words[1]))


def _channel_name(name: str, channels: Collection[str]) -> None:
    if name not in channels:
        raise NightError(f"{name!r} is no channel of this configuration; there are {', '.join(channels)}")


def _clock(words: list[str], _: Collection[str]) -> Set:
    if len(words) != 1:
        raise NightError('"clock" wants the time that it is set to, as: clock 03:00')
    return Set(_time_of_day(words[0]))


def _restart(words: list[str], _: Collection[str]) -> Restart:
    _no_more(words)
    return Restart()


def _end(words: list[str], _: Collection[str]) -> End:
    _no_more(words)
    return End()


def _member(words: list[str], kind: type[Member], members: tuple[Member, ...], verb: str) -> Member:
    names = [member.name.lower() for member in members]
    if not words or words[0] not in names:
        found = repr(words[0]) if words else "nothing"
        raise NightError(f'"{verb}" wants one of {", ".join(names)}, not {found}')
    return kind[words[0].upper()]


def _no_more(words: list[str]) -> None:
    if words:
        raise NightError(f"{' '.join(words)!r} is too much here")


_VERBS: dict[str, Callable[[list[str], Collection[str]], Happening]] = {
    "sound": _sound,
    "quiet": _quiet,
    "sees": _sees,
    "fault": _fault,
    "recovered": _recovered,
    "ear": _ear,
    "ack": _ack,
    "mute": _mute,
    "channel": _channel,
    "clock": _clock,
    "restart": _restart,
    "end": _end,
}
