"""How bodies hold themselves: angles of joints, drawn at random within what joints do. Pure numpy.

Angles are degrees about the body's own axes at rest: x to its left, y to its back, z up. Bones are anny's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Angles = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Pose:
    """One posture.

    Attributes:
        name: what it is, for the manifest.
        posture: "lying" or "upright" (sitting, standing, kneeling and bending count), "other" for what is between.
        joints: bone -> degrees about x, y, z.
        base: root's turn: degrees about x, then y, that bring a standing body into place.
        carried: by a surface along its length ("lie"), at the seat ("sit"), by its lowest point ("stand").
    """

    name: str
    posture: str
    joints: dict[str, Angles]
    base: tuple[float, float] = (0.0, 0.0)
    carried: str = "stand"
    _: None = field(default=None, repr=False)


def lying(rng: np.random.Generator, *, infant: bool) -> Pose:
    """On the back, the belly or a side, curled or stretched."""
    name = str(rng.choice(["supine", "prone", "side", "curled"], p=[0.4, 0.2, 0.25, 0.15]))
    side = float(rng.choice([-1.0, 1.0]))
    joints = _arms(rng, up=0.45 if infant else 0.25) | _trunk(rng, 8)
    match name:
        case "supine" | "prone":
            base = (-90.0 if name == "supine" else 90.0, float(rng.uniform(-12, 12)))
            bend = rng.uniform(25, 70) if infant else rng.choice([rng.uniform(0, 15), rng.uniform(10, 70)])
            for which, sign in (("L", 1.0), ("R", -1.0)):
                hip = bend * rng.uniform(0.6, 1.3)
                spread = rng.uniform(5, 40) if infant or bend > 30 else rng.uniform(0, 18)
                flex = -hip if name == "supine" else -hip * 0.25
                joints[f"upperleg01.{which}"] = (flex, -sign * spread, sign * rng.uniform(0, 25))
                joints[f"lowerleg01.{which}"] = (hip * rng.uniform(0.9, 1.6), 0.0, 0.0)
            joints["head"] = (0.0, 0.0, float(rng.uniform(-65, 65) if name == "supine" else side * rng.uniform(55, 80)))
        case _:
            base = (-90.0, side * float(rng.uniform(70, 100)))
            bend = rng.uniform(10, 60) if name == "side" else rng.uniform(70, 110)
            for which in ("L", "R"):
                hip = bend * rng.uniform(0.75, 1.2)
                joints[f"upperleg01.{which}"] = (-hip, 0.0, 0.0)
                joints[f"lowerleg01.{which}"] = (hip * rng.uniform(0.8, 1.4), 0.0, 0.0)
                joints[f"upperarm01.{which}"] = (-rng.uniform(20, 85), float(rng.uniform(-15, 30)), 0.0)
                joints[f"lowerarm01.{which}"] = (-rng.uniform(20, 110), 0.0, 0.0)
            curl = bend / 8
            joints |= {bone: (float(curl), 0.0, 0.0) for bone in ("spine04", "spine03", "spine02", "neck01")}
    return Pose(name, "lying", joints, base, "lie")


def sitting(rng: np.random.Generator, *, infant: bool) -> Pose:
    """On a bed's edge or a chair, or on the floor with stretched or crossed legs."""
    floor = infant or rng.random() < 0.35
    joints = _arms(rng, up=0.15) | _trunk(rng, 10)
    lean = rng.uniform(-8, 14)
    for which, sign in (("L", 1.0), ("R", -1.0)):
        hip = rng.uniform(75, 95) + lean
        joints[f"upperleg01.{which}"] = (-hip, -sign * rng.uniform(5, 40 if floor else 15), 0.0)
        knee = rng.uniform(5, 60) if floor else rng.uniform(70, 100)
        joints[f"lowerleg01.{which}"] = (float(knee), 0.0, 0.0)
    joints["head"] = (float(rng.uniform(-15, 35)), 0.0, float(rng.uniform(-50, 50)))
    return Pose("sitting on the floor" if floor else "sitting", "upright", joints, (float(lean), 0.0), "sit")


