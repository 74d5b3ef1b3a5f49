"""What the tests of the package share: a root, the package, it installed; and how long each step took."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
import vm as virtual
from container import install_layer
from machine import SUITE, build_package, debian_root
from running_house import House
from sound_server import MICROPHONE, SoundServer
from vm_page import Page

_SECONDS: dict[str, float] = {}


@contextlib.contextmanager
def _timed(step):
    began = time.monotonic()
    yield
    _SECONDS[step] = time.monotonic() - began


@pytest.fixture(scope="session")
def timed():
    """`with timed("start"):` puts the block's seconds into the table at the end of the run."""
    return _timed


def pytest_terminal_summary(terminalreporter):
    if _SECONDS:
        terminalreporter.section("seconds of each step")
        for step, seconds in _SECONDS.items():
            terminalreporter.write_line(f"{seconds:7.1f}  {step}")


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(prefix="mn-"))  # Short: sockets.
    yield path
    shutil.rmtree(path)


@pytest.fixture
def sound(folder):
    (folder / "s").mkdir()
    with SoundServer(folder / "s") as server:
        yield server


@pytest.fixture
def house(folder, sound):
    with House(folder, sound.environment, MICROPHONE) as house:
        yield house


@pytest.fixture(scope="session")
def work():
    """A folder with a short name (a socket's path has 107 bytes at most) that goes with the run."""
    path = Path(tempfile.mkdtemp(prefix="mn-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def root():
    with _timed("make the root (0: it was there)"):
        return debian_root(SUITE)


@pytest.fixture(scope="session")
def package(work):
    with _timed("build the package (0: it was there)"):
        return build_package(SUITE, work)


@pytest.fixture(scope="session")
def installed(root, package, work):
    """The layer that installing the package leaves on the root."""
    with _timed("boot, install, shut down"):
        return install_layer(root, package, work / "installed")


@pytest.fixture(scope="session")
def booted(work):
    """The virtual machine of this session."""
    folder = Path(os.environ.get("MONITORD_VM", work / "vm"))
    image = virtual.Image.of(folder)
    if not image.disk.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        with _timed("make the virtual machine's disk"):
            virtual.make_image(build_package(SUITE, work), folder)
    # Sockets, whose paths are short, go with the session.
    with virtual.VirtualMachine(image, work / "q") as machine:
        yield machine


@pytest.fixture
def vm(booted):
    """A virtual machine as it was just after its boot; see vm.py."""
    booted.load()
    return booted


_PAGE = Page()


@pytest.fixture(scope="session")
def vm_page():
    """What the virtual machine's page says beside the outcome of each test."""
    return _PAGE


def pytest_runtest_logreport(report):
    if "vm" in report.keywords and (report.when == "call" or report.failed):
        _PAGE.outcome(report.nodeid, report.outcome)


def pytest_sessionfinish():
    if "MONITORD_VM_RESULTS" in os.environ and _PAGE.outcomes:
        Path(os.environ["MONITORD_VM_RESULTS"]).write_text(_PAGE.text(), "utf-8")
