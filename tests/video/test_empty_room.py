"""A look beside the empty room: what it adds, what it leaves alone, and when the camera was moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monitord.events import Calibration
from monitord.model import Card, ModelError
from monitord.video.empty_room import Comparison, Empty, Light, Worth, adjusted, compare, distances, light_of
from monitord.video.picture import PAD_GREY

CELLS, CHANNELS = 12, 8
DAY, NIGHT = Light(120.0, grey=False), Light(60.0, grey=True)
WORTH = Worth(presence=0.8, distance=20.0, bias=-4.0, most=4.0, moved=0.5, cells=CELLS)

features = arrays.arrays(np.float32, CELLS * CHANNELS, elements=st.floats(-100, 100, width=32))
loud = arrays.arrays(np.float32, CELLS * CHANNELS, elements=st.floats(0.5, 100, width=32))
probability = st.floats(0.0, 1.0)


def room(seed=1, light=DAY):
    return Empty("2026-01-01T00:00:00+00:00", light, np.random.default_rng(seed).random(CELLS * CHANNELS, np.float32))


def with_somebody(empty, cells=(4, 5)):
    """The room with other features in a few cells."""
    grid = empty.features.reshape(CELLS, CHANNELS).copy()
    grid[list(cells)] = 5.0 * np.random.default_rng(9).random((len(cells), CHANNELS), np.float32)
    return grid.ravel()


@given(features, features)
def test_distances_are_between_nought_and_one_and_the_same_both_ways(one, other):
    there, back = distances(one, other, CELLS), distances(other, one, CELLS)
    assert there.shape == (CELLS,)
    assert np.allclose(there, back)
    assert (there >= 0).all()
    assert (there <= 1 + 1e-5).all()
    assert not distances(one, one, CELLS).any()


@given(loud, loud, st.floats(0.01, 100))
def test_twice_the_signal_is_not_twice_the_distance(one, other, gain):
    assert np.allclose(
        distances(one, other, CELLS),
        distances(np.float32(gain) * one, np.float32(gain) * other, CELLS),
        atol=1e-3,
    )


def test_without_calibration_nothing_is_compared():
    assert compare(room().features, DAY, [], WORTH) == Comparison(Calibration.NONE)


def test_the_room_itself_is_at_no_distance():
    here = compare(room().features, DAY, [room(), room(2)], WORTH)
    assert here == Comparison(Calibration.HOLDS, 0.0, 0.0)


def test_somebody_changes_some_cells_and_not_those_that_stay():
    here = compare(with_somebody(room()), DAY, [room()], WORTH)
    assert here.state is Calibration.HOLDS
    assert here.still == 0.0
    assert here.distance > 0.3


def test_a_moved_camera_changes_most_cells():
    rolled = np.roll(room().features.reshape(CELLS, CHANNELS), 1, axis=0).ravel()
    assert compare(rolled, DAY, [room()], Worth(0.8, 20.0, -4.0, 4.0, 0.2, CELLS)).state is Calibration.MOVED


def test_night_is_not_compared_with_day():
    assert compare(room().features, NIGHT, [room()], WORTH) == Comparison(Calibration.OTHER_LIGHT)
    both = [room(), room(2, NIGHT)]
    assert compare(room(2).features, NIGHT, both, WORTH).distance == 0.0


@given(st.permutations([room(seed) for seed in range(4)]), st.integers(0, 3))
def test_the_nearest_calibration_counts_in_whatever_order_they_are_kept(rooms, chosen):
    one = next(each for each in rooms if each.features[0] == room(chosen).features[0])
    assert compare(one.features, DAY, rooms, WORTH).distance == 0.0


@given(probability, st.floats(0, 1))
def test_a_comparison_changes_the_opinion_by_no_more_than_it_may(presence, distance):
    after = adjusted(presence, Comparison(Calibration.HOLDS, distance), WORTH)
    assert 0.0 <= after <= 1.0
    if 0.001 < presence < 0.999 and 0.0 < after < 1.0:
        moved = np.log(after / (1 - after)) - np.log(presence / (1 - presence))
        assert abs(moved) <= WORTH.most + 1e-6


@given(probability, st.floats(0, 1), st.floats(0, 1))
def test_further_away_is_never_less_likely_somebody(presence, one, other):
    near, far = sorted((one, other))
    assert adjusted(presence, Comparison(Calibration.HOLDS, near), WORTH) <= adjusted(
        presence, Comparison(Calibration.HOLDS, far), WORTH
    )


@given(probability, probability, st.floats(0, 1))
def test_a_surer_network_is_never_less_sure_afterwards(one, other, distance):
    low, high = sorted((one, other))
    beside = Comparison(Calibration.HOLDS, distance)
    assert adjusted(low, beside, WORTH) <= adjusted(high, beside, WORTH) + 1e-12


@pytest.mark.parametrize("state", [Calibration.NONE, Calibration.MOVED, Calibration.OTHER_LIGHT, Calibration.NOT_TOLD])
@given(presence=probability)
def test_what_cannot_be_compared_changes_nothing(state, presence):
    assert adjusted(presence, Comparison(state, 0.9, 0.9), WORTH) == presence


def test_the_light_of_a_picture_with_bars_around_it():
    picture = np.full((60, 80, 3), PAD_GREY, np.uint8)
    picture[10:50] = (200, 100, 50)
    picture[11:49:2] = (100, 100, 100)
    assert light_of(picture).grey is False
    picture[10:50] = np.arange(80, dtype=np.uint8)[None, :, None]
    light = light_of(picture)
    assert light.grey
    assert light.bright == pytest.approx(39.5)


def card(**section):
    return Card(Path("person.toml"), "person", "0", ("x",), (1,), {"calibration": section} if section else {})


GOOD = {"presence": 0.8, "distance": 20, "bias": -4, "most": 4, "moved": 0.5, "cells": CELLS}


def test_the_card_says_what_a_comparison_is_worth():
    assert Worth.read(card(**GOOD)) == WORTH
    assert Worth.read(card()) is None


@pytest.mark.parametrize(
    "wrong", [{"moved": 0}, {"moved": 2}, {"cells": 0}, {"presence": 0}, {"bias": "x"}, {"most": -1}]
)
def test_a_card_that_means_nothing_is_refused(wrong):
    with pytest.raises(ModelError, match=r"person.toml: \[calibration\]"):
        Worth.read(card(**GOOD | wrong))
    with pytest.raises(ModelError, match="no usable 'cells'"):
        Worth.read(card(**{key: value for key, value in GOOD.items() if key != "cells"}))
