"""What the tests of the journal write into one, and clocks that are set by hand."""

from __future__ import annotations

from dataclasses import replace

from monitord.events import Frame, Kind, Message, Role, Sound
from monitord.notify import delivery
from monitord.notify.clock import Clock
from monitord.notify.incident import State, begin
from monitord.wire import encode

DAY_S = 86_400.0


class Time:
    """Both clocks, set by hand."""

    def __init__(self, wall=1_700_000_000.0, monotonic=1000.0):
        self.wall, self.monotonic = wall, monotonic

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.monotonic, lambda: self.wall)

    def sleep(self, seconds):
        self.wall += seconds
        self.monotonic += seconds


def frame(sequence) -> bytes:
    return encode(Frame(Message(Kind.SOUND, Sound.CRY, 80, 30), Role.EAR, 7, sequence))


def write_incidents(journal, numbers):
    with journal.transaction():
        for number in numbers:
            begun, _ = begin(number, Sound.CRY, 1000.0, room="Nursery")
            journal.save_incident(replace(begun, state=State.CLEARED, cleared_at=1000.0))
            journal.save_delivery(delivery.begin(number, number, "page", 1000.0))
            journal.add_frame(frame(number % 65536), 1000.0)
