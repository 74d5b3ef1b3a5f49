from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.notify.delivery import (
    BACK_OFF_MAX_S,
    CONFIRM_S,
    EXPIRE_S,
    FINAL,
    TABLE,
    Action,
    Delivery,
    Event,
    IllegalEventError,
    State,
    back_off_s,
    begin,
    due,
    due_event,
    step,
)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_the_table_is_the_whole_behaviour(state, event):
    delivery = Delivery(1, 1, "page", state, due_at=0.0, expires_at=EXPIRE_S, attempts=1)
    if event in TABLE[state]:
        after, actions = step(delivery, event, 1.0)
        assert (after.state, actions) == TABLE[state][event]
    else:
        with pytest.raises(IllegalEventError):
            step(delivery, event, 1.0)


def test_an_attempt_nobody_confirms_is_tried_again_later():
    sending, actions = step(begin(1, 1, "page", 0.0), Event.SEND, 0.0)
    assert actions == (Action.TRANSMIT,)
    assert due_event(sending, CONFIRM_S - 0.1) is None
    assert due_event(sending, CONFIRM_S) is Event.ERROR
    waiting, _ = step(sending, Event.ERROR, CONFIRM_S, jitter=1.0)
    assert waiting.due_at == CONFIRM_S + 2.0


def test_a_late_confirmation_still_counts_and_the_first_time_stays():
    failed, actions = step(begin(1, 1, "page", 0.0), Event.EXPIRE, EXPIRE_S)
    assert actions == (Action.TELL_OWNER,)
    late, _ = step(failed, Event.CONFIRMED, 700.0)
    again, _ = step(late, Event.CONFIRMED, 800.0)
    assert (again.state, again.delivered_at) == (State.DELIVERED, 700.0)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_back_off_grows_to_a_bound_and_jitter_stays_in_the_upper_half(attempts, jitter):
    wait = back_off_s(attempts, jitter)
    assert 1.0 <= wait <= BACK_OFF_MAX_S
    assert back_off_s(attempts + 1, jitter) >= wait


@given(st.lists(st.floats(0, 1)))
def test_an_unconfirmed_alert_always_ends_by_telling_the_owner_in_time(jitters):
    delivery, now, told = begin(1, 1, "page", 0.0), 0.0, False
    jitter = iter([*jitters, *[0.5] * 1000])
    while delivery.state not in FINAL:
        now = due(delivery)
        event = due_event(delivery, now)
        assert event is not None
        delivery, actions = step(delivery, event, now, jitter=next(jitter))
        told |= Action.TELL_OWNER in actions
    assert told
    assert now == EXPIRE_S
    assert delivery.attempts > 5
