from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.events import Fault
from monitord.notify import machine
from monitord.notify.machine import AGAIN_S, Machine, Reading, faults_of, parse_memory, parse_pressure, parse_throttled

PRESSURE = "some avg10=0.00 avg60={} avg300=0.00 total=5\nfull avg10=0.00 avg60={} avg300=0.00 total=3\n"


@pytest.fixture
def pi(tmp_path):
    """The files of a healthy Raspberry Pi."""

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "ascii")

    write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
    write("sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n")
    write("sys/class/thermal/thermal_zone0/temp", "48312\n")
    write("sys/class/thermal/thermal_zone0/trip_point_0_type", "critical\n")
    write("sys/class/thermal/thermal_zone0/trip_point_0_temp", "110000\n")
    write("proc/pressure/memory", PRESSURE.format("0.10", "0.00"))
    write("proc/meminfo", "MemTotal:         443016 kB\nMemFree:  9000 kB\nMemAvailable:     201236 kB\n")
    return tmp_path, write


SICK = [
    (Fault.POWER_LOW, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n"),
    (Fault.POWER_LOW, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n"),
    (Fault.THROTTLED, "sys/devices/platform/soc/soc:firmware/get_throttled", "0x4\n"),
    (Fault.TOO_HOT, "sys/class/thermal/thermal_zone0/temp", "96000\n"),
    (Fault.MEMORY_LOW, "proc/pressure/memory", PRESSURE.format("80.00", "35.20")),
    (Fault.MEMORY_LOW, "proc/meminfo", "MemTotal: 443016 kB\nMemAvailable: 8000 kB\n"),
]


def test_a_healthy_machine_is_none_to_talk_of(pi):
    assert Machine(pi[0]).read() == Reading(
        under_voltage=False,
        slowed=False,
        heat=((48.312, 110.0),),
        waiting=0.0,
        memory_left=pytest.approx(0.454, abs=0.001),
    )
    assert Machine(pi[0]).news(0.0) == []


@pytest.mark.parametrize(("fault", "path", "text"), SICK)
def test_each_trouble_is_told_once_a_day(pi, fault, path, text):
    root, write = pi
    watched = Machine(root)
    assert watched.news(0.0) == []
    write(path, text)
    assert watched.news(30.0) == [fault]
    assert [watched.news(30.0 + 30.0 * each) for each in range(1, 100)] == [[]] * 99
    assert watched.news(30.0 + AGAIN_S) == [fault]


@pytest.mark.parametrize(("fault", "path", "text"), SICK)
def test_without_its_judgement_the_trouble_goes_unnoticed(pi, fault, path, text, monkeypatch):
    root, write = pi
    write(path, text)
    real = machine.faults_of
    monkeypatch.setattr(machine, "faults_of", lambda reading: real(reading) - {fault})
    assert Machine(root).news(0.0) == []


def test_a_weak_supply_is_not_told_as_its_consequence_too():
    assert faults_of(Reading(under_voltage=True, slowed=True)) == {Fault.POWER_LOW}
    assert faults_of(Reading(slowed=True, heat=((84.0, None),))) == {Fault.TOO_HOT}


@pytest.mark.parametrize(
    ("at", "critical", "hot"),
    [
        (81.0, None, False),
        (82.5, None, True),
        (90.0, 105.0, True),
        (84.0, 105.0, False),
        (79.0, 85.0, False),
        (81.0, 85.0, True),
    ],
)
def test_hot_is_what_the_processor_calls_so(at, critical, hot):
    assert (Fault.TOO_HOT in faults_of(Reading(heat=((at, critical),)))) is hot


def test_where_there_are_no_such_files_nothing_is_said(tmp_path):
    assert Machine(tmp_path).read() == Reading()
    assert Machine(tmp_path).news(0.0) == []


def test_this_machine_can_be_read():
    Machine().read()


@given(st.text())
def test_no_file_however_odd_breaks_it(text):
    parse_pressure(text)
    parse_memory(text)
    with contextlib.suppress(ValueError):
        parse_throttled(text)


@pytest.mark.parametrize("path", sorted({path for _, path, _ in SICK}))
def test_rubbish_in_a_file_is_as_good_as_no_file(pi, path):
    (pi[0] / path).write_bytes(b"\xff\x00rubbish")
    assert Machine(pi[0]).news(0.0) == []
