"""What a real voice finds by looking from time to time: that it looks at all, and tells what it finds.

Each is a voice in which one thing that is looked at was made ill; what the looking itself finds is tested elsewhere.
"""

from __future__ import annotations

import json
import urllib.request

import pytest
from waiting import until

ILL = {
    "JOURNAL, by the looks at the disk": (
        "JOURNAL",
        "from monitord.notify import journal, process; process.DISK_S = 0.2; journal.ROOM_BYTES = 1 << 62",
        {},
    ),
    "JOURNAL, by the watchdog's probe": (
        "JOURNAL",
        (
            "from monitord.notify.database import JournalError\n"
            "from monitord.notify.journal import Journal\n"
            "def probe(self): raise JournalError('a test')\n"
            "Journal.probe = probe"
        ),
        {"WATCHDOG_USEC": "200000"},
    ),
    "POWER_LOW": (
        "POWER_LOW",
        (
            "from monitord.notify import machine, process; process._MACHINE_S = 0.2\n"
            "machine.Machine.read = lambda self: machine.Reading(under_voltage=True)"
        ),
        {},
    ),
    "PAUSE_STUCK": (
        "PAUSE_STUCK",
        (
            "from monitord.notify import pause\n"
            "def over(self, now): raise pause.PauseError('a test')\n"
            "pause.Switch.over = over"
        ),
        {},
    ),
    "PAUSE_OVER": ("PAUSE_OVER", "from monitord.notify import pause; pause.Switch.over = lambda self, now: True", {}),
    "SELFTEST_NOT_RUN": (
        "SELFTEST_NOT_RUN",
        "from monitord.notify import nightly; nightly.Nightly.tick = lambda self, *_, **__: True",
        {},
    ),
    "nothing": (None, "pass", {"WATCHDOG_USEC": "200000"}),
}


@pytest.mark.parametrize("what", ILL)
def test_what_is_ill_is_told(real_voice, what):
    named, ill, environment = ILL[what]
    program = f"import sys\n{ill}\nfrom monitord.cli import run\nsys.exit(run(sys.argv[1:]))"
    real_voice.start(program=("-c", program), **environment)

    if named is not None:
        until(lambda: named in told(real_voice))
    assert told(real_voice) <= {named}
    real_voice.stop()


@pytest.mark.parametrize("link", ["speaker", "microphone", "detector", "channels", ""])
def test_a_broken_link_of_the_nightly_self_test_is_told(real_voice, link):
    real_voice.start()
    request = urllib.request.Request(  # noqa: S310 - our own voice
        f"{real_voice.url()}api/v1/selftest/result",
        json.dumps({"broken": link, "nightly": True}).encode(),
        {"Content-Type": "application/json", "Origin": real_voice.url().rstrip("/")},
    )
    urllib.request.urlopen(request).close()  # noqa: S310
    names = {"channels": {"SELFTEST_FAILED"}, "": set()}.get(link, {f"SELFTEST_{link.upper()}"})
    assert told(real_voice) == names
    real_voice.stop()


def told(voice):
    """The faults that a voice has told, but for the ear that none of these has."""
    with urllib.request.urlopen(f"{voice.url()}api/v1/incidents") as answer:  # noqa: S310 - our own voice
        return {each["label"] for each in json.load(answer)["incidents"]} - {"EAR_SILENT"}
