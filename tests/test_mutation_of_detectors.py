"""Each detector of a fault is taken away in a copy of the house, and the tests must notice. See mutations.py.

pytest -m slow tests/test_mutation_of_detectors.py     all of them, some minutes
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from mutations import MUTATIONS

from monitord.events import Fault

ROOT = Path(__file__).parent.parent
PARTS = ("monitord", "models", "tests", "packaging", "docs", "training", "pyproject.toml", "config.example.toml")
PATIENCE_S = 240.0
NOT_FOUND = frozenset({Fault.RECOVERED})
"""It is no fault."""


def run(tree: Path, tests: str) -> tuple[str, str]:
    """What pytest says of `tests` in `tree`: "passed", "failed" or "skipped", and its words."""
    path, *selection = tests.split(" -k ")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", "-m",
               "not slow", *path.split(), *(["-k", selection[0]] if selection else [])]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("MONITORD_FAULTS", None)
    with tempfile.TemporaryFile("w+") as output:
        # A group of its own: what the tests have started may outlive them, and is ended with them.
        done = subprocess.Popen(
            command, cwd=tree, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            done.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            return "failed", "it hangs"  # Which the suite's own limit ends as well.
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(done.pid, signal.SIGKILL)
            done.wait()
        output.seek(0)
        said = output.read()
    if done.returncode < 0:
        return "failed", f"signal {-done.returncode} ended the tests: the kernel's alarm, where nothing else did"
    last = (said.strip().splitlines() or [""])[-1]
    if done.returncode == 1 and re.search(r"\d+ failed", last):
        return "failed", said
    if done.returncode == 0 and re.search(r"\d+ passed", last):
        return "passed", said
    return ("skipped" if done.returncode in {0, 5} else "broken"), said


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    leave = shutil.ignore_patterns("__pycache__", "*.pyc", "golden", "*.svg")
    for part in PARTS:
        whole = ROOT / part
        if whole.is_dir():
            shutil.copytree(whole, folder / part, ignore=leave, symlinks=True)
        elif whole.exists():
            shutil.copy(whole, folder / part)
    return folder


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.what)
def test_each_row_names_one_piece_of_the_source_and_tests_that_are_there(mutation):
    assert (ROOT / mutation.file).read_text("utf-8").count(mutation.old) == 1
    assert all((ROOT / path).exists() for path in mutation.tests.partition(" -k ")[0].split())


def test_every_fault_of_the_vocabulary_has_a_row():
    named = {word for mutation in MUTATIONS for word in re.findall(r"[A-Z_]{5,}", mutation.what)}
    assert {fault.name for fault in set(Fault) - NOT_FOUND} - named == set()
    assert named <= {fault.name for fault in Fault}


@pytest.mark.slow
@pytest.mark.parametrize("tests", sorted({each.tests for each in MUTATIONS}))
def test_the_control_with_every_detector_the_tests_pass(tree, tests):
    outcome, said = run(tree, tests)
    if outcome == "skipped":
        pytest.skip("these tests do not run on this machine")
    assert outcome == "passed", said


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.what)
def test_without_the_detector_the_tests_fail(tree, mutation):
    path = tree / mutation.file
    whole = path.read_text("utf-8")
    path.write_text(whole.replace(mutation.old, mutation.new), "utf-8")
    try:
        outcome, said = run(tree, mutation.tests)
    finally:
        path.write_text(whole, "utf-8")
    if outcome == "skipped":
        pytest.skip("these tests do not run on this machine")
    assert outcome == "failed", f"nobody noticed that it is gone: {mutation.what}\n{said[-2000:]}"
