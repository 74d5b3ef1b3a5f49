"""An hour of quiet writes next to nothing, and the whole monitor wakes seldom."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from chaos_house import ChaosHouse

from monitord.events import Gate, Kind, Message, Sound
from monitord.tools import measured

HOUR_BYTES = 64 << 10
CHANGES = 100
"""Rows written in an hour in which nothing happens: those of the ledger."""
WAKEUPS_PER_S = 20.0
BEAT = Message(Kind.HEARTBEAT, Gate.IDLE)


def hour(folder, *, noisy=False):
    """Rows and bytes that the journal takes in an hour of heartbeats; `noisy`: with a cry in each minute."""
    house = ChaosHouse(folder)
    try:
        house.pass_time(300.0, beat=BEAT)
        house.journal.fold()
        rows, size = house.journal._database.total_changes, written()
        for _ in range(60):
            house.pass_time(60.0, beat=BEAT)
            if noisy:
                house.say(Message(Kind.SOUND, Sound.CRY, 90, 40))
                house.say(Message(Kind.SOUND_END, Sound.CRY))
        return house.journal._database.total_changes - rows, written() - size
    finally:
        house.close()


def written():
    """Bytes that this process has given to the kernel to write, proc_pid_io(5)."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


def test_a_quiet_hour_writes_next_to_nothing(tmp_path):
    rows, size = hour(tmp_path)
    assert rows <= CHANGES
    assert size <= HOUR_BYTES


def test_an_hour_of_alerts_is_noticed(tmp_path):
    rows, size = hour(tmp_path, noisy=True)
    assert rows > CHANGES
    assert size > HOUR_BYTES


@pytest.mark.slow
def test_the_whole_monitor_wakes_seldom_and_writes_nothing(tmp_path, pytestconfig):
    told = tmp_path / "rest.json"
    command = [sys.executable, "bench/rest.py", "--seconds", "10", "--json", str(told)]
    subprocess.run(command, cwd=pytestconfig.rootpath, check=True, capture_output=True)
    (whole,) = (row for row in json.loads(told.read_text())["rows"] if row["process"] == "all")
    assert whole["wakeups_per_s"] <= WAKEUPS_PER_S
    assert whole["written_kib_per_h"] <= HOUR_BYTES / 1024
    assert whole["pss_mib"] <= 120.0


def test_a_process_that_wakes_often_is_noticed():
    program = (
        "import time\nprint(flush=True)\ninput()\nfor _ in range(400): time.sleep(0.001)\nprint(flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as often:
        often.stdout.readline()
        before = measured.wakeups(often.pid)
        print(file=often.stdin, flush=True)  # It does not run ahead of the count.
        often.stdout.readline()
        woken = measured.wakeups(often.pid) - before
        often.communicate("\n")
    assert woken >= 400
