"""A minute of quiet costs the ear so many wake-ups, messages, system calls and bytes of memory, whatever the machine.

Each limit has a control: a change that makes the ear dearer is seen to break it.
"""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
import sys
import tracemalloc
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from monitord.audio import masking
from monitord.audio.detector import Detector

WAKEUPS, MESSAGES = 60, 13
"""A minute: one a second, and a heartbeat every 5 s."""
PEAK_BYTES = 100_000
"""For one block: its 16,000 samples at four bytes each, 65 KB, and half as much again for another runtime."""
LEFT_BLOCKS = 50
"""Objects that may be left over from ten minutes."""
CALLS = 220
"""System calls a minute beside those that bring the sound: a look at the pause switch each second, a heartbeat every
5 s, which is taken away here too."""
MILLION = 0.4
"""Instructions for each second of quiet."""


def peak_bytes(ear):
    """The most memory that one second of quiet takes for itself."""
    ear.hear(30.0)
    tracemalloc.start()
    try:
        ear.hear(2.0)
        peaks = []
        for _ in range(5):
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            ear.hear(1.0)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
        return sorted(peaks)[2]
    finally:
        tracemalloc.stop()


def left_over(ear):
    """Objects more after ten minutes of quiet than before."""
    ear.hear(400.0)  # By then it has asked once whether a cry would be heard.
    gc.collect()
    before = sys.getallocatedblocks()
    ear.hear(600.0)
    gc.collect()
    return sys.getallocatedblocks() - before


def test_the_ear_wakes_once_a_second_and_speaks_every_five(ear):
    quiet = ear()
    quiet.hear(60.0)
    assert quiet.reads <= WAKEUPS
    assert quiet.messages <= MESSAGES


def test_short_blocks_wake_it_more_often(ear):
    quiet = ear(block_s=0.5)
    quiet.hear(60.0)
    assert quiet.reads > WAKEUPS


def test_no_network_runs_in_the_quiet(ear, monkeypatch):
    looks = []
    monkeypatch.setattr(Detector, "_look", lambda *_: looks.append(1) or ([], {}))
    quiet = ear()
    quiet.hear(60.0)
    assert looks == []


def test_a_block_takes_little_memory(ear):
    assert peak_bytes(ear()) <= PEAK_BYTES


def test_a_copy_of_the_room_with_each_block_is_noticed(ear, monkeypatch):
    take = masking.Masking.take

    def copying(self, block, decision):
        self._room = deque([np.concatenate([*self._room, block])[-128_000:].copy()])
        return take(self, block[:0], decision)

    monkeypatch.setattr(masking.Masking, "take", copying)
    assert peak_bytes(ear()) > PEAK_BYTES


def test_nothing_is_left_over(ear):
    assert left_over(ear()) <= LEFT_BLOCKS


def test_what_is_kept_of_each_block_is_noticed(ear, monkeypatch):
    kept = []
    feed = Detector.feed
    monkeypatch.setattr(Detector, "feed", lambda self, block: kept.append(feed(self, block)) or kept[-1])
    assert left_over(ear()) > LEFT_BLOCKS


def calls_a_minute(folder, change, pytestconfig):
    """System calls of a minute of quiet without those of the start; `change` is made to the program before."""
    totals = []
    for seconds in (60, 180):
        program = (
            "import sys, pathlib; sys.path[:0] = ['tests/bench_guard']; from conftest import CountedEar;"
            f"import monitord.audio.loop as loop; {change};"
            f"CountedEar(pathlib.Path({str(folder)!r})).hear({seconds})"
        )
        for file in folder.glob("events.sock"):
            file.unlink()
        command = ["strace", "-f", "-c", "-o", str(folder / "calls"), sys.executable, "-c", program]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ".", "RUNTIME_DIRECTORY": str(folder)}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # Else the first of both has more to do after a change.
        done = subprocess.run(
            command, cwd=pytestconfig.rootpath, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"strace does not work here: {done.stderr.strip().splitlines()[-1:]}")
        totals += re.findall(r"\s(\d+)\s+(?:\d+\s+)?total", Path(folder, "calls").read_text())
    return (int(totals[1]) - int(totals[0])) / 2


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_minute_of_quiet_takes_few_system_calls(tmp_path, pytestconfig):
    assert calls_a_minute(tmp_path, "pass", pytestconfig) <= CALLS


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_look_at_the_switch_with_each_block_is_noticed(tmp_path, pytestconfig):
    often = "loop.TICK_S = 0.0; loop.Loop._alive = lambda self, now: [__import__('os').stat('/') for _ in range(3)]"
    assert calls_a_minute(tmp_path, often + "; loop.service.watchdog_s = lambda: 0.0", pytestconfig) > CALLS


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_a_second_of_quiet_takes_few_instructions():
    import instructions  # noqa: PLC0415 - bench/, found by conftest

    assert instructions.per_second("monitord-eco", "quiet") <= MILLION * 1e6
    assert instructions.per_second("monitord-balanced", "quiet") > MILLION * 1e6  # The control: four blocks a second.
