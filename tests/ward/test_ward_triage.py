"""The station's incidents as mirrors of the rooms'."""

from __future__ import annotations

from dataclasses import replace

import pytest
from talk import CRY, taken

from monitord.config import FaultConfig, RulesConfig
from monitord.events import Fault, Sound
from monitord.notify.incident import Action, State, Urgency
from monitord.ward.triage import WardTriage

LABELS = {"101": "Room 101", "102": "102"}


def triage(**more):
    return WardTriage("West", LABELS, RulesConfig(), FaultConfig(repeat_s=30.0), **more)


def actions(changes):
    return [action for change in changes for action in change.actions]


@pytest.fixture
def ward():
    return triage()


def test_an_alert_of_a_room_is_an_alert_here(ward):
    (change,) = ward.report(CRY, 1.0)
    assert (change.incident.subject, change.incident.room) == (Sound.CRY, "Room 101")
    assert (change.incident.state, change.incident.urgency) == (State.ALERTING, Urgency.HIGH)
    assert change.actions == (Action.ALERT,)
    assert ward.mirrored(change.incident.id) == ("101", CRY.id)
    assert ward.report(CRY, 2.0) == []


@pytest.mark.parametrize("state", [State.OPEN, State.HELD, State.ACKNOWLEDGED, State.CLEARED])
def test_what_does_not_ring_in_the_room_does_not_ring_here(ward, state):
    assert ward.report(replace(CRY, state=state), 1.0) == []


def test_two_rooms_with_the_same_sound_are_two_incidents(ward):
    ward.report(CRY, 1.0)
    ward.report(replace(CRY, room="102"), 1.0)
    assert len(ward.live) == 2
    assert len({each.id for each in ward.live}) == 2


def test_it_rings_until_somebody_takes_it_and_does_not_lapse(ward):
    ward.report(CRY, 1.0)
    assert Action.REPEAT in actions(ward.tick(61.0))
    assert ward.live[0].state is State.ALERTING
    assert Action.REPEAT in actions(ward.tick(3600.0))
    assert [each.state for each in ward.live] == [State.ALERTING]


def test_an_acknowledgement_here_is_told_until_the_room_shows_that_it_knows(ward):
    ward.report(CRY, 1.0)
    ward.acknowledge(ward.live[0], 2.0, "Anna", "page")
    assert ward.unheeded() == [("101", CRY.id)]
    assert ward.report(replace(CRY, seq=6, score=95), 3.0)[0].actions == (Action.UPDATE,)
    assert ward.unheeded() == [("101", CRY.id)]
    ward.report(taken(CRY, seq=7), 4.0)
    assert ward.unheeded() == []
    assert (ward.live[0].acked_by, ward.live[0].acked_via) == ("Anna", "page")


def test_an_alert_that_is_unanswered_again_after_that_rings_again(ward):
    ward.report(CRY, 1.0)
    ward.acknowledge(ward.live[0], 2.0)
    ward.report(taken(CRY), 3.0)
    changes = ward.report(replace(CRY, seq=9), 700.0)
    assert Action.REMIND in actions(changes)
    assert ward.live[0].state is State.ALERTING
    assert ward.unheeded() == []


def test_what_is_taken_in_the_room_or_at_another_station_is_taken_here(ward):
    ward.report(CRY, 1.0)
    changes = ward.report(taken(CRY), 2.0)
    assert Action.TELL_TAKEN in actions(changes)
    assert ward.live[0].acked_via == "ward"
    assert ward.unheeded() == []


def test_the_room_says_when_it_is_over(ward):
    ward.report(CRY, 1.0)
    changes = ward.report(replace(CRY, state=State.CLEARED), 2.0)
    assert Action.TELL_OVER in actions(changes)
    assert ward.live == []
    assert ward.number(("101", CRY.id)) is None
    assert ward.forgotten(("101", CRY.id), 3.0) == []


