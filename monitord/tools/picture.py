"""The nights as a picture: one bar from noon to noon for each, as SVG written by hand."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from monitord.notify.ledger import Guard
from monitord.notify.summary import clock_time, length, why
from monitord.notify.texts.report import REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from monitord.config import Language
    from monitord.notify.nights import Night

_LEFT, _RIGHT, _TOP, _ROW, _BAR = 110, 20, 56, 34, 18
_WIDTH = 960
_FILL = {Guard.PROTECTED: "#2f7d68", Guard.PAUSED: "#8a919c", Guard.UNPROTECTED: "#c42338"}
_MARKS = {"alert": "#b45309", "ack": "#1d4ed8", "look": "#111827"}
_EVERY_H = 3
_LEAST = 0.75
"""A stretch of a few seconds is drawn a little wider than it is, so that it is seen; its length stands in its text."""


def draw(nights: Sequence[Night], room: str, language: Language, zone: tzinfo | None = None) -> str:
    """The picture, newest night at the bottom; every stretch says what it is when it is touched."""
    height = _TOP + _ROW * max(1, len(nights)) + 40
    say = REPORT[language]
    name = escape(room, {'"': "&quot;"})
    font = 'font-family="sans-serif" font-size="12"'
    view = f'viewBox="0 0 {_WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view} {font} role="img" aria-label="{name}">',
        f"<title>{escape(room)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="20" font-size="15" font-weight="bold">{escape(room)}</text>',
        *_hours(nights, zone),
    ]
    for row, night in enumerate(nights):
        lines += _night(night, _TOP + row * _ROW, language, zone)
    x = _LEFT
    keys = [(say[guard.value], _FILL[guard]) for guard in Guard] + [(say[key], _MARKS[key]) for key in _MARKS]
    for text, colour in keys:
        lines.append(f'<rect x="{x}" y="{height - 24}" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{x + 17}" y="{height - 14}">{escape(text)}</text>')
        x += 37 + 8 * len(text)
    return "\n".join([*lines, "</svg>", ""])


def _x(night: Night, at: float) -> float:
    share = (at - night.began) / (night.ended - night.began)
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(1.0, max(0.0, share))


def _hours(nights: Sequence[Night], zone: tzinfo | None) -> Iterator[str]:
    """The scale, as of the newest night: one of 23 or 25 hours has another by an hour."""
    for night in nights[-1:]:
        for hours in range(0, round((night.ended - night.began) / 3600.0) + 1, _EVERY_H):
            at = night.began + hours * 3600.0
            x, text = _x(night, at), datetime.fromtimestamp(at, zone).strftime("%H:%M")
            yield f'<text x="{x:.1f}" y="{_TOP - 14}" text-anchor="middle" fill="#555">{text}</text>'
            yield f'<path d="M{x:.1f} {_TOP - 9}V{_TOP + _ROW * len(nights) - 12}" stroke="#ddd"/>'


def _night(night: Night, y: float, language: Language, zone: tzinfo | None) -> Iterator[str]:
    say = REPORT[language]
    date = datetime.fromtimestamp(night.began, zone).strftime("%Y-%m-%d")
    yield f'<text x="{_LEFT - 10}" y="{y + 13:.0f}" text-anchor="end">{date}</text>'
    # What is short is drawn last, so that a long neighbour does not cover it.
    for each in sorted(night.stretches, key=lambda stretch: -stretch.length_s):
        x, width = _x(night, each.began), _x(night, each.ended) - _x(night, each.began)
        told = f"{clock_time(each.began, zone)}-{clock_time(each.ended, zone)} ({length(each.length_s)})"
        text = " ".join(filter(None, (f"{say[each.guard.value]}, {told}.", why(each, language))))
        yield (
            f'<rect x="{x:.2f}" y="{y:.0f}" width="{max(_LEAST, width):.2f}" height="{_BAR}"'
            f' fill="{_FILL[each.guard]}"><title>{escape(text)}</title></rect>'
        )
    marks = [("look", each.began) for each in night.looks]
    marks += [("alert", each.alerted) for each in night.alerts if each.alerted is not None]
    marks += [("ack", each.acked) for each in night.incidents if each.acked is not None]
    for kind, at in marks:
        x, text = _x(night, at), f"{say[kind]}, {clock_time(at, zone)}"
        shape = _shape(kind, x, y)
        yield f'<path d="{shape}" fill="{_MARKS[kind]}"><title>{escape(text)}</title></path>'


def _shape(kind: str, x: float, y: float) -> str:
    """Alerts point down from above the bar, acknowledgements up from below, a look is a stroke in it."""
    if kind == "look":
        return f"M{x - 0.75:.2f} {y:.0f}h1.5v{_BAR}h-1.5z"
    if kind == "alert":
        return f"M{x - 4:.2f} {y - 7:.0f}h8l-4 7z"
    return f"M{x - 4:.2f} {y + _BAR + 7:.0f}h8l-4 -7z"
