"""The window of a self-test, and above all what it may not do: make less of a cry than it is."""

from __future__ import annotations

import contextlib
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitord.audio.detector import Decision
from monitord.audio.ear import Ear
from monitord.config import AlertWhen, Config, CryConfig, QuietConfig, RulesConfig
from monitord.events import SOUND_END_AFTER_S, Fault, Gate, Kind, Life, Message, Role, Sight, Sound
from monitord.notify import expected
from monitord.notify.expected import AGAIN_S, HEARD_S, LATE_S, WINDOW_MAX_S, Window, WindowError, expect
from monitord.notify.incident import Action, State
from monitord.notify.triage import Triage

WAIT_S = 12.0
CRY, END = Message(Kind.SOUND, Sound.CRY, 80), Message(Kind.SOUND_END, Sound.CRY)


def triage(**more):
    return Triage("Nursery", RulesConfig(), WAIT_S, **more)


def real(house):
    return [each for each in house.live if each.subject is Sound.CRY and not each.test]


def marked(house):
    return [each for each in house.live if each.test]


def test_a_window_is_short_and_the_next_one_waits():
    window = expect(None, 100.0, 8.0, quiet=False, busy=False)
    assert (window.covers(99.9), window.covers(100.0), window.covers(108.0), window.covers(108.1)) == (
        False, True, True, False,
    )  # fmt: skip
    for seconds in (0.0, 0.5, WINDOW_MAX_S + 1, 1e9, float("nan")):
        with pytest.raises(WindowError, match="expects its sound for"):
            expect(None, 100.0, seconds, quiet=False, busy=False)
    with pytest.raises(WindowError, match="a moment ago"):
        expect(window, 108.0 + AGAIN_S - 1.0, 8.0, quiet=False, busy=False)
    assert expect(window, 108.0 + AGAIN_S, 8.0, quiet=True, busy=False).quiet
    with pytest.raises(WindowError, match="a cry goes on"):
        expect(None, 100.0, 8.0, quiet=False, busy=True)
    with pytest.raises(WindowError, match="is not over"):
        expect(None, 100.0, 8.0, quiet=False, busy=False, tested=True)


def test_once_it_was_heard_a_long_window_is_soon_over():
    window = Window(100.0, 130.0).heard(104.0, 5)
    assert (window.until, window.incident) == (104.0 + HEARD_S, 5)
    assert Window(100.0, 108.0).heard(104.0, 5).until == 108.0


def test_the_sound_of_a_test_is_marked_rings_every_channel_once_and_is_over_by_itself():
    house = triage(now=0.0)
    house.expect_test(8.0, 100.0, quiet=False)
    (heard,) = house.take(CRY, Role.EAR, 103.0)
    assert heard.incident.test
    assert heard.actions == (Action.ALERT,)
    assert house.rule(heard.incident).notify == ("everyone",)
    assert (heard.incident.repeat_at, heard.incident.escalate_at) == (None, None)
    (over,) = house.take(END, Role.EAR, 118.0)
    assert not over.incident.sounding
    house.take(Message(Kind.HEARTBEAT, Gate.IDLE), Role.EAR, 170.0)
    assert [each.incident.state for each in house.tick(200.0) if each.incident.test] == [State.CLEARED]
    assert real(house) == []


@pytest.mark.parametrize(
    "quiet_hours", [QuietConfig(), QuietConfig(**{"from": "00:00", "to": "23:59"}, let_through=())]
)
def test_by_night_it_is_held_and_nothing_releases_it(quiet_hours):
    house = triage(quiet=quiet_hours)
    house.it_is(datetime(2026, 11, 26, 3, 30))  # noqa: DTZ001 - local time
    house.expect_test(8.0, 100.0, quiet=True)
    (heard,) = house.take(CRY, Role.EAR, 103.0)
    assert (heard.incident.state, heard.actions) == (State.HELD, (Action.UPDATE,))
    changes = [*house.take(Message(Kind.SIGHT, Sight.NOBODY), Role.EYE, 105.0), *house.tick(106.0)]
    changes += [*house.take(END, Role.EAR, 117.0), *house.tick(118.0)]
    assert not any(Action.ALERT in each.actions for each in changes)
    # By day it rings although the hours are quiet: a person has asked for it.
    house = triage(quiet=quiet_hours)
    house.it_is(datetime(2026, 11, 26, 3, 30))  # noqa: DTZ001
    house.expect_test(8.0, 100.0, quiet=False)
    assert house.take(CRY, Role.EAR, 103.0)[0].actions == (Action.ALERT,)


def test_only_a_cry_is_taken_for_it():
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    for number, sound in enumerate(set(Sound) - {Sound.CRY}):
        (heard,) = house.take(Message(Kind.SOUND, sound, 80), Role.EAR, 101.0 + number)
        assert not heard.incident.test
        assert heard.actions == (Action.ALERT,)


def test_a_cry_before_the_window_is_real_and_allows_no_test():
    house = triage()
    house.take(CRY, Role.EAR, 99.0)
    with pytest.raises(WindowError):
        house.expect_test(8.0, 100.0, quiet=True)
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    (heard,) = house.take(CRY, Role.EAR, 103.0, age_s=5.0)  # It waited in the ear.
    assert not heard.incident.test


def test_a_cry_after_the_window_is_real():
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    (heard,) = house.take(CRY, Role.EAR, 108.5)
    assert not heard.incident.test


