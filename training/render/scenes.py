"""Who is in which room, seen from where, in which light: scene number -> meshes, camera, light, labels.

Four pictures share a room and its camera: empty and peopled ones, by day and by the camera's own near-infrared lamp.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from training.render import poses, rooms
from training.render.bodies import AGES, INFANTS
from training.render.mesh import Mesh, Points, turned

if TYPE_CHECKING:
    from training.render.bodies import Bodies, Body
    from training.render.poses import Pose

PER_ROOM = 4
"""Pictures of each room; the first is empty."""
_INFANT_SHARE, _CARER_SHARE = 0.4, 0.2


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a scene, in the room's coordinates."""

    mesh: Mesh
    posture: str
    pose: str
    age: str


@dataclass(frozen=True, slots=True)
class Camera:
    """Where from, where to, how wide (degrees, horizontal), how far rolled (degrees)."""

    eye: Points
    target: Points
    wide_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is rendered."""

    number: int
    room: rooms.Room
    people: list[Person]
    things: list[Mesh]
    camera: Camera
    infrared: bool
    rng: np.random.Generator


def make(number: int, bodies: Bodies, attempt: int = 0) -> Scene:
    """Scene `number`; a further attempt looks from nearer by and covers less."""
    group, variant = divmod(number, PER_ROOM)
    chance = np.random.default_rng((group, 5))
    infant, night = chance.random() < _INFANT_SHARE, chance.random() < 0.5
    crib = infant and chance.random() < 0.85
    room = rooms.make(group, crib=crib)
    camera = _camera(room, chance, attempt)
    empty = variant == 0 or (variant == PER_ROOM - 1 and chance.random() < 0.6)
    rng = np.random.default_rng((number, attempt, 9))
    infrared = night if variant in (0, 1) else not night
    people: list[Person] = []
    if empty:
        cover = float(rng.choice([0.0, rng.uniform(0.4, 0.95)]))
        things = rooms.bedclothes(room.bed, None, cover, rng)
        return Scene(number, room, people, [*room.meshes, *things], camera, infrared, rng)
    person, things = _somebody(room, bodies, rng, infant=infant, attempt=attempt)
    people.append(person)
    if rng.random() < _CARER_SHARE:
        people.append(_carer(room, bodies, rng))
    return Scene(number, room, people, [*room.meshes, *things], camera, infrared, rng)


def _somebody(
    room: rooms.Room, bodies: Bodies, rng: np.random.Generator, *, infant: bool, attempt: int
) -> tuple[Person, list[Mesh]]:
    """The one who is looked after, and the bedclothes."""
    age = str(rng.choice(INFANTS if infant else [name for name in AGES if name not in INFANTS]))
    bed = room.bed
    pose = _pose(rng, age, infant=infant)
    on_floor = not infant and pose.posture == "lying" and rng.random() < 0.25
    if on_floor:
        pose = poses.fallen(rng)
    if pose.posture == "lying" and not on_floor:
        body = bodies.make(age, pose, rng)
        free = np.maximum([bed.width / 2 - 0.25, bed.length / 2 - np.ptp(body.mesh.points[:, 1]) / 2], 0)
        shift = np.array([rng.uniform(-1, 1) * free[0], rng.uniform(-0.6, 1) * free[1], 0.0])
        turn = rng.uniform(-0.25, 0.25) if bed.kind == "bed" else rng.choice([0.0, np.pi]) + rng.uniform(-0.5, 0.5)
        moved = _moved(body.mesh, turn, shift)
        top = (np.quantile(moved.points[:, 1], 0.97) + bed.length / 2) / bed.length
        cover = 0.0 if rng.random() < 0.35 else top * float(rng.uniform(0.3, 0.9 - 0.12 * attempt))
        things = rooms.bedclothes(bed, moved.points if cover else None, cover, rng) if cover else []
        if not cover:
            things = [one for one in rooms.bedclothes(bed, moved.points, 0.0, rng) if bed.kind != "crib"]
        return Person(bed.put(moved), "lying", pose.name, age), things
    things = rooms.bedclothes(bed, None, float(rng.choice([0.0, rng.uniform(0.4, 0.9)])), rng)
    body = bodies.make(age, pose, rng, seat_m=bed.height, soft=False)
    if infant and bed.kind == "crib":
        spot = np.array([0.0, rng.uniform(-0.3, 0.3) * bed.length, 0.0])
        return Person(bed.put(_moved(body.mesh, rng.uniform(0, 6.3), spot)), pose.posture, pose.name, age), things
    if pose.name == "sitting":  # on the bed's edge, legs outside
        side = float(rng.choice([-1.0, 1.0]))
        spot = np.array([side * (bed.width / 2 - 0.15), rng.uniform(-0.3, 0.3) * bed.length, -bed.height])
        return Person(bed.put(_moved(body.mesh, side * np.pi / 2, spot)), pose.posture, pose.name, age), things
    return Person(_beside(room, body, rng), pose.posture, pose.name, age), things


def _pose(rng: np.random.Generator, age: str, *, infant: bool) -> Pose:
    draw = rng.random()
    if draw < 0.6 or age == "newborn":
        return poses.lying(rng, infant=infant)
    if draw < 0.78:
        return poses.sitting(rng, infant=infant)
    if draw < 0.86 or age == "baby":
        return poses.kneeling(rng, infant=infant)
    return poses.standing(rng)


def _carer(room: rooms.Room, bodies: Bodies, rng: np.random.Generator) -> Person:
    pose = poses.bending(rng) if rng.random() < 0.7 else poses.standing(rng)
    age = str(rng.choice(["young", "old"]))
    body = bodies.make(age, pose, rng)
    bed = room.bed
    # On the side of the bed that has more room, facing it (bodies face -y).
    side = float(np.sign(np.array([room.width, room.depth])[0] / 2 - bed.place[0]) or 1.0)
    local = turned(2, -bed.turn_rad) @ np.array([side, 0.0, 0.0])
    across = float(np.sign(local[0]) or 1.0)
    spot = np.array(
        [across * (bed.width / 2 + rng.uniform(0.25, 0.45)), rng.uniform(-0.3, 0.3) * bed.length, -bed.height]
    )
    return Person(bed.put(_moved(body.mesh, -across * np.pi / 2, spot)), pose.posture, pose.name, age)


def _beside(room: rooms.Room, body: Body, rng: np.random.Generator) -> Mesh:
    """On the floor, as far from the bed as the draw of a dozen places allows."""
    spots = rng.uniform((0.4, 0.4), (room.width - 0.4, room.depth - 0.4), (12, 2))
    away = np.hypot(*(spots - room.bed.place).T)
    spot = spots[np.argmin(np.abs(away - 0.6 * room.bed.length))]
    return _moved(body.mesh, rng.uniform(0, 6.3), np.array([*spot, 0.0]))


def _moved(mesh: Mesh, turn_rad: float, shift: Points) -> Mesh:
    return replace(mesh, points=mesh.points @ turned(2, turn_rad).T + shift)


def _blocks(mesh: Mesh, eye: Points, target: Points) -> bool:
    """Whether the box around `mesh`, a hand wider, lies on the way from `eye` to `target`."""
    low, high = mesh.points.min(axis=0) - 0.12, mesh.points.max(axis=0) + 0.12
    way = np.where(np.abs(target - eye) < 1e-6, 1e-6, target - eye)
    first, second = (low - eye) / way, (high - eye) / way
    enters, leaves = np.minimum(first, second).max(), np.maximum(first, second).min()
    return bool(max(enters, 0.0) < min(leaves, 1.0))


def _camera(room: rooms.Room, rng: np.random.Generator, attempt: int) -> Camera:
    bed = room.bed
    target = np.array([*bed.place, bed.height + 0.1]) + rng.normal(0, 0.12, 3)
    near, far = (0.7, 1.7) if bed.kind == "crib" else (1.5, 3.3)
    away = rng.uniform(near, far) * 0.85**attempt
    low, high = bed.height + 0.45, 2.4
    eye = target
    for _ in range(80):
        angle, height = rng.uniform(0, 2 * np.pi), rng.uniform(low, high)
        flat = np.sqrt(max(away**2 - (height - target[2]) ** 2, 0.04))
        eye = np.array([target[0] + flat * np.cos(angle), target[1] + flat * np.sin(angle), height])
        inside = 0.06 < eye[0] < room.width - 0.06 and 0.06 < eye[1] < room.depth - 0.06
        if inside and not any(_blocks(one, eye, target) for one in room.furniture):
            break
    else:
        eye = np.clip(eye, [0.06, 0.06, low], [room.width - 0.06, room.depth - 0.06, high])
    roll = rng.normal(0, 4) if rng.random() < 0.85 else rng.choice([90.0, -90.0, 180.0])
    return Camera(eye, target, float(rng.uniform(52, 95)), float(roll))
