"""Scene -> picture, by mitsuba (``scalar_rgb``: its LLVM variants crash on some processors)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import mitsuba as mi
import numpy as np

from training.render.mesh import Mesh
from training.render.outline import HEIGHT, WIDTH, Box, box_of

if TYPE_CHECKING:
    from training.render.scenes import Camera, Scene

mi.set_variant("scalar_rgb")
mi.set_log_level(mi.LogLevel.Error)

SAMPLES = 14
"""Light paths through each pixel. The noise that is left is smoothed; a night camera's picture has some of its own."""
SMALLEST = 0.03
"""Share of the picture that a person's box must cover."""
_SEEN = 0.012
"""Share of the picture on which body, not blanket, must be seen."""
_DEPTH = {False: 3, True: 2}
"""Bounces, by day and by the night lamp, whose own light is what counts."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture, (`HEIGHT`, `WIDTH`, 3) RGB, and a box for each person of the scene (None: not in view)."""

    picture: np.ndarray
    boxes: list[Box | None]


def shoot(scene: Scene) -> Shot | None:
    """Render `scene`; None where a person can hardly be seen, and another attempt is due."""
    boxes = [box_of(person.mesh.points, scene.camera) for person in scene.people]
    if boxes and (boxes[0] is None or boxes[0].width * boxes[0].height < SMALLEST):
        return None
    made = {f"thing{number}": _mesh(mesh, scene) for number, mesh in enumerate(_joined(scene.things))}
    made |= {f"person{number}": _mesh(person.mesh, scene) for number, person in enumerate(scene.people)}
    world = mi.load_dict({"type": "scene", "sensor": _sensor(scene.camera), **_lights(scene), **made})
    if scene.people:
        seen = _seen(world, scene)
        if seen[0] < _SEEN:
            return None
        boxes = [box if share >= _SEEN else None for box, share in zip(boxes, seen, strict=True)]
    integrator = mi.load_dict({"type": "path", "max_depth": _DEPTH[scene.infrared], "hide_emitters": True})
    light = np.array(mi.render(world, integrator=integrator, spp=SAMPLES, seed=scene.number), np.float32)[..., :3]
    return Shot(_developed(light, scene), boxes)


def _joined(meshes: list[Mesh]) -> list[Mesh]:
    """All in one: mitsuba builds one tree over few large meshes sooner than over many small ones."""
    starts = np.cumsum([0, *(len(mesh.points) for mesh in meshes[:-1])])
    corners = np.concatenate([mesh.corners + start for mesh, start in zip(meshes, starts, strict=True)])
    points, colours = (np.concatenate([getattr(mesh, name) for mesh in meshes]) for name in ("points", "colours"))
    return [Mesh(points, corners, colours)]


def _mesh(mesh: Mesh, scene: Scene) -> Any:
    colours = mesh.colours
    if scene.infrared:
        # Dyes pass near-infrared, so cloth is pale whatever its colour; skin and hair are paler too.
        grey = colours.mean(axis=1, keepdims=True)
        colours = np.repeat(0.25 + 0.6 * grey, 3, axis=1)
    look = {"type": "diffuse", "reflectance": {"type": "mesh_attribute", "name": "vertex_color"}}
    props = mi.Properties()
    props["mesh_bsdf"] = mi.load_dict({"type": "twosided", "inner": look})
    made = mi.Mesh("mesh", len(mesh.points), len(mesh.corners), props=props)
    made.add_attribute("vertex_color", 3, colours.astype(np.float32).ravel())
    parameters = mi.traverse(made)
    parameters["vertex_positions"] = mesh.points.astype(np.float32).ravel()
    parameters["faces"] = mesh.corners.astype(np.uint32).ravel()
    parameters.update()
    return made


def _sensor(camera: Camera) -> dict[str, Any]:
    up = [0.0, 0.0, 1.0]
    place = mi.ScalarTransform4f().look_at(list(camera.eye), list(camera.target), up)
    roll = mi.ScalarTransform4f().rotate([0, 0, 1], camera.roll_deg)
    film = {"type": "hdrfilm", "width": WIDTH, "height": HEIGHT, "rfilter": {"type": "box"}}
    return {
        "type": "perspective",
        "fov": camera.wide_deg,
        "to_world": place @ roll,
        "near_clip": 0.02,
        "film": film,
        "sampler": {"type": "independent"},
    }


