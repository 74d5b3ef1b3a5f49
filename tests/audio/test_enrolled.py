"""The boost of an enrolled voice: bounds, shapes, and what it must tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitord.audio.enrolled import Gain, boost, similarity

WORTH = Gain(gain=20.0, offset=0.6, most=6.0)


def word(seed: int, at: int) -> np.ndarray:
    """Sixteen embeddings of a made-up room with a made-up word in six of them."""
    rng = np.random.default_rng(seed)
    rows = np.tile(np.linspace(-10.0, 10.0, 96, dtype=np.float32), (16, 1))
    rows[at : at + 6] += rng.normal(0.0, 20.0, (6, 96)).astype(np.float32)
    return rows


TEMPLATES = np.stack([word(1, at) for at in (5, 6, 7, 6, 5)])


def test_the_enrolled_word_is_known_wherever_in_the_hop_it_falls() -> None:
    for at in range(2, 10):
        assert similarity(word(1, at), TEMPLATES) > 0.8
        assert boost(word(1, at), TEMPLATES, WORTH) > 3.0


def test_another_word_in_the_same_room_gains_nothing() -> None:
    assert all(boost(word(seed, 6), TEMPLATES, WORTH) == 0.0 for seed in range(2, 40))


def test_without_templates_nothing_is_added() -> None:
    none = np.zeros((0, 16, 96), np.float32)
    assert similarity(word(1, 6), none) == -1.0
    assert boost(word(1, 6), none, WORTH) == 0.0


@pytest.mark.parametrize("shape", [(16, 95), (15, 96), (96,)])
def test_an_example_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        boost(np.zeros(shape, np.float32), TEMPLATES, WORTH)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 50.0), st.floats(-1.0, 1.0), st.floats(0.0, 10.0))
def test_the_boost_stays_in_its_bounds(seed: int, gain: float, offset: float, most: float) -> None:
    rng = np.random.default_rng(seed)
    example = rng.normal(0.0, 20.0, (16, 96)).astype(np.float32)
    templates = rng.normal(0.0, 20.0, (3, 16, 96)).astype(np.float32)
    assert -1.0 <= similarity(example, templates) <= 1.0 + 1e-6
    assert 0.0 <= boost(example, templates, Gain(gain, offset, most)) <= most
