"""The goals as bars, found by goal on a scale of powers, as SVG written by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 900, 400, 140, 22, 40
_LEAST, _MOST = 1 / 32, 32.0
_GOOD, _BAD = "#15803d", "#b91c1c"


def draw(tables: Mapping[str, Sequence[Any]]) -> str:
    """The picture of `tables` (name -> goals, as bench/run.py has them); a bar to the left is a goal that is met."""
    rows = sum(len(table) + 2 for table in tables.values())
    height = _TOP + _ROW * rows
    font = 'font-family="sans-serif" font-size="12"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {font} role="img" aria-label="cost">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_x(1.0):.0f}" y="18" text-anchor="middle" font-weight="bold">the goal</text>',
        f'<path d="M{_x(1.0):.0f} 24V{height - 8}" stroke="#8a919c"/>',
    ]
    y, what = _TOP, ""
    for name, table in tables.items():
        lines.append(f'<text x="10" y="{y + 12}" font-weight="bold">{escape(name)}</text>')
        y += _ROW
        for each in table:
            what = each.what or what
            words = escape(", ".join(filter(None, (what, each.against))))
            lines.append(f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{words}</text>')
            lines += _bar(each.found, each.goal, each.unit, y)
            y += _ROW
        y += _ROW
    return "\n".join([*lines, "</svg>", ""])


def _bar(found: float | None, goal: float, unit: str, y: int) -> list[str]:
    if found is None:
        return [f'<text x="{_x(1.0) + 6:.0f}" y="{y + 12}" fill="#6b7280">not measured</text>']
    left, right = sorted((_x(1.0), _x(found / goal)))
    colour = _GOOD if found <= goal else _BAD
    return [
        f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 1.0):.1f}" height="15" fill="{colour}"/>',
        f'<text x="{_WIDTH - _RIGHT + 4}" y="{y + 12}">{found:.3g} {unit} / {goal:.3g}</text>',
    ]


def _x(share: float) -> float:
    place = math.log(min(max(share, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * place
