"""The supervisor with stand-ins for the three processes: what it starts, hands over, restarts, kills and cleans up."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from monitord.steadiness import DEATHS
from monitord.supervisor import BACK_OFF_S, back_off_s

PATIENCE_S = 30.0
PACKAGE = """
import os, signal, socket, sys, time
role, behaviour = sys.argv[1], os.environ.get("BEHAVIOUR", "")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if role == "video":
    request = socket.socket(fileno=3).recv(64)
    if behaviour == "eye hangs":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    sys.exit(1 if behaviour == "eye fails" else 0)
if role == "audio" and behaviour == "ear dies":
    sys.exit(1)
if role == "notify" and behaviour == "voice refuses":
    sys.exit(2)
if role == "audio" and behaviour == "ear ignores the end":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if role == "notify" and os.environ.get("LISTEN_FDS") != "1":
    sys.exit(9)
if role == "notify" and behaviour == "voice hears a hangup":
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
    open("listens", "w").close()
if role == "selftest":
    sys.exit(0 if "--nightly" in sys.argv else 9)
time.sleep(600)
"""
LOOKS_S = 0.5
"""Long enough for a supervisor that looks every 0.1 s."""
RUN = """
import sys
sys.path[:0] = [{root!r}]
from monitord import supervisor
from monitord.config import Config
supervisor.LOOK_GRACE_S = 0.5
supervisor.LOOK_FOR_TEST_S = 0.1
nightly = {{"speaker": "default", "nightly": {nightly!r}}}
config = Config.model_validate({{"video": {{"look_s": 1.0}}, "selftest": nightly}})
try:
    sys.exit(supervisor.Supervisor(config, None, trace=True).run())
except supervisor.SupervisorError as cause:
    sys.exit(str(cause))
