"""A real voice as the kill tests start it: the rate bound is lifted, everything is quick, and its one channel is flaky.

The channel stands for the page: it fails half of the time, half of these after the alert has arrived, and for one
delivery in twenty always. What arrives is appended to the file ARRIVALS as `key incident reason`.

NO_KEEP and NO_MEMORY take single protections away, for the controls.
"""

from __future__ import annotations

import os
import random
import sys
import zlib

from monitord import wire
from monitord.cli import run
from monitord.notify import delivery, process, unwritten
from monitord.notify.journal import Journal
from monitord.notify.sinks import SinkError

dice = random.Random()  # noqa: S311 - which attempts fail, not secrets
arrivals = os.open(os.environ["ARRIVALS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


class Flaky:
    name = "page"
    confirms = True

    def __init__(self, push):
        pass

    async def send(self, notice):
        hopeless = zlib.crc32(notice.key.encode()) % 20 == 0
        if hopeless or dice.random() < 0.25:
            raise SinkError("it fails before it arrives")
        os.write(arrivals, f"{notice.key} {notice.incident.id} {notice.reason}\n".encode())
        if dice.random() < 0.25:
            raise SinkError("it fails after it arrived")


def forgetful(real):
    def write(self, journal):
        try:
            real(self, journal)
        finally:
            self._clear()

    return write


wire.TokenBucket.admit = lambda self, now, tokens=1: True
process.PageSink = Flaky
delivery.EXPIRE_S, delivery.CONFIRM_S = 12.0, 1.0
delivery.BACK_OFF_S, delivery.BACK_OFF_MAX_S = 0.05, 0.5
if "NO_KEEP" in os.environ:
    unwritten.Unwritten.write = forgetful(unwritten.Unwritten.write)
if "NO_MEMORY" in os.environ:
    process.Journal = lambda path, clock, or_in_memory: Journal(path, clock)
process.BEAT_S = 0.2
sys.exit(run(sys.argv[1:]))