def standing(rng: np.random.Generator) -> Pose:
    """Upright or in a step."""
    joints = _arms(rng, up=0.12) | _trunk(rng, 6)
    step = rng.uniform(0, 28)
    for which, sign in (("L", 1.0), ("R", -1.0)):
        joints[f"upperleg01.{which}"] = (-sign * step, -sign * rng.uniform(0, 8), 0.0)
        joints[f"lowerleg01.{which}"] = (float(rng.uniform(0, 25)), 0.0, 0.0)
    joints["head"] = (float(rng.uniform(-10, 25)), 0.0, float(rng.uniform(-45, 45)))
    return Pose("standing", "upright", joints, (float(rng.uniform(-3, 8)), 0.0), "stand")


def bending(rng: np.random.Generator) -> Pose:
    """A carer who bends over a bed, arms forward."""
    joints = _trunk(rng, 5)
    bow = rng.uniform(25, 70)
    for which, sign in (("L", 1.0), ("R", -1.0)):
        joints[f"upperleg01.{which}"] = (-bow * 0.75, -sign * 4.0, 0.0)
        joints[f"lowerleg01.{which}"] = (float(rng.uniform(0, 20)), 0.0, 0.0)
        joints[f"upperarm01.{which}"] = (-rng.uniform(30, 80), sign * rng.uniform(20, 45), 0.0)
        joints[f"lowerarm01.{which}"] = (-rng.uniform(5, 50), 0.0, 0.0)
    joints |= dict.fromkeys(("spine04", "spine03", "spine02"), (bow * 0.1, 0.0, 0.0))
    return Pose("bending", "upright", joints, (bow * 0.75, 0.0), "stand")


def kneeling(rng: np.random.Generator, *, infant: bool) -> Pose:
    """On the knees, upright; infants on hands and knees, which is neither."""
    joints = _arms(rng, up=0.1) | _trunk(rng, 6)
    bow = rng.uniform(60, 85) if infant else rng.uniform(0, 25)
    for which, sign in (("L", 1.0), ("R", -1.0)):
        joints[f"upperleg01.{which}"] = (-bow, -sign * rng.uniform(3, 15), 0.0)
        joints[f"lowerleg01.{which}"] = (float(rng.uniform(85, 110)), 0.0, 0.0)
        if infant:
            joints[f"upperarm01.{which}"] = (-rng.uniform(65, 90), sign * 40.0, 0.0)
            joints["head"] = (float(-rng.uniform(10, 50)), 0.0, float(rng.uniform(-40, 40)))
    return Pose("crawling" if infant else "kneeling", "other" if infant else "upright", joints, (bow, 0.0), "stand")


def fallen(rng: np.random.Generator) -> Pose:
    """As `lying`, limbs thrown about: on the floor after a fall."""
    made = lying(rng, infant=False)
    joints = dict(made.joints)
    for which, sign in (("L", 1.0), ("R", -1.0)):
        joints[f"upperarm01.{which}"] = (
            float(rng.uniform(-70, 30)),
            sign * float(rng.uniform(-90, 40)),
            float(rng.uniform(-30, 30)),
        )
        hip, splay, knee = rng.uniform(-60, 15), rng.uniform(0, 35), rng.uniform(0, 90)
        joints[f"upperleg01.{which}"] = (float(hip), -sign * float(splay), 0.0)
        joints[f"lowerleg01.{which}"] = (float(knee), 0.0, 0.0)
    return Pose("fallen", "lying", joints, made.base, "lie")


def _arms(rng: np.random.Generator, *, up: float) -> dict[str, Angles]:
    """Both arms, each raised beside the head with a probability of `up`, otherwise down or before the body."""
    made: dict[str, Angles] = {}
    for which, sign in (("L", 1.0), ("R", -1.0)):
        if rng.random() < up:
            lift = (float(rng.uniform(-30, 20)), -sign * float(rng.uniform(40, 120)), 0.0)
            elbow = float(rng.uniform(10, 100))
        else:
            lift = (-float(rng.uniform(-15, 45)), sign * float(rng.uniform(5, 42)), 0.0)
            elbow = float(rng.uniform(5, 95))
        made[f"upperarm01.{which}"] = lift
        made[f"lowerarm01.{which}"] = (-elbow, 0.0, sign * float(rng.uniform(-30, 30)))
        made[f"wrist.{which}"] = (float(rng.uniform(-25, 25)), 0.0, float(rng.uniform(-15, 15)))
    return made


def _trunk(rng: np.random.Generator, most: float) -> dict[str, Angles]:
    bones = ("spine04", "spine03", "spine02", "neck01")
    return {bone: tuple(float(angle) for angle in rng.uniform(-most, most, 3)) for bone in bones}  # type: ignore[misc]
