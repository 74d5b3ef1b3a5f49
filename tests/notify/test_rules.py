"""The owner's rules: priorities, groups, quiet hours and what a carer in the picture changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitord.config import AlertWhen, CryConfig, FaultConfig, Lowered, Priority, QuietConfig, RuleConfig, RulesConfig
from monitord.events import LABELS, SPEAKS, Fault, Kind, Look, Message, Role, Sight, Sound
from monitord.notify.incident import MUTE_S, QUIET_S, RINGS, UNANSWERED, Action, State, Urgency
from monitord.notify.triage import Triage

WAIT_S = 12.0
EVENING, NIGHT, MORNING = (datetime.fromisoformat(f"2026-11-25T{at}") for at in ("21:00", "23:00", "07:00"))
QUIET = QuietConfig.model_validate({"from": "22:00", "to": "07:00"})
GROUPS = ("parents", "neighbours")


def cry(score=80) -> Message:
    return Message(Kind.SOUND, Sound.CRY, score)


def rung(changes):
    return [action for change in changes for action in change.actions if action in RINGS]


def a_triage(quiet=QUIET, local=EVENING, **rule):
    triage = Triage("Nursery", RulesConfig(cry=CryConfig(**rule)), WAIT_S, quiet=quiet)
    triage.it_is(local)
    return triage


def test_a_call_for_help_that_was_not_answered_does_not_end_by_itself():
    triage = Triage("Nursery", RulesConfig(), WAIT_S)
    triage.take(Message(Kind.SOUND, Sound.HELP), Role.EAR, 0.0)
    triage.take(Message(Kind.SOUND_END, Sound.HELP), Role.EAR, 1.0)
    assert rung(triage.tick(60.0)) == [Action.REPEAT]
    assert rung(triage.tick(10 * QUIET_S)) == [Action.REPEAT]
    # Called again after quiet, it is no mere renewal of something that rings now and then anyway.
    assert rung(triage.take(Message(Kind.SOUND, Sound.HELP), Role.EAR, 700.0)) == [Action.ALERT]
    triage.acknowledge(triage.live[0], 705.0)
    triage.tick(700.0 + QUIET_S)
    assert triage.live == []


def test_a_group_that_could_not_be_reached_passes_the_alert_on_at_once():
    triage = a_triage(notify=GROUPS)
    (first,) = triage.take(cry(), Role.EAR, 0.0)
    assert rung(triage.unreached(first.incident.id, 30.0)) == [Action.ESCALATE]
    assert triage.unreached(first.incident.id, 31.0) == []  # There is no third group.
    assert triage.unreached(99, 31.0) == []


def test_the_next_group_is_told_in_time_and_those_before_it_ring_only_once_then():
    triage = a_triage(notify=GROUPS, repeat_s=90.0, escalate_s=180.0)
    for now in range(0, 180, 10):
        triage.take(cry(), Role.EAR, float(now))
        assert Action.ESCALATE not in rung(triage.tick(float(now)))
    triage.take(cry(), Role.EAR, 180.0)
    assert rung(triage.tick(180.0)) == [Action.ESCALATE]


def test_quiet_hours_hold_back_what_they_do_not_let_through_and_the_alert_comes_when_they_end():
    triage = a_triage(local=NIGHT, priority=Priority.LOW, until="acknowledged")
    (held,) = triage.take(cry(), Role.EAR, 0.0)
    assert (held.incident.state, rung([held])) == (State.HELD, [])
    assert rung(triage.tick(3600.0)) == []
    assert triage.awaits_the_wall_clock
    triage.it_is(MORNING)
    assert rung(triage.tick(3601.0)) == [Action.ALERT]
    assert triage.live[0].state is State.ALERTING


def test_quiet_hours_that_begin_stop_what_rings():
    triage = a_triage(priority=Priority.LOW)
    assert rung(triage.take(cry(), Role.EAR, 0.0)) == [Action.ALERT]
    triage.it_is(NIGHT)
    triage.take(cry(), Role.EAR, 50.0)
    assert rung(triage.tick(60.0)) == []
    assert triage.live[0].state is State.HELD


@pytest.mark.parametrize("alert", AlertWhen)
@pytest.mark.parametrize("priority", Priority)
def test_quiet_hours_hold_back_the_alert_after_the_look_as_well(alert, priority):
    triage = a_triage(local=NIGHT, priority=priority, alert=alert)
    changes = triage.take(cry(), Role.EAR, 0.0)
    changes += triage.take(Message(Kind.SIGHT, Sight.LYING), Role.EYE, 4.0)
    assert rung(changes) == ([Action.ALERT] if priority is Priority.HIGH else [])


def test_a_fault_is_never_held_back_unless_the_owner_says_so():
    triage = a_triage(local=NIGHT)
    assert rung(triage.fault(Fault.MICROPHONE_MISSING, 0.0)) == [Action.ALERT]
    silent = QUIET.model_copy(update={"let_through": ()})
    triage = a_triage(silent, NIGHT)
    assert rung(triage.fault(Fault.MICROPHONE_MISSING, 0.0)) == []
    assert rung(triage.take(cry(), Role.EAR, 0.0)) == []


def test_a_carer_lowers_nothing_unless_the_owner_says_so():
    triage = a_triage(alert=AlertWhen.AFTER_LOOK)
    triage.take(cry(), Role.EAR, 0.0)
    (change,) = triage.take(Message(Kind.SIGHT, Sight.SEVERAL), Role.EYE, 4.0)
    assert change.incident.urgency is Urgency.HIGH


def test_a_carer_lowers_the_alert_where_the_owner_says_so_and_one_that_leaves_makes_it_ring_anew():
    triage = a_triage(alert=AlertWhen.AFTER_LOOK, carer_lowers_to=Lowered.LOW)
    triage.take(cry(), Role.EAR, 0.0)
    (low,) = triage.take(Message(Kind.SIGHT, Sight.SEVERAL), Role.EYE, 4.0)
    assert (low.incident.urgency, rung([low])) == (Urgency.LOW, [Action.ALERT])
    (high,) = triage.take(Message(Kind.SIGHT, Sight.LYING), Role.EYE, 30.0)
    assert (high.incident.urgency, rung([high])) == (Urgency.HIGH, [Action.ALERT])


def test_in_quiet_hours_an_alert_that_a_carer_lowered_comes_when_the_camera_no_longer_sees_one():
    triage = a_triage(local=NIGHT, alert=AlertWhen.AFTER_LOOK, carer_lowers_to=Lowered.LOW)
    triage.take(cry(), Role.EAR, 0.0)
    (held,) = triage.take(Message(Kind.SIGHT, Sight.SEVERAL), Role.EYE, 4.0)
    assert (held.incident.state, rung([held])) == (State.HELD, [])
    changes = triage.take(Message(Kind.FAULT, Fault.CAMERA_BUSY), Role.EYE, 30.0)
    assert rung(changes[:1]) == [Action.ALERT]


@pytest.mark.parametrize("sight", [each for each in Sight if each is not Sight.SEVERAL])
def test_no_other_verdict_lowers_or_holds_back_anything(sight):
    triage = a_triage(local=NIGHT, alert=AlertWhen.AFTER_LOOK, carer_lowers_to=Lowered.LOW)
    triage.take(cry(), Role.EAR, 0.0)
    (change,) = triage.take(Message(Kind.SIGHT, sight), Role.EYE, 4.0)
    assert (change.incident.urgency, rung([change])) == (Urgency.HIGH, [Action.ALERT])


def test_what_goes_on_after_an_acknowledgement_is_an_alert_again_even_if_it_pauses_just_then():
    triage = a_triage(remind_s=600.0)
    triage.take(cry(), Role.EAR, 0.0)
    triage.acknowledge(triage.live[0], 10.0, "Anna", "page")
    for now in range(10, 600, 10):
        triage.take(cry(), Role.EAR, float(now))
        assert rung(triage.tick(float(now))) == []
    triage.take(Message(Kind.SOUND_END, Sound.CRY), Role.EAR, 605.0)
    assert rung(triage.tick(610.0)) == []
    triage.take(cry(), Role.EAR, 620.0)
    assert rung(triage.tick(620.0)) == [Action.REMIND]


def test_muting_what_does_not_ring_changes_nothing():
    triage = a_triage()
    assert triage.mute(1, 0.0) is None
    triage.take(cry(), Role.EAR, 0.0)
    triage.acknowledge(triage.live[0], 1.0)
    assert triage.mute(1, 2.0) is None


@st.composite
def messages(draw):
    role = draw(st.sampled_from(Role))
    kind = draw(st.sampled_from(sorted(SPEAKS[role])))
    return Message(kind, draw(st.sampled_from(list(LABELS[kind]))), draw(st.integers(0, 100))), role


RULE = RuleConfig(
    alert=AlertWhen.AFTER_LOOK, priority=Priority.MEDIUM, carer_lowers_to=Lowered.LOW, notify=GROUPS, repeat_s=45.0
)


def test_an_alert_that_is_muted_just_before_it_would_ring_again_rings_when_the_muting_ends():
    triage = a_triage()
    triage.take(cry(), Role.EAR, 0.0)
    repeat_s = triage.rule(triage.live[0]).repeat_s
    for now in range(0, int(repeat_s), 10):
        triage.take(cry(), Role.EAR, float(now))
    triage.mute(1, repeat_s - 1)
    assert rung(triage.tick(repeat_s)) == []
    for now in range(10, int(MUTE_S), 10):
        triage.take(cry(), Role.EAR, repeat_s + now)
        assert rung(triage.tick(repeat_s + now - 2)) == []
    triage.take(cry(), Role.EAR, repeat_s + MUTE_S - 1)
    assert rung(triage.tick(repeat_s + MUTE_S - 1)) == [Action.REPEAT]


class Night(RuleBasedStateMachine):
    """Whatever the ear, the eye and the people do in a night, what is unanswered rings, what is held does not."""

    def __init__(self):
        super().__init__()
        rules = RulesConfig(cry=CryConfig(**RULE.model_dump()), help=RULE, word=RULE, fault=FaultConfig(notify=GROUPS))
        self.now, self.local = 0.0, EVENING
        self.triage = Triage("Nursery", rules, WAIT_S, quiet=QUIET, now=0.0)
        self.rang, self.muted = {}, {}
        self.triage.it_is(self.local)

    def note(self, changes):
        for change in changes:
            if RINGS & set(change.actions):
                self.rang[change.incident.id] = self.now
                assert not QUIET.holds_back(change.incident.urgency.value, self.local)

    def settle(self):
        self.note(self.triage.tick(self.now))

    @rule(said=messages())
    def hear(self, said):
        self.note(self.triage.take(*said, self.now))
        self.settle()

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 61.0, 200.0, 700.0]))
    def wait(self, seconds):
        end = self.now + seconds
        begun, started = self.now, self.local
        while (due := self.triage.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.local = started + timedelta(seconds=self.now - begun)
            self.triage.it_is(self.local)
            self.settle()
        self.now, self.local = end, started + timedelta(seconds=seconds)
        self.triage.it_is(self.local)
        self.settle()

    @rule(shows=st.sampled_from([EVENING, NIGHT, MORNING]))
    def the_clock_jumps(self, shows):
        self.local = shows
        self.triage.it_is(shows)
        self.settle()

    @rule(which=st.integers(0, 9), does=st.sampled_from(["acknowledge", "mute", "unreached"]))
    def act(self, which, does):
        live = self.triage.live
        if not live:
            return
        each = live[which % len(live)]
        match does:
            case "acknowledge":
                self.note([self.triage.acknowledge(each, self.now, "Anna", "page")])
            case "mute":
                if each.state is not State.MUTED:
                    self.muted[each.id] = self.now
                change = self.triage.mute(each.id, self.now)
                self.note([] if change is None else [change])
            case "unreached":
                self.note(self.triage.unreached(each.id, self.now))
        self.settle()

    @invariant()
    def unanswered_alerts_ring_in_time(self):
        for each in self.triage.live:
            if each.state is State.MUTED:  # Just before it would have rung, perhaps: the time counts from there.
                assert self.now - self.muted[each.id] <= MUTE_S
            elif each.state in UNANSWERED:
                assert self.now - self.rang[each.id] <= self.triage.rule(each).repeat_s

    @invariant()
    def only_quiet_hours_hold_back(self):
        for each in self.triage.live:
            held = QUIET.holds_back(each.urgency.value, self.local)
            assert each.state is not State.HELD or held
            assert each.state not in UNANSWERED or not held

    @invariant()
    def an_alert_waits_for_the_camera_no_longer_than_a_look_may_last(self):
        for each in self.triage.live:
            assert each.state is not State.OPEN or self.now < each.opened_at + WAIT_S

    @invariant()
    def nothing_is_overdue(self):
        due = self.triage.next_due()
        assert due is None or due > self.now

    @invariant()
    def only_a_carer_lowers(self):
        for each in self.triage.live:
            assert each.lowered_from is None or each.seen in (Sight.SEVERAL, Look.ASKED, Look.BEGAN)

    @invariant()
    def one_incident_for_one_subject(self):
        subjects = [(type(each.subject), each.subject) for each in self.triage.live]
        assert len(subjects) == len(set(subjects))


TestNight = Night.TestCase
TestNight.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
