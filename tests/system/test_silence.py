"""Every system call of the ear and the eye, over more than a minute with two incidents: no internet socket, no file.

strace(1) watches `monitord run` from the first instruction. Attempts that the kernel refused do not count: each process
tries some itself, to see whether its confinement holds. The control is a leak that is planted with the confinement
taken away: it must be caught.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.append(str(Path(__file__).parent.parent / "video"))
import stand_in

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: apt-get install strace"),
]

SCENE = Path(__file__).parent.parent.parent / "monitord" / "scene"
WATCHED = (
    "execve,clone,clone3,fork,vfork,network,open,openat,openat2,creat,truncate,rename,renameat,renameat2,link,linkat"
)
WATCHED += ",symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,mknod,mknodat,memfd_create,io_uring_setup"
SILENT = {"audio": "ear", "video": "eye"}
OWN = (
    "/dev/null",
    "/dev/snd/",
    "/dev/video",
    "/proc/self/setgroups",
    "/proc/self/uid_map",
    "/proc/self/gid_map",
    "/proc/self/task/",
)
PATIENCE_S = 240.0
QUIET_S = 75
"""More than the minute after which the next cry is an incident of its own."""

LEAK = """
import os, socket
if os.environ.get("LEAK"):
    import monitord.confine as confine
    for name in ("_restrict_files", "_forbid_file_sizes", "_filter_system_calls", "isolate"):
        setattr(confine, name, lambda *_, **__: None)
    def leak(who):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
        open(os.path.join(os.environ["LEAK"], "leak-" + who), "wb").close()
    import monitord.channel as channel
    true = channel.Channel.send
    def send(self, message):
        leak(self._role.name)
        true(self, message)
    channel.Channel.send = send
