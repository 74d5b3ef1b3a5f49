"""The ear as it is started, as a process of its own, on a sound file."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from monitord import paths
from monitord.events import Fault, Kind, Life, Measure, Message, Role, level_to_measures, over_to_level
from monitord.wire import decode

pytestmark = pytest.mark.skipif(not (paths.models_dir() / "cry.toml").exists(), reason="the sound model is not there")
PATIENCE_S = 60


@pytest.fixture
def house(tmp_path):
    """A runtime folder with the voice's socket, a quiet recording and a configuration."""
    soundfile.write(tmp_path / "quiet.wav", np.zeros(16000, np.int16), 16000)
    (tmp_path / "c.toml").write_text(f'[audio]\ndevice = "file:{tmp_path / "quiet.wav"}"\nprofile = "balanced"\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as voice:
        voice.bind(str(tmp_path / paths.EVENTS_SOCKET))
        voice.settimeout(PATIENCE_S)
        yield tmp_path, voice


def start(folder, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "monitord", "audio", "--config", str(folder / "c.toml"), *arguments],
        env={**os.environ, "RUNTIME_DIRECTORY": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(voice, until):
    """Frames of the ear, up to the first whose label is `until`."""
    frames = [decode(voice.recv(64))]
    while frames[-1].message.label is not until:
        frames.append(decode(voice.recv(64)))
    return frames


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_hello_lives_and_says_goodbye(house, number):
    folder, voice = house
    ear = start(folder, "--trace")
    lines = [json.loads(ear.stdout.readline()) for _ in range(6)]
    ear.send_signal(number)
    errors = ear.communicate(timeout=PATIENCE_S)[1]
    assert ear.returncode == 0, errors
    assert "NOT HELD" not in errors
    assert "Traceback" not in errors
    # What the owner's sensitivity means is said at the start, as `check` says it.
    assert re.search(
        r"model cry: .*balanced: (under )?\d+\.\d false alarms per hour of hard test sounds( \(none in \d+\.\d h\))?, "
        r"finds \d+ of \d+ cries",
        errors,
    )
    assert [line["t_s"] for line in lines] == [0.25 * number for number in range(1, 7)]
    frames = said(voice, Life.STOPPED)
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert {frame.role for frame in frames} == {Role.EAR}
    hello, over, *beats, goodbye = [frame.message for frame in frames]
    assert (hello.kind, goodbye.kind) == (Kind.HELLO, Kind.GOODBYE)
    # What a former life may have died of.
    assert over == Message(Kind.FAULT, Fault.RECOVERED, level=over_to_level(Fault.DETECTOR_MODEL))
    assert {beat.kind for beat in beats} == {Kind.HEARTBEAT}
    assert sorted(path.name for path in folder.iterdir()) == ["c.toml", paths.EVENTS_SOCKET, "quiet.wav"]


def test_a_recording_that_is_not_there_is_a_fault_and_it_goes_on(house):
    folder, voice = house
    (folder / "quiet.wav").unlink()
    ear = start(folder)
    said(voice, Fault.MICROPHONE_MISSING)
    assert ear.poll() is None
    ear.terminate()
    errors = ear.communicate(timeout=PATIENCE_S)[1]
    assert ear.returncode == 0
    assert "no such file; it is tried again in 1 s" in errors


def test_a_model_that_was_changed_is_a_fault_and_one_sentence(house):
    """In a copy of the package, so that nobody's models are touched."""
    folder, voice = house
    package = paths.models_dir().parent
    copy = folder / "copy"
    shutil.copytree(package / "monitord", copy / "monitord", ignore=shutil.ignore_patterns("scene", "__pycache__"))
    shutil.copytree(paths.models_dir(), copy / "models")
    with (copy / "models" / "cry.tflite").open("ab") as changed:
        changed.write(b"!")
    ear = start(folder, PYTHONPATH=str(copy), PYTHONSAFEPATH="1")
    errors = ear.communicate(timeout=PATIENCE_S)[1]
    assert ear.returncode == 1
    assert [line for line in errors.splitlines() if line.startswith("monitord: ")] == [errors.splitlines()[-1]]
    assert "SHA-256 differs" in errors
    assert said(voice, Fault.DETECTOR_MODEL)[-1].message.kind is Kind.FAULT


def test_a_reader_of_the_trace_that_goes_away_does_not_end_it(house):
    folder, voice = house
    ear = start(folder, "--trace")
    ear.stdout.readline()
    ear.stdout.close()
    frames = 0
    while frames < 2:
        frames += decode(voice.recv(64)).message.kind is Kind.HEARTBEAT
    assert ear.poll() is None
    ear.terminate()
    assert ear.wait(PATIENCE_S) == 0
    ear.stderr.close()


@pytest.fixture
def no_seccomp(tmp_path):
    """A folder that stands before the installed packages, with a pyseccomp that does not load."""
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "pyseccomp.py").write_text("raise ImportError('none on this machine')")
    return str(tmp_path / "before")


def test_an_ear_that_cannot_be_confined_opens_no_microphone_and_says_so(house, no_seccomp):
    folder, voice = house
    ear = start(folder, "--trace", PYTHONPATH=no_seccomp)
    out, errors = ear.communicate(timeout=PATIENCE_S)
    assert ear.returncode == 3
    assert out == ""  # The control is the next test: the trace has lines as soon as sound is read.
    assert errors.splitlines()[-1] == (
        "monitord: the microphone stays closed, because seccomp does not hold here (the log says why); "
        "--unconfined goes on all the same, and says so on the page"
    )
    assert [frame.message.label for frame in said(voice, Fault.EAR_NOT_CONFINED)] == [Fault.EAR_NOT_CONFINED]


def test_unconfined_it_listens_and_is_loud(house, no_seccomp):
    folder, voice = house
    ear = start(folder, "--trace", "--unconfined", PYTHONPATH=no_seccomp)
    assert json.loads(ear.stdout.readline())["t_s"] > 0
    ear.terminate()
    errors = ear.communicate(timeout=PATIENCE_S)[1]
    assert ear.returncode == 0
    assert "UNCONFINED, as the owner wants it" in errors
    hello = said(voice, Life.UNCONFINED)[0].message
    assert Measure.SECCOMP not in level_to_measures(hello.level)
    assert Measure.NO_NEW_PRIVILEGES in level_to_measures(hello.level)


def test_unconfined_changes_nothing_where_everything_holds(house):
    folder, voice = house
    ear = start(folder, "--trace", "--unconfined")
    ear.stdout.readline()
    ear.terminate()
    assert "UNCONFINED" not in ear.communicate(timeout=PATIENCE_S)[1]
    assert said(voice, Life.STARTED)[0].message.kind is Kind.HELLO
