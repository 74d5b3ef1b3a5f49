"""The fuzzer of the channel, for as long as MONITORD_FUZZ_S says, and the control: a planted crash is found."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitord.events import LABELS, SPEAKS, Frame, Message, Role
from monitord.wire import encode

FUZZER = Path(__file__).parent / "fuzz_channel.py"
SECONDS = int(os.environ.get("MONITORD_FUZZ_S", "20"))
FLAGS = ("-use_value_profile=1", "-print_final_stats=1")
CONTROL_S = 300
"""At most; it ends when the planted crash is found."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("atheris") is None,
        reason="atheris is not installed (pip install 'monitord[fuzz]'); it has no wheel for every Python",
    ),
]


@pytest.fixture
def corpus(tmp_path):
    """One conversation a word of the vocabulary, each of two frames."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    words = [(role, kind, label) for role in Role for kind in sorted(SPEAKS[role]) for label in LABELS[kind]]
    for number, (role, kind, label) in enumerate(words):
        frames = [encode(Frame(Message(kind, label, 50, 60), role, 3, sequence)) for sequence in range(2)]
        (folder / str(number)).write_bytes(b"".join(bytes([20, 1, 8]) + frame for frame in frames))
    return folder


def fuzz(folder, corpus, seconds, **environment):
    return subprocess.run(
        [sys.executable, str(FUZZER), f"-max_total_time={seconds}", "-max_len=128", "-seed=7", *FLAGS, str(corpus)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 120,
    )


def test_nothing_that_arrives_breaks_the_receiver(tmp_path, corpus):
    done = fuzz(tmp_path, corpus, SECONDS)
    figures = [line for line in done.stderr.splitlines() if line.startswith("stat::") or " cov: " in line]
    print(*figures[-6:], sep="\n")  # noqa: T201 - the figures of the run, for CI's log
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_control_a_planted_crash_is_found(tmp_path, corpus):
    done = fuzz(tmp_path, corpus, CONTROL_S, MONITORD_FUZZ_PLANT="1")
    assert done.returncode != 0
    assert "IndexError: planted" in done.stderr + done.stdout
