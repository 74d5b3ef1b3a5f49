"""`monitord audit` of a real `monitord run`: what is proven, and one protection after another taken away.

All in a mount namespace with a /dev of its own, in which a camera and a sound card stand (both are /dev/null under
another name): what counts is whether they can be opened.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.getuid() != 0, reason="needs root: it makes devices in a namespace of its own"),
]

SCENE = Path(__file__).parent.parent.parent / "monitord" / "scene"
ALL = ("ear", "eye", "voice")
SILENT = ("ear", "eye")
ONLY_A_UNIT_HOLDS = {"voice: addresses"}
"""No process without privileges can forbid itself public addresses: the code does, and systemd's IPAddressDeny."""

MUTATIONS = {
    "_leave_no_dump": {f"{role}: not-dumpable" for role in ALL},
    "_gain_no_privileges": {f"{role}: no-new-privileges" for role in ALL},
    "_restrict_files": {f"{role}: landlock" for role in ALL},
    "_forbid_file_sizes": {f"{role}: file-size" for role in SILENT},
    "_filter_system_calls": {f"{role}: seccomp" for role in ALL},
    "_drop_capabilities": {f"{role}: no-capabilities" for role in ALL},
    "isolate": {f"{role}: empty-network" for role in SILENT},
    "TokenBucket.admit": {f"{role}: rate" for role in SILENT},
    "WireError": {f"{role}: wire" for role in SILENT},
}
SITE = """
import os
name = os.environ.get("TAKE_AWAY")
if name == "TokenBucket.admit":
    import monitord.wire
    monitord.wire.TokenBucket.admit = lambda self, now, cost=1: True
elif name == "WireError":
    import monitord.wire
    true = monitord.wire.decode
    monitord.wire.decode = lambda data: true(bytes.fromhex("1201003c00000001") if len(data) != 8 else data)
elif name:
    import monitord.confine
    assert hasattr(monitord.confine, name)
    setattr(monitord.confine, name, lambda *_, **__: None)
"""
IN_A_DEV_OF_ITS_OWN = """
import ctypes, os, pathlib, signal, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x00020000) == 0  # CLONE_NEWNS
assert libc.mount(b"none", b"/", None, 0x44000, None) == 0  # MS_REC | MS_PRIVATE
assert libc.mount(b"none", b"/dev", b"tmpfs", 0, None) == 0
for folder in ("snd", "shm"):
    os.mkdir("/dev/" + folder)
for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9), ("video9", 3), ("snd/pcmC9D0c", 3)):
    os.mknod("/dev/" + name, 0o20666, os.makedev(1, minor))
config, *options = sys.argv[1:]
monitord = [sys.executable, "-m", "monitord"]
log = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=sys.stderr)
run = subprocess.Popen([*monitord, "run", "--config", config, *options], stdout=log.stdin, stderr=log.stdin)
try:
    page = pathlib.Path(os.environ["RUNTIME_DIRECTORY"]) / "page"
    until = time.monotonic() + 60
    said = {}
    while not (said.get("ear") and said.get("voice")):
        assert time.monotonic() < until and run.poll() is None
        time.sleep(0.3)
        if page.exists():
            status = subprocess.run([*monitord, "status", "--json", "--config", config], capture_output=True, text=True)
            said = __import__("json").loads(status.stdout or "{}").get("state", {}).get("confinement", {})
    code = subprocess.run([*monitord, "audit", "--json", "--config", config]).returncode
finally:
    run.send_signal(signal.SIGTERM)
    run.wait()
    log.stdin.close()
    log.wait()
sys.exit(code)
"""


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(prefix="mn-"))
    yield path
    shutil.rmtree(path)


def audit(folder, take_away=""):
    """The exit code and what `audit --json` said."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(SITE)
    # A sound that says nothing, so that no eye runs while it is looked at.
    (folder / "c.toml").write_text(
        f'[audio]\ndevice = "file:{SCENE / "night.flac"}"\n[video]\ndevice = "off"\n[page]\nport = 0\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", IN_A_DEV_OF_ITS_OWN, str(folder / "c.toml"), *(["--unconfined"] if take_away else [])],
        env={
            **os.environ,
            "RUNTIME_DIRECTORY": str(folder / "run"),
            "STATE_DIRECTORY": str(folder / "state"),
            "PYTHONPATH": str(folder / "site"),
            "TAKE_AWAY": take_away,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_everything_is_proven_but_what_only_a_unit_can_hold(folder):
    code, said = audit(folder)
    assert (set(said["missing"]), said["not_proven"]) == (ONLY_A_UNIT_HOLDS, []), said
    assert code == 1
    assert said["mode"] == "run"
    assert said["camera"] == {"since_midnight_s": 0.0, "since_boot_s": 0.0}
    refused = {(line["process"], line["promise"]): line["tried"] for line in said["lines"]}
    assert "/dev/video9" in refused["ear", "opens no device of another process"]
    assert "/dev/snd/pcmC9D0c" in refused["eye", "opens no device of another process"]


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_is_taken_away_is_named_and_nothing_else(name, folder):
    code, said = audit(folder, name)
    assert set(said["missing"]) - ONLY_A_UNIT_HOLDS == MUTATIONS[name], json.dumps(said, indent=1)
    assert code == 1
