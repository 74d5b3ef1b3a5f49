"""A sender that is lost to an adversary tries to smuggle speech through the channel: what does the receiver admit?

The adversary knows the source. He packs bits into everything that a frame has (word, role, life, number, score, level,
age) and sends when the bucket has a token; his partner behind the receiver sees the accepted frames only, and must get
the bits back. Moments in time carry nothing here: docs/privacy.md says what that leaves open.
"""

from __future__ import annotations

import random
from math import log2, prod
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.events import LABELS, LEVEL_MAX, SCORE_MAX, SPEAKS, Fault, Frame, Message, Role
from monitord.notify.inbox import Receiver
from monitord.wire import BURST, RATE_PER_S, TokenBucket, decode, encode

ME = 1000
MINUTE_S = 60.0
CODEC2_BIT_S = 450
"""The lowest rate of Codec 2 (https://rowetel.com/codec2): speech that can still be understood."""
TRANSCRIPT_BIT_S = 39
"""The information in speech: Coupe, Oh, Dediu, Pellegrino, Science Advances 5(9), 2019."""
BOUND_BIT_S = 32.0
ENDLESS = 100_000
"""Bits; more than an hour can carry."""

WORDS = [(role, kind, label) for role in Role for kind in sorted(SPEAKS[role]) for label in LABELS[kind]]
VALUES = (len(WORDS), SCORE_MAX + 1, LEVEL_MAX + 1, 256)
"""Choices of word, score, level and age."""


def digits(number, radices):
    found = []
    for radix in radices:
        number, digit = divmod(number, radix)
        found.append(digit)
    return found


def number_of(found, radices):
    number = 0
    for digit, radix in zip(reversed(found), reversed(radices), strict=True):
        number = number * radix + digit
    return number


def frame_of(word, score, level, age, boot, sequence):  # noqa: PLR0917 - the fields of a frame
    role, kind, label = WORDS[word]
    return Frame(Message(kind, label, score, level), role, boot, sequence, age)


def values_of(frame):
    message = frame.message
    word = WORDS.index((frame.role, message.kind, message.label))
    return [word, message.score, message.level, frame.age_s]


class InOrder:
    """Raises no alarm: his numbers are the next ones. Two lives of each role stand open; which one speaks is a bit."""

    radices = (*VALUES, 2)

    def __init__(self):
        self._next = {}

    def frame(self, found):
        *values, boot = found
        life = (WORDS[values[0]][0], boot)
        sequence = self._next.get(life, 0)
        self._next[life] = (sequence + 1) % 65536
        return frame_of(*values, boot, sequence)

    def digits(self, frame):
        return [*values_of(frame), frame.boot]


class AnyNumber:
    """Numbers and lives carry bits too; each frame is a gap or a new life."""

    radices = (*VALUES, 256, 65536)

    def frame(self, found):
        return frame_of(*found)

    def digits(self, frame):
        return [*values_of(frame), frame.boot, frame.sequence]


def smuggle(adversary, bits, seconds, *, bucket=None, seed=5):
    """Bits that the partner got back, all of them right, and the alarms that were raised."""
    receiver = Receiver(frozenset({ME}))
    if bucket is not None:
        receiver._bucket = bucket
    per_frame = int(log2(prod(adversary.radices)))
    message = random.Random(seed).getrandbits(bits)  # noqa: S311 - a message, not a secret
    sent, got, step = 0, 0, 0.5
    frame = None
    for turn in range(int(seconds / step) + 1):
        now = turn * step
        while got < bits:
            if frame is None:
                part = (message >> sent) & ((1 << per_frame) - 1)
                frame = adversary.frame(digits(part, adversary.radices))
                sent += per_frame
            since = now - (receiver._bucket._then or 0.0)
            if receiver._bucket._tokens + since * receiver._bucket.rate < receiver._cost(frame):
                break  # He knows the bucket, and waits: no frame of his is ever refused.
            received = receiver.judge(encode(frame), ME, now)
            assert received.frame is not None
            assert number_of(adversary.digits(received.frame), adversary.radices) == part
            frame = None
            got = min(bits, got + per_frame)
    return got, dict(receiver.refused)


ADVERSARIES = [InOrder, AnyNumber]


@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_the_control_without_the_bound_a_minute_of_coded_speech_gets_through(adversary):
    wanted = int(CODEC2_BIT_S * MINUTE_S)
    got, _ = smuggle(adversary(), wanted, MINUTE_S, bucket=TokenBucket(rate=1e6, burst=10**9))
    assert got == wanted


@pytest.mark.parametrize(("adversary", "sustained_bit_s", "burst_bits"), [(InOrder, 15.0, 480), (AnyNumber, 15.0, 480)])
def test_sustained_and_in_the_burst(adversary, sustained_bit_s, burst_bits):
    hour = 3600.0
    burst, _ = smuggle(adversary(), ENDLESS, 0.0)
    whole, alarms = smuggle(adversary(), ENDLESS, hour)
    sustained = (whole - burst) / hour
    assert sustained <= sustained_bit_s < BOUND_BIT_S
    assert burst <= burst_bits
    assert (Fault.WIRE_GAP in alarms) == (adversary is AnyNumber)


@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_neither_coded_speech_nor_its_transcript_gets_through_as_it_is_spoken(adversary):
    for bit_s, at_most in ((CODEC2_BIT_S, 0.05), (TRANSCRIPT_BIT_S, 0.6)):
        got, _ = smuggle(adversary(), int(bit_s * MINUTE_S), MINUTE_S)
        assert got < at_most * bit_s * MINUTE_S


def test_shouting_gets_no_more_through_and_is_an_alarm():
    """A frame every millisecond for a minute, in order: what is refused spoils the order of what is not."""
    receiver, adversary, accepted = Receiver(frozenset({ME})), InOrder(), 0
    generator = random.Random(1)  # noqa: S311 - as above
    for turn in range(60_000):
        data = encode(adversary.frame([generator.randrange(radix) for radix in adversary.radices]))
        accepted += receiver.judge(data, ME, turn / 1000).frame is not None
    assert accepted <= BURST + RATE_PER_S * MINUTE_S
    assert receiver.refused[Fault.WIRE_RATE] == 60_000 - accepted


NUMBERS = st.integers(0, 5) | st.integers(0, 65535)


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from(WORDS), st.integers(0, 3), NUMBERS), max_size=150))
def test_whatever_is_sent_the_raw_bound_holds_for_all_senders_together(sent):
    receiver, now, accepted = Receiver(frozenset({ME})), 0.0, 0
    for pause, (role, kind, label), boot, sequence in sent:
        now += pause
        received = receiver.judge(encode(Frame(Message(kind, label), role, boot, sequence)), ME, now)
        if received.frame is not None:
            accepted += 1
            assert decode(received.data) == received.frame
        assert accepted <= BURST + RATE_PER_S * now + 1e-6


def test_the_privacy_page_states_these_figures():
    page = (Path(__file__).parent.parent.parent / "docs" / "privacy.md").read_text("utf-8")
    for adversary in ADVERSARIES:
        burst, _ = smuggle(adversary(), ENDLESS, 0.0)
        whole, _ = smuggle(adversary(), ENDLESS, 3600.0)
        minute, _ = smuggle(adversary(), int(TRANSCRIPT_BIT_S * MINUTE_S), MINUTE_S)
        row = f"| {(whole - burst) / 3600.0:.1f} bit/s | {burst} bits | {minute} of 2,340 |"
        assert row in page, row
