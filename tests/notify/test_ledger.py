from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.events import Fault, Gate, Kind, Life, Message, Role, Sound, over_to_level
from monitord.notify.earwatch import EAR_SILENT_S
from monitord.notify.ledger import DEAFENING, Guard, Span, Watch, why_of

HELLO = Message(Kind.HELLO, Life.STARTED)
GOODBYE = Message(Kind.GOODBYE, Life.STOPPED)
BEAT = Message(Kind.HEARTBEAT, Gate.IDLE)
PAUSED = Message(Kind.HEARTBEAT, Gate.PAUSED)
RECOVERED = Message(Kind.FAULT, Fault.RECOVERED)


def fault(which):
    return Message(Kind.FAULT, which)


class Told:
    """A watch and all that it had written."""

    def __init__(self, now=0.0, **given):
        self.watch, self.now, self.rows = Watch(now, **given), now, {}

    def hear(self, at, message, role=Role.EAR, age_s=0.0):
        self.beats_until(at)
        self.watch.hear(message, role, at, age_s)
        self.now = at

    def beats_until(self, at):
        """The voice's own ticks, every 5 s; the ear says nothing."""
        while self.now + 5.0 < at:
            self.now += 5.0
            self.watch.tick(self.now)
        self.watch.tick(at)
        self.now = at

    def listening_until(self, at):
        while self.now + 5.0 < at:
            self.hear(self.now + 5.0, BEAT)
        self.hear(at, BEAT)

    @property
    def spans(self):
        self.rows |= self.watch.unwritten
        self.watch.written()
        return [
            (each.guard.value, str(each.why), each.began, each.ended)
            for each in (self.rows[number] for number in sorted(self.rows))
        ]


def test_from_the_start_to_the_first_heartbeat_nobody_is_protected():
    told = Told()
    told.hear(2.0, BEAT)
    told.listening_until(60.0)
    assert told.spans == [("unprotected", "Why.STARTING", 0.0, 2.0), ("protected", "", 2.0, None)]


def test_a_silent_ear_has_been_silent_since_its_last_word():
    told = Told()
    told.hear(1.0, BEAT)
    told.listening_until(31.0)
    told.beats_until(31.0 + EAR_SILENT_S + 1.0)
    told.hear(100.0, BEAT)
    assert told.spans[1:] == [
        ("protected", "", 1.0, 31.0),
        ("unprotected", "Why.EAR_SILENT", 31.0, 100.0),
        ("protected", "", 100.0, None),
    ]


def test_an_ear_that_never_speaks_is_silent_too():
    told = Told()
    told.beats_until(40.0)
    assert [each[:2] for each in told.spans] == [("unprotected", "Why.STARTING"), ("unprotected", "Why.EAR_SILENT")]


@pytest.mark.parametrize("which", sorted(DEAFENING, key=lambda each: each.value))
def test_each_fault_that_deafens_is_named_until_it_recovers(which):
    told = Told()
    told.hear(1.0, BEAT)
    told.listening_until(800.0)
    told.hear(801.0, fault(which))
    told.listening_until(900.0)
    told.hear(901.0, RECOVERED)
    told.listening_until(920.0)
    (_, _, broken, healed) = told.spans
    assert broken[:2] == ("unprotected", why_of(which))
    assert broken[2] <= 801.0
    assert healed == ("protected", "", 901.0, None)


def test_a_fault_that_is_over_leaves_the_one_that_stands():
    told = Told()
    told.hear(1.0, BEAT)
    told.hear(2.0, fault(Fault.MICROPHONE_MISSING))
    told.hear(3.0, fault(Fault.MICROPHONE_CONSTANT))
    told.hear(4.0, Message(Kind.FAULT, Fault.RECOVERED, level=over_to_level(Fault.MICROPHONE_MISSING)))
    assert told.spans[-1][:2] == ("unprotected", "Fault.MICROPHONE_CONSTANT")
    told.hear(5.0, RECOVERED)
    assert told.spans[-1][:3] == ("protected", "", 5.0)


def test_most_of_a_minute_of_digital_silence_counts_from_its_beginning():
    told = Told()
    told.hear(1.0, BEAT)
    told.listening_until(200.0)
    told.hear(201.0, fault(Fault.MICROPHONE_SILENT))
    assert told.spans[1:] == [("protected", "", 1.0, 151.0), ("unprotected", "Fault.MICROPHONE_SILENT", 151.0, None)]


def test_a_fault_of_the_camera_takes_no_protection():
    told = Told()
    told.hear(1.0, BEAT)
    told.hear(2.0, fault(Fault.CAMERA_MISSING), Role.EYE)
    told.hear(3.0, fault(Fault.MICROPHONE_OVERRUN))
    assert told.spans[-1][0] == "protected"


def test_a_frame_that_waited_in_the_ear_tells_of_its_own_time():
    told = Told()
    told.hear(1.0, BEAT)
    told.listening_until(50.0)
    told.hear(52.0, fault(Fault.MICROPHONE_MISSING), age_s=10.0)
    assert told.spans[1:] == [("protected", "", 1.0, 42.0), ("unprotected", "Fault.MICROPHONE_MISSING", 42.0, None)]


