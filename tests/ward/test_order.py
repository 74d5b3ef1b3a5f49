"""What is news and what is a replay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitord.wardtalk.order import FORMER_MAX, TOPICS_MAX, Order, Verdict

NEWS, AGAIN, REPLAYED = Verdict.NEWS, Verdict.AGAIN, Verdict.REPLAYED


def live(order, topic, boot, seq):
    return order.judge(topic, boot, seq, retained=False)


def kept(order, topic, boot, seq):
    return order.judge(topic, boot, seq, retained=True)


def test_only_what_is_newer_is_news():
    order = Order()
    assert live(order, "state", 1, 5) is NEWS
    assert live(order, "state", 1, 5) is REPLAYED
    assert live(order, "state", 1, 4) is REPLAYED
    assert live(order, "health", 1, 4) is NEWS
    assert live(order, "state", 1, 6) is NEWS


def test_a_life_that_is_over_says_nothing_any_more():
    order = Order()
    assert live(order, "state", 1, 5) is NEWS
    assert live(order, "state", 2, 1) is NEWS
    assert live(order, "state", 1, 6) is REPLAYED
    assert live(order, "health", 1, 99) is REPLAYED
    assert order.boot == 2


def test_what_the_broker_keeps_comes_anew_and_what_it_did_not_see_confirmed_once():
    order = Order()
    assert kept(order, "state", 1, 5) is NEWS
    assert kept(order, "state", 1, 5) is AGAIN
    assert live(order, "state", 1, 5) is NEWS  # Only now it is known to be the present life.
    order.reconnected()
    assert live(order, "state", 1, 5) is AGAIN
    assert live(order, "state", 1, 5) is REPLAYED
    order.reconnected()
    assert live(order, "state", 1, 6) is NEWS
    assert live(order, "state", 1, 6) is REPLAYED


def test_what_is_kept_of_a_former_life_does_not_end_the_present_one():
    """The control: taken for live, it would have made the room deaf to itself."""
    order = Order()
    assert kept(order, "incident/3", 1, 9) is NEWS
    assert live(order, "health", 2, 1) is NEWS
    assert kept(order, "incident/4", 1, 8) is NEWS
    assert live(order, "health", 2, 2) is NEWS
    control = Order()
    assert live(control, "health", 2, 1) is NEWS
    assert live(control, "incident/4", 1, 8) is NEWS
    assert live(control, "health", 2, 2) is REPLAYED


def test_a_former_life_that_the_last_life_of_the_station_knew():
    order = Order([1], 2)
    assert live(order, "state", 1, 99) is REPLAYED
    assert kept(order, "state", 1, 99) is AGAIN
    assert live(order, "state", 2, 1) is NEWS


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 5), st.booleans())))
def test_no_live_message_is_news_twice(messages):
    order, seen = Order(), set()
    for topic, boot, seq, retained in messages:
        verdict = order.judge(topic, boot, seq, retained=retained)
        if verdict is NEWS and not retained:
            assert (topic, boot, seq) not in seen
            seen.add((topic, boot, seq))


def test_what_is_remembered_is_bounded():
    order = Order()
    for number in range(TOPICS_MAX + 500):
        assert live(order, f"incident/{number}", 1, number) is NEWS
    assert len(order._last) == TOPICS_MAX
    for boot in range(2, FORMER_MAX + 100):
        assert live(order, "state", boot, 1) is NEWS
    assert len(order._former) == FORMER_MAX
