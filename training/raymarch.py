"""A small renderer: rounded shapes that melt into each other, found by walking along each ray.

After Hart, "Sphere tracing" (1996). No body data and no library beyond numpy, so what it draws is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Array = np.ndarray
_STEPS, _FAR, _NEAR = 90, 8.0, 0.0015


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a scene.

    Attributes:
        distance: signed distance in metres of points (n, 3) to its surface.
        colour: (n, 3) points -> (n, 3) or (3,), 0..1.
        soft: metres over which it melts into the part before it; 0 keeps a crease.
    """

    distance: Callable[[Array], Array]
    colour: Callable[[Array], Array]
    soft: float = 0.0


def capsule(a: tuple[float, ...], b: tuple[float, ...], start: float, end: float) -> Callable[[Array], Array]:
    """A limb from `a` to `b` whose radius goes from `start` to `end`."""
    at, axis = np.array(a, np.float32), np.subtract(b, a).astype(np.float32)
    length2 = float(axis @ axis)

    def distance(points: Array) -> Array:
        along = np.clip((points - at) @ axis / length2, 0, 1)
        return np.linalg.norm(points - at - along[:, None] * axis, axis=1) - (start + (end - start) * along)

    return distance


def ellipsoid(centre: tuple[float, ...], radii: tuple[float, ...]) -> Callable[[Array], Array]:
    """An ellipsoid; its distance is a bound."""
    middle, size = np.array(centre, np.float32), np.array(radii, np.float32)

    def distance(points: Array) -> Array:
        inside = (points - middle) / size
        k0 = np.linalg.norm(inside, axis=1)
        k1 = np.linalg.norm(inside / size, axis=1)
        return k0 * (k0 - 1) / np.maximum(k1, 1e-6)

    return distance


def box(centre: tuple[float, ...], half: tuple[float, ...], rounded: float) -> Callable[[Array], Array]:
    """A box with rounded edges."""
    middle, size = np.array(centre, np.float32), np.array(half, np.float32) - rounded

    def distance(points: Array) -> Array:
        out = np.abs(points - middle) - size
        return np.linalg.norm(np.maximum(out, 0), axis=1) + np.minimum(out.max(axis=1), 0) - rounded

    return distance


def bars(
    centre: tuple[float, ...], spacing: float, count: int, radius: float, height: float
) -> Callable[[Array], Array]:
    """A row of upright round bars along x."""
    middle = np.array(centre, np.float32)

    def distance(points: Array) -> Array:
        near = points - middle
        which = np.clip(np.round(near[:, 0] / spacing), -(count // 2), count // 2)
        flat = np.hypot(near[:, 0] - which * spacing, near[:, 1]) - radius
        return np.maximum(flat, np.abs(near[:, 2]) - height / 2)

    return distance


def _scene(points: Array, parts: list[Part]) -> Array:
    near = parts[0].distance(points)
    for part in parts[1:]:
        other = part.distance(points)
        if part.soft:
            mix = np.clip(0.5 + 0.5 * (near - other) / part.soft, 0, 1)
            near = near + (other - near) * mix - part.soft * mix * (1 - mix)
        else:
            near = np.minimum(near, other)
    return near


def _colours(points: Array, parts: list[Part]) -> Array:
    distances = np.stack([part.distance(points) for part in parts])
    best = distances.argmin(axis=0)
    colours = np.zeros((len(points), 3), np.float32)
    for number, part in enumerate(parts):
        chosen = best == number
        if chosen.any():
            colours[chosen] = part.colour(points[chosen])
    return colours


def _march(origin: Array, rays: Array, parts: list[Part], far: float, steps: int) -> Array:
    """Distance along each ray at which it meets something; `far` or more where nothing."""
    travelled = np.full(len(rays), 0.02, np.float32)
    live = np.arange(len(rays))
    for _ in range(steps):
        step = _scene(origin[live] + rays[live] * travelled[live, None], parts)
        travelled[live] += step * 0.9
        live = live[(step > _NEAR) & (travelled[live] < far)]
        if not len(live):
            break
    return travelled


def render(
    parts: list[Part],
    *,
    eye: tuple[float, ...],
    at: tuple[float, ...],
    size: tuple[int, int],
    field_deg: float,
    lamp: tuple[float, ...],
    ambient: float,
) -> Array:
    """Render (height, width, 3), 0..1, linear light.

    Args:
        parts: the scene; z is up, metres.
        eye: where the camera is.
        at: what it looks at.
        size: (height, width) in pixels.
        field_deg: vertical field of view.
        lamp: where the lamp is.
        ambient: share of light that comes from everywhere.
    """
    height, width = size
    origin = np.array(eye, np.float32)
    forward = np.subtract(at, eye) / np.linalg.norm(np.subtract(at, eye))
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    span = np.tan(np.radians(field_deg / 2))
    y, x = np.mgrid[span : -span : height * 1j, -span * width / height : span * width / height : width * 1j]
    rays = (forward + x[..., None] * right + y[..., None] * up).reshape(-1, 3).astype(np.float32)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    starts = np.broadcast_to(origin, rays.shape)
    depth = _march(starts, rays, parts, _FAR, _STEPS)
    points = starts + rays * depth[:, None]

    tiny = np.eye(3, dtype=np.float32) * 0.002
    slope = np.stack([_scene(points + t, parts) - _scene(points - t, parts) for t in tiny], axis=1)
    normal = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
    to_lamp = np.array(lamp, np.float32) - points
    far = np.linalg.norm(to_lamp, axis=1)
    to_lamp /= far[:, None]
    facing = np.clip((normal * to_lamp).sum(axis=1), 0, 1)
    lit = np.zeros(len(rays), np.float32)
    # A lamp has a size: several points of it make the edge of a shadow soft.
    for shift in ((-0.12, 0, 0), (0.12, 0, 0), (0, -0.12, 0), (0, 0.12, 0), (0, 0, 0)):
        way = np.array(lamp, np.float32) + np.array(shift, np.float32) - points
        reach = np.linalg.norm(way, axis=1)
        lit += (
            _march(points + normal * 0.01, way / reach[:, None], parts, float(reach.min()) * 0.95, 40)
            >= reach.min() * 0.9
        )
    closeness = sum(np.clip(_scene(points + normal * d, parts) / d, 0, 1) for d in (0.02, 0.05, 0.12)) / 3
    light = ambient * closeness * (0.6 + 0.4 * normal[:, 2]) + (1 - ambient) * facing * lit / 5
    return (_colours(points, parts) * light[:, None]).reshape(height, width, 3)
