"""The eye opens no camera unconfined, unless its owner wants it so; the program of a camera is confined as it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import stand_in
from eye_house import ASKED, PICTURES

from monitord.events import Fault, Kind, Look, Measure, Message, Sight, level_to_measures
from monitord.video import rpicam


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
