"""What the tests of the package share: a root, the package, it installed; and how long each step took."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from container import SUITE, build_package, debian_root, install_layer

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