"""


class House:
    """A supervisor in a process of its own, whose children run the stand-in above instead of monitord."""

    def __init__(
        self, folder: Path, root: Path, behaviour: str = "", own: str = "", nightly: str = "off", **started
    ) -> None:
        stand_in = folder / "stand_in"
        (stand_in / "monitord").mkdir(parents=True, exist_ok=True)
        (stand_in / "monitord" / "__init__.py").touch()
        (stand_in / "monitord" / "__main__.py").write_text(PACKAGE)
        self.runtime = folder / "run"
        self.pids: set[int] = set()
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(self.runtime), "BEHAVIOUR": behaviour}
        environment["PYTHONPATH"] = str(stand_in)
        self.process = subprocess.Popen(
            [sys.executable, "-c", own + RUN.format(root=str(root), nightly=nightly)],
            env=environment,
            cwd=stand_in,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **started,
        )

    def told(self, process: str, what: str) -> dict:
        """The next line about `process`; fails the test when the supervisor ends first, or says nothing for long."""
        impatience = threading.Timer(PATIENCE_S, self.give_up)
        impatience.start()
        try:
            return self._told(process, what)
        finally:
            impatience.cancel()

    def give_up(self) -> None:
        """End the supervisor, and what it has started: that holds the other end of the pipe that is waited for."""
        self.process.kill()
        for pid in tuple(self.pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _told(self, process: str, what: str) -> dict:
        for line in self.process.stdout:
            told = json.loads(line)
            self.pids.add(told["pid"])
            if (told["process"], told["what"]) == (process, what):
                return told
        pytest.fail(f"never told that {process} {what}")

    def ask_for_a_look(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            asking.sendto(b"look", str(self.runtime / "look.sock"))

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def house(tmp_path, pytestconfig):
    houses = []

    def build(behaviour: str = "", nightly: str = "off") -> House:
        houses.append(House(tmp_path, pytestconfig.rootpath, behaviour, nightly=nightly))
        return houses[-1]

    yield build
    for built in houses:
        with contextlib.suppress(ProcessLookupError):
            built.end()
        for pid in built.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        built.process.stdout.close()
        built.process.stderr.close()


def gone(pid: int) -> bool:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_voice_and_ear_but_no_eye_and_leaves_nothing(house, number):
    built = house()
    voice, ear = built.told("notify", "started")["pid"], built.told("audio", "started")["pid"]
    assert sorted(path.name for path in built.runtime.iterdir()) == ["events.sock", "lock", "look.sock"]
    assert built.end(number) == 0
    assert gone(voice)
    assert gone(ear)
    assert not built.runtime.exists()
    assert '"video"' not in built.process.stdout.read()


def test_a_request_starts_the_eye_and_it_is_gone_afterwards(house):
    built = house()
    built.told("audio", "started")
    for _ in range(2):
        built.ask_for_a_look()
        eye = built.told("video", "started")["pid"]
        assert built.told("video", "ended")["code"] == 0
        assert gone(eye)
    assert built.end() == 0


def test_an_eye_past_its_time_is_killed_and_the_next_look_works(house):
    built = house("eye hangs")
    built.told("audio", "started")
    for _ in range(2):
        built.ask_for_a_look()
        assert built.told("video", "ended")["code"] == -signal.SIGKILL
    assert built.end() == 0


def test_an_eye_that_fails_is_not_started_over_and_over_for_one_request(house):
    built = house("eye fails")
    built.told("audio", "started")
    built.ask_for_a_look()
    assert built.told("video", "ended")["code"] == 1
    time.sleep(0.5)
    assert built.end() == 0
    assert '"video"' not in built.process.stdout.read()


def test_a_dead_ear_is_started_again(house):
    built = house("ear dies")
    first = built.told("audio", "started")["pid"]
    assert built.told("audio", "started")["pid"] != first
    assert built.end() == 0


@pytest.mark.parametrize("dies", [True, False])
def test_what_dies_again_and_again_is_an_alarm_of_the_highest_priority_once(house, dies):
    built = house("ear dies" if dies else "")
    for _ in range(DEATHS + 1 if dies else 1):
        built.told("audio", "started")
    assert built.end() == 0
    alarms = [line for line in built.process.stderr if "audio dies again and again" in line]
    assert len(alarms) == dies


def test_a_killed_voice_is_started_again_on_the_same_socket(house):
    built = house()
    first = built.told("notify", "started")["pid"]
    socket_id = (built.runtime / "events.sock").stat().st_ino
    os.kill(first, signal.SIGKILL)
    assert built.told("notify", "started")["pid"] != first
    assert (built.runtime / "events.sock").stat().st_ino == socket_id
    assert built.end() == 0


def test_a_process_that_refuses_its_configuration_ends_it_all_with_that_code(house):
    built = house("voice refuses")
    assert built.process.wait(10) == 2


def test_what_ignores_sigterm_is_killed(house):
    built = house("ear ignores the end")
    ear = built.told("audio", "started")["pid"]
    time.sleep(0.3)  # Until the stand-in ignores the signal; a shorter life would test less, not fail.
    assert built.end() == 0
    assert gone(ear)


def test_what_does_not_follow_the_supervisor_outlives_its_kill(house):
    # The control for tests/test_cli.py, where the real processes follow it (service.follow_supervisor).
    built = house()
    ear = built.told("audio", "started")["pid"]
    built.process.kill()
    built.process.wait(10)
    assert Path(f"/proc/{ear}").exists()


def test_a_second_supervisor_in_one_place_is_refused_in_one_sentence(house):
    house().told("audio", "started")
    second = house()
    assert second.process.wait(10) == 1
    assert "already runs here" in second.process.stderr.read().splitlines()[-1]


def test_a_hangup_reaches_the_voice_and_nobody_else(house, tmp_path):
    built = house("voice hears a hangup")
    ear = built.told("audio", "started")["pid"]
    for _ in range(500):
        if (tmp_path / "stand_in" / "listens").exists():
            break
        time.sleep(0.02)
    built.process.send_signal(signal.SIGHUP)
    assert built.told("notify", "ended")["code"] == 7
    assert Path(f"/proc/{ear}").exists()
    assert built.process.poll() is None
    assert built.end() == 0


def test_a_terminal_that_is_closed_ends_it(tmp_path, pytestconfig):
    """The hangup that comes with a closed window is no request to read a file."""
    leader, follower = pty.openpty()
    own = f"import fcntl, termios; fcntl.ioctl({follower}, termios.TIOCSCTTY, 0)\n"
    built = House(tmp_path, pytestconfig.rootpath, own=own, start_new_session=True, pass_fds=(follower,))
    try:
        built.told("audio", "started")
        os.close(follower)
        os.close(leader)
        assert built.process.wait(10) == 0
    finally:
        built.end(signal.SIGKILL)
        built.process.stdout.close()
        built.process.stderr.close()


def test_back_off_grows_and_stays_bounded():
    waits = [back_off_s(failures) for failures in range(1, 20)]
    assert waits == sorted(waits)
    assert waits[0] == BACK_OFF_S[0]
    assert waits[-1] == BACK_OFF_S[-1]


def test_a_self_test_that_is_wanted_in_two_writes_runs_once(house):
    """The voice opens the file and then writes it: the supervisor may look in between."""
    built = house(nightly="03:30")
    built.told("audio", "started")
    wanted = built.runtime / "selftest"
    wanted.write_text("", "ascii")
    time.sleep(LOOKS_S)
    wanted.write_text("1.000\n", "ascii")
    built.told("selftest", "started")
    assert built.told("selftest", "ended")["code"] == 0
    time.sleep(LOOKS_S)
    assert built.end() == 0
    rest = [json.loads(line)["process"] for line in built.process.stdout]
    assert "selftest" not in rest, "the empty file was taken for a wish of its own"


def test_each_time_that_the_voice_wants_it_the_nightly_self_test_runs_once(house):
    built = house(nightly="03:30")
    built.told("audio", "started")
    for night in (1, 2):
        (built.runtime / "selftest").write_text(f"{night}\n", "ascii")
        built.told("selftest", "started")
        assert built.told("selftest", "ended")["code"] == 0
    assert built.end() == 0
    rest = [json.loads(line)["process"] for line in built.process.stdout]
    assert "selftest" not in rest, "it is not started again by itself"
    assert not built.runtime.exists()
