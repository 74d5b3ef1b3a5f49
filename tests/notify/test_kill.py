"""kill -9 of a real voice at chosen instants: nothing accepted is lost, nothing is doubled."""

from __future__ import annotations

import random
import signal
import socket

import pytest
from waiting import until

from monitord.events import Frame, Kind, Message, Role, Sound
from monitord.notify.database import JournalError
from monitord.notify.history import read
from monitord.wire import encode

WHEN = ("before the transaction", "in the transaction", "after the commit", "after it was consumed")

# Runs the real command line, and ends it by SIGKILL at the Nth time that instant comes.
DYING = """
import os, signal, sys
from monitord.notify import inbox, journal, process, voice
when, left = os.environ["DIE"].split(":")[0], [int(os.environ["DIE"].split(":")[1])]
def dies(owner, name, before, instant):
    real = getattr(owner, name)
    def call(*arguments):
        if when == instant:
            left[0] -= 1
        if before and when == instant and left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments)
        if when == instant and left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, call)
skip = process._Process._skip_what_is_committed
process._Process._skip_what_is_committed = (lambda self: None) if "NO_SKIP" in os.environ else skip
dies(voice.Voice, "receive", True, "before the transaction")
dies(journal.Journal, "add_frame", False, "in the transaction")
if when == "after the commit":
    dies(inbox.Inbox, "consume", True, "after the commit")
if when == "after it was consumed":
    dies(inbox.Inbox, "consume", False, "after it was consumed")
from monitord.cli import run
sys.exit(run(sys.argv[1:]))
"""


class Sender:
    """Sends the numbered frames 0, 1, ..."""

    def __init__(self, path):
        self.sent = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.connect(str(path))

    def send_up_to(self, count):
        while self.sent < count:
            self._socket.send(encode(Frame(Message(Kind.SOUND, Sound.CRY, 80, 30), Role.EAR, 5, self.sent)))
            self.sent += 1

    def close(self):
        self._socket.close()


def journalled(voice):
    try:
        history = read(voice.state / "journal.sqlite3")
    except JournalError:
        return []
    sequences = [stored.frame.sequence for stored in history.frames_since("2000")]
    history.close()
    return sequences


def live_through(voice, deaths, **environment):
    """Send frames while the voice dies as `deaths` say; returns what the journal has at the end."""
    voice.hold_socket()
    sender = Sender(voice.runtime / "events.sock")
    try:
        for when, number in deaths:
            # Enough for this life to reach its end, and too few for the rate bound to refuse any.
            sender.send_up_to(len(set(journalled(voice))) + 3)
            voice.start(program=("-c", DYING), DIE=f"{when}:{number}", **environment)
            code, logged = voice.ended()
            assert code == -signal.SIGKILL, logged
        sender.send_up_to(sender.sent + 3)
    finally:
        sender.close()
    voice.start(program=("-c", DYING), DIE="never:0", **environment)
    until(lambda: sender.sent - 1 in journalled(voice))
    code, logged = voice.stop()
    assert code == 0, logged
    return journalled(voice), sender.sent


def random_deaths(number, seed):
    dice = random.Random(seed)  # noqa: S311 - the same instants in every run
    return [(dice.choice(WHEN), dice.randint(1, 3)) for _ in range(number)]


def check(voice, deaths):
    sequences, count = live_through(voice, deaths)
    assert sequences == list(range(count))
    history = read(voice.state / "journal.sqlite3")
    (cry,) = [each for each in history.incidents(100) if each.subject is Sound.CRY]
    assert sorted(each.sink for each in history.deliveries([cry.id])) == ["log", "page"]
    history.close()


def test_no_frame_is_lost_or_doubled(real_voice):
    check(real_voice, [(when, 2) for when in WHEN] + random_deaths(6, 1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_frame_is_lost_or_doubled_at_many_more_instants(real_voice, seed):
    check(real_voice, random_deaths(24, seed))


def test_without_the_skip_a_frame_is_doubled(real_voice):
    # The control: this is what the test above would see if the skip did nothing.
    sequences, count = live_through(real_voice, [("after the commit", 2)], NO_SKIP="1")
    assert sequences != list(range(count))
    assert sorted(set(sequences)) == list(range(count))
    assert len(sequences) == count + 1
