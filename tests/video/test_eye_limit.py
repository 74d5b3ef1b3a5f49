"""A look ends: in time, at its limit, at SIGTERM, and though the driver hangs; then the next one is clean."""

from __future__ import annotations

import os
import signal
import time

import pytest
from eye_house import ASKED, PICTURES, ROOT, labels

from monitord.events import Fault, Look, Sight
from monitord.video import process
from monitord.wire import decode


def test_sigterm_ends_it_in_order(house):
    # A look that waits for ever in Python, as one does between the frames of a slow camera.
    program = (
        "import time\n"
        "from monitord.config import Config\n"
        "from monitord.video import process\n"
        "process._look = lambda *_: time.sleep(60)\n"
        "raise SystemExit(process.main(Config()))"
    )
    house.ask(ASKED)
    pid = house.spawn("-c", program, PYTHONPATH=str(ROOT))
    house.events.settimeout(30)
    assert decode(house.events.recv(64)).message.label is Look.BEGAN
    os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert labels(house.said()) == [Look.ENDED]


class Kept:
    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message.label)


@pytest.fixture
def alarm():
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_a_hung_camera_is_a_timeout_and_the_end_of_the_process():
    kept, ended = Kept(), []
    answer = process.Answer(kept)
    answer.begin()
    with process.limit(0.05, answer, ended.append):
        while not ended:
            time.sleep(0.01)
    assert kept.sent == [Look.BEGAN, Fault.CAMERA_TIMEOUT, Look.ENDED]
    assert ended == [process.FAILED]
    assert not answer.give(Sight.LYING)  # Too late: one look has one answer.


@pytest.mark.usefixtures("alarm")
def test_a_look_in_time_is_not_ended():
    kept, ended = Kept(), []
    answer = process.Answer(kept)
    answer.begin()
    with process.limit(60.0, answer, ended.append):
        assert answer.give(Sight.NOBODY, 90)
    answer.end()
    assert kept.sent == [Look.BEGAN, Sight.NOBODY, Look.ENDED]
    assert ended == []
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_look_that_was_broken_off_is_ended():
    kept = Kept()
    process.Answer(kept).end()
    assert kept.sent == [Look.ENDED]


def test_after_a_look_that_hung_the_next_one_is_clean(house):
    """The driver holds Python's lock, so that not even the eye's own watch can run: the kernel's alarm ends it."""
    site = house.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import ctypes, os\n"
        "if os.environ.get('HANG'):\n"
        "    import monitord.video.v4l2 as v4l2, monitord.video.process as process\n"
        "    process.LOOK_GRACE_S = 2.5\n"
        "    v4l2.check = lambda path: ctypes.PyDLL(None).sleep(600)\n"
    )
    house.ask(ASKED)
    code, said = house.look("/dev/null", PYTHONPATH=f"{site}:{ROOT}", HANG="1")
    assert code == -signal.SIGALRM
    assert labels(said) == [Look.BEGAN]  # It cannot say more; the voice waits no longer than a look may last.
    house.ask(ASKED)
    code, said = house.look(f"file:{PICTURES}", PYTHONPATH=f"{site}:{ROOT}")
    assert code == 0
    assert labels(said) == [Look.BEGAN, Sight.LYING, Look.ENDED]
