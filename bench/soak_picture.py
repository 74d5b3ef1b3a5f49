"""Curves over time, one below the other, as SVG written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _LEFT, _RIGHT, _ROW, _PLOT, _TOP = 760, 70, 20, 110, 72, 30
_TICKS = 6


def draw(unit: str, times: Sequence[float], rows: Mapping[str, Sequence[float]]) -> str:
    """The picture: `rows` (name -> values at `times`); each has a scale of its own that begins at 0."""
    height = _TOP + _ROW * len(rows) + 20
    end = max(*times, 1e-9)
    font = 'font-family="sans-serif" font-size="12"'
    view = f'viewBox="0 0 {_WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view} {font} role="img" aria-label="soak">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, (name, values) in enumerate(rows.items()):
        top = _TOP + _ROW * number
        bottom = top + _PLOT
        most = max(*values, 1e-9) * 1.1
        points = " ".join(
            f"{_x(at, end):.1f},{bottom - _PLOT * value / most:.1f}" for at, value in zip(times, values, strict=True)
        )
        lines += [
            f'<text x="{_LEFT}" y="{top - 8}" font-weight="bold">{escape(name)}</text>',
            f'<path d="M{_LEFT} {top}V{bottom}H{_WIDTH - _RIGHT}" fill="none" stroke="#8a919c"/>',
            f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
            f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{most:,.3g}</text>'
            if most < 1000  # noqa: PLR2004
            else f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{most:,.0f}</text>',
            f'<polyline points="{points}" fill="none" stroke="#1d4ed8" stroke-width="1.5"/>',
        ]
        for tick in range(_TICKS + 1):
            at = end * tick / _TICKS
            lines.append(f'<text x="{_x(at, end):.1f}" y="{bottom + 15}" text-anchor="middle">{at:.3g}</text>')
    lines.append(f'<text x="{_WIDTH - _RIGHT}" y="{height - 6}" text-anchor="end">{escape(unit)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _x(at: float, end: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * at / end
