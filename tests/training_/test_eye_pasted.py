"""Renders laid into rooms: bodies have boxes where they lie, heaps are nobody, grey ones make the room grey."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("tqdm")
pytest.importorskip("onnxruntime")

import cv2

from training.eye import pasted
from training.eye.cutouts import Room
from training.person.data import LYING, NOBODY

RED = np.array([200.0, 20.0, 20.0], np.float32)


def render(*, somebody: bool, infrared: bool = False) -> pasted.Render:
    picture = np.full((60, 80, 3), RED, np.float32)
    mask = np.zeros((60, 80), np.float32)
    mask[10:50, 10:70] = 1
    box = (0.125, 1 / 6, 0.75, 2 / 3) if somebody else None
    return pasted.Render(picture, mask, 40.0, infrared, box)


def room(*, has_bed: bool = True) -> Room:
    picture = np.full((192, 256, 3), (90, 120, 90), np.uint8)
    return Room(picture, np.array([60.0, 90, 200, 170]), has_bed)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("has_bed", [True, False])
def test_the_box_is_where_the_body_was_laid(seed, has_bed):
    one = pasted.paste(render(somebody=True), room(has_bed=has_bed), np.random.default_rng(seed))
    assert one is not None
    assert one.target == LYING
    (body,) = one.bodies
    left, top, wide, high = body.box
    down, across = np.nonzero(one.picture[..., 0].astype(int) > 1.6 * one.picture[..., 1])
    assert left == pytest.approx(across.min() / 256, abs=0.06)
    assert top == pytest.approx(down.min() / 192, abs=0.06)
    assert left + wide == pytest.approx((across.max() + 1) / 256, abs=0.06)
    assert top + high == pytest.approx((down.max() + 1) / 192, abs=0.06)


def test_half_are_heaps_and_nobody():
    renders = [render(somebody=True), render(somebody=False)]
    made = list(pasted.pasted(6, renders, [room()], seed=1))
    assert [one.target for one in made] == [LYING, NOBODY] * 3
    assert all(not one.bodies for one in made[1::2])


def test_a_grey_render_makes_the_room_grey():
    one = pasted.paste(render(somebody=False, infrared=True), room(), np.random.default_rng(3))
    assert one is not None
    corner = one.picture[:10, :10]
    assert np.ptp(corner, axis=2).max() == 0


def test_reads_what_was_rendered_and_leaves_out_a_body_without_a_box(tmp_path):
    whole = np.zeros((6, 8, 4), np.uint8)
    whole[..., 0], whole[2:4, :, 3] = 250, 255  # Blue, as cv2 writes.
    rows = [{"pose": "supine", "box": [0.1, 0.2, 0.3, 0.4]}, {"pose": ""}, {"pose": "prone"}]
    for number, row in enumerate(rows):
        cv2.imwrite(str(tmp_path / f"{number:05d}.png"), whole)
        told = {"infrared": False, "metre_px": 70.0, **row}
        (tmp_path / f"{number:05d}.json").write_text(json.dumps(told), "utf-8")
    body, heap = pasted.read(tmp_path)
    assert body.box == (0.1, 0.2, 0.3, 0.4)
    assert heap.box is None
    assert body.picture[0, 0].tolist() == [0, 0, 250]
    assert body.mask.sum() == 16
