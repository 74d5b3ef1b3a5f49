"""What ntfy apps are told, and when it is told again: without a server."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.notify.web import feed, ntfy
from monitord.notify.web.feed import Feed, TooManyError
from monitord.notify.web.ntfy import Message, Query, QueryError

NOW = 1_800_000_000


def incident(number=1, *, urgency="high", level=0, acked_at=None):
    return {
        "id": number,
        "room": "Nursery",
        "text": "A child is crying.",
        "camera_text": "",
        "state_text": "Acknowledged." if acked_at else "Not acknowledged yet.",
        "label": "CRY",
        "urgency": urgency,
        "level": level,
        "acked_at": acked_at,
        "acked_by": "Papa" if acked_at else "",
    }


class Times:
    now = 0.0

    def __call__(self):
        return self.now

    def wall(self):
        return NOW + self.now


@pytest.fixture
def times():
    return Times()


@pytest.fixture
def told(times):
    return Feed(wall=times.wall, monotonic=times)


def ids(told, since="all"):
    return [each.id for each in told.past(Query(since=since))]


def test_a_delivery_that_is_handed_over_again_is_one_message(told, times):
    for _ in range(5):
        told.alert("j-1", incident(), 0.0)
        times.now += 100.0
    assert ids(told) == ["j-1"]


def test_what_the_rule_rings_again_has_a_number_of_its_own(told, times):
    for _ in range(13):
        told.alert("j-1", incident(), 30.0)
        times.now += 10.0
    assert ids(told) == ["j-1", "j-1r2", "j-1r3", "j-1r4", "j-1r5"]


def test_an_escalation_rings_at_once(told, times):
    told.alert("j-1", incident(), 0.0)
    times.now += 1.0
    told.alert("j-1", incident(level=1), 0.0)
    told.alert("j-1", incident(level=1), 0.0)
    assert ids(told) == ["j-1", "j-1r2"]


def test_who_was_rung_is_told_once_that_somebody_has_taken_it(told):
    told.incident(incident(7, acked_at="2026-11-25T00:00:00+00:00"))  # Nobody was rung for that one.
    told.alert("j-1", incident(), 0.0)
    for _ in range(3):
        told.incident(incident(acked_at="2026-11-25T00:00:00+00:00"))
    assert ids(told) == ["j-1", "j-i1a"]
    taken = told.past(Query(since="latest"))[0]
    assert (taken.priority, taken.button, taken.text) == (2, False, "A child is crying. Acknowledged. (Papa)")


def test_another_life_knows_the_same_numbers(told, times):
    told.alert("j-1", incident(1), 0.0)
    told.alert("j-2", incident(2), 0.0)
    told.incident(incident(1, acked_at="x"))
    again = Feed(wall=times.wall, monotonic=times)
    again.recall([("j-1", NOW, incident(1, acked_at="x")), ("j-2", NOW, incident(2))], {1: NOW + 1})
    assert ids(again) == ids(told) == ["j-1", "j-2", "j-i1a"]
    again.alert("j-2", incident(2), 0.0)  # Sent again by the new life: at least once.
    again.incident(incident(1, acked_at="x"))
    assert ids(again) == ids(told)


def test_since_a_repetition_of_another_life_is_since_its_first_message(told):
    told.alert("j-1", incident(1), 0.0)
    told.alert("j-2", incident(2), 0.0)
    assert ids(told, "j-1r9") == ["j-2"]


def test_old_messages_are_told_no_more(told, times):
    told.alert("j-1", incident(1), 0.0)
    times.now += ntfy.KEPT_S + 1
    assert ids(told) == []


@pytest.mark.parametrize(("urgency", "priority"), [("high", 5), ("medium", 4), ("low", 3), ("fault", 4)])
def test_priorities(told, urgency, priority):
    told.alert("j-1", incident(urgency=urgency), 0.0)
    assert told.past(Query(since="all"))[0].priority == priority


def test_a_slow_subscriber_is_let_go_and_the_filters_hold(told):
    async def story():
        slow = told.join(Query(), None)
        low = told.join(Query(priorities=frozenset({3})), None)
        for number in range(feed._BEHIND_MAX + 2):
            told.alert(f"j-{number}", incident(number), 0.0)
        assert slow.queue.get_nowait() is None
        assert low.queue.empty()
        assert told.subscribers == 1

    asyncio.run(story())


def test_so_many_subscribe_and_no_more(told, monkeypatch):
    monkeypatch.setattr(feed, "SUBSCRIBERS_MAX", 1)

    async def story():
        first = told.join(Query(), None)
        with pytest.raises(TooManyError):
            told.join(Query(), None)
        told.leave(first)
        told.join(Query(), None)

    asyncio.run(story())


def test_the_tables_do_not_grow_for_ever(told):
    for number in range(feed.KEPT + 50):
        told.alert(f"j-{number}", incident(number), 0.0)
    assert len(told._messages) == len(told._told) == len(told._keys) == feed.KEPT


MESSAGE = Message("j-1", NOW, 7, "Nursery", "A child is crying.", 5, ("rotating_light", "cry"), button=True)


@pytest.mark.parametrize(
    ("token", "headers"), [("ak_x", {"Authorization": "Bearer ak_x"}), ("", None), (None, "no button")]
)
def test_the_button_has_what_this_subscriber_may(token, headers):
    told = ntfy.render(MESSAGE, "monitord", "https://pi:8740/", "Acknowledge", token)
    if token is None:
        assert "actions" not in told
        return
    (action,) = told["actions"]
    assert action["url"] == "https://pi:8740/api/v1/incidents/7/ack"
    assert action.get("headers") == headers


@given(
    st.dictionaries(
        st.sampled_from(["poll", "po", "since", "si", "id", "m", "t", "p", "priority", "tags", "scheduled", "x"]),
        st.text(max_size=20),
    )
)
def test_no_query_breaks_it(parameters):
    try:
        query = ntfy.parse_query(parameters, {}, NOW)
    except QueryError as mistake:
        assert mistake.code in (40007, 40008)  # noqa: PT017 - hypothesis also finds what is right
    else:
        assert set(ntfy.select(query, [MESSAGE])) <= {MESSAGE}


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("10m", NOW - 600),
        ("1h30m", NOW - 5400),
        ("1.5h", NOW - 5400),
        ("2d", NOW - 172800),
        ("123", 123),
        ("abc", "abc"),
    ],
)
def test_durations_times_and_ids(text, since):
    assert ntfy.parse_query({"since": text}, {}, NOW).since == since
    assert ntfy.parse_query({}, {"X-Since": text}, NOW).since == since
