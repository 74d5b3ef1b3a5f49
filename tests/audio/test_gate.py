from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.audio.gate import TABLE, Action, Event, IllegalEvent, LookBudget, LookGate, diagram, step
from monitord.config import LOOK_GRACE_S, VideoConfig
from monitord.events import Gate

ASK = (Action.ASK_LOOK, Action.START_LOOK_TIMER)


def test_the_table_has_a_row_for_each_state_but_the_closed_microphone():
    assert set(TABLE) == set(Gate) - {Gate.PAUSED}


@pytest.mark.parametrize("state", list(Gate))
@pytest.mark.parametrize("event", list(Event))
def test_what_a_state_does_not_know_raises(state, event):
    if event in TABLE.get(state, {}):
        assert step(state, event) == TABLE[state][event]
    else:
        with pytest.raises(IllegalEvent, match=f"{event.name} cannot happen in {state.name}"):
            step(state, event)


def test_an_illegal_event_changes_nothing():
    gate = LookGate(VideoConfig())
    with pytest.raises(IllegalEvent):
        gate.look_failed(0.0)
    assert gate.state is Gate.IDLE


def test_only_asking_starts_a_look_and_only_from_armed():
    rows = [(state, event, actions) for state, row in TABLE.items() for event, (_, actions) in row.items()]
    asking = [(state, event) for state, event, actions in rows if Action.ASK_LOOK in actions]
    assert asking == [(Gate.ARMED, Event.SOUND)]


def test_every_state_can_be_left_for_idle():
    reached = {Gate.IDLE}
    for _ in TABLE:
        reached |= {state for state, row in TABLE.items() if any(after in reached for after, _ in row.values())}
    assert reached == set(TABLE)


def test_the_diagram_has_a_line_for_each_row():
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> IDLE"]
    assert len(lines) - 2 == sum(len(row) for row in TABLE.values())


def feed(gate, now, *, level=True, began=False, sounding=False):
    return gate.update(now, level_open=level, began=began, sounding=sounding)


def test_a_look_then_the_cooldown_then_idle():
    gate = LookGate(VideoConfig(look_s=4.0, cooldown_s=20.0))
    assert feed(gate, 0.0) == ()
    assert gate.state is Gate.ARMED
    assert feed(gate, 1.0, began=True, sounding=True) == ASK
    assert gate.state is Gate.LOOKING
    over = 1.0 + 4.0 + LOOK_GRACE_S
    feed(gate, over - 0.1, sounding=True)
    assert gate.state is Gate.LOOKING
    assert feed(gate, over) == (Action.START_COOLDOWN_TIMER,)
    assert gate.state is Gate.COOLDOWN
    feed(gate, over + 19.9, level=False)
    assert gate.state is Gate.COOLDOWN
    feed(gate, over + 20.0, level=False)
    assert gate.state is Gate.IDLE


def test_a_sound_that_began_in_the_cooldown_and_goes_on_gets_its_look():
    gate = LookGate(VideoConfig(look_s=4.0, cooldown_s=20.0))
    feed(gate, 0.0, began=True, sounding=True)
    feed(gate, 12.0)
    assert gate.state is Gate.COOLDOWN
    assert feed(gate, 20.0, began=True, sounding=True) == ()
    assert feed(gate, 32.0, sounding=True) == ASK


def test_a_sound_that_ended_in_the_cooldown_gets_none():
    gate = LookGate(VideoConfig(look_s=4.0, cooldown_s=20.0))
    feed(gate, 0.0, began=True, sounding=True)
    feed(gate, 12.0)
    feed(gate, 20.0, began=True, sounding=True)
    feed(gate, 25.0)
    assert feed(gate, 32.0) == ()
    assert gate.state is Gate.ARMED


def test_a_sound_during_a_look_is_covered_by_it():
    gate = LookGate(VideoConfig(look_s=4.0, cooldown_s=0.0))
    feed(gate, 0.0, began=True, sounding=True)
    feed(gate, 5.0, began=True, sounding=True)
    assert Action.ASK_LOOK not in feed(gate, 12.0, sounding=True)
    assert gate.state is Gate.ARMED


def test_a_camera_that_is_off_gives_no_look_and_no_word():
    gate = LookGate(VideoConfig(device="off"))
    for second in range(1000):
        assert feed(gate, float(second), began=second % 2 == 0, sounding=second % 2 == 0) == ()
        assert gate.state is Gate.ARMED


def test_when_the_looks_are_used_up_it_says_so_once_for_each_sound():
    gate = LookGate(VideoConfig(looks_per_hour=0))
    assert feed(gate, 0.0, began=True, sounding=True) == (Action.SAY_NOT_ASKED,)
    assert feed(gate, 1.0, sounding=True) == ()
    assert feed(gate, 2.0) == ()
    assert feed(gate, 3.0, began=True, sounding=True) == (Action.SAY_NOT_ASKED,)


def test_a_look_that_could_not_be_asked_leads_to_the_cooldown():
    gate = LookGate(VideoConfig())
    feed(gate, 0.0, began=True, sounding=True)
    gate.look_failed(0.0)
    assert gate.state is Gate.COOLDOWN


@given(st.lists(st.floats(0, 600), max_size=200), st.integers(0, 12))
def test_no_hour_has_more_looks_than_allowed(pauses, per_hour):
    budget = LookBudget(per_hour)
    now, taken = 0.0, []
    for pause in pauses:
        now += pause
        before = sum(now - then < 3600 for then in taken)
        allowed = budget.take(now)
        assert allowed == (before < per_hour)
        taken += [now] * allowed


@given(
    st.lists(st.tuples(st.floats(0.05, 40), st.booleans(), st.booleans(), st.booleans()), max_size=300),
    st.integers(0, 5),
)
def test_whatever_is_heard_looks_are_apart_and_within_the_budget(steps, per_hour):
    video = VideoConfig(looks_per_hour=per_hour, look_s=2.0, cooldown_s=10.0)
    gate, now, asked = LookGate(video), 0.0, []
    for pause, level, began, sounding in steps:
        now += pause
        if Action.ASK_LOOK in feed(gate, now, level=level, began=began, sounding=sounding or began):
            asked.append(now)
    assert all(later - earlier >= 2.0 + LOOK_GRACE_S + 10.0 for earlier, later in pairwise(asked))
    assert all(sum(now - 3600 < then <= now for then in asked) <= per_hour for now in asked)
