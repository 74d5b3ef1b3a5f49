"""Growth as curves on two scales of powers, as SVG written by hand.

A cost that grows as what it is of goes along the dashed line.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _PLOT_W, _PLOT_H, _COLUMNS, _CELL_W, _CELL_H = 860, 220, 120, 3, 285, 190
_TITLES = {
    "start_ms": "start, ms, by incidents in the journal",
    "alert_ms": "an alert, ms",
    "page_ms": "what the page shows, ms",
    "history_ms": "a day of history, ms",
    "forget_ms": "forgetting what is old, ms",
    "memory_mib": "memory of the voice, MiB",
    "with_waiting": "what is due next, ms, by what waits",
    "with_pages": "a state to all pages, ms, by pages",
    "with_sinks": "an alert, ms, by sinks",
    "with_words": "a hop with speech, ms, by words",
}


def draw(past: Sequence[Mapping[str, float]], others: Mapping[str, Mapping[int, float]]) -> str:
    """The picture."""
    curves = {name: {row["rows"]: row[name] for row in past} for name in _TITLES if past and name in past[0]}
    curves |= {name: dict(values) for name, values in others.items()}
    height = 20 + _CELL_H * math.ceil(len(curves) / _COLUMNS)
    font = 'font-family="sans-serif" font-size="11"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {font} role="img" aria-label="cost">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, (name, curve) in enumerate(curves.items()):
        left, top = 45 + number % _COLUMNS * _CELL_W, 30 + number // _COLUMNS * _CELL_H
        lines += _plot(_TITLES[name], [(at, value) for at, value in curve.items() if at > 0], left, top)
    return "\n".join([*lines, "</svg>", ""])


def _short(count: float) -> str:
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:g}{letter}"
    return f"{count:g}"


def _plot(title: str, points: Sequence[tuple[float, float]], left: int, top: int) -> list[str]:
    decades = max(1.0, math.log10(points[-1][0] / points[0][0]))
    least = max(min(value for _, value in points), 1e-3)
    scale = _PLOT_W / decades
    bottom = top + _PLOT_H - 10

    def place(at: float, value: float) -> tuple[float, float]:
        x = left + math.log10(at / points[0][0]) * scale
        return x, max(top, bottom - math.log10(max(value, least) / least) * _PLOT_H / 4)

    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
    end = place(points[-1][0], least * points[-1][0] / points[0][0])
    lines: list[Any] = [
        f'<text x="{left}" y="{top - 10}" font-weight="bold">{escape(title)}</text>',
        f'<path d="M{left} {top}V{top + _PLOT_H}H{left + _PLOT_W}" fill="none" stroke="#8a919c"/>',
        f'<path d="M{left} {bottom}L{end[0]:.1f} {end[1]:.1f}" stroke="#8a919c" stroke-dasharray="3 3"/>',
        f'<polyline points="{told}" fill="none" stroke="#1d4ed8" stroke-width="1.5"/>',
    ]
    for at, value in points:
        x, y = place(at, value)
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="#1d4ed8"/>')
        lines.append(f'<text x="{x:.1f}" y="{y - 6:.1f}" text-anchor="middle">{value:.3g}</text>')
        lines.append(f'<text x="{x:.1f}" y="{top + _PLOT_H + 13}" text-anchor="middle">{_short(at)}</text>')
    return lines
