"""Every forbidden act is tried twice: without the confinement, where it must succeed (the control), and with it."""

import os
import subprocess
import sys

import pytest

from monitord.confine import Confinement
from monitord.events import LEVEL_MAX, Measure, level_to_measures, measures_to_level

ACTS = {
    "inet socket": "import socket; socket.socket(socket.AF_INET).close()",
    "inet6 socket": "import socket; socket.socket(socket.AF_INET6).close()",
    "netlink socket": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()",
    "write a file": "open(target, 'w').write('x')",
    "append to a file": "open(existing, 'a').write('x')",
    "truncate a file": "import os; os.truncate(existing, 0)",
    "remove a file": "import os; os.unlink(existing)",
    "start a program": "import subprocess; subprocess.run(['/bin/true'], check=True)",
    "inet socket in a thread that ran before": "thread_opens_inet()",
    "core dump": "import resource; assert resource.getrlimit(resource.RLIMIT_CORE)[1] != 0",
    "be read by a sibling": "import ctypes; assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 1",
}
HARNESS = """
import sys, threading, socket
sys.path[:0] = [{root!r}]
target, existing = {target!r}, {existing!r}
go, result = threading.Event(), []
def waits():
    go.wait()
    try:
        socket.socket(socket.AF_INET).close()
        result.append(None)
    except OSError as refused:
        result.append(refused)
thread = threading.Thread(target=waits, daemon=True)
thread.start()
def thread_opens_inet():
    go.set()
    thread.join()
    if result[0]:
        raise result[0]
if {confined!r}:
    from monitord.confine import Process, confine
    held = confine(Process({role!r}))
    assert held.complete, str(held)
try:
    exec({act!r})
except (OSError, AssertionError):
    sys.exit(7)
"""


def attempt(act: str, tmp_path, root, *, role: str | None) -> int:
    existing = tmp_path / "existing"
    existing.write_text("here")
    script = HARNESS.format(
        root=str(root),
        target=str(tmp_path / "new"),
        existing=str(existing),
        confined=role is not None,
        role=role,
        act=act,
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 7), done.stderr
    return done.returncode


@pytest.mark.parametrize("name", ACTS)
def test_the_act_succeeds_without_confinement(name, tmp_path, pytestconfig):
    assert attempt(ACTS[name], tmp_path, pytestconfig.rootpath, role=None) == 0


@pytest.mark.parametrize("role", ["ear", "eye", "speaker"])
@pytest.mark.parametrize("name", ACTS)
def test_ear_eye_and_speaker_cannot(name, role, tmp_path, pytestconfig):
    assert attempt(ACTS[name], tmp_path, pytestconfig.rootpath, role=role) == 7


def test_voice_keeps_the_sockets_and_files_it_works_with(tmp_path, pytestconfig):
    for name in ("inet socket", "inet6 socket", "write a file"):
        assert attempt(ACTS[name], tmp_path, pytestconfig.rootpath, role="voice") == 0
    for name in ("netlink socket", "core dump", "be read by a sibling"):
        assert attempt(ACTS[name], tmp_path, pytestconfig.rootpath, role="voice") == 7


def test_a_measure_that_fails_is_named():
    held = Confinement({Measure.SECCOMP: False, Measure.NOT_DUMPABLE: True, Measure.LANDLOCK: False})
    assert not held.complete
    assert str(held) == "seccomp NOT HELD, not-dumpable held, landlock not to be had here"
    assert held.missing == [Measure.SECCOMP]


DEVICES = {
    "the camera": ("/dev/video9", ["ear", "voice", "speaker"], ["eye"]),
    "the microphone": ("/dev/snd/pcmC9D0c", ["eye", "voice", "speaker"], ["ear"]),
    "the speaker": ("/dev/snd/pcmC9D0p", ["eye", "voice"], ["ear", "speaker"]),
}
IN_A_DEV_OF_ITS_OWN = """
import ctypes, os, pathlib, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, 0x44000, None):  # CLONE_NEWNS; MS_REC | MS_PRIVATE
    sys.exit(9)
if libc.mount(b"none", b"/dev", b"tmpfs", 0, None):
    sys.exit(9)
os.mkdir("/dev/snd")
for node in ("null", "video9", "snd/pcmC9D0c", "snd/pcmC9D0p"):
    os.mknod("/dev/" + node, 0o20666, os.makedev(1, 3))  # Each of them is /dev/null: what counts is its name.
sys.path[:0] = [{root!r}]
role = {role!r}
if role:
    from monitord.confine import Process, confine
    held = confine(Process(role))
    assert held.complete, held
try:
    os.close(os.open({device!r}, os.O_RDONLY))
except OSError:
    sys.exit(7)
"""


def open_device(device, root, role):
    script = IN_A_DEV_OF_ITS_OWN.format(root=str(root), role=role, device=device)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 9:
        pytest.skip("making devices needs root")
    assert done.returncode in (0, 7), done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("name", DEVICES)
def test_each_process_opens_its_own_devices_and_no_others(name, pytestconfig):
    device, refused, allowed = DEVICES[name]
    assert open_device(device, pytestconfig.rootpath, "")  # The control.
    assert {role: open_device(device, pytestconfig.rootpath, role) for role in refused} == dict.fromkeys(refused, False)
    assert {role: open_device(device, pytestconfig.rootpath, role) for role in allowed} == dict.fromkeys(allowed, True)


ISOLATED = """
import sys, os, ctypes, encodings.ascii
sys.path[:0] = [{root!r}]
from pathlib import Path
from monitord.confine import Process, interfaces, isolate
if {user}:
    os.setgroups([]); os.setgid({user}); os.setuid({user})
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # As after an exec: a change of user made it not dumpable.
before = os.readlink("/proc/self/ns/net"), os.getuid()
isolate(Process({role!r}))
print(before[0] != os.readlink("/proc/self/ns/net"), interfaces(Path("/proc/self/net/dev")) <= {{"lo"}},
      before[1] == os.getuid())
"""


def isolated(root, role, user=0):
    script = ISOLATED.format(root=str(root), role=role, user=user)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


@pytest.mark.skipif(os.getuid() != 0, reason="whether others may is a setting of the system")
@pytest.mark.parametrize("role", ["ear", "eye", "speaker"])
def test_ear_and_eye_get_a_network_with_nothing_in_it(role, pytestconfig):
    assert isolated(pytestconfig.rootpath, role) == ["True", "True", "True"]
    assert isolated(pytestconfig.rootpath, "voice")[0] == "False"  # The control: it keeps the one it had.


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_keeps_his_number(pytestconfig):
    moved, empty, same = isolated(pytestconfig.rootpath, "ear", user=65534)
    assert same == "True"
    assert moved == empty  # Where the system allows it, both; where it does not, neither.


def test_the_measures_travel_as_a_level():
    for held in (frozenset(), frozenset(Measure), frozenset({Measure.SECCOMP, Measure.EMPTY_NETWORK})):
        assert level_to_measures(measures_to_level(held)) == held
        assert 0 <= measures_to_level(held) <= LEVEL_MAX