def _lights(scene: Scene) -> dict[str, Any]:
    rng = scene.rng
    if scene.infrared:
        eye = scene.camera.eye + np.array([0.0, 0.0, 0.04])
        lamp = {"type": "point", "position": list(eye), "intensity": {"type": "rgb", "value": 3.0}}
        glow = {"type": "constant", "radiance": {"type": "rgb", "value": float(rng.uniform(0.01, 0.1))}}
        return {"lamp": lamp, "glow": glow}
    window, size = scene.room.window
    warm = rng.uniform(-0.15, 0.15)
    tint = [1.0 + warm, 1.0, 1.0 - warm]
    level = rng.uniform(0.25, 0.9)
    sky = [float(value * level) for value in tint]
    lights: dict[str, Any] = {"sky": {"type": "constant", "radiance": {"type": "rgb", "value": sky}}}
    if rng.random() < 0.7:
        pane = mi.ScalarTransform4f().look_at(list(window - [0, 0.03, 0]), list(window - [0, 1, 0.2]), [0, 0, 1])
        pane = pane @ mi.ScalarTransform4f().scale([float(size[0]) / 2, float(size[1]) / 2, 1])
        shine = {"type": "area", "radiance": {"type": "rgb", "value": float(rng.uniform(2, 9))}}
        lights["window"] = {"type": "rectangle", "to_world": pane, "emitter": shine}
    if rng.random() < 0.4:
        at = [float(rng.uniform(0.3, scene.room.width - 0.3)), float(rng.uniform(0.3, scene.room.depth - 0.3)), 2.2]
        value = [float(rng.uniform(1, 4) * part) for part in (1.0, 0.85, 0.6)]
        lights["lamp"] = {"type": "point", "position": at, "intensity": {"type": "rgb", "value": value}}
    return lights


def _seen(world: Any, scene: Scene) -> list[float]:
    """Share of the picture on which each person can be seen, from one ray through every second pixel."""
    camera = scene.camera
    made = mi.load_dict(
        {
            "type": "scene",
            "sensor": _sensor(camera)
            | {"film": {"type": "hdrfilm", "width": 96, "height": 72, "rfilter": {"type": "box"}}},
        }
    )
    values = mi.load_dict({"type": "aov", "aovs": "which:shape_index"})
    index = np.array(mi.render(world, sensor=made.sensors()[0], integrator=values, spp=1))[..., -1]
    shapes = world.shapes()
    names = [shape.id() for shape in shapes]
    return [
        float(np.mean(index == 1 + names.index(f"person{number}"))) if f"person{number}" in names else 0.0
        for number in range(len(scene.people))
    ]


def _developed(light: np.ndarray, scene: Scene) -> np.ndarray:
    """Exposure, smoothing, gamma, and the sensor's own noise."""
    rng = scene.rng
    grey = light.mean(axis=2)
    exposed = light * (rng.uniform(0.55, 0.9) / max(float(np.quantile(grey, rng.uniform(0.85, 0.97))), 1e-6))
    shown = np.clip(exposed, 0, 1) ** (1 / 2.2)
    smooth = cv2.medianBlur(np.rint(255 * shown).astype(np.uint8), 3)
    smooth = cv2.addWeighted(smooth, 0.5, cv2.fastNlMeansDenoisingColored(smooth, None, 7, 10, 3, 7), 0.5, 0)
    shown = smooth.astype(np.float32) / 255
    if scene.infrared:
        shown = np.repeat(shown.mean(axis=2, keepdims=True), 3, axis=2)
        rows, columns = np.ogrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        shown = shown * np.exp(-rng.uniform(0.1, 0.5) * (rows**2 + columns**2))[..., None]
        shown = shown + rng.normal(0, rng.uniform(0.004, 0.03), (HEIGHT, WIDTH, 1))
    else:
        shown = shown + rng.normal(0, rng.uniform(0.002, 0.015), shown.shape)
    return np.clip(np.rint(255 * shown), 0, 255).astype(np.uint8)
