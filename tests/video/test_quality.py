"""Dark, covered and blurred, by plain measures of the picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from monitord.events import Sight
from monitord.video.camera import fit
from monitord.video.classifier import quality
from monitord.video.picture import PAD_GREY, SHAPE, letterbox, unpadded, wipe


def room(rng, height=192, width=256):
    """Boxes of many sizes and greys: edges at every scale, as in a furnished room."""
    picture = np.full((height, width, 3), 150, np.uint8)
    for _ in range(60):
        top, left = rng.integers(0, height - 8), rng.integers(0, width - 8)
        picture[top : top + rng.integers(4, 80), left : left + rng.integers(4, 80)] = rng.integers(0, 255, 3)
    return picture


def softened(picture, passes):
    soft = picture.astype(float)
    for _ in range(passes):
        for axis in (0, 1):
            soft = (np.roll(soft, 1, axis) + soft + np.roll(soft, -1, axis)) / 3
    return soft.astype(np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_a_furnished_room_is_usable(rng):
    assert quality(room(rng)).obstacle is None


def test_no_light_is_dark(rng):
    assert quality((room(rng) // 12).astype(np.uint8)).obstacle is Sight.DARK
    assert quality(np.zeros((192, 256, 3), np.uint8)).obstacle is Sight.DARK


def test_a_hand_on_the_lens_is_covered(rng):
    hand = np.clip(rng.normal(90, 6, (192, 256, 3)), 0, 255).astype(np.uint8)
    assert quality(hand).obstacle is Sight.COVERED


def test_out_of_focus_is_blurred(rng):
    assert quality(softened(room(rng), 60)).obstacle is Sight.BLURRED


def test_sharpness_falls_with_every_softening(rng):
    picture = room(rng)
    measured = [quality(softened(picture, passes)).sharpness for passes in (0, 5, 20, 60)]
    assert all(sharp > soft for sharp, soft in pairwise(measured))


def test_bars_around_a_picture_do_not_count(rng):
    dark = fit((room(rng, 400, 100) // 12).astype(np.uint8))
    assert (dark[:, 0] == PAD_GREY).all()
    assert unpadded(dark).shape == (192, 48, 3)
    assert quality(dark).obstacle is Sight.DARK


@pytest.mark.parametrize(("height", "width"), [(480, 640), (100, 900), (900, 100), (1, 1), (192, 256)])
def test_a_picture_is_fitted_whole_and_centred(height, width):
    place = letterbox(height, width, *SHAPE)
    assert 0 <= place.top <= SHAPE[0] - place.height
    assert 0 <= place.left <= SHAPE[1] - place.width
    assert place.height == SHAPE[0] or place.width == SHAPE[1]
    assert abs(2 * place.top + place.height - SHAPE[0]) <= 1
    assert abs(2 * place.left + place.width - SHAPE[1]) <= 1


def test_wipe_leaves_nothing(rng):
    picture = room(rng)
    wipe(picture)
    assert not picture.any()
