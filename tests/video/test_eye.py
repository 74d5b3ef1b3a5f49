"""The eye as a process: started with its socket, it looks once, answers and is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from eye_house import ASKED, PICTURES, labels

from monitord import paths
from monitord.events import Fault, Frame, Kind, Look, Message, Role, Sight
from monitord.video import process
from monitord.wire import encode


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
