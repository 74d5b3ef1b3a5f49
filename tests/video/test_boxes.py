"""Boxes: decoding, turning back, and which are of different bodies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize("turn", [1, -1])
@given(x=st.integers(0, 200), y=st.integers(0, 150), wide=st.integers(1, 40), high=st.integers(1, 40))
def test_a_box_turned_back_is_where_it_was(turn, x, y, wide, high):
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    picture[y : y + high, x : x + wide] = 1
    rows, columns = np.nonzero(np.rot90(picture, turn))
    turned = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    back = boxes.turned_back(turned, turn, HEIGHT, WIDTH)[0]
    assert back.tolist() == [x, y, min(x + wide, WIDTH), min(y + high, HEIGHT)]


def test_the_same_body_is_counted_once():
    where = np.array([[0, 0, 40, 90], [2, 1, 41, 92], [10, 0, 25, 20], [100, 0, 140, 90]], np.float32)
    scores = np.array([3.0, 2.9, 2.5, 1.0], np.float32)
    assert boxes.apart(where, scores) == [0, 3]  # neither the shifted box nor the head is another body


def quiet():
    person, posture = (np.full((3, PLACES), value, np.float32) for value in (-8.0, -2.0))
    return person, posture, np.zeros((3, PLACES, 4), np.float32)


def test_a_body_in_a_turned_view_is_a_body_and_its_posture_counts():
    person, posture, raw = quiet()
    person[1, :4], posture[1, :4] = (2.0, 1.5, 1.0, 0.5), 3.0
    seen = boxes.sum_up(person, posture, raw, HEIGHT, WIDTH)
    assert (seen.person, seen.lying) == (2.0, 3.0)


def test_one_body_seen_in_all_views_is_one():
    person, posture, raw = quiet()
    # The place at x 128, y 96 of the picture, in each view, with a box of 64 pixels around it.
    for view, (column, row, across) in enumerate(((16, 12, 32), (12, 16, 24), (12, 16, 24))):
        person[view, row * across + column] = 2.0
        raw[view, row * across + column, 2:] = np.log(8)
    assert boxes.sum_up(person, posture, raw, HEIGHT, WIDTH).second < -7


def test_two_bodies_are_two():
    person, posture, raw = quiet()
    for column in (4, 24):
        person[0, 12 * 32 + column] = 2.0
        raw[0, 12 * 32 + column, 2:] = np.log(8)
    assert boxes.sum_up(person, posture, raw, HEIGHT, WIDTH).second == 2.0
