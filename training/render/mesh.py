"""Triangles with a colour at each corner, and the few solids that rooms are built from. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Corners = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mesh:
    """A surface.

    Attributes:
        points: (n, 3), metres, z up.
        corners: (m, 3), rows of `points`.
        colours: (n, 3), reflectance 0..1.
        kind: what it is of; "person" counts as visible body.
    """

    points: Points
    corners: Corners
    colours: Points
    kind: str = "thing"


def plain(points: Points, corners: Corners, colour: Points, kind: str = "thing") -> Mesh:
    """A mesh of one colour (3,) or of a colour for each point (n, 3)."""
    return Mesh(points, corners, np.broadcast_to(colour, points.shape).astype(float), kind)


def sheet(x: Points, y: Points, z: Points, colours: Points, kind: str = "thing") -> Mesh:
    """A rectangular grid of points as a surface.

    Args:
        x: (rows, columns); likewise `y` and `z`.
        y: see `x`.
        z: see `x`.
        colours: (rows, columns, 3), or (3,).
        kind: see `Mesh`.
    """
    rows, columns = x.shape
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    at = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (at[:-1, :-1], at[:-1, 1:], at[1:, :-1], at[1:, 1:]))
    corners = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    return plain(points, corners, np.broadcast_to(colours, (rows, columns, 3)).reshape(-1, 3), kind)


def box(centre: Points, size: Points, colour: Points, turn_rad: float = 0.0) -> Mesh:
    """A box of `size` (3,) about `centre` (3,), turned about z."""
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], float)
    sides = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    corners = np.array([half for a, b, c, d in sides for half in ((a, b, c), (a, c, d))])
    points = signs * np.asarray(size) / 2
    return plain(points @ turned(2, turn_rad).T + centre, corners, colour)


def ball(centre: Points, radii: Points, colour: Points, turn_rad: float = 0.0) -> Mesh:
    """An ellipsoid."""
    up, around = np.mgrid[-np.pi / 2 : np.pi / 2 : 9j, 0 : 2 * np.pi : 14j]
    x, y, z = np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)
    made = sheet(x, y, z, colour)
    return Mesh((made.points * radii) @ turned(2, turn_rad).T + centre, made.corners, made.colours)


def rod(start: Points, end: Points, radius: float, colour: Points) -> Mesh:
    """A cylinder of eight sides without lids."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    axis = (end - start) / np.linalg.norm(end - start)
    side = np.cross(axis, [0.0, 1.0, 0.0] if abs(axis[1]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    angle = np.linspace(0, 2 * np.pi, 9)
    ring = radius * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * other)
    grid = np.stack([start + ring, end + ring])
    return sheet(grid[..., 0], grid[..., 1], grid[..., 2], colour)


def turned(axis: int, angle_rad: float) -> Points:
    """The rotation (3, 3) about the axis 0, 1 or 2, counter-clockwise seen from its positive end."""
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    made = np.eye(3)
    made[i, i] = made[j, j] = np.cos(angle_rad)
    made[i, j], made[j, i] = -np.sin(angle_rad), np.sin(angle_rad)
    return made


def noise(shape: tuple[int, int], cells: float, rng: np.random.Generator) -> Points:
    """Smooth noise of mean 0 and standard deviation about 1, (rows, columns), with about `cells` waves across."""
    rows, columns = shape
    fy, fx = np.fft.fftfreq(rows)[:, None] * rows, np.fft.rfftfreq(columns)[None] * columns
    weight = np.exp(-0.5 * (fy**2 + fx**2) / max(cells, 0.5) ** 2)
    weight[0, 0] = 0
    white = np.fft.rfft2(rng.standard_normal(shape))
    made: Points = np.fft.irfft2(white * weight, s=shape)
    return made / max(float(made.std()), 1e-9)
