"""The sending end, over a real socket: in order, never blocking, nothing lost while the voice is away."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.channel import WAITING_MAX, Channel
from monitord.events import AGE_MAX_S, SEQUENCE_MODULUS, Gate, Kind, Look, Message, Role, Sound
from monitord.wire import FRAME_BYTES, decode

CRY = Message(Kind.SOUND, Sound.CRY, 90, 30)


class Voice:
    """The receiving end, as the supervisor binds it."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(path))

    def read(self):
        frames = []
        while True:
            try:
                data = self.socket.recv(64)
            except BlockingIOError:
                return frames
            assert len(data) == FRAME_BYTES
            frames.append(decode(data))

    def close(self):
        self.socket.close()
        self.path.unlink()


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path_factory):
    # Short: the path of a socket has 107 bytes at most, and a test's own tmp_path can be longer.
    return tmp_path_factory.mktemp("ch") / "e.sock"


@pytest.fixture
def voice(path):
    voice = Voice(path)
    yield voice
    voice.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def channel(path, clock):
    with Channel(path, Role.EAR, clock) as channel:
        yield channel


def test_messages_arrive_numbered_in_order(voice, channel):
    said = [CRY, Message(Kind.SOUND_END, Sound.CRY), Message(Kind.HEARTBEAT, Gate.IDLE, level=60)]
    for message in said:
        channel.send(message)
    frames = voice.read()
    assert [frame.message for frame in frames] == said
    assert [frame.sequence for frame in frames] == [0, 1, 2]
    assert {frame.role for frame in frames} == {Role.EAR}
    assert len({frame.boot for frame in frames}) == 1
    assert {frame.age_s for frame in frames} == {0}


def test_while_the_voice_is_away_messages_wait_and_age(path, channel, clock):
    channel.send(CRY)
    clock.now += 5.9
    channel.send(Message(Kind.SOUND_END, Sound.CRY))
    assert channel.flush() == 2
    voice = Voice(path)
    clock.now += 2.0
    assert channel.flush() == 0
    frames = voice.read()
    voice.close()
    assert [(frame.sequence, frame.age_s) for frame in frames] == [(0, 7), (1, 2)]


def test_a_voice_that_comes_back_gets_the_rest(path, channel):
    first = Voice(path)
    channel.send(CRY)
    assert len(first.read()) == 1
    first.close()
    channel.send(CRY)
    channel.send(CRY)
    second = Voice(path)
    channel.send(CRY)
    assert [frame.sequence for frame in second.read()] == [1, 2, 3]
    second.close()


def test_a_socket_that_nobody_listens_on_any_more_is_no_error(path, channel):
    abandoned = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    abandoned.bind(str(path))
    abandoned.close()
    channel.send(CRY)
    assert channel.flush() == 1


def test_a_full_queue_does_not_block_and_loses_nothing(voice, channel):
    # The kernel holds net.unix.max_dgram_qlen datagrams (10 to 512); the rest waits in the channel.
    total = 0
    while channel.flush() == 0 and total < 2000:
        channel.send(CRY)
        total += 1
    assert channel.flush() > 0, "the kernel's queue never filled"
    channel.send(CRY)
    total += 1
    arrived = voice.read()
    while channel.flush() or total > len(arrived):
        more = voice.read()
        assert more
        arrived += more
    assert [frame.sequence for frame in arrived] == list(range(total))


def test_what_is_more_than_can_wait_is_a_gap_that_shows(path, channel):
    for _ in range(WAITING_MAX + 3):
        channel.send(CRY)
    assert channel.flush() == WAITING_MAX
    voice = Voice(path)
    arrived = []
    while channel.flush():
        arrived += voice.read()
    arrived += voice.read()
    voice.close()
    assert [frame.sequence for frame in arrived] == list(range(3, WAITING_MAX + 3))


@given(st.floats(0, 1e6))
def test_the_age_is_whole_seconds_and_ends_at_its_bound(tmp_path_factory, waited_s):
    path, clock = tmp_path_factory.mktemp("age") / "e.sock", Clock()
    with Channel(path, Role.EYE, clock) as channel:
        channel.send(Message(Kind.LOOK, Look.BEGAN))
        clock.now += waited_s
        voice = Voice(path)
        channel.flush()
        (frame,) = voice.read()
        voice.close()
    assert frame.age_s == min(AGE_MAX_S, int(clock.now - 1000.0))


def test_a_clock_that_goes_back_gives_no_negative_age(path, channel, clock):
    channel.send(CRY)
    clock.now -= 100.0
    voice = Voice(path)
    channel.flush()
    (frame,) = voice.read()
    voice.close()
    assert frame.age_s == 0


def test_the_sequence_wraps(voice, channel):
    channel._sequence = SEQUENCE_MODULUS - 1
    channel.send(CRY)
    channel.send(CRY)
    assert [frame.sequence for frame in voice.read()] == [SEQUENCE_MODULUS - 1, 0]


def test_closing_sends_what_waits(path, clock):
    channel = Channel(path, Role.EAR, clock)
    channel.send(CRY)
    voice = Voice(path)
    channel.close()
    assert len(voice.read()) == 1
    voice.close()


def test_boots_of_two_lives_are_drawn_anew(path):
    boots = set()
    for _ in range(64):
        with Channel(path, Role.EAR) as channel:
            boots.add(channel._boot)
    assert len(boots) > 1