"""


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(prefix="mn-"))
    yield path
    shutil.rmtree(path)


def two_cries(path, quiet_s):
    """The bundled night, quiet, and the night once more."""
    samples, rate = soundfile.read(SCENE / "night.flac", dtype="int16")
    quiet = np.zeros(rate * quiet_s, np.int16)
    soundfile.write(path, np.concatenate([samples, quiet, samples]), rate)
    return path


def watch(folder, incidents, quiet_s, camera=f"file:{SCENE / 'pictures'}", **environment):
    """The trace of a `monitord run` that ends when so many incidents of sounds were told and looked at."""
    sound = two_cries(folder / "sound.flac", quiet_s)
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(LEAK)
    (folder / "c.toml").write_text(
        f'[audio]\ndevice = "file:{sound}"\nprofile = "balanced"\n'
        f'[video]\ndevice = "{camera}"\nlook_s = 2.0\n[page]\nport = 0\n'
    )
    command = ["strace", "-f", "-qq", "-s", "200", "-o", str(folder / "trace"), "-e", f"trace={WATCHED}"]
    command += [sys.executable, "-B", "-m", "monitord", "run", "--config", str(folder / "c.toml")]
    command += ["--unconfined"] if "LEAK" in environment else []
    variables = {
        **os.environ,
        "RUNTIME_DIRECTORY": str(folder / "run"),
        "STATE_DIRECTORY": str(folder / "state"),
        "PYTHONPATH": str(folder / "site"),
        "PYTHONDONTWRITEBYTECODE": "1",  # What Python keeps of our code is neither sound nor picture.
        **environment,
    }
    with (folder / "log").open("wb") as log, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log) as pipe:
        # A pipe, as from a service manager: a log in a file would be the one file that the ear writes.
        with subprocess.Popen(command, env=variables, stdout=pipe.stdin, stderr=pipe.stdin) as strace:
            try:
                until_told(folder, incidents)
            finally:
                os.kill(int((folder / "run" / "lock").read_text()), signal.SIGTERM)
                strace.wait(60)
        pipe.stdin.close()
    return (folder / "trace").read_text("utf-8", "replace")


def until_told(folder, wanted):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        time.sleep(1.0)
        page = folder / "run" / "page"
        if not page.exists():
            continue
        connection = http.client.HTTPConnection(
            page.read_text().strip().removeprefix("http://").rstrip("/"), timeout=30
        )
        connection.request("GET", "/api/v1/incidents")
        told = json.loads(connection.getresponse().read())["incidents"]
        connection.close()
        seen = [each for each in told if each["kind"] == "sound" and str(each["camera"]).startswith("Sight.")]
        if len(seen) >= wanted:
            return
    raise TimeoutError(f"not {wanted} incidents in {PATIENCE_S:g} s\n{(folder / 'log').read_text()}")


def roles_of(lines):
    """Number of each thread -> the command of monitord that it belongs to."""
    parents, roles = {}, {}
    for number, text in lines:
        born = re.search(r"\b(?:clone3?|v?fork)\b.* = (\d+)$", text)
        if born:
            parents[born[1]] = number
        started = re.search(r'execve\(.*"-m", "monitord", "(\w+)"', text)
        if started:
            roles[number] = started[1]

    def role(number):
        while number not in roles and number in parents:
            number = parents[number]
        return roles.get(number, "")

    return {number: role(number) for number, _ in lines}


def leaks(trace):
    """What the ear and the eye did that leaves a trace outside: (who, call) pairs."""
    lines = list(calls(trace))
    roles = roles_of(lines)
    found = []
    for number, text in lines:
        who = SILENT.get(roles[number])
        failed = re.search(r"= -1 E\w+", text)
        if who is not None and not failed and is_leak(text):
            found.append((who, text))
    return found, {SILENT[role] for role in roles.values() if role in SILENT}


def calls(trace):
    """Thread and call, a call that others interrupted in one piece."""
    begun = {}
    for line in trace.splitlines():
        number, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[number] = text.removesuffix("<unfinished ...>")
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>", text)
        yield number, begun.pop(number, "") + text[resumed.end() :] if resumed else text


def is_leak(text):
    called = re.match(r"(\w+)", text)
    if called is None:
        return False  # A signal, or the end of a thread.
    name = called[1]
    if name == "socket":
        return "AF_UNIX" not in text
    if name in {"connect", "sendto", "sendmsg", "bind"}:
        return "AF_INET" in text or "AF_NETLINK" in text
    if name in {"open", "openat", "openat2"}:
        path = re.search(r'"([^"]*)"', text)
        writes = re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", text)
        return bool(writes) and not (path and path[1].startswith(OWN))
    changes = ("creat", "truncate", "rename", "link", "symlink", "unlink", "mkdir", "mknod", "io_uring_setup")
    return name.startswith(changes)


def test_over_two_incidents_neither_ear_nor_eye_makes_a_socket_or_writes_a_file(folder):
    found, watched = leaks(watch(folder, 2, QUIET_S))
    assert watched == {"ear", "eye"}
    assert found == []


def rpicam(folder, *, writes=False):
    """A PATH with a stand-in of rpicam-vid, whose control writes each of its frames to a file as well."""
    picture = SCENE / "pictures" / "lying_0.png"
    if not writes:
        return stand_in.install_ffmpeg(folder / "bin", picture)
    return stand_in.install(
        folder / "bin",
        "leak = open({leak!r}, 'ab', 0)\n"
        "for number in range(10000):\n"
        "    write(frame(60 + number % 3)); leak.write(frame(60)); time.sleep(1.0 / rate)\n",
        leak=str(folder / "leak-frames"),
    )


@pytest.mark.skipif(stand_in.FFMPEG is None, reason=stand_in.NO_FFMPEG)
def test_a_csi_camera_leaves_no_frame_either_not_even_its_program(folder):
    found, watched = leaks(watch(folder, 1, 1, camera="csi", PATH=rpicam(folder)))
    assert watched == {"ear", "eye"}
    assert found == []


def test_the_control_a_program_that_writes_its_frames_is_caught(folder):
    path = rpicam(folder, writes=True)
    found, _ = leaks(watch(folder, 1, 1, camera="csi", PATH=path, LEAK=str(folder)))
    assert any(who == "eye" and "leak-frames" in text for who, text in found)
    assert (folder / "leak-frames").stat().st_size > 0


def test_the_control_a_planted_leak_is_caught(folder):
    found, watched = leaks(watch(folder, 1, 1, LEAK=str(folder)))
    assert watched == {"ear", "eye"}
    for who, role in (("ear", "EAR"), ("eye", "EYE")):
        assert any(who == by and "AF_INET" in text for by, text in found)
        assert any(who == by and f"leak-{role}" in text for by, text in found)


@pytest.mark.parametrize(
    ("text", "leaky"),
    [
        ("socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0) = 4", False),
        ("socket(AF_INET, SOCK_STREAM, 0) = 4", True),
        ("socket(AF_INET6, SOCK_DGRAM, 0) = 4", True),
        ('openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 4', False),
        ('openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT, 0600) = 4', True),
        ('openat(AT_FDCWD, "/dev/null", O_RDWR) = 4', False),
        ('unlink("/tmp/x") = 0', True),
        ('sendto(5, "..", 8, 0, {sa_family=AF_UNIX, sun_path="/run/e"}, 24) = 8', False),
    ],
)
def test_what_counts_as_a_leak(text, leaky):
    assert is_leak(text) is leaky


def test_an_interrupted_call_is_read_whole():
    trace = (
        '7 execve("/usr/bin/python3", ["python3", "-m", "monitord", "audio"], 0x7ff) = 0\n'
        "7 clone3({flags=CLONE_VM} <unfinished ...>\n"
        '8 openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT <unfinished ...>\n'
        "7 <... clone3 resumed> => {parent_tid=[8]}, 88) = 8\n"
        "8 <... openat resumed>, 0666) = 5\n"
        "8 socket(AF_INET, SOCK_DGRAM, 0) = -1 EPERM (Operation not permitted)\n"
        "8 +++ exited with 0 +++\n"
    )
    assert leaks(trace) == ([("ear", 'openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT , 0666) = 5')], {"ear"})
