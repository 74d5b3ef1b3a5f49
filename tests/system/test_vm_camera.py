"""Real V4L2 cameras and everything that happens to one: what the user is told, and that the next look works.

CAMERA is v4l2loopback, fed by ffmpeg; TEST_PICTURE is vivid, which can be pulled out in the middle of a look and is
there again when nobody has it open any more. How to add a test: vm.py.
"""

from __future__ import annotations

import contextlib
import json

import pytest
import vm as virtual
from machine import EYE

pytestmark = [pytest.mark.vm, pytest.mark.skipif(bool(virtual.missing()), reason=virtual.missing())]

LOOK_S = 1800.0


def told(vm):
    """What the newest incident says of the camera: as the API names it, and as a person reads it."""
    each = vm.incidents()[0]
    return each["camera"], each["camera_text"]


def next_look(vm, wanted):
    """Cry until the camera says `wanted`; an earlier look's time has to be over before another is asked for."""

    def says():
        vm.wait("a look may be asked for", lambda: vm.status()["state"]["gate"] not in {"LOOKING", "COOLDOWN"})
        vm.play()
        with contextlib.suppress(TimeoutError):
            return vm.wait("the next look", lambda: (told(vm)[0] or "").startswith(wanted), 300.0)
        return False

    vm.wait(f"a look that says {wanted}", says, LOOK_S)
    vm.wait("the eye is gone", lambda: vm.pid(EYE) == 0)


def alerted(vm):
    """The sound's alert went out, whatever the camera said."""
    return vm.incidents()[0]["alerted_at"] is not None  # It may be over by now: this machine is slow.


@pytest.mark.parametrize(
    ("trouble", "says", "text"),
    [
        ("black", "Sight.DARK", "It is too dark for the camera."),
        ("frozen", "Sight.FROZEN", "The camera shows the same picture again and again."),
        ("stopped", "Fault.CAMERA_TIMEOUT", "The camera did not answer in time."),
        ("gone", "Fault.CAMERA_MISSING", "The camera is missing; check its plug."),
    ],
)
def test_a_camera_that_shows_nothing_useful_and_then_does(vm, trouble, says, text):
    if trouble != "gone":  # Without a feed, it is no camera.
        vm.feed(virtual.BLACK if trouble == "black" else "lying_0.png", noise=0 if trouble == "frozen" else 6)
    vm.start()
    if trouble == "stopped":
        vm.run("systemctl", "kill", "--signal=STOP", "feed.service")
    vm.cry()
    vm.verdict()
    assert told(vm) == (says, text)
    assert alerted(vm)
    vm.wait("the eye is gone", lambda: vm.pid(EYE) == 0)
    if trouble == "stopped":
        vm.run("systemctl", "kill", "--signal=CONT", "feed.service")
    else:
        vm.unfeed()
        vm.feed()
    next_look(vm, "Sight.LYING")
    assert not [
        each for each in vm.incidents("fault") if each["label"].startswith("CAMERA") and each["state"] == "alerting"
    ]


def test_a_camera_that_another_program_uses_names_it_and_is_used_afterwards(vm):
    vm.run("systemd-run", "--quiet", "--unit=other", "--collect", "ffmpeg", "-v", "error", "-f", "v4l2", "-i",
           virtual.TEST_PICTURE, "-f", "null", "-")  # fmt: skip
    streams = f"grep -l {virtual.TEST_PICTURE} /proc/[0-9]*/maps 2>/dev/null"
    vm.wait("it streams", lambda: vm.run("sh", "-c", streams, check=False).stdout)
    # It has the camera all the same, and leaves the processor to monitord.
    vm.run("systemctl", "kill", "--signal=STOP", "other.service")
    listed = json.loads(vm.run("monitord", "devices", "--json").stdout)
    (camera,) = [each for each in listed["cameras"] if each["node"] == virtual.TEST_PICTURE]
    assert camera["works"] is False
    assert camera["says"].startswith("in use by ffmpeg (process "), camera
    vm.start(video=virtual.TEST_PICTURE)
    vm.cry()
    vm.verdict()
    assert told(vm) == ("Fault.CAMERA_BUSY", "Another program is using the camera.")
    assert alerted(vm)
    vm.run("systemctl", "stop", "other.service")
    next_look(vm, "Sight.")


def test_a_camera_that_is_pulled_out_in_mid_look_and_plugged_in_again(vm):
    vm.start(video=virtual.TEST_PICTURE)
    # As soon as the eye has it open: frames come, but not enough of them for a verdict.
    pull = (
        f'until ls -l /proc/$(systemctl show -P MainPID {EYE})/fd 2>/dev/null | grep -q "{virtual.TEST_PICTURE}"; '
        f"do sleep 0.05; done; v4l2-ctl -d {virtual.TEST_PICTURE} -c disconnect=1"
    )
    vm.run("systemd-run", "--quiet", "--unit=pull", "--collect", "sh", "-c", pull)
    vm.cry()
    vm.verdict()
    assert told(vm) == ("Fault.CAMERA_MISSING", "The camera is missing; check its plug."), vm.log()
    assert "unplugged" in vm.log() or "no such camera" in vm.log()
    assert alerted(vm)
    vm.wait("the eye is gone", lambda: vm.pid(EYE) == 0)
    next_look(vm, "Sight.")


def test_what_devices_says_of_cameras_that_work(vm):
    vm.feed()
    listed = json.loads(vm.run("monitord", "devices", "--json").stdout)
    cameras = {each["node"]: each for each in listed["cameras"]}
    assert cameras[virtual.CAMERA]["works"] is True, listed
    assert cameras[virtual.TEST_PICTURE]["works"] is True, listed
    microphones = [each for each in listed["microphones"] if "hw:CARD=Loopback" in each["name"]]
    assert microphones, listed
    said = vm.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "monitord", "devices").stdout
    assert "sudo usermod -aG video USER" in said
    assert "sudo usermod -aG audio USER" in said
