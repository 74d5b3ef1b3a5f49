from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.config import AlertWhen
from monitord.events import Fault, Look, Sight, Sound
from monitord.notify.incident import (
    QUIET_S,
    START,
    TABLE,
    Action,
    Event,
    IllegalEventError,
    Incident,
    State,
    Urgency,
    begin,
    step,
)

AFTER_LOOK, AT_ONCE = AlertWhen.AFTER_LOOK, AlertWhen.AT_ONCE


def a_cry(alert=AT_ONCE, now=100.0) -> Incident:
    return begin(1, Sound.CRY, now, room="Nursery", urgency=Urgency.HIGH, alert=alert, wait_s=12.0, score=80)[0]


def test_at_once_alerts_with_the_sound():
    incident, actions = begin(1, Sound.CRY, 5.0, room="Nursery", alert=AT_ONCE)
    assert incident.state is State.ALERTING
    assert actions == (Action.ALERT,)
    assert incident.alerted_at == 5.0


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        (Event.SIGHT, Sight.LYING),
        (Event.SIGHT, Sight.COVERED),
        (Event.LOOK_FAILED, Fault.CAMERA_MISSING),
        (Event.LOOK_FAILED, Look.NOT_ASKED),
        (Event.DEADLINE, None),
    ],
)
def test_whatever_the_camera_does_ends_the_waiting_with_the_alert(event, seen):
    incident, actions = step(a_cry(AFTER_LOOK), event, 103.0, seen=seen)
    assert incident.state is State.ALERTING
    assert actions == (Action.ALERT,)
    assert (incident.alerted_at, incident.seen, incident.look_by) == (103.0, seen, None)


def test_a_camera_that_was_asked_and_is_silent_is_named():
    asked, _ = step(a_cry(), Event.LOOK, 100.0, seen=Look.ASKED, look_by=112.0)
    after, _ = step(asked, Event.DEADLINE, 112.0)
    assert after.seen is Fault.CAMERA_TIMEOUT


def test_the_first_deadline_stands_when_the_camera_begins_again():
    waiting = a_cry(AFTER_LOOK)
    again, _ = step(waiting, Event.LOOK, 111.0, seen=Look.BEGAN, look_by=123.0)
    assert again.look_by == waiting.look_by == 112.0


def test_a_second_acknowledgement_changes_nothing():
    first, _ = step(a_cry(), Event.ACK, 110.0)
    second, actions = step(first, Event.ACK, 120.0)
    assert second == first
    assert actions == ()
    assert first.acked_at == 110.0


def test_an_incident_nobody_saw_in_time_can_still_be_ticked_off():
    cleared, _ = step(a_cry(), Event.QUIET, 170.0)
    ticked, _ = step(cleared, Event.ACK, 500.0)
    assert (ticked.state, ticked.cleared_at, ticked.acked_at) == (State.CLEARED, 170.0, 500.0)


def test_a_lasting_fault_lapses_only_until_it_is_renewed():
    fault, _ = begin(1, Fault.MICROPHONE_MISSING, 0.0, room="Nursery", lasting=True)
    assert fault.lapses_at is None
    again, _ = step(fault, Event.FAULT, 10.0)
    assert again.lapses_at is None
    passing, _ = step(begin(2, Fault.WIRE_GAP, 0.0, room="Nursery")[0], Event.FAULT, 10.0)
    assert passing.lapses_at == 10.0 + QUIET_S


def test_a_fault_takes_no_event_of_a_sound_and_a_sound_none_of_a_fault():
    fault, _ = begin(1, Fault.EAR_SILENT, 0.0, room="Nursery", lasting=True)
    with pytest.raises(IllegalEventError, match="SIGHT cannot happen"):
        step(fault, Event.SIGHT, 1.0, seen=Sight.NOBODY)
    with pytest.raises(IllegalEventError, match="RECOVERED cannot happen"):
        step(a_cry(), Event.RECOVERED, 101.0)


def _reach(state: State) -> Incident:
    path = {
        State.OPEN: (AFTER_LOOK, ()),
        State.ALERTING: (AT_ONCE, ()),
        State.ACKNOWLEDGED: (AT_ONCE, (Event.ACK,)),
        State.CLEARED: (AT_ONCE, (Event.QUIET,)),
    }[state]
    incident = a_cry(path[0])
    for event in path[1]:
        incident, _ = step(incident, event, 101.0)
    assert incident.state is state
    return incident


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_the_table_is_the_whole_behaviour(state, event):
    incident = _reach(state)
    if event in TABLE[state] and event not in (Event.FAULT, Event.RECOVERED):
        after, actions = step(incident, event, 200.0)
        assert (after.state, actions) == TABLE[state][event]
    else:
        with pytest.raises(IllegalEventError):
            step(incident, event, 200.0)


def test_every_state_can_be_reached_and_left_as_the_table_says():
    reached = {START[rule][0] for rule in AlertWhen}
    while True:
        further = reached | {after for state in reached for after, _ in TABLE[state].values()}
        if further == reached:
            break
        reached = further
    assert reached == set(State)
    assert all(after is State.CLEARED for after, _ in TABLE[State.CLEARED].values())


@given(st.sampled_from(AlertWhen), st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 30))))
def test_an_incident_alerts_exactly_once_unless_a_person_was_faster(alert, story):
    now = 100.0
    incident, actions = begin(1, Sound.CRY, now, room="Nursery", alert=alert, wait_s=12.0)
    alerts = actions.count(Action.ALERT)
    for event, wait in story:
        now += wait
        before = incident
        try:
            incident, actions = step(incident, event, now, seen=Sight.LYING)
        except IllegalEventError:
            assert incident == before
            continue
        alerts += actions.count(Action.ALERT)
    assert alerts == (incident.alerted_at is not None)
    assert alerts or incident.state is State.OPEN or incident.acked_at is not None
