"""Coverage-guided fuzzing of what the voice reads from its socket: `decode`, and the judge behind it.

    python tests/fuzz/fuzz_channel.py -max_total_time=60 [CORPUS]

Atheris (libFuzzer) brings the bytes. One input is a conversation: each datagram has a byte for the pause before it
(in tenths of a second), one for the user who sends it, one for its length, and its content. Whatever comes, nothing is
raised, every datagram is a frame or a refusal that was counted, a frame is encoded to what it was decoded from, and the
bound holds.

MONITORD_FUZZ_PLANT=1 plants a mistake in `decode`, which the fuzzer has to find:
the control of tests/fuzz/test_fuzz.py.
"""

from __future__ import annotations

import os
import sys

import atheris

with atheris.instrument_imports(include=["monitord"]):
    from monitord import wire
    from monitord.events import Fault
    from monitord.notify import inbox

FRIEND = 1000
PLANT = "MONITORD_FUZZ_PLANT"


@atheris.instrument_func
def planted(data: bytes) -> object:
    """`decode` with a crash behind two branches; by chance they meet once in 500 legal frames."""
    frame = wire.decode(data)
    if frame.message.score == 77:  # noqa: SIM102 - two branches, so that the first one shows as progress
        if frame.age_s > 200:
            raise IndexError("planted")
    return frame


def conversation(data: bytes) -> None:
    """Judge the datagrams that `data` spells, and hold them against what the receiver promises."""
    receiver = inbox.Receiver(frozenset({FRIEND}))
    now, accepted, place = 0.0, 0, 0
    while place + 3 <= len(data):
        pause, user, length = data[place : place + 3]
        datagram = data[place + 3 : place + 3 + length % 12]
        place += 3 + len(datagram)
        now += pause / 10
        before = sum(count for fault, count in receiver.refused.items() if fault is not Fault.WIRE_GAP)
        received = receiver.judge(datagram, FRIEND if user % 8 else user, now)
        after = sum(count for fault, count in receiver.refused.items() if fault is not Fault.WIRE_GAP)
        if received.frame is None:
            assert received.fault in (Fault.WIRE_REJECTED, Fault.WIRE_RATE)
            assert after == before + 1
        else:
            accepted += 1
            assert after == before
            assert wire.encode(received.frame) == datagram
            assert user % 8
    assert accepted <= wire.BURST + wire.RATE_PER_S * now + 1e-6
    assert all(len(lives) <= 4 for lives in (receiver._expected, receiver._disturbed))


def main() -> None:
    """Fuzz until libFuzzer's own limit, or until something is found."""
    if os.environ.get(PLANT):
        inbox.decode = planted
    atheris.Setup(sys.argv, conversation)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