def test_more_urgent_is_an_alert_of_its_own(ward):
    ward.report(replace(CRY, urgency=Urgency.LOW), 1.0)
    changes = ward.report(CRY, 2.0)
    assert Action.ALERT in actions(changes)
    assert ward.live[0].urgency is Urgency.HIGH


def test_silence_is_an_incident_of_each_room_and_ends_by_itself(ward):
    changes = ward.silent({"101"}, 1.0)
    assert (changes[0].incident.subject, changes[0].incident.room) == (Fault.ROOM_SILENT, "Room 101")
    assert changes[0].incident.repeat_at == 31.0
    assert ward.silent({"101"}, 2.0) == []
    assert len(ward.silent({"101", "102"}, 3.0)) == 1
    assert ward.silence("102") is not None
    assert Action.TELL_OVER in actions(ward.silent(set(), 4.0))
    assert ward.live == []


def test_a_silence_that_another_station_took_is_taken(ward):
    ward.silent({"101"}, 1.0)
    assert ward.taken(["101", "102"], 2.0)[0].incident.state is State.ACKNOWLEDGED
    assert ward.taken(["101"], 3.0) == []
    assert ward.taken_here() == ("101",)


def test_a_fault_of_the_station_and_the_same_of_a_room_are_two(ward):
    ward.report(replace(CRY, subject=Fault.JOURNAL, urgency=Urgency.FAULT), 1.0)
    ward.fault(Fault.JOURNAL, 2.0)
    assert [each.room for each in ward.live] == ["Room 101", "West"]
    ward.recovered(Fault.JOURNAL, 3.0)
    assert [each.room for each in ward.live] == ["Room 101"]


def test_the_shift_that_is_on_is_called():
    ward = WardTriage(
        "West", LABELS, RulesConfig.model_validate({"cry": {"notify": ("days",)}}), FaultConfig(), next_id=1
    )
    ward.call(("nurses", "doctor"))
    ward.report(CRY, 1.0)
    assert ward.rule(ward.live[0]).notify == ("nurses", "doctor")
    assert ward.live[0].escalate_at == 1.0 + 180.0
    ward.call(None)
    assert ward.rule(ward.live[0]).notify == ("days",)


def test_a_fault_of_the_stations_own_escalates_to_the_groups_of_the_shift_too():
    rules = RulesConfig.model_validate({"fault": {"notify": ("days", "office"), "escalate_s": 60.0}})
    ward = WardTriage("West", LABELS, rules, FaultConfig(), next_id=1)
    ward.call(("nurses",))
    ward.fault(Fault.BROKER_AWAY, 1.0)
    assert ward.live[0].escalate_at is None, "there is nobody after the nurses"
    ward.recovered(Fault.BROKER_AWAY, 2.0)
    ward.call(None)
    ward.fault(Fault.BROKER_AWAY, 3.0)
    assert ward.live[0].escalate_at == 3.0 + 60.0, "the control"


def test_a_next_life_of_the_station_knows_whose_its_incidents_are(ward):
    ward.report(CRY, 1.0)
    ward.silent({"102"}, 1.0)
    ward.acknowledge(ward.live[0], 2.0)
    again = triage(live=ward.live, mirrors=ward.mirrors, next_id=10)
    assert again.unheeded() == [("101", CRY.id)]
    assert again.silent({"102"}, 3.0) == []
    again.report(taken(CRY), 4.0)
    assert again.unheeded() == []
    assert len(again.live) == 2


def test_an_incident_whose_room_was_not_noted_is_adopted(ward):
    ward.report(CRY, 1.0)
    again = triage(live=ward.live, next_id=10)
    assert again.report(replace(CRY, score=99), 2.0)[0].incident.id == ward.live[0].id
    assert len(again.live) == 1


def test_who_has_to_ring_from_now_on_rings_for_what_nobody_took(ward):
    ward.report(CRY, 1.0)
    ward.report(replace(CRY, room="102"), 1.0)
    ward.acknowledge(ward.live[1], 2.0)
    changes = ward.ring_again(3.0)
    assert [each.incident.room for each in changes] == ["Room 101"]
    assert actions(changes) == [Action.REPEAT]
