"""The report of a ward as a page: tables that a printer may break between rows and nowhere else. Pure.

No script and no inline style: it passes the page's own policy, and a browser prints it to a PDF as it stands.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from monitord.config import Language
from monitord.events import Fault, Sound
from monitord.notify import texts
from monitord.ward.report.advice import REPEATED, SHORT_S, Suspicion, suspicions
from monitord.ward.report.figures import LATE_S, Answers, Report, waited
from monitord.ward.report.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

_HEATS = 5
_BARS_S = (15, 30, 60, 120, 180, 300, 600)


class Sheet:
    """Writes one report.

    Args:
        report: what it says.
        ward: how people call the ward.
        labels: name of each room -> how people call it.
        language: of the page.
        local: what a clock on the wall shows.
        style: the style sheet itself, for a page that lies alone; "": the station's own is linked.
    """

    def __init__(
        self,
        report: Report,
        *,
        ward: str,
        labels: Mapping[str, str],
        language: Language,
        local: Callable[[float], datetime],
        style: str = "",
    ) -> None:
        self._report, self._ward, self._labels = report, ward, labels
        self._language, self._local, self._style = language, local, style
        self._suspicions = suspicions(report.alerts)

    def html(self) -> str:
        """The whole page."""
        title = self._say(
            "title", ward=escape(self._ward), begin=self._day(self._report.begin), end=self._day(self._report.end)
        )
        style = f"<style>{self._style}</style>" if self._style else '<link rel="stylesheet" href="/report.css">'
        parts = [self._short(), self._heat(), self._answers(), self._gaps(), self._false(), self._counted()]
        return (
            f'<!doctype html>\n<html lang="{self._language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title>{style}</head>\n<body><main>\n<h1>{title}</h1>\n{''.join(parts)}</main></body></html>\n"
        )

    def _short(self) -> str:
        report, answers = self._report, self._report.answers
        rooms = len(report.by_room)
        if answers.alerts:
            named = ", ".join(f"{count} x {self._subject(code)}" for code, count in report.subjects)
            said = [
                self._say("alerts_in_short", alerts=answers.alerts, rooms=rooms, all=len(report.heat), subjects=named)
            ]
        else:
            said = [self._say("no_alerts", all=len(report.heat))]
        if answers.answered:
            said.append(self._say("answers_in_short", median=self._time(answers.median), p95=self._time(answers.p95)))
        if answers.alerts:
            said.append(
                self._say("late_in_short", late=answers.late, limit=_length(LATE_S), unanswered=answers.unanswered)
            )
        slow = report.slowest
        if slow is not None:
            said.append(
                self._say(
                    "slowest_in_short",
                    room=self._label(slow["room"]),
                    what=self._subject(slow["subject"]),
                    when=self._when(slow["since"]),
                    time=self._time(waited(slow)),
                )
            )
        bad = sum(gap.seconds for gap in report.gaps)
        if bad:
            share = 100 * report.watched / (report.watched + bad)
            said.append(self._say("gaps_in_short", time=_length(bad), share=f"{share:.2f}"))
        else:
            said.append(self._say("all_protected"))
        if self._suspicions:
            said.append(self._say("false_in_short", n=len({each.room for each in self._suspicions})))
        return self._section("in_short", f"<ul>{''.join(f'<li>{each}</li>' for each in said)}</ul>")

    def _heat(self) -> str:
        heat = {room: hours for room, hours in self._report.heat.items() if any(hours)}
        most = max((count for hours in heat.values() for count in hours), default=0)
        head = "".join(f'<th scope="col">{hour}</th>' for hour in range(24))
        rows = []
        for room, hours in heat.items():
            cells = "".join(_cell(count, most) for count in hours)
            rows.append(f'<tr><th scope="row">{self._label(room)}</th>{cells}<td class="sum">{sum(hours)}</td></tr>')
        quiet = [self._label(room) for room, hours in self._report.heat.items() if not any(hours)]
        table = _table("heat", f"{self._th('room')}{head}{self._th('sum')}", rows) if rows else ""
        return self._section("heat", f"{table}<p>{self._say('heat_note', rooms=self._list(quiet))}</p>")

    def _answers(self) -> str:
        report = self._report
        head = "".join(self._th(each) for each in ("room", "alerts", "median", "p95", "slowest"))
        head += f'<th scope="col">{self._say("late", limit=_length(LATE_S))}</th>{self._th("unanswered")}'
        rows = [self._answer_row(self._say("whole_ward"), report.answers, "all")]
        rows += [self._answer_row(self._label(room), each, "") for room, each in report.by_room.items()]
        return self._section("answers", self._histogram() + _table("figures", head, rows) if report.by_room else "")

    def _answer_row(self, name: str, answers: Answers, kind: str) -> str:
        times = (self._time(answers.median), self._time(answers.p95), self._time(answers.slowest))
        cells = [str(answers.alerts), *times, str(answers.late), str(answers.unanswered)]
        inside = "".join(f"<td>{each}</td>" for each in cells)
        return f'<tr class="{kind}"><th scope="row">{name}</th>{inside}</tr>'

    def _histogram(self) -> str:
        """Bars: how many answers took how long."""
        times = [each for each in map(waited, self._report.alerts) if each is not None]
        if not times:
            return ""
        edges = (0.0, *_BARS_S, float("inf"))
        counts = [sum(low < each <= high or (low == 0 == each) for each in times) for low, high in pairwise(edges)]
        names = [f"≤ {_length(high)}" for high in _BARS_S] + [f"> {_length(_BARS_S[-1])}"]
        most, wide, bars = max(counts), 72, []
        for index, (name, count) in enumerate(zip(names, counts, strict=True)):
            high, left = round(60 * count / most), index * wide
            late = " late" if index > _BARS_S.index(int(LATE_S)) else ""
            bars.append(f'<rect class="bar{late}" x="{left + 8}" y="{78 - high}" width="{wide - 16}" height="{high}"/>')
            bars.append(f'<text x="{left + wide // 2}" y="{74 - high}">{count}</text>')
            bars.append(f'<text x="{left + wide // 2}" y="94">{name}</text>')
        told = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
        label = self._say("histogram", bars=told)
        size = f'viewBox="0 0 {wide * len(counts)} 100"'
        return f'<svg class="histogram" role="img" aria-label="{label}" {size}>{"".join(bars)}</svg>'

    def _gaps(self) -> str:
        head = "".join(self._th(each) for each in ("room", "cause", "time", "times"))
        rows = [
            f'<tr><th scope="row">{self._label(gap.room)}</th><td class="text">{self._cause(gap.cause)}</td>'
            f"<td>{_length(gap.seconds)}</td><td>{gap.spans}</td></tr>"
            for gap in self._report.gaps
        ]
        told = _table("figures", head, rows) if rows else f"<p>{self._say('all_protected')}</p>"
        if self._report.paused:
            paused = [f"{self._label(room)} {_length(time)}" for room, time in self._report.paused.items()]
            told += f"<p>{self._say('paused', rooms=self._list(paused))}</p>"
        return self._section("gaps", told)

    def _false(self) -> str:
        head = "".join(self._th(each) for each in ("room", "sound", "alerts", "why", "suggestion"))
        rows = [self._false_row(each) for each in self._suspicions]
        told = _table("figures", head, rows) if rows else f"<p>{self._say('no_false')}</p>"
        rule = self._say("rule", short=_length(SHORT_S), repeated=REPEATED)
        return self._section("false", f'{told}<p class="rule">{rule}</p>')

    def _false_row(self, each: Suspicion) -> str:
        why = [self._say(key, n=n) for key, n in (("nobody", each.nobody), ("short", each.short)) if n]
        return (
            f'<tr><th scope="row">{self._label(each.room)}</th><td class="text">{self._subject(each.subject)}</td>'
            f"<td>{self._say('false_of', false=each.false, alerts=each.alerts)}</td>"
            f'<td class="text">{"; ".join(why)}</td><td class="text">{self._say(each.change)}</td></tr>'
        )

    def _counted(self) -> str:
        return self._section("counted", f"<p>{self._say('counted_answers')} {self._say('counted_station')}</p>")

    def _section(self, key: str, inside: str) -> str:
        """One that is too wide for a phone is scrolled by itself: also by keyboard."""
        name = self._say(key)
        return f'<section class="{key}" tabindex="0" aria-label="{name}"><h2>{name}</h2>{inside}</section>\n'

    def _say(self, key: str, **values: object) -> str:
        """A sentence; what is put into it is marked up already, or has nothing to mark up."""
        return escape(WORDS[self._language][key], quote=True).format(**values)

    def _th(self, key: str) -> str:
        return f'<th scope="col">{self._say(key)}</th>'

    def _label(self, room: str) -> str:
        return escape(self._labels.get(room, room))

    def _list(self, names: list[str]) -> str:
        return ", ".join(names) or self._say("none")

    def _subject(self, code: str) -> str:
        kind, _, name = code.partition(".")
        member = Sound[name] if kind == "Sound" else Fault[name]
        return escape(texts.text(member, self._language).rstrip("."))

    def _cause(self, cause: str) -> str:
        return self._subject(cause) if cause.startswith("Fault.") else self._say(cause)

    def _day(self, when: float) -> str:
        form = "%d.%m.%Y %H:%M" if self._language is Language.DE else "%d %b %Y %H:%M"
        return self._local(when).strftime(form)

    def _when(self, when: float) -> str:
        return self._local(when).strftime("%d.%m. %H:%M" if self._language is Language.DE else "%d %b %H:%M")

    def _time(self, seconds: float | None) -> str:
        return "-" if seconds is None else _length(seconds)


def _length(seconds: float) -> str:
    """As a person reads a length of time: "45 s", "2:05 min", "3:20 h"."""
    whole = round(seconds)
    if whole < 100:  # noqa: PLR2004 - up to here seconds are easier to compare
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004 - an hour
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def _cell(count: int, most: int) -> str:
    heat = 0 if not count else 1 + (count - 1) * _HEATS // most
    return f'<td class="h{min(heat, _HEATS)}">{count or ""}</td>'


def _table(kind: str, head: str, rows: Iterable[str]) -> str:
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
