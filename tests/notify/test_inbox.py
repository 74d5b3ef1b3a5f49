from __future__ import annotations

import os
import socket
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.events import Fault, Frame, Gate, Kind, Message, Role, Sight, Sound
from monitord.notify.inbox import Inbox, InboxError, Receiver, allowed_senders
from monitord.wire import BURST, RATE_PER_S, encode

ME = os.getuid()
BEAT = Message(Kind.HEARTBEAT, Gate.IDLE, level=60)


def data(sequence=0, message=BEAT, role=Role.EAR, boot=1) -> bytes:
    return encode(Frame(message, role, boot, sequence))


@pytest.fixture
def receiver():
    return Receiver(frozenset({ME}))


@pytest.fixture
def inbox(tmp_path, receiver):
    inbox = Inbox(receiver, tmp_path / "run" / "events.sock")
    yield inbox
    inbox.close()


@pytest.fixture
def sender(inbox, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(str(tmp_path / "run" / "events.sock"))
        yield sender


def test_a_frame_stays_until_it_is_consumed(inbox, sender):
    sender.send(data(0))
    sender.send(data(1))
    assert inbox.head() == inbox.head() == (data(0), ME)
    inbox.consume()
    assert inbox.peek(0.0).frame.sequence == 1
    inbox.consume()
    assert inbox.peek(0.0) is None
    inbox.consume()  # Nothing there: nothing happens.


@pytest.mark.parametrize("bad", [b"", b"1234567", data() + b"x", b"\xff" * 8, bytes(8), b"x" * 5000])
def test_what_is_no_frame_is_refused_counted_and_consumed(inbox, sender, receiver, bad):
    sender.send(bad)
    sender.send(data())
    assert inbox.peek(0.0).fault is Fault.WIRE_REJECTED
    inbox.consume()
    assert inbox.peek(0.0).frame is not None
    assert receiver.refused == {Fault.WIRE_REJECTED: 1}


@given(st.binary(max_size=16))
def test_any_bytes_are_a_frame_or_a_fault(blob):
    received = Receiver(frozenset({ME})).judge(blob, ME, 0.0)
    assert (received.frame is None) == (received.fault is Fault.WIRE_REJECTED)


def test_a_stranger_is_refused_whatever_he_says(receiver):
    for uid in (ME + 1, None):
        received = receiver.judge(data(), uid, 0.0)
        assert (received.frame, received.fault) == (None, Fault.WIRE_REJECTED)


def test_the_kernel_says_who_sends(inbox, sender, receiver):
    receiver.allowed = frozenset({ME + 1})
    sender.send(data())
    assert inbox.peek(0.0).fault is Fault.WIRE_REJECTED


@given(st.lists(st.floats(0, 5), max_size=80))
def test_no_more_is_accepted_than_the_bound_says(pauses):
    receiver, now, accepted = Receiver(frozenset({ME})), 0.0, 0
    for sequence, pause in enumerate(pauses):
        now += pause
        accepted += receiver.judge(data(sequence), ME, now).frame is not None
        assert accepted <= BURST + RATE_PER_S * now + 1e-6


def test_what_is_over_the_rate_is_a_fault_of_its_own_and_no_gap(receiver):
    answers = [receiver.judge(data(number), ME, 0.0) for number in range(BURST + 2)]
    assert [answer.fault for answer in answers[-3:]] == [None, Fault.WIRE_RATE, Fault.WIRE_RATE]
    assert receiver.judge(data(BURST + 2), ME, 10.0).fault is None


def test_one_bound_for_all_roles(receiver):
    for number in range(BURST - 1):
        receiver.judge(data(number), ME, 0.0)
    sight = Message(Kind.SIGHT, Sight.NOBODY, 90)
    assert receiver.judge(data(0, sight, Role.EYE), ME, 0.0).frame is not None
    assert receiver.judge(data(1, sight, Role.EYE), ME, 0.0).fault is Fault.WIRE_RATE


def admitted_at_once(receiver, frames):
    return sum(receiver.judge(each, ME, 0.0).frame is not None for each in frames)


def test_gaps_and_new_lives_cost_twice(receiver):
    assert admitted_at_once(receiver, [data(number) for number in range(0, 200, 2)]) == 1 + (BURST - 1) // 2
    assert admitted_at_once(Receiver(frozenset({ME})), [data(boot=boot) for boot in range(99)]) == 1 + (BURST - 1) // 2


def test_a_refused_frame_does_not_choose_the_next_number_for_nothing(receiver):
    assert admitted_at_once(receiver, [data(number) for number in range(BURST)]) == BURST
    assert receiver.judge(data(500), ME, 0.0).fault is Fault.WIRE_RATE
    one_token = 1 / RATE_PER_S
    assert receiver.judge(data(501), ME, one_token).fault is Fault.WIRE_RATE
    assert receiver.judge(data(502), ME, 2 * one_token).frame is not None
    assert receiver.judge(data(503), ME, 3 * one_token).frame is not None  # In order again: one token.


def test_a_gap_is_told_with_the_frame_after_it(receiver):
    receiver.judge(data(65534), ME, 0.0)
    assert receiver.judge(data(65535), ME, 1.0).fault is None
    assert receiver.judge(data(0), ME, 2.0).fault is None
    received = receiver.judge(data(3, Message(Kind.SOUND, Sound.CRY)), ME, 3.0)
    assert received.fault is Fault.WIRE_GAP
    assert received.frame.message.label is Sound.CRY
    assert receiver.refused[Fault.WIRE_GAP] == 2


def test_a_new_life_of_the_sender_is_no_gap(receiver):
    receiver.judge(data(50, boot=1), ME, 0.0)
    assert receiver.judge(data(0, boot=2), ME, 1.0).fault is None
    assert receiver.judge(data(0, boot=1), ME, 2.0).fault is None


def test_a_socket_left_behind_is_taken_over_and_one_in_use_is_not(tmp_path, receiver):
    path = tmp_path / "events.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    first = Inbox(receiver, path)
    try:
        with pytest.raises(InboxError, match="already listening"):
            Inbox(receiver, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        first.close()
    assert not path.exists()


def test_a_socket_that_was_handed_over_is_used_and_left(tmp_path, receiver):
    path = tmp_path / "events.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        held.bind(str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(data(9), str(path))  # Before the voice lives.
        inbox = Inbox(receiver, path, os.dup(held.fileno()))
        assert inbox.peek(0.0).frame.sequence == 9
        inbox.close()
        assert path.exists()


def test_a_descriptor_that_is_no_such_socket_is_one_sentence(tmp_path, receiver):
    with (tmp_path / "file").open("w") as file, pytest.raises(InboxError, match="is no socket"):
        Inbox(receiver, tmp_path, file.fileno())
    with socket.socket() as stream, pytest.raises(InboxError, match="no AF_UNIX socket"):
        Inbox(receiver, tmp_path, os.dup(stream.fileno()))


def test_senders_by_name_and_number():
    assert allowed_senders("") == {ME, 0}
    assert allowed_senders(" root, 1234, ") == {1234, 0}
    assert allowed_senders("1234") == {1234}
    with pytest.raises(InboxError, match="there is no user 'no-such-user'"):
        allowed_senders("no-such-user")
