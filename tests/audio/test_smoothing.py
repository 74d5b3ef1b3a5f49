import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.audio.smoothing import Hysteresis, Smoothing

POSTERIORS = st.lists(st.floats(0, 1), min_size=1, max_size=50)


@given(POSTERIORS, st.integers(1, 6))
def test_it_is_the_mean_of_the_last_hops_with_zeros_before_the_first(posteriors, window):
    smoothing = Smoothing(window)
    padded = [0.0] * window
    for value in posteriors:
        padded.append(value)
        assert smoothing.update(value) == pytest.approx(sum(padded[-window:]) / window)


def test_on_at_the_threshold_off_below_the_release():
    hysteresis = Hysteresis(0.5, 0.6)
    values = [0.49, 0.5, 0.31, 0.3, 0.29, 0.4, 0.5]
    assert [hysteresis.update(value) for value in values] == [False, True, True, True, False, False, True]


@given(POSTERIORS)
def test_it_turns_on_only_at_the_threshold_and_off_only_below_the_release(posteriors):
    hysteresis = Hysteresis(0.8, 0.6)
    for value in posteriors:
        before = hysteresis.on
        after = hysteresis.update(value)
        assert after == (value >= (0.8 * 0.6 if before else 0.8))
