from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.config import AlertWhen, CryConfig, RulesConfig
from monitord.events import (
    LABELS,
    SPEAKS,
    Fault,
    Gate,
    Kind,
    Life,
    Look,
    Message,
    Role,
    Sight,
    Sound,
    over_to_level,
)
from monitord.notify.earwatch import EAR_SILENT_S
from monitord.notify.incident import QUIET_S, Action, State, Urgency
from monitord.notify.triage import Triage

WAIT_S = 12.0
AFTER = RulesConfig(cry=CryConfig(alert=AlertWhen.AFTER_LOOK))


def sound(label=Sound.CRY, score=80) -> Message:
    return Message(Kind.SOUND, label, score)


def test_one_incident_per_label_renewed_by_further_sounds():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    (first,) = triage.take(sound(score=70), Role.EAR, 0.0)
    (again,) = triage.take(sound(score=90), Role.EAR, 10.0)
    (other,) = triage.take(sound(Sound.HELP), Role.EAR, 11.0)
    assert first.actions == (Action.ALERT,)
    assert (again.incident.id, again.incident.score, again.actions) == (first.incident.id, 90, (Action.UPDATE,))
    assert other.incident.id != first.incident.id


def test_what_the_camera_saw_updates_every_live_sound_incident():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(sound(), Role.EAR, 0.0)
    triage.take(sound(Sound.HELP), Role.EAR, 0.0)
    changes = triage.take(Message(Kind.SIGHT, Sight.LYING, 91), Role.EYE, 3.0)
    assert [change.incident.seen for change in changes] == [Sight.LYING] * 2
    assert all(change.actions == (Action.UPDATE, Action.TELL_SEEN) for change in changes)


def test_a_sound_that_was_over_before_the_look_keeps_its_own_answer():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(sound(Sound.HELP), Role.EAR, 0.0)
    triage.take(Message(Kind.SIGHT, Sight.UPRIGHT), Role.EYE, 3.0)
    triage.take(Message(Kind.SOUND_END, Sound.HELP), Role.EAR, 5.0)
    triage.take(sound(Sound.CRY), Role.EAR, 30.0)
    changes = triage.take(Message(Kind.SIGHT, Sight.LYING), Role.EYE, 33.0)
    assert [change.incident.subject for change in changes] == [Sound.CRY]


def test_an_answer_that_comes_after_the_sound_has_ended_still_counts():
    triage = Triage("Nursery", AFTER, WAIT_S)
    triage.take(sound(), Role.EAR, 0.0)
    triage.take(Message(Kind.SOUND_END, Sound.CRY), Role.EAR, 1.0)
    (change,) = triage.take(Message(Kind.SIGHT, Sight.LYING), Role.EYE, 3.0)
    assert change.actions == (Action.ALERT,)


@pytest.mark.parametrize("fault", [Fault.CAMERA_MISSING, Fault.CAMERA_BUSY, Fault.CAMERA_BROKEN])
def test_a_broken_camera_changes_the_text_and_opens_a_fault_and_never_stops_the_alert(fault):
    triage = Triage("Nursery", AFTER, WAIT_S)
    (waiting,) = triage.take(sound(), Role.EAR, 0.0)
    assert waiting.incident.state is State.OPEN
    cry, camera = triage.take(Message(Kind.FAULT, fault), Role.EYE, 1.0)
    assert cry.actions == camera.actions == (Action.ALERT,)
    assert cry.incident.seen is fault
    assert camera.incident.urgency is Urgency.FAULT


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.sampled_from([Look.ASKED, Look.BEGAN, Sound.CRY]))))
def test_an_alert_never_waits_longer_than_the_look_may_last(story):
    triage = Triage("Nursery", AFTER, WAIT_S)
    triage.take(sound(), Role.EAR, 0.0)
    now, alerted = 0.0, None
    for pause, label in [*story, (WAIT_S, Look.ASKED)]:
        now += pause
        due = triage.next_due()
        if due is not None and due <= now:
            changes = triage.tick(due)
            if any(Action.ALERT in change.actions for change in changes) and alerted is None:
                alerted = due
        kind = Kind.SOUND if isinstance(label, Sound) else Kind.LOOK
        triage.take(Message(kind, label), Role.EAR, now)
    assert alerted == WAIT_S


