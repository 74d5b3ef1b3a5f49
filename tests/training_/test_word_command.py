"""What `python -m training.word` says to bad input, and the cards it has written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="making a word needs the training environment (training/requirements.txt)")

ROOT = Path(__file__).resolve().parents[2]


def word(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "training.word", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--phrase", "help", "--language", "xx"), "cannot read 'help' as 'xx'"),
        (("--phrase", "!?", "--language", "en"), "no Latin letter"),
        (("--phrase", "x" * 50, "--language", "en"), "at most 40"),
        (("--phrase", "help", "--language", "en", "--name", "Help/.."), "lower-case letters"),
        (("--phrase", "help", "--language", "en", "--data", "/nowhere"), "no such file"),
    ],
)
def test_bad_input_is_one_sentence(arguments, says):
    done = word(*arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
