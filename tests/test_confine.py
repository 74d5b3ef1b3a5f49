"""Every forbidden act is tried twice: without the confinement, where it must succeed (the control), and with it."""

import subprocess
import sys

import pytest

from monitord.confine import Confinement

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


@pytest.mark.parametrize("role", ["ear", "eye"])
@pytest.mark.parametrize("name", ACTS)
def test_ear_and_eye_cannot(name, role, tmp_path, pytestconfig):
    assert attempt(ACTS[name], tmp_path, pytestconfig.rootpath, role=role) == 7


def test_voice_keeps_the_sockets_and_files_it_works_with(tmp_path, pytestconfig):
    for name in ("inet socket", "inet6 socket", "write a file"):
        assert attempt(ACTS[name], tmp_path, pytestconfig.rootpath, role="voice") == 0
    for name in ("netlink socket", "core dump", "be read by a sibling"):
        assert attempt(ACTS[name], tmp_path, pytestconfig.rootpath, role="voice") == 7


def test_a_measure_that_fails_is_named():
    held = Confinement({"seccomp": False, "no-core-dump": True})
    assert not held.complete
    assert str(held) == "seccomp NOT HELD, no-core-dump held"
