import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.audio.detector import Decision
from monitord.audio.ear import ASK, END_AFTER_S, HEARTBEAT_S, RENEW_S, SILENT_S, Ear
from monitord.config import Config, VideoConfig
from monitord.events import SPEAKS, Fault, Frame, Gate, Kind, Look, Message, Role, Sound, level_to_over
from monitord.wire import TokenBucket, encode


def decision(t_s=0.0, *heard, level=-30.0, is_open=True, posterior=0.97):
    return Decision(t_s, level, -60.0, is_open, dict.fromkeys(heard, posterior), frozenset(heard))


def without_heartbeats(messages):
    return [message for message in messages if message.kind is not Kind.HEARTBEAT]


@pytest.fixture
def ear():
    return Ear(Config(), 0.0)


def test_the_sound_is_told_before_the_look_is_asked(ear):
    messages = without_heartbeats(ear.hear(decision(0.5, "cry"), 0.5))
    assert messages == [Message(Kind.SOUND, Sound.CRY, 97, 30), ASK]


def test_a_camera_that_is_off_leaves_the_sound_alone():
    ear = Ear(Config(video=VideoConfig(device="off")), 0.0)
    assert without_heartbeats(ear.hear(decision(0.5, "cry"), 0.5)) == [Message(Kind.SOUND, Sound.CRY, 97, 30)]


def test_when_the_looks_are_used_up_the_sound_is_told_all_the_same():
    ear = Ear(Config(video=VideoConfig(looks_per_hour=0)), 0.0)
    said = without_heartbeats(ear.hear(decision(0.5, "cry"), 0.5))
    assert [message.label for message in said] == [Sound.CRY, Look.NOT_ASKED]


def test_words_of_the_owners_are_told_as_one_kind_of_sound(ear):
    words = dataclasses.replace(decision(0.5, "kaffee", "tee"), posteriors={"kaffee": 0.6, "tee": 0.9})
    assert without_heartbeats(ear.hear(words, 0.5))[0] == Message(Kind.SOUND, Sound.WORD, 90, 30)
    assert not [said for said in ear.hear(decision(1.0, "tee"), 1.0) if said.kind is Kind.SOUND]


def test_a_sound_that_began_at_once_is_told_as_sure_as_it_was_then(ear):
    clear = dataclasses.replace(decision(0.5, "cry", posterior=0.33), at_once={"cry": 0.99})
    assert without_heartbeats(ear.hear(clear, 0.5))[0] == Message(Kind.SOUND, Sound.CRY, 99, 30)


def test_each_known_word_is_a_sound_of_its_own(ear):
    said = without_heartbeats(ear.hear(decision(0.5, "help", "hilfe"), 0.5))
    assert [message.label for message in said if message.kind is Kind.SOUND] == [Sound.HELP, Sound.HILFE]


def test_a_second_sound_does_not_tell_the_first_again(ear):
    ear.hear(decision(0.5, "cry"), 0.5)
    said = without_heartbeats(ear.hear(decision(1.0, "cry", "smoke_alarm"), 1.0))
    assert [message.label for message in said] == [Sound.SMOKE_ALARM]


def test_a_sound_is_renewed_while_it_goes_on_and_ends_once(ear):
    said = []
    for hop in range(1, 100):
        now = hop * 0.5
        heard = ("cry",) if now <= 25 else ()
        said += [(now, message.kind) for message in ear.hear(decision(now, *heard), now)]
    assert [(now, kind) for now, kind in said if kind in (Kind.SOUND, Kind.SOUND_END)] == [
        (0.5, Kind.SOUND),
        (0.5 + RENEW_S, Kind.SOUND),
        (0.5 + 2 * RENEW_S, Kind.SOUND),
        (25 + END_AFTER_S, Kind.SOUND_END),
    ]


def test_a_sound_that_comes_back_soon_is_the_same_one(ear):
    ear.hear(decision(0.5, "cry"), 0.5)
    for now in (3.0, 6.0, 9.0):
        assert without_heartbeats(ear.hear(decision(now), now)) == []
    assert without_heartbeats(ear.hear(decision(9.5, "cry"), 9.5)) == []


def test_heartbeats_come_every_five_seconds_with_gate_and_level(ear):
    beats = []
    for hop in range(1, 61):
        now = hop * 0.5
        beats += [(now, message) for message in ear.hear(decision(now, level=-41.6, is_open=False), now)]
    assert [now for now, _ in beats] == [0.5 + HEARTBEAT_S * number for number in range(6)]
    assert {message for _, message in beats} == {Message(Kind.HEARTBEAT, Gate.IDLE, 0, 42)}


