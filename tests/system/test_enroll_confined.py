"""`monitord enroll` at a real sound stream: who hears is confined, and who keeps hears nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from sound_server import MICROPHONE, SoundServer, missing, speak

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


@pytest.fixture
def folder():
    # Not tmp_path: its name is too long for sockets.
    path = Path(tempfile.mkdtemp(prefix="mn-"))
    yield path
    shutil.rmtree(path)


def kernel(pid):
    """What the kernel says of the process: no new privileges, a filter, its network interfaces, sizes of files."""
    folder = Path("/proc") / str(pid)
    status = dict(line.split(":\t", 1) for line in (folder / "status").read_text("ascii").splitlines() if ":\t" in line)
    limits = next(line for line in (folder / "limits").read_text("ascii").splitlines() if "Max file size" in line)
    devices = (folder / "net" / "dev").read_text("ascii").splitlines()[2:]
    return (status["NoNewPrivs"], status["Seccomp"], {line.partition(":")[0].strip() for line in devices} - {"lo"},
            limits.split()[3])  # fmt: skip


def test_who_hears_is_confined_and_the_five_are_kept(folder):
    (folder / "s").mkdir()
    speak(["help!"], folder / "help.wav")
    said = []
    with (
        SoundServer(folder / "s") as sound,
        subprocess.Popen(
            [sys.executable, "-m", "monitord", "enroll", "help", "--device", MICROPHONE],
            env={**sound.environment, "STATE_DIRECTORY": str(folder / "state"), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        for line in process.stdout:
            said.append(line)
            if "The room is at" in line:
                (ear,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
                heard, keeps = kernel(ear), kernel(process.pid)
            if "now, as you would call it" in line:
                time.sleep(0.5)
                sound.play(folder / "help.wav")
    assert process.returncode == 0, said
    assert heard == ("1", "2", set(), "0")
    # The control: the same look at who keeps, and is not confined, gives other answers.
    assert keeps[:2] == ("0", "0")
    assert keeps[3] == "unlimited"
    assert any(line.startswith("help: 5 utterances are kept") for line in said)
    assert [path.name for path in (folder / "state").rglob("*") if path.is_file()] == ["help.npz"]
