"""64-bit Arm: the package installs in an emulated Debian, and the fast part of the tests passes on what it installed.

An hour on an idle PC, most of it emulation. `-s` shows the inner run.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from container import missing
from machine import build_package

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(
        shutil.which("qemu-aarch64-static") is None, reason="needs apt-get install qemu-user-static binfmt-support"
    ),
]

# Every test of what is pure, and of the models, the sounds and the pictures. Not those of seccomp and Landlock, which
# the emulator does not have, nor those that start the ear or the eye and wait for them (those that start the voice skip
# themselves), nor one of an ioctl that it lacks.
FAST = ["cli", "config", "events", "lan", "model", "service", "wire", "channel"]
FOLDERS = ["audio", "notify", "video"]
LEFT_OUT = ["audio/test_ear_process", "audio/test_microphone"]
LEFT_OUT += ["video/test_eye", "video/test_eye_confined", "video/test_eye_csi", "video/test_eye_limit"]
NOT_EMULATED = ["video/test_camera.py::test_a_device_that_is_no_camera"]


def test_the_package_installs_and_the_fast_tests_pass(work, monkeypatch):
    monkeypatch.delenv("MONITORD_DEB", raising=False)  # That one is for this machine.
    package = build_package("bookworm", work, "arm64")
    chosen = [f"tests/test_{name}.py" for name in FAST] + [f"tests/{name}" for name in FOLDERS]
    chosen += [f"--ignore=tests/{name}.py" for name in LEFT_OUT]
    chosen += ["-n", "2", "--hypothesis-profile=emulated", *(f"--deselect=tests/{name}" for name in NOT_EMULATED)]
    subprocess.run([Path(__file__).with_name("arm.sh"), package, "bookworm", *chosen], check=True)


def test_everything_has_a_wheel_for_trixie_too(work, monkeypatch):
    monkeypatch.delenv("MONITORD_DEB", raising=False)
    package = build_package("trixie", work, "arm64")
    listed = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True).stdout
    assert listed.count("cp313-cp313") >= 3
    assert listed.count("aarch64.whl") >= 6
    assert "x86_64" not in listed
