from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitord.steadiness import DEATHS, WITHIN_S, Steadiness


def test_one_death_after_the_other_is_told_at_the_last_of_them():
    counted = Steadiness()
    assert [counted.died(10.0 * number) for number in range(DEATHS + 2)] == [False] * (DEATHS - 1) + [True] * 3
    assert counted.unsteady(10.0 * 2 + WITHIN_S - 0.1)
    assert not counted.unsteady(10.0 * 2 + WITHIN_S)
    assert counted.steady_at == 10.0 * (DEATHS + 1) + WITHIN_S


def test_a_death_now_and_then_is_an_accident():
    counted = Steadiness()
    assert not any(counted.died(number * WITHIN_S / (DEATHS - 1)) for number in range(50))


def test_what_never_died_is_steady():
    assert not Steadiness().unsteady(0.0)
    assert Steadiness().steady_at is None


@given(st.lists(st.floats(0, 300), max_size=30))
def test_deaths_that_are_known_count_as_those_that_are_seen(pauses):
    at, times = 0.0, []
    for pause in pauses:
        at += pause
        times.append(at)
    seen = Steadiness()
    for time in times:
        seen.died(time)
    assert Steadiness(times).unsteady(at) == seen.unsteady(at)
