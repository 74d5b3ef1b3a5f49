"""Puts a body where gravity would have it: in contact with what carries it. Pure numpy."""

from __future__ import annotations

import numpy as np

from training.render.mesh import Points, turned


def lie(points: Points, give: float, rounds: int = 6) -> Points:
    """Settle a lying body on the plane z = 0.

    It tips until both halves of its length, and both of its width, touch; then it sinks in a little, and what would be
    deeper than `give` is pressed flat, as a mattress and flesh do.

    Args:
        points: (n, 3), length along y.
        give: metres that the surface gives way.
        rounds: of tipping.
    """
    made = points - points.mean(axis=0)
    for step in range(rounds):
        for along, axis in ((1, 0), (0, 1)):
            first, second = _lowest(made, along)
            run = second[along] - first[along]
            if abs(run) < 1e-6:
                continue
            slope = float(np.arctan2(second[2] - first[2], run)) * (1.0 if step else 0.7)
            # About x a positive turn lifts what lies at +y; about y it lowers what lies at +x.
            made = made @ turned(axis, -slope if axis == 0 else slope).T
    made[:, 2] -= np.quantile(made[:, 2], 0.01)
    made[:, 2] = np.maximum(made[:, 2], -give)
    return made


def stand(points: Points) -> Points:
    """Put the lowest point on z = 0, the middle over the origin."""
    made = points - [*points[:, :2].mean(axis=0), 0.0]
    made[:, 2] -= made[:, 2].min()
    return made


def sit(points: Points, seat: Points, height: float, give: float = 0.02) -> Points:
    """Put the seat of a sitting body at `height`.

    Args:
        points: (n, 3).
        seat: rows of `points` that a body sits on.
        height: of the seat, metres.
        give: metres that the cushion gives way.
    """
    under = points[seat]
    made = points - [*under[:, :2].mean(axis=0), np.quantile(under[:, 2], 0.05) + give - height]
    made[:, 2] = np.maximum(made[:, 2], 0.0)
    return made


def _lowest(points: Points, along: int) -> tuple[Points, Points]:
    """The lowest point of each half of `points` along an axis."""
    middle = np.median(points[:, along])
    low, high = points[points[:, along] <= middle], points[points[:, along] > middle]
    return low[np.argmin(low[:, 2])], high[np.argmin(high[:, 2])]
