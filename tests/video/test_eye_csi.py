"""A look through a CSI camera: its program is gone with the eye, however that ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import stand_in
from eye_house import ASKED, PICTURES, labels

from monitord.events import Look, Measure, Sight, level_to_measures
from monitord.wire import decode


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
