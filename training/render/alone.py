"""Bodies that lie, and heaps of cloth, rendered alone with what is theirs of the picture: to be laid into photographs.

``python -m training.render.alone --count 1200 --out training/work/eye/alone`` goes on where it was stopped; number N is
the same whenever it is made. A third are cloth and pillows without anybody, by the same renderer in the same light,
so that being rendered says nothing.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from tqdm import tqdm

from training.render import poses
from training.render.cloth import blanket
from training.render.mesh import Mesh, Points, ball, plain, turned
from training.render.scenes import Camera

if TYPE_CHECKING:
    from training.render.bodies import Bodies

HEIGHT, WIDTH = 144, 192
SAMPLES, _SAMPLES_OF_MASK = 12, 6
_NOBODY, _COVERED, _INFRARED, _FALLEN, _PILLOW = 1 / 3, 0.5, 0.4, 0.2, 0.6
_AGES = {"young": 0.4, "old": 0.4, "child": 0.12, "toddler": 0.08}
_MARGIN = 1.08


@dataclass(frozen=True, slots=True)
class Alone:
    """What is rendered.

    Attributes:
        things: all meshes but what they lie on, whose upper side is z = 0.
        body: (n, 3) points of who lies there; empty for nobody.
        camera: where from.
        infrared: by the camera's own lamp.
        pose: of who lies there, for the record.
        rng: for the light.
    """

    things: list[Mesh]
    body: Points
    camera: Camera
    infrared: bool
    pose: str
    rng: np.random.Generator


def make(number: int, bodies: Bodies) -> Alone:
    """Number `number`."""
    rng = np.random.default_rng((number, 31))
    infrared, spin = bool(rng.random() < _INFRARED), turned(2, rng.uniform(0, 2 * np.pi))
    if rng.random() < _NOBODY:
        body, things, pose = np.zeros((0, 3)), _heap(rng), ""
    else:
        body, things, pose = _somebody(bodies, rng)
    things = [replace(one, points=one.points @ spin.T) for one in things]
    camera = _camera(np.concatenate([one.points for one in things]), rng)
    return Alone(things, body @ spin.T, camera, infrared, pose, rng)


def _somebody(bodies: Bodies, rng: np.random.Generator) -> tuple[Points, list[Mesh], str]:
    age = str(rng.choice(list(_AGES), p=list(_AGES.values())))
    pose = poses.fallen(rng) if rng.random() < _FALLEN else poses.lying(rng, infant=age == "toddler")
    made = bodies.make(age, pose, rng)
    points, things = made.mesh.points, [made.mesh]
    low, high = np.quantile(points[:, :2], [0.01, 0.99], axis=0)
    size = high - low
    if rng.random() < _COVERED:
        aside = size[0] * rng.uniform(-0.05, 0.5, 2)
        # From the feet, which are at -y, up to somewhere between the knees and the chin.
        area = (low[0] - aside[0], low[1] - rng.uniform(0, 0.15), high[0] + aside[1])
        top = low[1] + size[1] * rng.uniform(0.3, 0.85)
        things.append(blanket(points, (*area, top), rng, _colours(rng), rumpled=rng.uniform(0.005, 0.06)))
    if rng.random() < _PILLOW:
        things.append(_pillow(np.array([points[:, 0].mean(), high[1] - 0.1, 0.0]), rng))
    return points, things, pose.name


def _heap(rng: np.random.Generator) -> list[Mesh]:
    """A blanket over pillows and bundles, or thrown there, or clothes: as large as somebody, and smaller."""
    wide, long = rng.uniform(0.25, 1.0), rng.uniform(0.5, 2.0)
    bundles = [
        ball(
            np.array([*rng.uniform(-0.4, 0.4, 2) * [wide, long], 0.05]),
            rng.uniform((0.1, 0.1, 0.05), (0.35, 0.35, 0.2)),
            _colours(rng)[0],
            rng.uniform(0, 3),
        )
        for _ in range(rng.integers(0, 5))
    ]
    below = np.concatenate([one.points for one in bundles]) if bundles and rng.random() < 0.7 else None
    area = (-wide / 2, -long / 2, wide / 2, long / 2 * rng.uniform(0.2, 1.0))
    things = [blanket(below, area, rng, _colours(rng), rumpled=rng.uniform(0.02, 0.22))]
    if rng.random() < 0.5:
        things += bundles
    if rng.random() < _PILLOW:
        things.append(_pillow(np.array([0.0, long / 2, 0.0]), rng))
    return things


def _pillow(at: Points, rng: np.random.Generator) -> Mesh:
    size = np.array([0.32, 0.2, 0.09]) * rng.uniform(0.7, 1.2)
    shift = rng.uniform((-0.1, -0.05, 0), (0.1, 0.15, 0.02))
    return ball(at + shift, size, 0.5 + 0.4 * _colours(rng)[0], rng.uniform(-0.4, 0.4))


def _colours(rng: np.random.Generator) -> tuple[Points, Points]:
    first, second = rng.uniform(0.05, 0.9, (2, 3))
    return 0.6 * first.mean() + 0.4 * first, 0.6 * second.mean() + 0.4 * second


def _camera(points: Points, rng: np.random.Generator) -> Camera:
    """As from a shelf, seldom from above, so near that `points` fill the picture."""
    steep = np.radians(rng.uniform(10, 55) if rng.random() < 0.88 else rng.uniform(55, 86))
    target = (points.min(axis=0) + points.max(axis=0)) / 2
    away = rng.uniform(2.2, 4.5)
    eye = target + away * np.array([0.0, -np.cos(steep), np.sin(steep)])
    forward = (target - eye) / away
    up = np.cross([1.0, 0.0, 0.0], forward)
    depth = (points - eye) @ forward
    half = max(np.abs((points - eye)[:, 0] / depth).max(), np.abs((points - eye) @ up / depth).max() * WIDTH / HEIGHT)
    return Camera(eye, target, float(2 * np.degrees(np.arctan(half * _MARGIN))), 0.0)


def shoot(scene: Alone) -> tuple[np.ndarray, np.ndarray]:
    """The picture (`HEIGHT`, `WIDTH`, 3), RGB, and which of it is theirs (`HEIGHT`, `WIDTH`), 0..255."""
    from training.render import picture  # noqa: PLC0415 - needs mitsuba
    from training.render.picture import mi  # noqa: PLC0415

    film = {"type": "hdrfilm", "width": WIDTH, "height": HEIGHT, "rfilter": {"type": "box"}, "pixel_format": "rgba"}
    sensor = picture._sensor(scene.camera) | {"film": film}  # noqa: SLF001 - one renderer, two kinds of pictures
    made = {f"thing{at}": picture._mesh(mesh, scene) for at, mesh in enumerate(scene.things)}  # noqa: SLF001
    ground = plain(
        np.array([[-4.0, -4, 0], [4, -4, 0], [-4, 4, 0], [4, 4, 0]]),
        np.array([[0, 1, 2], [1, 3, 2]]),
        np.full(3, scene.rng.uniform(0.15, 0.8)),
    )
    lights = _lights(scene, mi)
    path = {"type": "path", "max_depth": 3, "hide_emitters": True}
    whole = mi.load_dict(
        {"type": "scene", "sensor": sensor, **lights, **made, "ground": picture._mesh(ground, scene)}  # noqa: SLF001
    )
    light = np.array(mi.render(whole, integrator=mi.load_dict(path), spp=SAMPLES, seed=1), np.float32)[..., :3]
    only = mi.load_dict({"type": "scene", "sensor": sensor, **lights, **made})
    seen = np.array(mi.render(only, integrator=mi.load_dict(path | {"max_depth": 2}), spp=_SAMPLES_OF_MASK, seed=1))
    mask = np.clip(seen[..., 3], 0, 1)
    bright = np.quantile(light.mean(axis=2)[mask > 0.5], scene.rng.uniform(0.8, 0.97)) if (mask > 0.5).any() else 1.0
    exposed = np.clip(light * scene.rng.uniform(0.5, 0.9) / max(float(bright), 1e-6), 0, 1) ** (1 / 2.2)
    if scene.infrared:
        exposed = exposed.mean(axis=2, keepdims=True).repeat(3, axis=2)
    shown = cv2.medianBlur(np.rint(255 * exposed).astype(np.uint8), 3)
    return shown, np.rint(255 * mask).astype(np.uint8)


def _lights(scene: Alone, mi: Any) -> dict[str, Any]:
    """The camera's lamp, or the sky through a window at some side."""
    rng = scene.rng
    if scene.infrared:
        eye = scene.camera.eye + np.array([rng.uniform(-0.1, 0.1), 0.0, 0.05])
        lamp = {"type": "point", "position": list(eye), "intensity": {"type": "rgb", "value": 3.0}}
        return {
            "lamp": lamp,
            "glow": {"type": "constant", "radiance": {"type": "rgb", "value": float(rng.uniform(0.01, 0.15))}},
        }
    warm, angle = rng.uniform(-0.15, 0.15), rng.uniform(0, 2 * np.pi)
    sky = [float(rng.uniform(0.2, 0.8) * part) for part in (1 + warm, 1.0, 1 - warm)]
    at = [float(2.5 * np.cos(angle)), float(2.5 * np.sin(angle)), float(rng.uniform(1.0, 2.5))]
    pane = mi.ScalarTransform4f().look_at(at, [0, 0, 0], [0, 0, 1]) @ mi.ScalarTransform4f().scale([0.7, 0.7, 1])
    shine = {"type": "area", "radiance": {"type": "rgb", "value": float(rng.uniform(1, 8))}}
    return {
        "sky": {"type": "constant", "radiance": {"type": "rgb", "value": sky}},
        "window": {"type": "rectangle", "to_world": pane, "emitter": shine},
    }


