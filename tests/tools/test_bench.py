from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from monitord.tools import bench, bench_look, measured
from monitord.tools.bench import Found, Heard

FOUND = Found(
    machine={
        "processor": "Raspberry Pi 5 Model B Rev 1.0",
        "kernel": "6.6.51",
        "python": "3.13.5",
        "load_before": 0.1,
        "cores": 4,
        "arch": "aarch64",
        "monitord": "0.1.0",
    },
    clock_mhz=2400,
    temperature_c=(41.2, 44.9),
    quiet=Heard(0.031, 1.0, 25.4, 18.0),
    sound=Heard(0.42, 1.0, 26.1, 18.5),
    look_cpu_s=0.31,
    look_verdict_s=0.44,
    look_peak_mib=77.0,
)


def test_the_line_for_the_table_has_the_columns_of_the_table(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "performance.md").read_text("utf-8")
    (head,) = (line for line in page.splitlines() if line.startswith("| machine |"))
    line = bench.line(FOUND)
    assert line.count("|") == head.count("|")
    assert "| Raspberry Pi 5 Model B Rev 1.0 | aarch64, 2400 MHz, 41 to 45 °C |" in line
    assert "| 0.031 | 0.420 | 26 | 0.31 | 0.44 | 0.1 |" in line


def test_a_busy_machine_is_called_one():
    assert not any("BUSY" in line for line in bench.told(FOUND))
    busy = replace(FOUND, machine=FOUND.machine | {"load_before": 3.5})
    assert any("BUSY: the load was 3.5" in line for line in bench.told(busy))


def test_what_the_kernel_does_not_say_is_unknown():
    shy = replace(FOUND, clock_mhz=None, temperature_c=(None, None))
    assert "clock unknown, temperature unknown" in bench.line(shy)


@pytest.mark.parametrize("seconds", [0, -1, 100_000])
def test_an_impossible_length_is_one_sentence(seconds, capsys):
    assert bench.bench(seconds, as_json=False) == 2
    assert capsys.readouterr().err == f"monitord: bench --seconds {seconds}: is to be 2 to 3600\n"


def test_the_ear_is_heard_and_measured(monkeypatch):
    monkeypatch.setattr(bench, "WARM_UP_S", 0.5)
    heard = bench.hear(bench.QUIET, 2.0)
    assert heard.core_percent > 0
    assert 1.0 < heard.private_mib <= heard.pss_mib + 1.0


def test_an_ear_that_does_not_start_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(bench.BenchError, match="the ear did not start: it said nothing"):
        bench.hear(bench.QUIET, 2.0)


def test_a_look_is_looked_and_leaves_nothing():
    looked = bench_look.look()
    assert looked.said in {"LYING", "UPRIGHT", "NOBODY", "SEVERAL", "CANNOT_TELL"}
    assert 0 < looked.began_s < looked.verdict_s < looked.gone_s
    assert not os.path.exists(looked.folder)  # noqa: PTH110 - a name


def test_nothing_is_sent(pytestconfig, tmp_path):
    """No socket of the internet is ever made; the control makes one and is found out."""
    for program, wanted in (("bench-ear quiet 2", False), ("control", True)):
        code = (
            "import sys, socket\n"
            "def hook(event, args):\n"
            "    if event == 'socket.__new__' and args[1] != socket.AF_UNIX: print('INTERNET', flush=True)\n"
            "sys.addaudithook(hook)\n"
            f"words = {program.split()!r}\n"
            "if words[0] == 'control': socket.socket().close(); sys.exit()\n"
            "from monitord.cli import run\n"
            "sys.exit(run(words))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=pytestconfig.rootpath,
            env={**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("INTERNET" in done.stdout) == wanted


def test_the_figures_of_a_process_are_those_of_the_kernel():
    pid = os.getpid()
    assert measured.cpu_s(pid) > 0
    rss, pss = measured.memory_mib(pid)
    assert 0 < pss <= rss
    assert 0 < measured.private_mib(pid) <= rss
    assert measured.written_bytes(pid) >= 0
    assert json.dumps(measured.machine())
