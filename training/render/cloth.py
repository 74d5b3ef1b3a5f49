"""Blankets: a height above the bed that follows what lies below, with folds. Pure numpy and OpenCV's filters."""

from __future__ import annotations

import cv2
import numpy as np

from training.render.mesh import Mesh, Points, noise, sheet


def heights(points: Points, x: Points, y: Points) -> Points:
    """Top of `points` (n, 3) above each cell of the regular grid `x`, `y` (rows, columns); 0 where there is none."""
    rows, columns = x.shape
    column = np.rint((points[:, 0] - x[0, 0]) / (x[0, 1] - x[0, 0])).astype(int)
    row = np.rint((points[:, 1] - y[0, 0]) / (y[1, 0] - y[0, 0])).astype(int)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    top = np.zeros(x.shape)
    np.maximum.at(top, (row[inside], column[inside]), points[inside, 2])
    closed: Points = cv2.morphologyEx(top, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return closed


def drape(below: Points, stiffness: int) -> Points:
    """Cloth over `below` (rows, columns): touches it where it is high, spans what lies between."""
    made = below.copy()
    for _ in range(stiffness):
        made = np.maximum(below, cv2.GaussianBlur(made, (0, 0), 1.6))
    return made


def blanket(
    body: Points | None,
    area: tuple[float, float, float, float],
    rng: np.random.Generator,
    colours: tuple[Points, Points],
    *,
    rumpled: float,
) -> Mesh:
    """A blanket over a part of the bed, z = 0 being the mattress.

    Args:
        body: (n, 3) what lies below, or None.
        area: x and y from, x and y to; it hangs down beyond `bed` only as far as the area goes.
        rng: for folds and pattern.
        colours: ground and pattern.
        rumpled: height of its folds in metres, 0.005 smooth to 0.15 a heap.
    """
    left, near, right, far = area
    cell = 0.022
    x, y = np.meshgrid(np.arange(left, right, cell), np.arange(near, far, cell))
    below = np.zeros(x.shape) if body is None else heights(body, x, y)
    size = max(right - left, far - near)
    folds = noise(x.shape, rng.uniform(1.5, 3.5) * size, rng) + 0.35 * noise(x.shape, 7 * size, rng)
    if rng.random() < 0.6:  # ridges rather than hills
        folds = 1.2 - 2 * np.abs(noise(x.shape, 2 * size, rng)) + 0.3 * folds
    below = below + rumpled * np.maximum(folds, 0)
    z = drape(below, int(rng.integers(4, 14))) + rng.uniform(0.008, 0.03)
    z += 0.004 * noise(x.shape, 14 * size, rng)
    return sheet(x, y, z, pattern(x, y, colours, rng), "cloth")


def pattern(x: Points, y: Points, colours: tuple[Points, Points], rng: np.random.Generator) -> Points:
    """Colours (rows, columns, 3) of plain, striped, chequered, dotted or mottled cloth."""
    wide = rng.uniform(0.04, 0.25)
    kind = rng.integers(6)
    match kind:
        case 0:
            mix = (np.sin(2 * np.pi * x / wide) > 0.3).astype(float)
        case 1:
            mix = (np.sin(2 * np.pi * y / wide) > 0).astype(float)
        case 2:
            mix = 0.5 * (np.sin(2 * np.pi * x / wide) > 0) + 0.5 * (np.sin(2 * np.pi * y / wide) > 0)
        case 3:
            mix = (np.sin(2 * np.pi * x / wide) * np.sin(2 * np.pi * y / wide) > 0.5).astype(float)
        case 4:
            mix = np.clip(0.5 + 0.5 * noise(x.shape, 9, rng), 0, 1)
        case _:
            mix = np.zeros(x.shape)
    made: Points = colours[0] * (1 - mix[..., None]) + colours[1] * mix[..., None]
    return np.clip(made * (1 + 0.04 * noise(x.shape, 12, rng))[..., None], 0.01, 0.97)
