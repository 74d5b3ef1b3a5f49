from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.config import AlertWhen
from monitord.config.rules import Calling
from monitord.events import Fault, Look, Sight, Sound
from monitord.notify.incident import (
    QUIET_S,
    RINGS,
    START,
    START_HELD,
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
        State.HELD: (AFTER_LOOK, (Event.HOLD,)),
        State.ALERTING: (AT_ONCE, ()),
        State.ESCALATED: (AT_ONCE, (Event.ESCALATE,)),
        State.MUTED: (AT_ONCE, (Event.MUTE,)),
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
    reached = {START[rule][0] for rule in AlertWhen} | {START_HELD[0]}
    while True:
        further = reached | {after for state in reached for after, _ in TABLE[state].values()}
        if further == reached:
            break
        reached = further
    assert reached == set(State)
    assert all(after is State.CLEARED for after, _ in TABLE[State.CLEARED].values())


TWO_GROUPS = Calling(repeat_s=60.0, escalate_s=180.0, remind_s=600.0, notify=("parents", "neighbours"))


def ringing(now=100.0, calling=TWO_GROUPS) -> Incident:
    return begin(1, Sound.HELP, now, room="Nursery", urgency=Urgency.HIGH, calling=calling)[0]


def test_an_alert_starts_the_time_until_it_rings_again_and_until_the_next_group_is_told():
    first = ringing()
    assert (first.repeat_at, first.escalate_at, first.level) == (160.0, 280.0, 0)
    again, actions = step(first, Event.REPEAT, 160.0, calling=TWO_GROUPS)
    assert actions == (Action.REPEAT,)
    assert (again.repeat_at, again.escalate_at) == (220.0, 280.0)
    next_group, actions = step(again, Event.ESCALATE, 280.0, calling=TWO_GROUPS)
    assert actions == (Action.ESCALATE,)
    assert (next_group.state, next_group.level, next_group.escalated_at) == (State.ESCALATED, 1, 280.0)
    assert next_group.escalate_at is None  # There is no third group.
    assert next_group.repeat_at == 340.0


def test_muting_stops_the_tones_and_not_the_time_until_the_next_group_is_told():
    muted, actions = step(ringing(), Event.MUTE, 110.0, calling=TWO_GROUPS)
    assert not RINGS & set(actions)
    assert (muted.state, muted.muted_at, muted.repeat_at, muted.escalate_at) == (State.MUTED, 110.0, None, 280.0)
    assert step(muted, Event.MUTE, 150.0, calling=TWO_GROUPS) == (muted, ())
    escalated, _ = step(muted, Event.ESCALATE, 280.0, calling=TWO_GROUPS)
    assert (escalated.state, escalated.muted_at) == (State.ESCALATED, None)
    loud, actions = step(muted, Event.MUTE_OVER, 230.0, calling=TWO_GROUPS)
    assert (loud.state, loud.muted_at, actions) == (State.ALERTING, None, (Action.REPEAT,))


def test_an_acknowledgement_names_who_and_ends_all_ringing():
    taken, _ = step(ringing(), Event.ACK, 110.0, by="Anna", via="phone", calling=TWO_GROUPS)
    assert (taken.acked_by, taken.acked_via) == ("Anna", "phone")
    assert (taken.repeat_at, taken.escalate_at, taken.remind_at) == (None, None, 710.0)
    second, _ = step(taken, Event.ACK, 120.0, by="Ben", via="page", calling=TWO_GROUPS)
    assert second.acked_by == "Anna"


def test_what_goes_on_long_after_the_acknowledgement_is_an_alert_that_can_be_acknowledged_anew():
    taken, _ = step(ringing(), Event.ACK, 110.0, by="Anna", calling=TWO_GROUPS)
    again, actions = step(taken, Event.REMIND, 710.0, calling=TWO_GROUPS)
    assert (again.state, actions) == (State.ALERTING, (Action.REMIND,))
    assert (again.acked_at, again.acked_by, again.repeat_at) == (None, "", 770.0)
    second, _ = step(again, Event.ACK, 720.0, by="Ben", calling=TWO_GROUPS)
    assert (second.acked_at, second.acked_by) == (720.0, "Ben")


def test_never_means_never():
    calling = Calling(repeat_s=0.0, escalate_s=0.0, remind_s=0.0, notify=("parents", "neighbours"))
    first = ringing(calling=calling)
    taken, _ = step(first, Event.ACK, 110.0, calling=calling)
    assert (first.repeat_at, first.escalate_at, taken.remind_at) == (None, None, None)


@pytest.mark.parametrize("event", [Event.SIGHT, Event.LOOK_FAILED, Event.DEADLINE])
def test_a_carer_in_the_picture_lowers_the_priority_until_the_camera_no_longer_says_so(event):
    low, _ = step(ringing(), Event.SIGHT, 110.0, seen=Sight.SEVERAL, lowered_to=Urgency.LOW)
    assert (low.urgency, low.priority) == (Urgency.LOW, Urgency.HIGH)
    after, _ = step(low, event, 120.0, seen=Sight.NOBODY)
    assert (after.urgency, after.lowered_from) == (Urgency.HIGH, None)


def test_a_carer_never_raises_the_priority():
    low = begin(1, Sound.CRY, 0.0, room="Nursery", urgency=Urgency.LOW)[0]
    same, _ = step(low, Event.SIGHT, 1.0, seen=Sight.SEVERAL, lowered_to=Urgency.MEDIUM)
    assert (same.urgency, same.lowered_from) == (Urgency.LOW, None)


@given(st.booleans(), st.sampled_from(AlertWhen), st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 300))))
def test_whatever_happens_an_incident_keeps_its_promises(held, alert, story):
    now = 100.0
    incident, actions = begin(
        1,
        Sound.CRY,
        now,
        room="Nursery",
        urgency=Urgency.MEDIUM,
        alert=alert,
        wait_s=12.0,
        held=held,
        calling=TWO_GROUPS,
    )
    rang = bool(RINGS & set(actions))
    for event, wait in story:
        now += wait
        before = incident
        try:
            incident, actions = step(incident, event, now, seen=Sight.LYING, by="Anna", calling=TWO_GROUPS)
        except IllegalEventError:
            assert incident == before
            continue
        rang |= bool(RINGS & set(actions))
        waits = incident.state in (State.ACKNOWLEDGED, State.CLEARED, State.HELD, State.OPEN)
        assert (incident.alerted_at is not None) is rang
        assert (incident.muted_at is not None) is (incident.state is State.MUTED)
        assert (incident.acked_at is not None) is bool(incident.acked_by)
        assert incident.state is not State.ACKNOWLEDGED or incident.acked_at is not None
        assert not waits or (incident.repeat_at, incident.escalate_at) == (None, None)
        # An unanswered alert always has something ahead of it that rings, or it is muted for a while.
        assert incident.state not in (State.ALERTING, State.ESCALATED) or incident.repeat_at is not None
        assert incident.level >= before.level
        assert (incident.cleared_at is not None) is (incident.state is State.CLEARED)
