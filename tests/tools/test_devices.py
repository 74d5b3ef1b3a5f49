"""`monitord devices`: what there is, which of it works, and what to do where it does not."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from monitord import cli
from monitord.events import Fault
from monitord.tools import devices, hardware
from monitord.tools.hardware import Device
from monitord.video import rpicam
from monitord.video.v4l2 import CameraError, NoCameraError


@pytest.fixture
def machine(tmp_path):
    """A Pi with a USB camera that has two nodes, a CSI camera, and two sound cards."""
    sys_, dev, asound = tmp_path / "sys", tmp_path / "dev", tmp_path / "asound"
    for node, name in (
        ("video0", "unicam-image"),
        ("video10", "bcm2835-codec-decode"),
        ("video1", "HD Webcam C270: HD Webcam"),
        ("video2", "HD Webcam C270: HD Webcam"),
        ("v4l-subdev0", "imx708"),
    ):
        (sys_ / node).mkdir(parents=True)
        (sys_ / node / "name").write_text(f"{name}\n")
        dev.mkdir(exist_ok=True)
        (dev / node).touch()
    for kind, link in (("by-id", "usb-046d_C270_ABC-video-index0"), ("by-path", "platform-usb-0:1.2-video-index0")):
        (dev / "v4l" / kind).mkdir(parents=True)
        (dev / "v4l" / kind / link).symlink_to(dev / "video1")
    (dev / "snd").mkdir()
    (dev / "snd" / "pcmC1D0c").touch()
    (asound / "card0" / "pcm0p").mkdir(parents=True)
    (asound / "card1" / "pcm0c" / "sub0").mkdir(parents=True)
    (asound / "card1" / "pcm0c" / "sub0" / "status").write_text("closed\n")
    (asound / "cards").write_text(
        " 0 [Headphones     ]: bcm2835_headphonbcm2835 Headphones - bcm2835 Headphones\n"
        "                      bcm2835 Headphones\n"
        " 1 [Device         ]: USB-Audio - USB PnP Sound Device\n"
        "                      C-Media USB PnP Sound Device at usb-0000:01, full speed\n"
    )
    return tmp_path


def test_cameras_have_names_that_stay(machine):
    found = hardware.v4l2_cameras(machine / "sys", machine / "dev")
    assert [(each.name, Path(each.device).name) for each in found] == [
        ("HD Webcam C270: HD Webcam", "usb-046d_C270_ABC-video-index0"),
        ("HD Webcam C270: HD Webcam", "video2"),
    ]


def test_sound_cards_that_record(machine):
    (found,) = hardware.alsa_microphones(machine / "asound", machine / "dev")
    assert found == Device(
        "USB PnP Sound Device (hw:CARD=Device,DEV=0)", "USB PnP Sound Device", machine / "dev" / "snd" / "pcmC1D0c"
    )


def test_who_records(machine):
    node = machine / "dev" / "snd" / "pcmC1D0c"
    assert hardware.recorder(node, machine / "asound") is None
    status = machine / "asound" / "card1" / "pcm0c" / "sub0" / "status"
    status.write_text("state: RUNNING\nowner_pid   : 4711\n")
    assert hardware.recorder(node, machine / "asound") == 4711


def test_a_machine_without_anything(tmp_path):
    assert hardware.v4l2_cameras(tmp_path, tmp_path) == []
    assert hardware.alsa_microphones(tmp_path, tmp_path) == []
    assert hardware.holders(tmp_path / "video0", tmp_path) == []


def test_who_holds_a_camera(tmp_path):
    node = tmp_path / "video0"
    node.touch()
    with node.open():
        assert hardware.holders(node) == [os.getpid()]
    assert hardware.holders(node) == []


def test_a_process_of_monitord_is_called_by_its_part(tmp_path):
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "cmdline").write_bytes(b"/opt/monitord/bin/python\0-m\0monitord\0video\0--config\0x\0")
    (tmp_path / "9" / "comm").write_text("python\n")
    assert hardware.called(9, tmp_path) == "monitord video (process 9)"
    (tmp_path / "9" / "cmdline").write_bytes(b"ffmpeg\0-f\0v4l2\0")
    (tmp_path / "9" / "comm").write_text("ffmpeg\n")
    assert hardware.called(9, tmp_path) == "ffmpeg (process 9)"


LISTING = """Available cameras
-----------------
0 : imx708_wide_noir [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
1 : ov5647 [2592x1944 10-bit GBRG] (/base/soc/i2c0mux/i2c@0/ov5647@36)
2 : USB Camera [1280x720] (/base/scb/pcie@7d500000/pci@0,0/usb@0,0-1:1.0-046d:0825)
"""


def rpicam_that_says(folder, text, code=0, sleeps=0):
    program = folder / "rpicam-vid"
    program.write_text(f"#!/bin/sh\nsleep {sleeps}\ncat <<'E'\n{text}\nE\nexit {code}\n")
    program.chmod(stat.S_IRWXU)


@pytest.fixture
def path(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(rpicam, "PROGRAMS", ("rpicam-vid",))
    return folder


def test_csi_cameras_are_those_that_rpicam_lists(machine, path):
    rpicam_that_says(path, LISTING)
    found, hint = hardware.csi_cameras(machine / "sys")
    assert [(each.name, each.device) for each in found] == [("imx708_wide_noir", "csi"), ("ov5647", "csi:1")]
    assert hint == ""


def test_without_rpicam_a_pi_with_a_connector_is_told_what_to_install(machine, path, tmp_path):
    assert path.is_dir()
    assert "sudo apt install rpicam-apps-lite" in hardware.csi_cameras(machine / "sys")[1]
    assert hardware.csi_cameras(tmp_path / "none") == ([], "")  # No Pi: nothing to say.


def test_a_ribbon_cable_that_is_loose(machine, path):
    rpicam_that_says(path, "No cameras available!")
    assert "ribbon cable" in hardware.csi_cameras(machine / "sys")[1]


def test_a_libcamera_that_hangs(machine, path, monkeypatch):
    monkeypatch.setattr(hardware, "_LIST_S", 0.2)
    rpicam_that_says(path, "", sleeps=5)
    assert "does not answer" in hardware.csi_cameras(machine / "sys")[1]


NODE = Path("/dev/video1")
WORKS = {"frames": 3, "obstacle": None}
CAMERA = Device("Webcam", "/dev/v4l/by-id/usb-webcam", NODE)


@pytest.fixture
def told(monkeypatch):
    """Runs the command on a machine that the test describes; returns its lines."""

    def run(capsys, *, wrong=None, said=WORKS, microphones=(), inputs=(), hint="", options=()):
        def check(_):
            if wrong is not None:
                raise wrong

        monkeypatch.setattr(hardware, "csi_cameras", lambda: ([], hint))
        monkeypatch.setattr(hardware, "v4l2_cameras", lambda: [CAMERA])
        monkeypatch.setattr(hardware, "alsa_microphones", lambda: list(microphones))
        monkeypatch.setattr(devices, "_inputs", lambda: list(inputs))
        monkeypatch.setattr(devices.v4l2, "check", check)
        monkeypatch.setattr(devices, "sample", lambda *_, **__: said)
        assert cli.run(["devices", *options]) == 0
        return capsys.readouterr().out

    return run


def test_a_camera_that_works(told, capsys):
    said = told(capsys)
    assert "  ok    Webcam: works\n" in said
    assert '        [video] device = "/dev/v4l/by-id/usb-webcam"\n' in said


def test_a_camera_that_works_and_sees_nothing(told, capsys):
    assert "  ok    Webcam: works; the picture is dark" in told(capsys, said={"frames": 3, "obstacle": "DARK"})


def test_a_camera_that_is_busy_names_by_whom(told, capsys, monkeypatch):
    monkeypatch.setattr(hardware, "holders", lambda _: [4711])
    monkeypatch.setattr(hardware, "called", lambda pid: f"ffmpeg (process {pid})")
    wrong = CameraError(Fault.CAMERA_BUSY, f"{NODE}: another program uses the camera; close it")
    assert "  FAULT Webcam: in use by ffmpeg (process 4711); close it" in told(capsys, wrong=wrong)
    monkeypatch.setattr(hardware, "holders", lambda _: [])
    assert "sudo monitord devices says which one" in told(capsys, wrong=wrong)


def test_a_camera_that_hangs_or_is_forbidden_says_what_to_do(told, capsys):
    said = {"fault": "CAMERA_TIMEOUT", "text": "the camera hangs; plug it in again"}
    assert "  FAULT Webcam: the camera hangs; plug it in again" in told(capsys, said=said)
    wrong = CameraError(Fault.CAMERA_MISSING, f"{NODE}: this user may not use it: sudo usermod -aG video USER")
    assert "FAULT Webcam: /dev/video1: this user may not use it: sudo usermod -aG video" in told(capsys, wrong=wrong)


def test_the_second_node_of_a_camera_is_not_listed(told, capsys):
    assert "Webcam" not in told(capsys, wrong=NoCameraError(Fault.CAMERA_MISSING, "delivers no pictures"))


def test_untried_nothing_is_opened(told, capsys):
    assert "        Webcam: not tried" in told(capsys, options=["--no-try"])


def test_the_hint_about_the_connector_is_shown_beside_other_cameras(told, capsys):
    said = told(capsys, hint="rpicam-vid is not installed")
    assert "Webcam: works" in said
    assert "rpicam-vid is not installed" in said


@pytest.fixture
def card(tmp_path):
    node = tmp_path / "pcmC1D0c"
    node.touch()
    return Device("USB Sound (hw:CARD=Device,DEV=0)", "USB Sound", node)


def test_a_microphone_that_works_and_one_behind_a_sound_server(told, capsys, card):
    said = told(
        capsys,
        said={"frames": 1, "obstacle": None},
        microphones=[card],
        inputs=[("USB Sound: Audio (hw:1,0)", ""), ("pulse", "")],
    )
    assert "  ok    USB Sound (hw:CARD=Device,DEV=0): works\n" in said
    assert "  ok    pulse: works, through the sound server" in said


def test_a_microphone_in_use(told, capsys, card, monkeypatch):
    monkeypatch.setattr(hardware, "recorder", lambda _: 1)
    monkeypatch.setattr(hardware, "called", lambda pid: f"monitord audio (process {pid})")
    assert "FAULT USB Sound (hw:CARD=Device,DEV=0): in use by monitord audio" in told(capsys, microphones=[card])


def test_a_microphone_that_this_user_may_not_use(told, capsys, card, monkeypatch):
    monkeypatch.setattr(devices.os, "access", lambda *_: False)
    assert "sudo usermod -aG audio USER" in told(capsys, microphones=[card])


def test_json_is_one_object(told, capsys, card):
    said = json.loads(told(capsys, said=WORKS, microphones=[card], options=["--json"]))
    assert said["cameras"] == [
        {"name": "Webcam", "device": CAMERA.device, "node": "/dev/video1", "works": True, "says": "works"}
    ]
    assert said["microphones"][0]["device"] == "USB Sound"
    assert said["hint"] == ""


def test_on_this_machine_it_comes_to_an_end():
    done = subprocess.run(
        [sys.executable, "-m", "monitord", "devices", "--json"], capture_output=True, text=True, check=True, timeout=120
    )
    assert set(json.loads(done.stdout)) == {"cameras", "microphones", "hint"}
    assert done.stderr == ""
