"""The installed eye in its unit: a CSI camera's program runs in the sandbox, and what is calibrated is only read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from machine import EYE, LOOK, SCENE

container = pytest.importorskip("container", reason="the package's container is not in this checkout")
sys.path.append(str(Path(__file__).parent.parent / "video"))
import stand_in  # noqa: E402 - lies beside the tests of the eye

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(container.missing()), reason=container.missing()),
]

PYTHON = "/opt/monitord/bin/python"
ASK = (
    "import socket; from monitord.events import *; from monitord.wire import encode;"
    "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto("
    "encode(Frame(Message(Kind.LOOK, Look.ASKED), Role.EAR, 1, 0)), '/run/monitord/look.sock')"
)
KEPT = "/var/lib/monitord-eye/empty-room.json"


@pytest.fixture(scope="module")
def machine(root, installed, work):
    with container.Container([installed, root], work / "eye") as machine:
        yield machine


def said(machine):
    return machine.run("journalctl", "-q", "-o", "cat", "-u", EYE, check=False).stdout


def look(machine, video):
    """Ask for one look, as the ear does; what the eye's log says of it."""
    machine.configure("default", video, look_s=2.0)
    machine.run("systemctl", "stop", "monitord", check=False)
    machine.run("systemctl", "start", "monitord-events.socket", LOOK)
    before = len(said(machine))
    machine.run(PYTHON, "-c", ASK)

    def answer():
        log = said(machine)[before:]
        return log if "after the start" in log or "failed" in log else ""

    log = machine.wait("the eye's answer", answer, 120.0)
    machine.wait("the eye is gone", lambda: machine.pid(EYE) == 0)
    return log


def put_rpicam(machine, folder, body):
    stand_in.install(folder, body, python="/usr/bin/python3", target="/var/tmp/leak")  # noqa: S108 - tried, not used
    (machine.path("/usr/bin") / "rpicam-vid").write_bytes((folder / "rpicam-vid").read_bytes())
    machine.run("chmod", "755", "/usr/bin/rpicam-vid")


def test_the_program_of_a_csi_camera_runs_in_the_eyes_sandbox_and_can_do_no_more(machine, tmp_path):
    put_rpicam(machine, tmp_path / "bin", stand_in.AS_ON_A_PI_5)
    log = look(machine, "csi")
    assert "frames; calibration:" in log, log
    assert "LEAK" not in log
    assert machine.run("ls", "/var/tmp/leak", check=False).returncode != 0  # noqa: S108 - see above
    assert machine.run("pgrep", "-f", "rpicam-vid", check=False).stdout == ""


def test_the_control_outside_the_unit_it_does_what_it_tries(machine, tmp_path):
    put_rpicam(machine, tmp_path / "bin", stand_in.AS_ON_A_PI_5)
    command = "rpicam-vid --width 64 --height 48 --framerate 10 --codec yuv420 --output - --timeout 0 2>&1 >/dev/null"
    said = machine.run("sh", "-c", command, check=False).stdout
    assert "LEAK: internet socket file" in said
    machine.run("rm", "/var/tmp/leak")  # noqa: S108 - see above


def test_without_it_the_eye_says_what_to_install(machine):
    machine.run("rm", "-f", "/usr/bin/rpicam-vid")
    assert "sudo apt install rpicam-apps-lite" in look(machine, "csi")


def test_what_root_calibrates_is_the_eyes_and_the_eye_reads_it(machine):
    machine.configure("default", f"file:{SCENE}/pictures/empty", look_s=2.0)
    done = machine.run("monitord", "calibrate", "camera", "--no-wait", "--nobody-is-there", check=False)
    if "knows no calibration" in done.stdout:
        pytest.skip("the model of the eye knows no calibration")
    assert done.returncode == 0, done.stdout
    assert machine.run("stat", "-c", "%U:%a", KEPT).stdout.strip() == "monitord-eye:600"
    assert "1 of the empty room" in machine.run("monitord", "check", check=False).stdout
    assert "calibration: holds" in look(machine, f"file:{SCENE}/pictures/empty")
    machine.run("monitord", "calibrate", "camera", "--forget")
    assert machine.run("ls", KEPT, check=False).returncode != 0
