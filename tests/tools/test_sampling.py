"""The look of a command: a confined process of its own, which cannot hang the command."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from monitord.tools import sampling
from monitord.tools.sampling import sample

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "monitord" / "scene" / "pictures"


def test_whether_a_camera_works():
    said = sample(f"file:{PICTURES}", 1.0, features=False)
    assert said == {"frames": 3, "obstacle": None}


def test_what_would_be_kept_of_a_room():
    said = sample(f"file:{PICTURES / 'empty'}", 1.0, features=True)
    assert said["frames"] == 2
    assert said["sight"] in {"NOBODY", "CANNOT_TELL"}
    assert isinstance(said["bright"], float)
    assert isinstance(said["grey"], bool)
    assert all(isinstance(each, float) for each in said["features"])


def test_a_fault_is_a_name_and_a_sentence(tmp_path):
    said = sample(f"file:{tmp_path}/none", 1.0, features=False)
    assert said["fault"] == "CAMERA_MISSING"
    assert "there is no such video or folder" in said["text"]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder that Python looks into first, for a process that behaves otherwise."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    return tmp_path / "sitecustomize.py"


def test_a_hung_driver_hangs_the_process_and_not_the_command(site, monkeypatch):
    # sys.argv is not there yet when a site is customised; those of the interpreter are.
    site.write_text("import ctypes, sys\nif 'sample' in sys.orig_argv: ctypes.PyDLL(None).sleep(600)\n")
    monkeypatch.setattr(sampling, "LIMIT_S", 1.0)
    began = time.monotonic()
    said = sample("/dev/video0", 1.0, features=False)
    assert said == {"fault": "CAMERA_TIMEOUT", "text": "/dev/video0: the camera hangs; plug it in again"}
    assert time.monotonic() - began < 20


def test_a_process_that_dies_is_a_sentence(site):
    site.write_text("import sys\nif 'sample' in sys.orig_argv: sys.exit('no luck')\n")
    said = sample("/dev/video0", 1.0, features=False)
    assert said["fault"] == "CAMERA_BROKEN"
    assert "without an answer" in said["text"]


def test_the_process_is_confined_as_the_eye_is(site, monkeypatch, tmp_path):
    """What it would write or send is refused; the control is the same code in a process that is not confined."""
    act = (
        "import socket\n"
        "def leak(*_, **__):\n"
        "    done = []\n"
        "    try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(); done.append('inet')\n"
        "    except OSError: pass\n"
        f"    try: open({str(tmp_path / 'leak')!r}, 'wb').close(); done.append('file')\n"
        "    except OSError: pass\n"
        "    return {'done': done}\n"
    )
    hook = "import sys\nif 'sample' in sys.orig_argv:\n    import monitord.video.sample as s\n    s._sample = leak\n"
    site.write_text(act + hook)
    assert sample("/dev/video0", 1.0, features=False) == {"done": []}
    loose = "    s.confine.confine = lambda *_, **__: s.confine.Confinement({})\n"
    site.write_text(act + hook + loose)
    assert sample("/dev/video0", 1.0, features=False) == {"done": ["inet", "file"]}
