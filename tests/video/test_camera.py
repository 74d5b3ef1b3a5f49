"""Every source of pictures, and everything that can be wrong with one."""

from __future__ import annotations

import errno
import os
import struct

import cv2
import numpy as np
import pytest

from monitord.events import Fault
from monitord.video import v4l2
from monitord.video.camera import CameraError, FileCamera, FolderCamera, UsbCamera, open_camera, read_picture
from monitord.video.picture import SHAPE
from monitord.video.warmup import Settling

MIDDLE = (SHAPE[0] // 2, SHAPE[1] // 2)


def save(path, value, size=(48, 64)):
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))


def fault_of(action):
    with pytest.raises(CameraError) as raised:
        action()
    assert len(str(raised.value).splitlines()) == 1
    return raised.value.fault


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    for name, value in (("b.png", 100), ("a.PNG", 50), ("c.jpg", 200)):
        save(tmp_path / name, value)
    (tmp_path / "notes.txt").write_text("not a picture")
    seen = [int(picture[MIDDLE][0]) for picture in open_camera(f"file:{tmp_path}").frames()]
    assert seen == [50, 100, 200]


def test_pictures_are_red_green_blue_and_fitted(tmp_path):
    cv2.imwrite(str(tmp_path / "red.png"), np.full((100, 100, 3), (0, 0, 250), np.uint8))
    picture = read_picture(tmp_path / "red.png")
    assert picture.shape == (*SHAPE, 3)
    assert picture[MIDDLE].tolist() == [250, 0, 0]
    assert picture[MIDDLE[0], 0].tolist() == [114, 114, 114]


def test_each_picture_is_wiped_when_the_next_is_asked_for(tmp_path):
    for number in range(2):
        save(tmp_path / f"{number}.png", 90)
    frames = FolderCamera(tmp_path).frames()
    first = next(frames)
    assert first.any()
    second = next(frames)
    assert not first.any()
    frames.close()
    assert not second.any()


def test_a_video_gives_a_frame_each_quarter_second(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 8.0, (64, 48))
    for number in range(16):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8))
    writer.release()
    values = [int(picture[MIDDLE][0]) for picture in open_camera(f"file:{path}").frames()]
    assert len(values) == 8
    assert np.allclose(values, np.arange(0, 160, 20), atol=3)
    later = [int(picture[MIDDLE][0]) for picture in FileCamera(path, start_s=1.0).frames()]
    assert np.allclose(later, values[4:], atol=1)


def test_files_that_are_missing_or_broken(tmp_path, capfd):
    assert fault_of(lambda: open_camera(f"file:{tmp_path}/none")) is Fault.CAMERA_MISSING
    assert fault_of(lambda: list(open_camera(f"file:{tmp_path}").frames())) is Fault.CAMERA_MISSING
    (tmp_path / "clip.mp4").write_bytes(b"no video at all" * 50)
    assert fault_of(lambda: list(open_camera(f"file:{tmp_path}/clip.mp4").frames())) is Fault.CAMERA_BROKEN
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert fault_of(lambda: list(open_camera(f"file:{tmp_path}").frames())) is Fault.CAMERA_BROKEN
    assert fault_of(lambda: read_picture(tmp_path / "none.png")) is Fault.CAMERA_MISSING
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("url", ["rtsp://192.168.0.9/live", "http://cam.local/mjpeg", "RTSP://cam", "udp://@:1234"])
def test_a_network_camera_is_refused_with_the_reason(url):
    with pytest.raises(CameraError, match="cross the network"):
        open_camera(url)


def test_devices_are_named_by_index_or_path():
    assert str(v4l2.device_path("3")) == "/dev/video3"
    assert str(v4l2.device_path("/dev/v4l/by-id/usb-cam")) == "/dev/v4l/by-id/usb-cam"
    assert isinstance(open_camera("0"), UsbCamera)


def test_no_such_device(tmp_path):
    assert fault_of(lambda: list(UsbCamera(tmp_path / "video9").frames())) is Fault.CAMERA_MISSING


def test_a_device_that_is_no_camera():
    with pytest.raises(CameraError, match="is no camera"):
        list(open_camera("/dev/null").frames())


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.EBUSY, Fault.CAMERA_BUSY),
        (errno.ENODEV, Fault.CAMERA_MISSING),
        (errno.EACCES, Fault.CAMERA_MISSING),
        (errno.EIO, Fault.CAMERA_BROKEN),
    ],
)
def test_a_device_that_does_not_open(monkeypatch, tmp_path, number, fault):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(v4l2.os, "open", refuse)
    assert fault_of(lambda: v4l2.check(tmp_path / "video0")) is fault