def one(number: int, bodies: Bodies, out: Path) -> None:
    """Render `number` and write it (NNNNN.png: colours and mask), then what is known of it (NNNNN.json)."""
    from training.render.outline import box_of  # noqa: PLC0415

    scene = make(number, bodies)
    shown, mask = shoot(scene)
    focal = WIDTH / 2 / np.tan(np.radians(scene.camera.wide_deg) / 2)
    told: dict[str, Any] = {
        "pose": scene.pose,
        "infrared": scene.infrared,
        "metre_px": float(focal / np.linalg.norm(scene.camera.target - scene.camera.eye)),
    }
    if len(scene.body):
        box = box_of(scene.body, scene.camera)
        if box is not None:
            told["box"] = [box.x - box.width / 2, box.y - box.height / 2, box.width, box.height]
    bgr = np.ascontiguousarray(shown[:, :, ::-1])
    cv2.imwrite(str(out / f"{number:05d}.png"), np.dstack([bgr, mask]))
    (out / f"{number:05d}.json").write_text(json.dumps(told), "utf-8")


def main() -> None:
    """Render what is missing of numbers 0 to `--count` - 1."""
    parser = argparse.ArgumentParser(prog="python -m training.render.alone", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1200, help="pictures (default %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("training/work/eye/alone"), help="folder (default %(default)s)"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("ANNY_CACHE_DIR", str(options.out.resolve() / "anny"))

    import torch  # noqa: PLC0415 - after the folder is set

    from training.render.bodies import Bodies  # noqa: PLC0415

    torch.set_num_threads(1)
    missing = [number for number in range(options.count) if not (options.out / f"{number:05d}.json").exists()]
    bodies = Bodies()
    for number in tqdm(missing, desc="rendering", unit="picture", mininterval=10):
        one(number, bodies, options.out)


if __name__ == "__main__":
    main()
