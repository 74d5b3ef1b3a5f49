"""Rendering's pure parts: solids, settling, cloth, poses, where a box is seen."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")

from training.render import cloth, mesh, outline, poses, rooms, settle
from training.render.scenes import Camera

SEEDS = range(5)


def body(seed=0, count=4000):
    """A thick rod along y, tipped."""
    rng = np.random.default_rng(seed)
    points = rng.uniform((-0.2, -0.8, -0.1), (0.2, 0.8, 0.1), (count, 3))
    return points @ mesh.turned(0, rng.uniform(-0.5, 0.5)).T @ mesh.turned(1, rng.uniform(-0.4, 0.4)).T + [0, 0, 1.5]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_rotation_is_one(axis):
    turn = mesh.turned(axis, 0.7)
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_lies_touches_along_the_whole_length(seed):
    made = settle.lie(body(seed), 0.02)
    assert made[:, 2].min() >= -0.02
    for half in (made[made[:, 1] < 0], made[made[:, 1] > 0], made[made[:, 0] < 0], made[made[:, 0] > 0]):
        assert half[:, 2].min() < 0.03
    assert np.ptp(made[:, 2]) < 0.3  # flat, not on its edge


def test_who_is_not_settled_does_not_touch():
    tipped = body(3)
    tipped[:, 2] -= tipped[:, 2].min()
    assert max(tipped[tipped[:, 1] < 0, 2].min(), tipped[tipped[:, 1] > 0, 2].min()) > 0.1


def test_who_sits_has_the_seat_at_its_height_and_nothing_below_the_floor():
    points = body(1)
    seat = np.argsort(points[:, 2])[:200]
    made = settle.sit(points, seat, 0.45)
    assert made[:, 2].min() >= 0
    assert np.quantile(made[seat, 2], 0.05) == pytest.approx(0.43, abs=0.01)


def test_a_blanket_lies_above_the_body_and_ends_where_it_should():
    points = settle.lie(body(2), 0.02)
    colours = (np.full(3, 0.5), np.full(3, 0.2))
    made = cloth.blanket(points, (-0.5, -0.9, 0.5, 0.2), np.random.default_rng(0), colours, rumpled=0.01)
    assert made.points[:, 1].max() < 0.21
    top = points[:, 2].max()
    over = made.points[(np.abs(made.points[:, 0]) < 0.1) & (np.abs(made.points[:, 1]) < 0.1)]
    aside = made.points[np.abs(made.points[:, 0]) > 0.45]
    assert over[:, 2].min() > top - 0.03
    assert np.median(aside[:, 2]) < 0.08


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("crib", [False, True])
def test_a_room_is_the_same_for_the_same_number(seed, crib):
    first, second = rooms.make(seed, crib=crib), rooms.make(seed, crib=crib)
    assert first.bed == second.bed
    assert all(np.array_equal(a.points, b.points) for a, b in zip(first.meshes, second.meshes, strict=True))
    assert rooms.make(seed + 100, crib=crib).bed != first.bed


@pytest.mark.parametrize("seed", SEEDS)
def test_meshes_are_whole(seed):
    room = rooms.make(seed, crib=seed % 2 == 0)
    for one in [*room.meshes, *rooms.bedclothes(room.bed, None, 0.6, np.random.default_rng(seed))]:
        assert one.points.shape == one.colours.shape
        assert 0 <= one.corners.min() <= one.corners.max() < len(one.points)
        assert np.isfinite(one.points).all()
        assert one.colours.min() >= 0
        assert one.colours.max() <= 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_postures_are_what_they_are_called(seed):
    rng = np.random.default_rng(seed)
    assert poses.lying(rng, infant=bool(seed % 2)).posture == "lying"
    assert poses.fallen(rng).carried == "lie"
    assert {poses.sitting(rng, infant=False).posture, poses.standing(rng).posture, poses.bending(rng).posture} == {
        "upright"
    }
    assert poses.kneeling(rng, infant=True).posture == "other"


def seen(points, roll_deg=0.0, wide_deg=60.0):
    return outline.box_of(np.asarray(points, float), Camera(np.zeros(3), np.array([0.0, 1.0, 0.0]), wide_deg, roll_deg))


def test_what_is_straight_ahead_is_in_the_middle():
    corners = [[x, 2.0, z] for x in (-0.2, 0.2) for z in (-0.1, 0.1)]
    box = seen(corners)
    assert (box.x, box.y) == (pytest.approx(0.5), pytest.approx(0.5))
    assert box.width == pytest.approx(0.4 / (2 * 2 * np.tan(np.radians(30))), rel=0.02)
    assert box.height / box.width == pytest.approx(0.2 / 0.4 * outline.WIDTH / outline.HEIGHT, rel=0.02)


def test_right_and_up_are_right_and_up():
    box = seen([[0.5, 2.0, 0.4], [0.6, 2.0, 0.5]])
    assert box.x > 0.6
    assert box.y < 0.4


def test_what_is_behind_or_outside_is_not_seen():
    assert seen([[0.0, -2.0, 0.0], [0.1, -2.0, 0.1]]) is None
    assert seen([[5.0, 2.0, 0.0], [5.1, 2.0, 0.1]]) is None
