"""The eye as a process: started with its socket, it looks once, answers and is gone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import stand_in

from monitord import paths
from monitord.events import Fault, Frame, Kind, Look, Measure, Message, Role, Sight, level_to_measures
from monitord.video import process, rpicam
from monitord.wire import decode, encode

PICTURES = Path(__file__).parent.parent.parent / "monitord" / "scene" / "pictures"
ASKED = encode(Frame(Message(Kind.LOOK, Look.ASKED), Role.EAR, boot=1, sequence=0))


class House:
    """Stands for the supervisor and the voice: both sockets, and the start of the eye."""

    def __init__(self, folder):
        self.folder = folder
        self.events = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.events.bind(str(folder / "events.sock"))
        self.looks = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.looks.bind(str(folder / "look.sock"))
        self.asker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def ask(self, *requests):
        for request in requests:
            self.asker.sendto(request, str(self.folder / "look.sock"))

    def start(self, device, *options, **variables):
        config = self.folder / "my.toml"
        config.write_text(f'[video]\ndevice = "{device}"\nlook_s = 1.0\n')
        arguments = [sys.executable, "-m", "monitord", "video", "--config", str(config), *options]
        environment = {
            **os.environ,
            **variables,
            "RUNTIME_DIRECTORY": str(self.folder),
            "LISTEN_FDS": "1",
            "MONITORD_SUPERVISOR_PID": str(os.getpid()),
        }
        hand_over = [
            (os.POSIX_SPAWN_DUP2, self.looks.fileno(), 3),
            (os.POSIX_SPAWN_OPEN, 2, self.log, os.O_WRONLY | os.O_CREAT, 0o600),
        ]
        return os.posix_spawn(sys.executable, arguments, environment, file_actions=hand_over)

    @property
    def log(self):
        return str(self.folder / "eye.log")

    def look(self, device, *options, **variables):
        _, status = os.waitpid(self.start(device, *options, **variables), 0)
        return os.waitstatus_to_exitcode(status), self.said()

    def said(self):
        self.events.settimeout(0)
        frames = []
        while True:
            try:
                frames.append(decode(self.events.recv(64)))
            except BlockingIOError:
                return [frame.message for frame in frames]

    def close(self):
        for each in (self.events, self.looks, self.asker):
            each.close()


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.close()


def labels(messages):
    return [message.label for message in messages]


def test_a_look_at_the_scene(house):
    house.ask(ASKED)
    before = set(house.folder.iterdir())
    code, said = house.look(f"file:{PICTURES}")
    assert code == 0
    assert labels(said) == [Look.BEGAN, Sight.LYING, Look.ENDED]
    assert 0 < said[1].score <= 100
    assert set(house.folder.iterdir()) - before == {house.folder / "my.toml", house.folder / "eye.log"}


def test_several_requests_are_one_look(house):
    house.ask(ASKED, ASKED, ASKED)
    _, said = house.look(f"file:{PICTURES}")
    assert labels(said) == [Look.BEGAN, Sight.LYING, Look.ENDED]
    house.looks.settimeout(0)
    with pytest.raises(BlockingIOError):
        house.looks.recv(64)


NONSENSE = [
    b"open the camera",
    ASKED + b"\0",
    encode(Frame(Message(Kind.LOOK, Look.NOT_ASKED), Role.EAR, boot=1, sequence=0)),
    encode(Frame(Message(Kind.LOOK, Look.ASKED), Role.EYE, boot=1, sequence=0)),
]


@pytest.mark.parametrize("request_", NONSENSE)
def test_nonsense_opens_nothing(house, request_):
    house.ask(request_)
    assert house.look(f"file:{PICTURES}") == (0, [])


def test_a_valid_request_among_nonsense_counts(house):
    house.ask(NONSENSE[0], ASKED)
    _, said = house.look(f"file:{PICTURES}")
    assert labels(said)[0] is Look.BEGAN


def test_nothing_is_looked_at_when_the_camera_is_off(house):
    house.ask(ASKED)
    assert house.look("off") == (0, [])


@pytest.mark.parametrize(
    ("device", "fault"),
    [
        ("file:{}/none", Fault.CAMERA_MISSING),
        ("/dev/null", Fault.CAMERA_MISSING),
        ("file:{}/bad.mp4", Fault.CAMERA_BROKEN),
    ],
)
def test_a_fault_is_told(house, device, fault):
    (house.folder / "bad.mp4").write_bytes(b"no video" * 20)
    house.ask(ASKED)
    code, said = house.look(device.format(house.folder))
    assert code == 0
    assert labels(said) == [Look.BEGAN, fault, Look.ENDED]


def test_a_model_that_was_changed_is_told_and_nothing_is_seen(house, tmp_path):
    """In a copy of the package, whose model may be spoilt."""
    shutil.copytree(Path(process.__file__).parent.parent, tmp_path / "copy" / "monitord")
    shutil.copytree(paths.models_dir(), tmp_path / "copy" / "models")
    house.ask(ASKED)
    device = f"file:{PICTURES}"
    # -m looks into the current folder first, which is not to win here.
    code, said = house.look(device, PYTHONPATH=str(tmp_path / "copy"), PYTHONSAFEPATH="1")
    assert (code, labels(said)) == (0, [Look.BEGAN, Sight.LYING, Look.ENDED])  # The control.
    (tmp_path / "copy" / "models" / "person.tflite").write_bytes(b"no model")
    house.ask(ASKED)
    code, said = house.look(device, PYTHONPATH=str(tmp_path / "copy"), PYTHONSAFEPATH="1")
    assert (code, labels(said)) == (0, [Look.BEGAN, Fault.CLASSIFIER_MODEL, Look.ENDED])


def test_pictures_that_stand_still_are_frozen(house):
    still = cv2.imread(str(PICTURES / "lying_0.png"))
    for number in range(3):
        cv2.imwrite(str(house.folder / f"{number}.png"), still)
    house.ask(ASKED)
    _, said = house.look(f"file:{house.folder}")
    assert labels(said) == [Look.BEGAN, Sight.FROZEN, Look.ENDED]


def test_a_dark_room_is_dark(house):
    cv2.imwrite(str(house.folder / "dark.png"), np.full((192, 256, 3), 3, np.uint8))
    house.ask(ASKED)
    _, said = house.look(f"file:{house.folder}")
    assert labels(said) == [Look.BEGAN, Sight.DARK, Look.ENDED]


def test_it_is_refused_without_its_socket():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LISTEN_")}
    ended = subprocess.run(
        [sys.executable, "-m", "monitord", "video"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "started by the gate through its socket, never otherwise" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_sigterm_ends_it_in_order(house, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    # A look that waits for ever in Python, as one does between the frames of a slow camera.
    arguments = [
        sys.executable,
        "-c",
        (
            "import time\n"
            "from monitord.config import Config\n"
            "from monitord.video import process\n"
            "process._look = lambda *_: time.sleep(60)\n"
            "raise SystemExit(process.main(Config()))"
        ),
    ]
    environment = {
        **os.environ,
        "RUNTIME_DIRECTORY": str(house.folder),
        "LISTEN_FDS": "1",
        "MONITORD_SUPERVISOR_PID": str(os.getpid()),
    }
    house.ask(ASKED)
    hand_over = [
        (os.POSIX_SPAWN_DUP2, house.looks.fileno(), 3),
        (os.POSIX_SPAWN_OPEN, 2, house.log, os.O_WRONLY | os.O_CREAT, 0o600),
    ]
    pid = os.posix_spawn(sys.executable, arguments, environment, file_actions=hand_over)
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


@pytest.fixture
def no_seccomp(tmp_path):
    """A folder that stands before the installed packages, with a pyseccomp that does not load."""
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "pyseccomp.py").write_text("raise ImportError('none on this machine')")
    return str(tmp_path / "before")


def test_an_eye_that_cannot_be_confined_opens_no_camera_and_says_so(house, no_seccomp):
    house.ask(ASKED)
    code, said = house.look(f"file:{PICTURES}", PYTHONPATH=no_seccomp)
    assert code == 3
    assert said == [Message(Kind.FAULT, Fault.EYE_NOT_CONFINED)]
    assert "the camera stays closed, because seccomp does not hold here" in Path(house.log).read_text()


def test_unconfined_it_looks_and_is_loud(house, no_seccomp):
    house.ask(ASKED)
    code, said = house.look(f"file:{PICTURES}", "--unconfined", PYTHONPATH=no_seccomp)
    assert code == 0
    assert [message.label for message in said][:2] == [Fault.UNCONFINED, Look.BEGAN]
    assert said[-1].label is Look.ENDED
    assert Measure.SECCOMP not in level_to_measures(said[1].level)
    assert "UNCONFINED, as the owner wants it" in Path(house.log).read_text()


@pytest.mark.skipif(stand_in.FFMPEG is None, reason=stand_in.NO_FFMPEG)
def test_a_look_through_a_csi_camera_and_nothing_is_left_of_it(house):
    path = stand_in.install_ffmpeg(house.folder / "bin", PICTURES / "lying_0.png")
    house.ask(ASKED)
    code, said = house.look("csi", PATH=path)
    assert code == 0, Path(house.log).read_text()
    assert labels(said) == [Look.BEGAN, Sight.LYING, Look.ENDED]
    held = level_to_measures(said[0].level)
    assert {Measure.SECCOMP, Measure.NO_FILE_WRITES, Measure.NO_NEW_PRIVILEGES} <= held
    assert using(house.folder) == []


def using(folder):
    """Processes whose command names something in `folder`."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words:
            found.append(words)
    return found


