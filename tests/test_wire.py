"""Eight bytes a frame, nothing unknown gets through, and never more than the rate bound."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitord.events import LABELS, LEVEL_MAX, SCORE_MAX, SPEAKS, Frame, Kind, Life, Message, Role, Sight, Sound
from monitord.wire import BURST, FRAME_BYTES, RATE_PER_S, VERSION, TokenBucket, WireError, decode, encode

LEGAL_WORDS = [(role, kind, label) for role in Role for kind in sorted(SPEAKS[role]) for label in LABELS[kind]]


@st.composite
def frames(draw) -> Frame:
    role, kind, label = draw(st.sampled_from(LEGAL_WORDS))
    message = Message(kind, label, draw(st.integers(0, SCORE_MAX)), draw(st.integers(0, LEVEL_MAX)))
    return Frame(message, role, draw(st.integers(0, 255)), draw(st.integers(0, 65535)), draw(st.integers(0, 255)))


def is_legal(frame: Frame) -> bool:
    """Said again, in other words than wire.py's: what may ever come out of `decode`."""
    message = frame.message
    return (
        (frame.role, message.kind, message.label) in LEGAL_WORDS
        and type(message.label) is LABELS[message.kind]
        and message.score in range(SCORE_MAX + 1)
        and message.level in range(LEVEL_MAX + 1)
        and frame.boot in range(256)
        and frame.sequence in range(65536)
        and frame.age_s in range(256)
    )


@given(frames())
def test_round_trip(frame):
    data = encode(frame)
    assert len(data) == FRAME_BYTES
    assert decode(data) == frame
    assert type(decode(data).message.label) is type(frame.message.label)


@pytest.mark.parametrize(("role", "kind", "label"), LEGAL_WORDS)
def test_every_word_travels(role, kind, label):
    frame = Frame(Message(kind, label), role, boot=7, sequence=1)
    assert decode(encode(frame)) == frame


def test_the_layout_is_the_documented_one():
    frame = Frame(Message(Kind.SIGHT, Sight.UPRIGHT, 93, 64), Role.EYE, boot=0xB0, sequence=0x1234, age_s=9)
    assert encode(frame) == bytes([VERSION << 4 | 6, 3, 93, 0x80 | 64, 0x12, 0x34, 9, 0xB0])


@given(frames())
def test_a_wrong_byte_is_refused_or_gives_another_legal_frame(frame):
    good = encode(frame)
    for position, value in itertools.product(range(FRAME_BYTES), range(256)):
        bad = good[:position] + bytes([value]) + good[position + 1 :]
        try:
            read = decode(bad)
        except WireError:
            continue
        assert is_legal(read)
        assert encode(read) == bad


def test_every_beginning_is_refused_or_legal():
    # Version, kind, label and role exhaustively, scores at the edges.
    words = set()
    for head, label, score, role in itertools.product(range(256), range(256), (0, SCORE_MAX, SCORE_MAX + 1), (0, 0x80)):
        try:
            frame = decode(bytes([head, label, score, role, 0, 0, 0, 0]))
        except WireError:
            continue
        assert score <= SCORE_MAX
        words.add((frame.role, frame.message.kind, frame.message.label))
    assert words == set(LEGAL_WORDS)


@given(st.binary(min_size=FRAME_BYTES, max_size=FRAME_BYTES))
@example(bytes(FRAME_BYTES))
@example(b"\xff" * FRAME_BYTES)
def test_eight_bytes_of_garbage_are_refused_or_legal(data):
    try:
        frame = decode(data)
    except WireError:
        return
    assert is_legal(frame)
    assert encode(frame) == data


@given(st.binary(max_size=64).filter(lambda data: len(data) != FRAME_BYTES))
def test_any_other_length_is_refused(data):
    with pytest.raises(WireError, match=f"{len(data)} bytes, a frame has 8"):
        decode(data)


@given(frames(), st.binary(min_size=1, max_size=8))
def test_trailing_bytes_are_refused(frame, more):
    with pytest.raises(WireError):
        decode(encode(frame) + more)


CRY = Message(Kind.SOUND, Sound.CRY, 90, 30)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (Frame(CRY, Role.EAR, boot=256, sequence=0), "boot 256 is outside 0..255"),
        (Frame(CRY, Role.EAR, boot=0, sequence=65536), "sequence 65536 is outside 0..65535"),
        (Frame(CRY, Role.EAR, boot=0, sequence=-1), "sequence -1"),
        (Frame(CRY, Role.EAR, boot=0, sequence=0, age_s=256), "age 256 is outside 0..255"),
        (Frame(Message(Kind.SOUND, Sound.CRY, 101), Role.EAR, 0, 0), "score 101 is outside 0..100"),
        (Frame(Message(Kind.SOUND, Sound.CRY, 0, 128), Role.EAR, 0, 0), "level 128 is outside 0..127"),
        (Frame(Message(Kind.SOUND, Life.STARTED), Role.EAR, 0, 0), "no label of SOUND"),
        (Frame(Message(Kind.SIGHT, Sight.LYING), Role.EAR, 0, 0), "EAR may not send SIGHT"),
        (Frame(CRY, Role.EYE, 0, 0), "EYE may not send SOUND"),
    ],
)
def test_what_must_not_be_said_is_not_encoded(frame, says):
    with pytest.raises(WireError, match=says):
        encode(frame)


def test_another_version_is_named():
    data = encode(Frame(CRY, Role.EAR, 0, 0))
    with pytest.raises(WireError, match=f"version 2, this is version {VERSION}"):
        decode(bytes([0x20 | data[0] & 0x0F]) + data[1:])


def test_the_bound_is_less_than_speech_carries():
    # 39 bit/s: Coupe et al. 2019, see wire.py.
    assert FRAME_BYTES * 8 * RATE_PER_S <= 32


steps = st.lists(st.floats(0, 60, allow_nan=False), min_size=1, max_size=200)


@given(steps, st.floats(0.01, 10), st.integers(1, 32))
def test_over_any_span_no_more_than_burst_and_rate(gaps, rate, burst):
    bucket, now, admitted = TokenBucket(rate, burst), 0.0, []
    for gap in gaps:
        now += gap
        if bucket.admit(now):
            admitted.append(now)
    for first, last in itertools.combinations(range(len(admitted)), 2):
        span = admitted[last] - admitted[first]
        assert last - first + 1 <= burst + rate * span + 1e-6


@given(steps, st.lists(st.floats(-60, 0), min_size=1))
def test_a_clock_that_goes_back_earns_nothing(gaps, back):
    bucket = TokenBucket(rate=1.0, burst=4)
    now = sum(gaps)
    taken = sum(bucket.admit(now + offset) for offset in [0.0, *back, *back])
    assert taken <= 4


def test_the_shipped_bound_admits_a_burst_and_then_one_in_two_seconds():
    bucket = TokenBucket()
    assert [bucket.admit(0.0) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert not bucket.admit(1.9)
    assert bucket.admit(2.0)
    assert not bucket.admit(3.0)
    assert sum(bucket.admit(3.0 + 0.1 * tick) for tick in range(1, 1001)) == 50


@given(st.integers(1, 400))
def test_the_heartbeat_always_fits(beats):
    bucket = TokenBucket()
    assert all(bucket.admit(5.0 * beat) for beat in range(beats))
