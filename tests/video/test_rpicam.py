"""The CSI camera against a stand-in of rpicam-vid: in order, and with everything that can be wrong with it."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import stand_in

from monitord.events import Fault
from monitord.video import rpicam, v4l2
from monitord.video.camera import CameraError, open_camera
from monitord.video.csi import CsiCamera
from monitord.video.opencv import from_yuv420
from monitord.video.picture import SHAPE

MIDDLE = (SHAPE[0] // 2, SHAPE[1] // 2)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Installs a stand-in."""

    def install(body, **values):
        monkeypatch.setenv("PATH", stand_in.install(tmp_path / "bin", body, **values))

    return install


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(rpicam, "START_S", 5.0)
    monkeypatch.setattr(rpicam, "FRAME_S", 1.5)
    OTHERS.update(set(every_child()))
    monkeypatch.setattr(rpicam, "END_S", 0.3)


OTHERS = set()


def every_child():
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def children():
    """Those that were not there before the test."""
    return [each for each in every_child() if each not in OTHERS]


def fault_of(camera, enough=30):
    seen = []
    with pytest.raises(CameraError) as raised:
        seen.extend(picture.shape for picture in itertools.islice(camera.frames(), enough))
    assert len(str(raised.value).splitlines()) == 1
    assert children() == []
    return raised.value.fault, str(raised.value), len(seen)


def take(camera, count):
    """So many pictures; copies, as the camera wipes its own."""
    taken, frames = [], camera.frames()
    for picture in frames:
        taken.append(picture.copy())
        if len(taken) >= count:
            break
    frames.close()
    return taken


@pytest.mark.parametrize(
    ("device", "number"), [("csi", 0), ("csi:0", 0), ("csi:1", 1), ("0", None), ("/dev/csi", None), ("csi:x", None)]
)
def test_how_a_csi_camera_is_named(device, number):
    assert v4l2.csi_number(device) == number
    assert isinstance(open_camera(device), CsiCamera) == (number is not None)


def test_pictures_come_and_the_program_is_gone_afterwards(program):
    program(stand_in.STEADY)
    began = time.monotonic()
    pictures = take(open_camera("csi"), 3)
    assert time.monotonic() - began < 5
    assert children() == []
    assert all(picture.shape == (*SHAPE, 3) for picture in pictures)
    # Stripes of three brightnesses, of no colour: the same in all of them but for the step from frame to frame.
    row = pictures[0][MIDDLE[0]].astype(int)
    assert (row.max(axis=1) - row.min(axis=1)).max() <= 2
    assert {60, 100, 140} <= {int(round(value / 20) * 20) for value in row[:, 0]}


@pytest.mark.parametrize(
    ("red", "green", "blue"), [(250, 10, 10), (10, 240, 20), (20, 30, 250), (255, 255, 255), (0, 0, 0)]
)
def test_colours_are_those_of_jpeg(red, green, blue):
    """ITU-T T.871: the range of JPEG is 0..255, so that white is 255 and not 235."""
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = 128 + (blue - y) / 1.772, 128 + (red - y) / 1.402
    planes = [
        np.full(size, min(255, round(value)), np.uint8) for size, value in ((64 * 48, y), (32 * 24, cb), (32 * 24, cr))
    ]
    data = np.concatenate(planes)
    picture = from_yuv420(data, 64, 48)
    assert np.abs(picture[MIDDLE].astype(int) - (red, green, blue)).max() <= 3
    assert not data.any()


