"""Bodies: anny's meshes in a pose, dressed, with hair. anny is Apache-2.0, its body data CC0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.render.mesh import Mesh, Points, turned
from training.render.settle import lie, sit, stand

if TYPE_CHECKING:
    from training.render.poses import Pose

AGES = {"newborn": -1 / 3, "baby": 0.0, "toddler": 0.12, "child": 1 / 3, "young": 2 / 3, "old": 1.0}
INFANTS = ("newborn", "baby", "toddler")
_SKIN = np.array([[0.74, 0.53, 0.43], [0.62, 0.42, 0.31], [0.45, 0.28, 0.19], [0.26, 0.15, 0.10], [0.8, 0.6, 0.52]])
_HAIR = np.array([[0.03, 0.02, 0.02], [0.12, 0.07, 0.04], [0.3, 0.18, 0.08], [0.55, 0.42, 0.24], [0.6, 0.6, 0.6]])


@dataclass(frozen=True, slots=True)
class Body:
    """A settled body: z = 0 carries it (the floor, or the mattress of one who lies), origin below its middle.

    Attributes:
        mesh: skin, clothes and hair.
        age: name from `AGES`.
    """

    mesh: Mesh
    age: str


class Bodies:
    """The body model; loading takes seconds the first time it is used on a machine."""

    def __init__(self) -> None:
        import anny  # noqa: PLC0415 - only where pictures are rendered

        self._model: Any = anny.Anny()
        labels = list(self._model.bone_labels)
        weights = self._model.vertex_bone_weights.numpy()
        bones = self._model.vertex_bone_indices.numpy()
        chief = bones[np.arange(len(bones)), weights.argmax(axis=1)]
        self._bone = np.array(labels)[chief]
        self._corners = self._model.get_triangular_faces().numpy().astype(np.int64)
        self._neighbours = _neighbours(self._corners, len(chief))

    def make(self, age: str, pose: Pose, rng: np.random.Generator, *, seat_m: float = 0.45, soft: bool = True) -> Body:
        """One body.

        Args:
            age: name from `AGES`.
            pose: how it holds itself.
            rng: for its shape, clothes and hair.
            seat_m: height of what a sitting one sits on.
            soft: whether what a lying one lies on gives way.
        """
        shape = {
            "age": AGES[age] + (rng.uniform(-0.06, 0.06) if age not in ("newborn", "old") else 0.0),
            "gender": rng.uniform(0, 1),
            "height": rng.uniform(0.3, 0.6),
            "weight": rng.uniform(0.2, 0.85),
            "muscle": rng.uniform(0.2, 0.7),
            "proportions": rng.uniform(0.3, 0.7),
        }
        points = self._posed(shape, pose)
        points, colours = self._dress(points, age, rng)
        base = turned(1, np.radians(pose.base[1])) if pose.carried == "lie" else np.eye(3)
        points = points @ turned(0, np.radians(pose.base[0])).T @ base.T
        match pose.carried:
            case "lie":
                points = lie(points, 0.03 if soft else 0.004)
            case "sit":
                seat = np.flatnonzero(np.isin(self._bone, ["root", "pelvis.L", "pelvis.R", "spine05"]))
                height = 0.0 if "floor" in pose.name else seat_m
                points = sit(points, seat, height)
            case _:
                points = stand(points)
        return Body(Mesh(points, self._corners, colours, "person"), age)

    def _posed(self, shape: dict[str, float], pose: Pose) -> Points:
        import torch  # noqa: PLC0415

        joints = {"root": torch.eye(4)[None]}
        for bone, angles in pose.joints.items():
            joints[bone] = torch.eye(4)[None].clone()
            x, y, z = np.radians(angles)
            joints[bone][0, :3, :3] = torch.tensor(turned(2, z) @ turned(1, y) @ turned(0, x))
        with torch.no_grad():
            made = self._model(pose_parameters=joints, phenotype_kwargs=shape)["vertices"][0]
        return np.asarray(made.numpy(), np.float64)

    def _dress(self, points: Points, age: str, rng: np.random.Generator) -> tuple[Points, Points]:
        """Clothes and hair that change the outline, and colours for each point."""
        normals = _normals(points, self._corners)
        bare = self._on("finger", "metacarpal", "wrist", "head", "eye", "neck", "toe")
        if rng.random() < 0.6 and age != "newborn":
            bare |= self._on("foot")
        if rng.random() < 0.5:  # short sleeves
            bare |= self._on("lowerarm", "upperarm02")
        if rng.random() < 0.3:  # short trousers
            bare |= self._on("lowerleg", "upperleg02")
        below = self._on("upperleg", "lowerleg", "pelvis", "foot", "root", "spine05")
        skin = _SKIN[rng.integers(len(_SKIN))] * rng.uniform(0.85, 1.15)
        shirt, trousers = (rng.uniform(0.03, 0.85, 3) ** rng.uniform(0.7, 1.8) for _ in range(2))
        if rng.random() < 0.5:  # cloth is seldom of a pure colour
            shirt, trousers = (0.65 * one.mean() + 0.35 * one for one in (shirt, trousers))
        if rng.random() < 0.35 or age in INFANTS:
            trousers = shirt
        wide = np.clip(self._smooth(rng.standard_normal(len(points)), 30), -1.5, 2.5)
        size = np.ptp(points[:, 2])
        loose = size * rng.uniform(0.004, 0.014)
        colours = np.where(bare[:, None], skin, np.where(below[:, None], trousers, shirt))
        stripes = np.sin(points[:, 2] / size * rng.uniform(60, 160)) > 0.2
        if rng.random() < 0.3:
            colours = np.where((~bare & ~below & stripes)[:, None], rng.uniform(0.05, 0.9, 3), colours)
        out = np.where(bare, 0.0, loose * (1.0 + 0.7 * wide))
        head = self._on("head")
        middle, top = points[head].mean(axis=0), points[head, 2].max()
        # The face looks towards -y: hair covers what is behind the ears and above the forehead.
        high = (points[:, 2] - middle[2]) / (top - middle[2])
        back = (points[:, 1] - middle[1]) / max(np.ptp(points[head, 1]) / 2, 1e-6)
        hairy = head & (high + 0.9 * back > rng.uniform(0.35, 0.6)) & (high > -0.6)
        if age == "newborn" or rng.random() < 0.1:
            colours = np.where(hairy[:, None], skin * 0.8, colours)
        else:
            long = rng.uniform(0.05, 0.3) * (top - middle[2]) * (0.3 if age == "baby" else 1.0)
            out = np.where(hairy, long * (1 + 0.4 * wide), out)
            strand = _HAIR[-1 if age == "old" and rng.random() < 0.7 else rng.integers(len(_HAIR))]
            colours = np.where(hairy[:, None], strand * rng.uniform(0.7, 1.4), colours)
        colours = colours * (1 + 0.06 * self._smooth(rng.standard_normal(len(points)), 6))[:, None]
        out = self._smooth(out, 2, unit=False)
        return points + normals * out[:, None], np.clip(colours, 0.01, 0.95)

    def _on(self, *bones: str) -> np.ndarray:
        """Which points follow mostly a bone whose name begins with one of `bones`."""
        return np.any([np.char.startswith(self._bone, name) for name in bones], axis=0)

    def _smooth(self, values: Points, rounds: int, *, unit: bool = True) -> Points:
        for _ in range(rounds):
            values = 0.5 * values + 0.5 * values[self._neighbours].mean(axis=1)
        return values / max(float(values.std()), 1e-9) if unit else values


def _neighbours(corners: np.ndarray, count: int) -> np.ndarray:
    """Four neighbours of each point (some repeated), (count, 4)."""
    found: list[list[int]] = [[] for _ in range(count)]
    for a, b, c in corners:
        found[a] += [b, c]
        found[b] += [a, c]
        found[c] += [a, b]
    return np.array([((one or [at]) * 4)[:4] for at, one in enumerate(found)])


def _normals(points: Points, corners: np.ndarray) -> Points:
    a, b, c = (points[corners[:, k]] for k in range(3))
    each = np.cross(b - a, c - a)
    made = np.zeros_like(points)
    for k in range(3):
        np.add.at(made, corners[:, k], each)
    return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
