import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.audio.smoothing import AtOnce, Hysteresis, Smoothing

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


def test_what_is_clear_begins_at_once_and_ends_by_the_mean():
    hysteresis = Hysteresis(0.5, 0.6)
    steps = [(0.1, False), (0.2, True), (0.1, False), (0.2, True), (0.3, False), (0.29, False)]
    assert [hysteresis.update(value, clear=clear) for value, clear in steps] == [False, True, False, True, True, False]


@given(POSTERIORS, st.integers(1, 3), st.floats(0.5, 1))
def test_a_sound_begins_where_either_mean_is_high_enough_and_ends_where_neither_holds_it(posteriors, window, threshold):
    smoothing, hysteresis, at_once = Smoothing(4), Hysteresis(0.8, 0.6), AtOnce(window, threshold)
    padded = [0.0] * window
    for value in posteriors:
        padded.append(value)
        mean, before, clear = smoothing.update(value), hysteresis.on, at_once.update(value)
        assert at_once.mean == pytest.approx(sum(padded[-window:]) / window)
        assert clear == at_once.clear == (at_once.mean >= threshold)
        assert hysteresis.update(mean, clear=clear) == (mean >= (0.8 * 0.6 if before else 0.8) or clear)