@pytest.mark.skipif(stand_in.FFMPEG is None, reason=stand_in.NO_FFMPEG)
@pytest.mark.parametrize("floods", [False, True])
def test_the_stream_of_ffmpeg_at_its_pace_or_as_a_flood(tmp_path, monkeypatch, floods):
    picture = np.full((480, 640, 3), (40, 90, 200), np.uint8)
    picture[:, 320:] = (200, 90, 40)
    cv2.imwrite(str(tmp_path / "room.png"), picture)
    monkeypatch.setenv("PATH", stand_in.install_ffmpeg(tmp_path / "bin", tmp_path / "room.png", floods=floods))
    pictures = take(open_camera("csi"), 8)
    assert children() == []
    for each in pictures:
        left, right = each[MIDDLE[0], SHAPE[1] // 4].astype(int), each[MIDDLE[0], SHAPE[1] * 3 // 4].astype(int)
        assert np.abs(left - (200, 90, 40)).max() < 20
        assert np.abs(right - (40, 90, 200)).max() < 20
    assert len({each.tobytes() for each in pictures}) == 8  # Each is another one: the noise of the sensor.


def test_a_flood_takes_no_more_memory_than_a_picture(program):
    program("\nwhile True:\n    write(frame(60))\n")
    camera = CsiCamera(0)
    frames = camera.frames()
    next(frames)
    child = int(children()[0])
    time.sleep(0.5)  # Nobody reads.
    before = Path(f"/proc/{child}/stat").read_text().split()[13]
    time.sleep(0.3)
    assert Path(f"/proc/{child}/stat").read_text().split()[13] == before  # It waits for its reader.
    frames.close()
    assert children() == []


@pytest.mark.parametrize("frames", [0, 2, 9])
def test_it_stops(program, frames):
    program(stand_in.STOPS, frames=frames)
    fault, text, _ = fault_of(open_camera("csi"))
    assert (fault, text) == (Fault.CAMERA_BROKEN, "rpicam-vid stopped in the middle of a picture")


@pytest.mark.parametrize("frames", [0, 9])
def test_it_hangs_and_does_not_end_when_asked(program, frames, monkeypatch):
    monkeypatch.setattr(rpicam, "START_S", 1.5)
    program(stand_in.HANGS, frames=frames)
    fault, text, seen = fault_of(open_camera("csi"))
    assert fault is Fault.CAMERA_TIMEOUT
    assert "delivers no picture; check the camera's ribbon cable" in text
    assert seen == max(0, frames - 3)  # Three go while the exposure settles.


def test_pictures_of_another_size_are_noticed_before_any_is_looked_at(program):
    program(stand_in.SMALLER)
    fault, text, seen = fault_of(open_camera("csi"))
    assert (fault, seen) == (Fault.CAMERA_BROKEN, 0)
    assert text == "rpicam-vid delivers pictures of another size than 640x480-YUV420"


def test_pictures_of_another_size_that_libcamera_admits(program):
    program(stand_in.ADMITS.replace("configuring streams: (0) 1296", "configuring streams: (0) 1296"))
    # The first line of the stand-in says what was asked for; the last word counts.
    fault, text, seen = fault_of(open_camera("csi"))
    assert (fault, seen) == (Fault.CAMERA_BROKEN, 0)
    assert text == "rpicam-vid delivers pictures of another size (1296x972-YUV420) than 640x480-YUV420"


def test_a_chatty_program_does_not_block(program):
    program(stand_in.CHATTERS)
    assert len(take(open_camera("csi"), 4)) == 4
    assert children() == []


@pytest.mark.parametrize(
    ("text", "fault", "says"),
    [
        ("ERROR: *** no cameras available ***", Fault.CAMERA_MISSING, "ribbon cable"),
        ("ERROR: *** selected camera is not available ***", Fault.CAMERA_MISSING, "no CSI camera 0"),
        ("ERROR RPI: Pipeline handler in use by another process", Fault.CAMERA_BUSY, "another program uses the CSI"),
        ("ERROR: *** failed to acquire camera imx708 ***", Fault.CAMERA_BUSY, "close it"),
        ("could not open /dev/media0: Permission denied", Fault.CAMERA_MISSING, "group video"),
        ("unrecognised option '--flush'", Fault.CAMERA_BROKEN, "stopped: unrecognised option '--flush'"),
    ],
)
def test_what_it_says_when_it_gives_up(program, text, fault, says):
    program(stand_in.FAILS, text=text)
    found, sentence, _ = fault_of(open_camera("csi"))
    assert found is fault
    assert says in sentence


def test_it_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    fault, text, _ = fault_of(open_camera("csi"))
    assert fault is Fault.CAMERA_MISSING
    assert "sudo apt install rpicam-apps-lite" in text


def test_the_memory_of_a_picture_is_zeroed_at_the_end(program):
    program(stand_in.STEADY)
    with rpicam.Rpicam(0) as running:
        frames = running.frames()
        view = next(frames)
        assert any(view)
        frames.close()
        assert not any(view)