def test_the_program_of_a_csi_camera_is_confined_as_the_eye_is(house):
    target = house.folder / "leak"
    path = stand_in.install(house.folder / "bin", stand_in.TRIES, target=str(target))
    house.ask(ASKED)
    code, said = house.look("csi", PATH=path)
    assert code == 0
    # It got on to its pictures, which are stripes; so neither act was possible.
    assert isinstance(said[1].label, Sight), Path(house.log).read_text()
    assert not target.exists()


def test_the_control_without_confinement_it_does_both(tmp_path):
    target = tmp_path / "leak"
    stand_in.install(tmp_path / "bin", stand_in.TRIES, target=str(target))
    done = subprocess.run(
        rpicam.command(str(tmp_path / "bin" / "rpicam-vid"), 0), capture_output=True, text=True, check=False
    )
    assert "LEAK: internet socket file" in done.stderr
    assert target.exists()


def test_an_eye_that_is_killed_takes_the_program_along(house):
    path = stand_in.install(house.folder / "bin", stand_in.HANGS, frames=0)
    house.ask(ASKED)
    pid = house.start("csi", PATH=path)
    house.events.settimeout(30)
    assert decode(house.events.recv(64)).message.label is Look.BEGAN
    deadline = time.monotonic() + 20
    while len(using(house.folder / "bin")) < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert using(house.folder / "bin")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while using(house.folder / "bin") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert using(house.folder / "bin") == []


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
    root = Path(__file__).parent.parent.parent
    house.ask(ASKED)
    code, said = house.look("/dev/null", PYTHONPATH=f"{site}:{root}", HANG="1")
    assert code == -signal.SIGALRM
    assert labels(said) == [Look.BEGAN]  # It cannot say more; the voice waits no longer than a look may last.
    house.ask(ASKED)
    code, said = house.look(f"file:{PICTURES}", PYTHONPATH=f"{site}:{root}")
    assert code == 0
    assert labels(said) == [Look.BEGAN, Sight.LYING, Look.ENDED]