def test_the_owners_pause_is_one_and_not_a_fault_of_the_ear():
    told = Told()
    told.hear(1.0, BEAT)
    told.watch.pause(paused=True, now=10.0)
    told.hear(11.0, PAUSED)
    told.beats_until(40.0)  # And even a silent ear takes nothing from it.
    told.watch.pause(paused=False, now=41.0)
    told.hear(42.0, BEAT)
    assert [each[:2] for each in told.spans] == [
        ("unprotected", "Why.STARTING"),
        ("protected", ""),
        ("paused", "Why.OWNER"),
        ("unprotected", "Why.EAR_SILENT"),
        ("protected", ""),
    ]


def test_an_ear_that_starts_anew_was_gone_since_its_last_word():
    told = Told()
    told.hear(1.0, BEAT)
    told.listening_until(30.0)
    told.hear(36.0, HELLO)
    told.hear(38.0, BEAT)
    assert told.spans[1:] == [
        ("protected", "", 1.0, 30.0),
        ("unprotected", "Why.STARTING", 30.0, 38.0),
        ("protected", "", 38.0, None),
    ]


def test_a_goodbye_says_that_it_was_meant():
    told = Told()
    told.hear(1.0, BEAT)
    told.hear(5.0, GOODBYE)
    told.beats_until(60.0)
    assert told.spans[-1] == ("unprotected", "Why.EAR_STOPPED", 5.0, None)


def test_a_voice_that_stood_still_told_nobody_anything_meanwhile():
    told = Told()
    told.hear(1.0, BEAT)
    told.listening_until(30.0)
    told.watch.hear(BEAT, Role.EAR, 630.0)  # SIGSTOP, or a laptop's lid: the frames waited in the socket.
    assert told.spans[1:] == [
        ("protected", "", 1.0, 30.0),
        ("unprotected", "Why.VOICE_STOOD_STILL", 30.0, 630.0),
        ("protected", "", 630.0, None),
    ]


def test_a_fault_that_stood_in_the_life_before_still_stands():
    told = Told(faults={Fault.MICROPHONE_MISSING, Fault.CAMERA_MISSING})
    told.hear(1.0, BEAT)
    assert told.spans[-1][:2] == ("unprotected", "Fault.MICROPHONE_MISSING")


MESSAGES = [HELLO, GOODBYE, BEAT, PAUSED, RECOVERED, Message(Kind.SOUND, Sound.CRY, 90, 20)]
MESSAGES += [fault(each) for each in Fault if each in DEAFENING or each is Fault.MICROPHONE_OVERRUN]

EVENTS = st.lists(
    st.tuples(
        st.one_of(st.floats(0.0, 8.0), st.floats(0.0, 200.0)),
        st.one_of(
            st.tuples(st.just("hear"), st.sampled_from(MESSAGES), st.sampled_from(Role), st.integers(0, 255)),
            st.tuples(st.just("pause"), st.booleans()),
            st.tuples(st.just("tick")),
            st.tuples(st.just("written")),
        ),
    ),
    max_size=60,
)


@given(EVENTS, st.booleans(), st.booleans())
def test_spans_cover_the_time_without_gap_or_overlap(events, paused, ends):
    watch, now, rows = Watch(100.0, paused=paused), 100.0, {}
    for passed, (what, *given_) in events:
        now += passed
        match what:
            case "hear":
                message, role, age_s = given_
                watch.hear(message, role, now, age_s)
            case "pause":
                watch.pause(paused=given_[0], now=now)
            case "tick":
                watch.tick(now)
            case "written":
                rows |= watch.unwritten
                watch.written()
    if ends:
        watch.end(now)
    rows |= watch.unwritten
    spans = [rows[number] for number in sorted(rows)]
    assert sorted(rows) == list(range(1, len(rows) + 1))
    assert spans[0].began == 100.0
    for one, next_ in pairwise(spans):
        assert one.ended == next_.began
        assert one.began < one.ended
    assert spans[-1] == (
        watch.current if not ends else Span(watch.current.guard, watch.current.why, spans[-1].began, now)
    )
    assert spans[-1].began <= now


@given(EVENTS)
def test_nothing_is_protected_without_a_sign_of_the_ear_in_the_last_15_seconds(events):
    watch, now, signs, rows = Watch(0.0), 0.0, [], {}
    for passed, (what, *given_) in events:
        now += passed
        if what == "hear":
            message, role, _ = given_
            watch.hear(message, role, now, 0)
            signs += [now] if role is Role.EAR else []
        elif what == "pause":
            watch.pause(paused=given_[0], now=now)
        else:
            watch.tick(now)
    watch.tick(now)
    rows |= watch.unwritten
    for span in rows.values():
        if span.guard is Guard.PROTECTED:
            ended = now if span.ended is None else span.ended
            near = [at for at in signs if span.began <= at <= ended]
            assert near
            times = [span.began, *near, ended]
            assert all(later - at <= EAR_SILENT_S for at, later in pairwise(times))
