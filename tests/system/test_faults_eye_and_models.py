"""Faults of the camera and of the models that are made on purpose in a real house; see test_faults.py."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import cv2
import faulty_libc
import numpy as np
import pytest
from faults_measured import keep
from latency import bundled_cry
from making_faults import fault, label
from running_house import House, level_of
from sound_server import MICROPHONE, missing

import monitord
from monitord import paths

sys.path.insert(0, str(Path(__file__).parent.parent / "video"))
import stand_in

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
OFTEN = "looks_per_hour = 120\ncooldown_s = 0.5\n"
CSI = """
import pathlib
mode = pathlib.Path({switch!r}).read_text()
if mode == "missing":
    say("ERROR: *** no cameras available ***"); sys.exit(255)
if mode == "busy":
    say("ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx708@1a ***"); sys.exit(255)
if mode == "breaks":
    write(frame(60)[:1000]); sys.exit(1)
if mode == "hangs":
    signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)
if mode == "hangs between two pictures":
    write(frame(60)); write(frame(61)); signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)
"""
CSI_FAULTS = {
    "missing": ("CAMERA_MISSING", "the Pi finds no CSI camera"),
    "busy": ("CAMERA_BUSY", "another program uses the CSI camera"),
    "breaks": ("CAMERA_BROKEN", "stopped in the middle of a picture"),
    "hangs": ("CAMERA_TIMEOUT", "rpicam-vid delivers no picture"),
    "hangs between two pictures": ("CAMERA_TIMEOUT", "rpicam-vid delivers no picture"),
}


def camera_of(told):
    return told.content.get("state", told.content).get("camera") if told.name in {"state", "snapshot"} else None


def no_eye(house):
    deadline = time.monotonic() + 30.0
    while house.processes().get("video") is not None:
        assert time.monotonic() < deadline, "the eye outlives its look"
        time.sleep(0.05)


@pytest.mark.parametrize("mode", CSI_FAULTS)
def test_csi_camera(folder, sound, mode):
    named, because = CSI_FAULTS[mode]
    switch = folder / "mode"
    switch.write_text(mode)
    path = stand_in.install(folder / "bin", CSI + stand_in.STEADY, switch=str(switch))
    with House(folder, {**sound.environment, "PATH": path}, MICROPHONE, "csi", extra=OFTEN) as house:
        began = time.monotonic()
        house.ask_for_a_look()
        told = fault(house, named, "", 60.0)
        assert because in house.log(), "the stand-in did it"
        no_eye(house)
        ended = time.monotonic()
        switch.write_text("well")
        mended = time.monotonic()
        house.ask_for_a_look()
        clean = house.wait(lambda told: str(camera_of(told)).startswith("Sight."), 60.0)
        over = fault(house, named, "cleared", 60.0) if not _cleared(house, named) else clean.at
        no_eye(house)
        assert ended - began < 15.0 or "MONITORD_FAULTS" not in os.environ, "killed at its deadline"
        keep(f"CSI camera: {mode}; told by the look itself, over by the next", told - began, 12.0, over - mended, 12.0)


def _cleared(house, named):
    states = [told.content["state"] for told in house.told if label(told) == named]
    return states[-1:] == ["cleared"]


@pytest.mark.skipif(bool(faulty_libc.missing()), reason=faulty_libc.missing())
@pytest.mark.parametrize(
    ("does", "named", "title"),
    [
        (faulty_libc.GONE, "CAMERA_MISSING", "missing"),
        (faulty_libc.BUSY, "CAMERA_BUSY", "used by another program"),
        (faulty_libc.HANGS_IN_OPEN, "CAMERA_TIMEOUT", "hangs in open()"),
        (faulty_libc.HANGS_IN_IOCTL, "CAMERA_TIMEOUT", "hangs in ioctl()"),
    ],
)
def test_v4l2_camera(folder, sound, does, named, title):
    libc = faulty_libc.FaultyLibc(folder)
    libc.camera(does)
    environment = {**sound.environment, **libc.environment}
    with House(folder, environment, MICROPHONE, faulty_libc.CAMERA, extra=OFTEN) as house:
        before = libc.met
        sound.player(bundled_cry(folder / "cry.wav"))
        alert = house.wait(lambda told: told.name == "incident" and told.content["kind"] == "sound", 60.0)
        began = time.monotonic()
        assert alert.content["state"] == "alerting"  # It did not wait for the camera.
        told = fault(house, named, "", 60.0)
        no_eye(house)
        over = time.monotonic()
        assert libc.met > before, "the fault was met"
        # Over is the eye's own end: no process holds the camera any more.
        keep(f"V4L2 camera: {title}; over: the eye is gone", told - began, 12.0, over - began, 15.0)


def test_a_black_camera(folder, sound):
    (folder / "p").mkdir()
    cv2.imwrite(str(folder / "p" / "0.png"), np.zeros((240, 320, 3), np.uint8))
    with House(folder, sound.environment, MICROPHONE, f"file:{folder}/p", extra=OFTEN) as house:
        began = time.monotonic()
        house.ask_for_a_look()
        told = house.wait(lambda told: str(camera_of(told)).startswith("Sight."), 60.0)
        assert camera_of(told) in {"Sight.DARK", "Sight.COVERED", "Sight.FROZEN"}
        cv2.imwrite(str(folder / "p" / "0.png"), np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8))
        mended = time.monotonic()
        no_eye(house)
        house.ask_for_a_look()
        over = house.wait(lambda told: camera_of(told) not in {None, "Look.ASKED", "Look.BEGAN", "Sight.DARK"}, 60.0)
        keep("camera black; told by the look itself", told.at - began, 12.0, over.at - mended, 12.0)


@pytest.fixture
def tree(folder):
    """A copy of the package and its models, which may be spoilt."""
    shutil.copytree(Path(monitord.__file__).parent, folder / "t" / "monitord")
    shutil.copytree(paths.models_dir(), folder / "t" / "models")
    return folder / "t"


def spoil(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def no_card(path):
    path.with_suffix(".toml").unlink()


def no_toml(path):
    path.with_suffix(".toml").write_text("name = [", "utf-8")


def missing_file(path):
    path.unlink()


def mend(tree, name):
    for suffix in (".toml", ".tflite"):
        shutil.copy(paths.models_dir() / f"{name}{suffix}", tree / "models")


@pytest.mark.parametrize(
    ("spoilt", "title"),
    [(spoil, "changed by one bit"), (missing_file, "missing"), (no_card, "card missing"), (no_toml, "card unreadable")],
)
def test_the_ears_model_at_the_start(folder, sound, tree, spoilt, title):
    spoilt(tree / "models" / "cry.tflite")
    began = time.monotonic()
    with House(folder, sound.environment, MICROPHONE, tree=tree, hears=False) as house:
        told = fault(house, "DETECTOR_MODEL", "", 60.0)
        assert "cry.t" in house.log()
        assert str(tree) in house.log()
        mend(tree, "cry")
        mended = time.monotonic()
        over = fault(house, "DETECTOR_MODEL", "cleared", 120.0)
        before = [told for told in house.told if told.at < mended and told.name in {"state", "snapshot"}]
        assert all(level_of(told) is None for told in before), "it pretends to hear"
        keep(f"the ear's model at the start: {title}", told - began, 20.0, over - mended, 60.0)


def test_the_ears_model_while_it_runs(folder, sound, tree):
    with House(folder, sound.environment, MICROPHONE, tree=tree) as house:
        ear = house.processes()["audio"]
        spoil(tree / "models" / "ear.tflite")
        began = time.monotonic()
        house.process.send_signal(signal.SIGHUP)
        told = fault(house, "MODELS_CHANGED", "", 60.0)
        # The good one is in memory, and goes on hearing.
        sound.player(bundled_cry(folder / "cry.wav"))
        house.wait(lambda told: told.name == "incident" and told.content["kind"] == "sound", 60.0)
        assert house.processes()["audio"] == ear
        # A new ear finds the spoilt one, and does not pretend.
        os.kill(ear, signal.SIGKILL)
        fault(house, "DETECTOR_MODEL", "", 60.0)
        mend(tree, "ear")
        house.process.send_signal(signal.SIGHUP)
        mended = time.monotonic()
        over = fault(house, "MODELS_CHANGED", "cleared", 60.0)
        fault(house, "DETECTOR_MODEL", "cleared", 120.0)
        keep("the ear's model changed while it runs; told at the reload", told - began, 5.0, over - mended, 5.0)


def test_the_eyes_model(folder, sound, tree):
    device = f"file:{tree}/monitord/scene/pictures"
    with House(folder, sound.environment, MICROPHONE, device, extra=OFTEN, tree=tree) as house:
        spoil(tree / "models" / "person.tflite")
        began = time.monotonic()
        house.ask_for_a_look()
        told = fault(house, "CLASSIFIER_MODEL", "", 60.0)
        no_eye(house)
        mend(tree, "person")
        mended = time.monotonic()
        house.ask_for_a_look()
        over = fault(house, "CLASSIFIER_MODEL", "cleared", 60.0)
        keep("the eye's model changed; told by the look itself", told - began, 12.0, over - mended, 12.0)
