"""Boxes: decoding, and which are of different bodies."""

from __future__ import annotations

import numpy as np

from monitord.video import boxes

HEIGHT, WIDTH = 192, 256
PLACES = boxes.count(HEIGHT, WIDTH)


def test_places():
    assert PLACES == 24 * 32 + 12 * 16 + 6 * 8 == boxes.count(WIDTH, HEIGHT)


def test_a_raw_box_of_zeros_has_its_middle_at_its_place_and_one_stride_as_size():
    found = boxes.decode(np.zeros((PLACES, 4), np.float32), HEIGHT, WIDTH)
    assert found[0].tolist() == [-4, -4, 4, 4]
    assert found[33].tolist() == [8 - 4, 8 - 4, 8 + 4, 8 + 4]  # second row, second column
    assert found[-1].tolist() == [7 * 32 - 16, 5 * 32 - 16, 7 * 32 + 16, 5 * 32 + 16]


def test_the_same_body_is_counted_once():
    where = np.array([[0, 0, 40, 90], [2, 1, 41, 92], [10, 0, 25, 20], [100, 0, 140, 90]], np.float32)
    scores = np.array([3.0, 2.9, 2.5, 1.0], np.float32)
    assert boxes.apart(where, scores) == [0, 3]  # neither the shifted box nor the head is another body


def quiet():
    return np.full((3, PLACES), -8.0, np.float32), np.zeros((2, PLACES, 4), np.float32)


def around(raw, row, column):
    """A box of 64 pixels around a place of the finest stride."""
    raw[:, row * 32 + column, 2:] = np.log(8)


def test_a_body_is_as_likely_as_its_two_likeliest_places_and_its_posture_is_that_of_these():
    logits, raw = quiet()
    logits[boxes.LYING, :4] = 3.0, 2.0, 1.0, 0.5
    logits[boxes.UPRIGHT, 7:9] = 0.5, 0.5
    logits[boxes.POSTURE, :3] = 1.5, 2.5, 9.0
    seen = boxes.sum_up(logits, raw, HEIGHT, WIDTH)
    assert (seen.person, seen.lying) == (2.5, 2.0)


def test_one_body_that_is_taken_for_both_is_one():
    logits, raw = quiet()
    logits[:2, 12 * 32 + 16] = 2.0, 1.5
    around(raw, 12, 16)
    assert boxes.sum_up(logits, raw, HEIGHT, WIDTH).second < -7


def test_one_who_lies_beside_one_who_stands_are_two():
    logits, raw = quiet()
    logits[boxes.LYING, 12 * 32 + 4], logits[boxes.UPRIGHT, 12 * 32 + 24] = 2.5, 2.0
    around(raw, 12, 4)
    around(raw, 12, 24)
    assert boxes.sum_up(logits, raw, HEIGHT, WIDTH).second == 2.0
