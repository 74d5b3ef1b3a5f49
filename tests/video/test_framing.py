"""Where a stream of pictures pauses tells their size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitord.video.framing import ENOUGH, Framing


def pauses(size, true_size, count):
    """What a reader of pictures of `size` sees of a stream of pictures of `true_size`, each written in one go."""
    framing = Framing()
    for number in range(count):
        framing.arrived()
        framing.paused((number + 1) * true_size % size)
        framing.paused((number + 1) * true_size % size)  # It still pauses.
    return framing


@given(st.integers(1, 1000), st.integers(1, 50))
def test_the_right_size_is_never_wrong(size, count):
    framing = pauses(size, size, count)
    assert not framing.wrong
    assert (framing.between, framing.within) == (count, 0)


@given(st.integers(10, 1000), st.integers(1, 1000))
def test_another_size_is_noticed_by_the_third_picture_unless_it_fits_evenly(size, true_size):
    wrong = pauses(size, true_size, ENOUGH).wrong
    assert wrong == all(number * true_size % size for number in range(1, ENOUGH + 1))


@given(st.lists(st.integers(0, 99)))
def test_before_the_first_byte_nothing_pauses(offsets):
    framing = Framing()
    for offset in offsets:
        framing.paused(offset)
    assert not framing.wrong
    assert (framing.between, framing.within) == (0, 0)


def test_a_busy_machine_may_pause_within_a_picture():
    framing = Framing()
    for filled in (0, 50, 20, 70, 90):
        framing.arrived()
        framing.paused(filled)
    assert not framing.wrong