def test_heartbeats_go_on_without_any_decision(ear):
    assert ear.tick(0.0)
    assert not ear.tick(HEARTBEAT_S - 0.1)
    assert ear.tick(HEARTBEAT_S)[0].kind is Kind.HEARTBEAT


def test_a_closed_microphone_hears_nothing_and_says_so(ear):
    ear.hear(decision(0.5, "cry"), 0.5)
    assert ear.pause(1.0) == [Message(Kind.SOUND_END, Sound.CRY), Message(Kind.HEARTBEAT, Gate.PAUSED, 0, 127)]
    assert ear.gate is Gate.PAUSED
    assert [message.label for message in ear.tick(7.0)] == [Gate.PAUSED]
    assert ear.resume(8.0)[0].label is not Gate.PAUSED


def test_a_fault_is_told_once_and_each_that_is_over_by_its_name(ear):
    assert ear.fault(Fault.MICROPHONE_MISSING, 1.0)[0] == Message(Kind.FAULT, Fault.MICROPHONE_MISSING)
    assert ear.fault(Fault.MICROPHONE_MISSING, 2.0) == []
    ear.fault(Fault.EYE_UNREACHABLE, 3.0)
    (over,) = ear.clear(Fault.MICROPHONE_MISSING, Fault.MICROPHONE_BUSY)
    assert (over.label, level_to_over(over.level)) == (Fault.RECOVERED, Fault.MICROPHONE_MISSING)
    assert ear.clear(Fault.MICROPHONE_MISSING) == []
    assert ear.clear(Fault.EYE_UNREACHABLE) == [Message(Kind.FAULT, Fault.RECOVERED)]
    assert ear.clear(Fault.EYE_UNREACHABLE) == []


def test_with_a_microphone_gone_the_sound_has_ended(ear):
    ear.hear(decision(0.5, "cry"), 0.5)
    said = [message.label for message in ear.fault(Fault.MICROPHONE_STALLED, 1.0)]
    assert said[:2] == [Fault.MICROPHONE_STALLED, Sound.CRY]


def test_a_minute_of_digital_silence_is_a_fault_of_a_microphone_and_over_with_the_first_noise(ear):
    ear.silence_is_fault = True
    silent = [ear.hear(decision(now, level=-127.0, is_open=False), float(now)) for now in range(1, 120)]
    faults = [now for now, messages in enumerate(silent, 1) for message in messages if message.kind is Kind.FAULT]
    assert faults == [SILENT_S]
    assert Message(Kind.FAULT, Fault.RECOVERED) in ear.hear(decision(120.0, level=-70.0), 120.0)


def test_the_silence_after_a_files_end_is_no_fault(ear):
    for now in range(200):
        assert without_heartbeats(ear.hear(decision(now, level=-127.0, is_open=False), float(now))) == []


def test_an_eye_that_cannot_be_asked_is_told_each_time(ear):
    ear.hear(decision(0.5, "cry"), 0.5)
    assert ear.look_failed(0.5) == [Message(Kind.FAULT, Fault.EYE_UNREACHABLE)]
    assert ear.gate is Gate.COOLDOWN


HEARD = st.lists(
    st.tuples(st.booleans(), st.floats(-200, 10), st.booleans(), st.floats(0, 1)), min_size=1, max_size=400
)


@given(HEARD, st.sampled_from([0.25, 0.5]))
def test_whatever_is_heard_fits_the_wire_and_its_rate(hops, hop_s):
    """A cry that comes and goes at any rhythm, with looks: never more frames than the voice accepts."""
    ear, bucket = Ear(Config(), 0.0), TokenBucket()
    for number, (heard, level, is_open, posterior) in enumerate(hops, 1):
        now = number * hop_s
        labels = ("cry",) if heard else ()
        for message in ear.hear(decision(now, *labels, level=level, is_open=is_open, posterior=posterior), now):
            assert message.kind in SPEAKS[Role.EAR]
            encode(Frame(message, Role.EAR, 0, 0))
            assert bucket.admit(now)


@pytest.mark.parametrize("period", [2, 5, 21, 22, 23, 45])
def test_hours_of_a_cry_that_comes_and_goes_keep_to_the_rate(ear, period):
    bucket = TokenBucket()
    for hop in range(1, 2 * 7200):
        now = hop * 0.5
        heard = ("cry",) if math.fmod(hop, period) < 1 else ()
        assert all(bucket.admit(now) for _ in ear.hear(decision(now, *heard), now))