def test_without_a_camera_no_alert_waits():
    triage = Triage("Nursery", AFTER, WAIT_S, camera=False)
    (change,) = triage.take(sound(), Role.EAR, 0.0)
    assert change.actions == (Action.ALERT,)


def test_a_look_that_was_not_asked_for_releases_the_alert():
    triage = Triage("Nursery", AFTER, WAIT_S)
    triage.take(sound(), Role.EAR, 0.0)
    (change,) = triage.take(Message(Kind.LOOK, Look.NOT_ASKED), Role.EAR, 0.1)
    assert change.actions == (Action.ALERT,)
    assert change.incident.seen is Look.NOT_ASKED


def test_a_look_that_ends_without_a_verdict_releases_the_alert_but_an_answered_one_says_nothing_more():
    triage = Triage("Nursery", AFTER, WAIT_S)
    triage.take(sound(), Role.EAR, 0.0)
    triage.take(Message(Kind.LOOK, Look.BEGAN), Role.EYE, 1.0)
    (change,) = triage.take(Message(Kind.LOOK, Look.ENDED), Role.EYE, 4.0)
    assert change.actions == (Action.ALERT,)
    triage.take(Message(Kind.SIGHT, Sight.NOBODY), Role.EYE, 5.0)
    assert triage.take(Message(Kind.LOOK, Look.ENDED), Role.EYE, 6.0) == []


def test_the_next_cry_after_quiet_is_a_new_incident_with_an_alert_of_its_own():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    (first,) = triage.take(sound(), Role.EAR, 0.0)
    triage.take(Message(Kind.SOUND_END, Sound.CRY), Role.EAR, 20.0)
    triage.tick(60.0)  # It rings again.
    assert triage.next_due() == 20.0 + QUIET_S
    (cleared,) = triage.tick(20.0 + QUIET_S)
    assert cleared.incident.state is State.CLEARED
    (second,) = triage.take(sound(), Role.EAR, 200.0)
    assert second.incident.id > first.incident.id
    assert second.actions == (Action.ALERT,)


def test_a_silent_ear_is_an_alarm_and_its_next_frame_ends_it():
    triage = Triage("Nursery", RulesConfig(), WAIT_S, now=0.0)
    beat = Message(Kind.HEARTBEAT, Gate.IDLE, level=60)
    assert triage.take(beat, Role.EAR, 5.0) == []
    assert triage.tick(5.0 + EAR_SILENT_S - 0.01) == []
    (alarm,) = triage.tick(5.0 + EAR_SILENT_S)
    assert (alarm.incident.subject, alarm.actions) == (Fault.EAR_SILENT, (Action.ALERT,))
    assert triage.tick(100.0) == []
    (over,) = triage.take(beat, Role.EAR, 101.0)
    assert over.incident.state is State.CLEARED


def test_the_eye_does_not_pass_for_the_ear():
    triage = Triage("Nursery", RulesConfig(), WAIT_S, now=0.0)
    triage.take(Message(Kind.LOOK, Look.BEGAN), Role.EYE, 10.0)
    (alarm,) = triage.tick(EAR_SILENT_S)
    assert alarm.incident.subject is Fault.EAR_SILENT


def test_recovered_ends_the_faults_of_its_sender_only():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(Message(Kind.FAULT, Fault.MICROPHONE_MISSING), Role.EAR, 0.0)
    triage.take(Message(Kind.FAULT, Fault.CAMERA_MISSING), Role.EYE, 0.0)
    (over,) = triage.take(Message(Kind.FAULT, Fault.RECOVERED), Role.EAR, 5.0)
    assert over.incident.subject is Fault.MICROPHONE_MISSING
    assert [incident.subject for incident in triage.live] == [Fault.CAMERA_MISSING]