def kernel(able=1, fails_at=None, number=errno.EBUSY):
    calls = []

    def ioctl(_handle, request, data):
        calls.append(request)
        if len(calls) - 1 == fails_at:
            raise OSError(number, os.strerror(number))
        answer = bytearray(data)
        if len(calls) == 1:
            struct.pack_into("I", answer, 88, able)
        return bytes(answer)

    return ioctl


@pytest.fixture
def device(tmp_path):
    path = tmp_path / "video0"
    path.touch()
    return path


def test_a_camera_in_order_passes(device):
    v4l2.check(device, kernel())


def test_a_camera_that_another_program_streams_from_is_busy(device):
    assert fault_of(lambda: v4l2.check(device, kernel(fails_at=1))) is Fault.CAMERA_BUSY


def test_a_metadata_device_is_no_camera(device):
    assert fault_of(lambda: v4l2.check(device, kernel(able=0x00800000))) is Fault.CAMERA_MISSING


@pytest.mark.parametrize(("number", "fault"), [(errno.ENODEV, Fault.CAMERA_MISSING), (errno.EIO, Fault.CAMERA_BROKEN)])
def test_a_camera_that_goes_while_it_is_asked(device, number, fault):
    assert fault_of(lambda: v4l2.check(device, kernel(fails_at=0, number=number))) is fault


class Driver:
    """Stands for OpenCV's capture: some frames, then none, each failure after `waits` seconds."""

    def __init__(self, frames, clock, waits):
        self.frames, self.clock, self.waits = frames, clock, waits
        self.released = False

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def set(self, *_):
        return True

    def read(self):
        if self.frames:
            self.clock.now += 0.033
            return True, self.frames.pop(0)
        self.clock.now += self.waits
        return False, None

    def release(self):
        self.released = True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("waits", "fault"), [(3.0, Fault.CAMERA_TIMEOUT), (0.0, Fault.CAMERA_BROKEN)])
def test_a_camera_that_stops_in_mid_look(monkeypatch, device, waits, fault):
    clock = Clock()
    raw = [np.full((48, 64, 3), 80, np.uint8) for _ in range(10)]
    driver = Driver(list(raw), clock, waits)
    monkeypatch.setattr("monitord.video.opencv.cv2.VideoCapture", lambda *_: driver)
    monkeypatch.setattr("monitord.video.usb.v4l2.check", lambda _: None)
    seen = []

    def through():
        seen.extend(int(picture[MIDDLE][0]) for picture in UsbCamera(device, clock).frames())

    assert fault_of(through) is fault
    assert seen == [80] * 7  # The first three were thrown away while the exposure settled.
    assert driver.released
    assert not any(picture.any() for picture in raw)


def test_exposure_settles_when_brightness_stands_still():
    settling = Settling(0.0)
    means = [20, 60, 90, 100, 101, 101, 101, 150]
    assert [settling.by(mean, 0.03 * number) for number, mean in enumerate(means)] == [False] * 6 + [True] * 2


def test_warm_up_ends_though_the_light_flickers():
    settling = Settling(0.0)
    assert not settling.by(50, 0.1)
    assert not settling.by(90, 1.4)
    assert settling.by(50, 1.5)


def test_an_infrared_camera_delivers_grey(monkeypatch, device):
    clock = Clock()
    raw = [np.full((48, 64), 80, np.uint8) for _ in range(5)]
    driver = Driver(list(raw), clock, 0.0)
    monkeypatch.setattr("monitord.video.opencv.cv2.VideoCapture", lambda *_: driver)
    monkeypatch.setattr("monitord.video.usb.v4l2.check", lambda _: None)
    frames = UsbCamera(device, clock).frames()
    first = next(frames)
    assert first.shape == (*SHAPE, 3)
    assert first[MIDDLE].tolist() == [80, 80, 80]
    frames.close()
    assert not any(picture.any() for picture in raw[:4])


def test_a_grey_picture_file_of_16_bits_is_read(tmp_path):
    cv2.imwrite(str(tmp_path / "infrared.png"), np.full((48, 64), 120 * 257, np.uint16))
    picture = read_picture(tmp_path / "infrared.png")
    assert picture[MIDDLE].tolist() == [120, 120, 120]
