"""Where in the picture somebody is. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from training.render.scenes import Camera

HEIGHT, WIDTH = 192, 256
"""Of the pictures, pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A person's outline, also where a blanket hides it: centre and size in shares of the picture."""

    x: float
    y: float
    width: float
    height: float


def box_of(points: np.ndarray, camera: Camera) -> Box | None:
    """The box around `points` (n, 3) as `camera` sees them; None where less than a third of them is in view."""
    forward = camera.target - camera.eye
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    roll = np.radians(camera.roll_deg)
    right, up = right * np.cos(roll) - up * np.sin(roll), up * np.cos(roll) + right * np.sin(roll)
    away = points - camera.eye
    depth = away @ forward
    front = depth > 0.05
    if front.mean() < 0.34:
        return None
    focal = 0.5 / np.tan(np.radians(camera.wide_deg) / 2)
    x = 0.5 + focal * (away[front] @ right) / depth[front]
    y = 0.5 - focal * (away[front] @ up) / depth[front] * WIDTH / HEIGHT
    inside = (x > 0) & (x < 1) & (y > 0) & (y < 1)
    if inside.sum() < 0.34 * len(points):
        return None
    left, right_end = np.clip([np.quantile(x, 0.002), np.quantile(x, 0.998)], 0, 1)
    top, bottom = np.clip([np.quantile(y, 0.002), np.quantile(y, 0.998)], 0, 1)
    return Box(
        *(float(value) for value in ((left + right_end) / 2, (top + bottom) / 2, right_end - left, bottom - top))
    )