@pytest.mark.parametrize("alert", AlertWhen)
def test_a_sound_that_is_told_again_after_the_window_is_a_real_one_at_once(alert):
    house = Triage("Nursery", RulesConfig(cry=CryConfig(alert=alert)), WAIT_S)
    house.expect_test(8.0, 100.0, quiet=True)
    (test,) = house.take(CRY, Role.EAR, 103.0)
    house.take(Message(Kind.SIGHT, Sight.LYING), Role.EYE, 107.0)
    over, begun = house.take(CRY, Role.EAR, 113.0)
    assert over.incident.id == test.incident.id
    assert (begun.incident.test, begun.incident.seen, begun.actions) == (False, Sight.LYING, (Action.ALERT,))
    (again,) = house.take(CRY, Role.EAR, 123.0)
    assert again.incident.id == begun.incident.id
    assert len(real(house)) == 1


def test_a_sound_that_does_not_end_in_time_is_a_real_one_though_nothing_more_comes():
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    house.take(CRY, Role.EAR, 103.0)
    due = 108.0 + LATE_S + SOUND_END_AFTER_S
    assert house.next_due() == due
    assert house.tick(due - 0.1) == []
    _, begun = house.tick(due)
    assert begun.actions == (Action.ALERT,)
    assert not begun.incident.test
    assert house.tick(due + 1.0) == [], "once"


def test_an_end_that_comes_too_late_tells_that_it_went_on():
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    house.take(CRY, Role.EAR, 103.0)
    changes = house.take(END, Role.EAR, 125.0)  # Before any tick.
    assert [each.incident.test for each in changes] == [True, False]
    assert changes[1].actions == (Action.ALERT,)


@pytest.mark.parametrize("fault", [Fault.MICROPHONE_MISSING, Fault.MICROPHONE_STALLED])
def test_where_nobody_hears_any_more_whether_it_ends_it_is_a_real_one(fault):
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    house.take(CRY, Role.EAR, 103.0)
    house.take(Message(Kind.FAULT, fault), Role.EAR, 105.0)
    assert len(real(house)) == 1


def test_a_harmless_fault_makes_it_no_real_one():
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    house.take(CRY, Role.EAR, 103.0)
    house.take(Message(Kind.FAULT, Fault.MICROPHONE_OVERRUN), Role.EAR, 105.0)
    assert real(house) == []


def test_a_voice_that_starts_anew_expects_nothing_and_still_knows_when_the_test_has_to_end():
    house = triage()
    house.expect_test(8.0, 100.0, quiet=True)
    house.take(CRY, Role.EAR, 103.0)
    again = triage(live=house.live, next_id=2)
    assert again.window is None
    assert marked(again)
    again.take(CRY, Role.EAR, 105.0)
    assert len(real(again)) == 1, "what it cannot know of is real"
    quiet = triage(live=house.live, next_id=2)
    quiet.take(Message(Kind.HELLO, Life.STARTED), Role.EAR, 106.0)
    quiet.tick(expected.over_by(108.0))
    assert len(real(quiet)) == 1


def night(cries, window_at, window_s, until):
    """A real ear hears `cries` (from, until) in steps of a quarter of a second, and tells a voice with one self-test.

    Returns:
        For each step: whether a real cry is known to the voice; and whether anybody was alerted to a real one at all.
    """
    ear, house = Ear(Config.model_validate({"video": {"device": "off"}}), 0.0), triage()
    known, alerted = [], False
    for step in range(int(until * 4)):
        now = step / 4
        if now == window_at:
            with contextlib.suppress(WindowError):
                house.expect_test(window_s, now, quiet=True)
        heard = frozenset({"cry"}) if any(begin <= now < end for begin, end in cries) else frozenset()
        decision = Decision(now, -30.0, -60.0, bool(heard), dict.fromkeys(heard, 0.9), heard)
        changes = [change for message in ear.hear(decision, now) for change in house.take(message, Role.EAR, now)]
        changes += house.tick(now)
        alerted |= any(Action.ALERT in each.actions and not each.incident.test for each in changes)
        known.append(bool(real(house)))
    return known, alerted


TIMES = st.integers(0, 480).map(lambda quarters: quarters / 4)
CRIES = st.lists(st.tuples(TIMES, st.integers(1, 160).map(lambda quarters: quarters / 4)), max_size=4)


@given(CRIES, TIMES, st.integers(1, int(WINDOW_MAX_S)))
@example([(40.0, 20.0)], 38.0, 8)
@example([(30.0, 12.5)], 38.0, 8)
@example([(40.0, 6.0), (50.0, 2.0)], 38.0, 8)
def test_whatever_is_heard_outside_the_window_is_an_incident_of_its_own(cries, window_at, window_s):
    cries = [(begin, begin + length) for begin, length in cries]
    known, alerted = night(cries, window_at, float(window_s), 190.0)
    late = window_at + window_s + LATE_S + 0.25
    told_by = int((LATE_S + SOUND_END_AFTER_S + 1.0) * 4)
    for step in range(170 * 4):
        now = step / 4
        outside = now < window_at or now >= late
        if outside and any(begin <= now < end for begin, end in cries):
            assert any(known[step : step + told_by]), now
            assert alerted


@given(st.integers(0, 32), st.integers(1, 32), TIMES)
def test_the_control_what_begins_and_ends_in_the_window_is_the_test(begin, length, window_at):
    begin, end = window_at + begin / 4, window_at + min(32, begin + length) / 4
    known, alerted = night([(begin, end)], window_at, 8.0, 190.0)
    assert not any(known)
    assert not alerted