def test_a_recovery_that_names_its_fault_ends_that_one_alone():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    for fault in (Fault.MICROPHONE_MISSING, Fault.MICROPHONE_CLIPS, Fault.EYE_UNREACHABLE):
        triage.take(Message(Kind.FAULT, fault), Role.EAR, 0.0)
    triage.take(Message(Kind.FAULT, Fault.CAMERA_MISSING), Role.EYE, 0.0)
    (over,) = triage.take(recovered(Fault.MICROPHONE_MISSING), Role.EAR, 5.0)
    assert over.incident.subject is Fault.MICROPHONE_MISSING
    assert triage.take(recovered(Fault.CAMERA_MISSING), Role.EAR, 6.0) == []  # Not the ear's to end.
    assert triage.take(Message(Kind.FAULT, Fault.RECOVERED, level=127), Role.EAR, 7.0) == []  # No fault has it.
    assert len(triage.take(recovered(None), Role.EAR, 8.0)) == 2
    assert [incident.subject for incident in triage.live] == [Fault.CAMERA_MISSING]


def recovered(fault):
    return Message(Kind.FAULT, Fault.RECOVERED, level=over_to_level(fault))


def test_an_answered_look_ends_the_faults_of_the_camera():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(Message(Kind.FAULT, Fault.CAMERA_MISSING), Role.EYE, 0.0)
    triage.take(Message(Kind.SIGHT, Sight.NOBODY), Role.EYE, 50.0)
    assert triage.live == []


def test_faults_of_a_sender_that_starts_anew_lapse_unless_it_reports_them_again():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    for fault in (Fault.MICROPHONE_MISSING, Fault.DETECTOR_MODEL):
        triage.take(Message(Kind.FAULT, fault), Role.EAR, 0.0)
    triage.take(Message(Kind.HELLO, Life.STARTED), Role.EAR, 10.0)
    triage.take(Message(Kind.FAULT, Fault.MICROPHONE_MISSING), Role.EAR, 11.0)
    triage.tick(10.0 + QUIET_S)
    assert [incident.subject for incident in triage.live] == [Fault.MICROPHONE_MISSING]


def test_an_ear_that_could_be_confined_ends_that_it_could_not():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(Message(Kind.FAULT, Fault.EAR_NOT_CONFINED), Role.EAR, 0.0)
    triage.take(Message(Kind.HELLO, Life.STARTED), Role.EAR, 10.0)
    assert triage.live == []


def test_a_heartbeat_of_an_idle_gate_is_no_hello():
    # Gate.IDLE == Life.STARTED as numbers.
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(Message(Kind.FAULT, Fault.MICROPHONE_MISSING), Role.EAR, 0.0)
    triage.take(Message(Kind.HEARTBEAT, Gate.IDLE), Role.EAR, 10.0)
    triage.tick(1000.0)
    assert [incident.subject for incident in triage.live] == [Fault.MICROPHONE_MISSING]


def test_a_cry_is_not_mistaken_for_a_fault_of_the_same_number():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(Message(Kind.FAULT, Fault.MICROPHONE_MISSING), Role.EAR, 0.0)
    (cry,) = triage.take(sound(), Role.EAR, 1.0)
    assert cry.incident.subject is Sound.CRY
    triage.take(Message(Kind.FAULT, Fault.RECOVERED), Role.EAR, 2.0)
    assert [type(incident.subject) for incident in triage.live] == [Sound]


@st.composite
def messages(draw):
    role = draw(st.sampled_from(Role))
    kind = draw(st.sampled_from(sorted(SPEAKS[role])))
    label = draw(st.sampled_from(list(LABELS[kind])))
    return Message(kind, label, draw(st.integers(0, 100))), role


@given(st.lists(st.tuples(messages(), st.floats(0, 40))), st.sampled_from([RulesConfig(), AFTER]))
def test_no_sequence_of_messages_breaks_it_or_opens_two_incidents_for_one_subject(story, rules):
    triage = Triage("Nursery", rules, WAIT_S, now=0.0)
    now = 0.0
    for (message, role), pause in story:
        now += pause
        triage.tick(now)
        due = triage.next_due()
        assert due is None or due > now
        triage.take(message, role, now)
        subjects = [(type(incident.subject), incident.subject) for incident in triage.live]
        assert len(subjects) == len(set(subjects))
