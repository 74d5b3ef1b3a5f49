"""When the nightly self-test is started, and that one which does not run is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitord.config import Config, ConfigError
from monitord.notify.nightly import RESULT_S, Nightly

NIGHT = datetime(2026, 11, 26, 3, 0)  # noqa: DTZ001 - what a clock on the wall shows


@pytest.fixture
def path(tmp_path):
    return tmp_path / "selftest"


def hours(nightly, minutes, *, paused=False, told_at=None):
    """Let that many minutes pass; returns the minutes in which it was said not to have run."""
    missed = []
    for minute in range(minutes):
        if minute == told_at:
            nightly.told()
        if nightly.tick(NIGHT + timedelta(minutes=minute), minute * 60.0, paused=paused):
            missed.append(minute)
    return missed


def test_it_is_started_at_its_time_and_what_tells_its_result_is_no_fault(path):
    nightly = Nightly(path, "03:30", NIGHT)
    assert hours(nightly, 30) == []
    assert not path.exists()
    assert hours(nightly, 60, told_at=31) == []
    assert path.read_text("ascii") == "1800.000\n"


def test_one_that_tells_no_result_is_told_once(path):
    assert hours(Nightly(path, "03:30", NIGHT), 24 * 60) == [30 + RESULT_S / 60]


def test_one_that_cannot_be_started_is_told_at_once(tmp_path):
    assert hours(Nightly(tmp_path / "nowhere" / "selftest", "03:30", NIGHT), 60) == [30]


def test_while_the_owner_has_paused_the_monitor_there_is_none(path):
    assert hours(Nightly(path, "03:30", NIGHT), 60, paused=True) == []
    assert not path.exists()


def test_without_a_time_there_is_none(path):
    assert hours(Nightly(path, "", NIGHT), 24 * 60) == []
    assert not path.exists()


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ('nightly = "03:30"', "speaker"),
        ('speaker = "default"\nnightly = "25:00"', "is no time of day"),
        ('speaker = "default"\nnightly = "on"', "is no time of day"),
        ("level_dbfs = 3.0", "level_dbfs"),
    ],
)
def test_a_section_that_cannot_be_meant_is_refused(tmp_path, section, says):
    (tmp_path / "wrong.toml").write_text(f"[selftest]\n{section}\n", "utf-8")
    with pytest.raises(ConfigError, match=says) as wrong:
        Config.load(tmp_path / "wrong.toml")
    assert len(str(wrong.value).splitlines()) == 1


@pytest.mark.parametrize(("written", "meant"), [('"off"', ""), ('""', ""), ('"03:30"', "03:30"), ("03:30:00", "03:30")])
def test_how_the_time_is_written(tmp_path, written, meant):
    (tmp_path / "right.toml").write_text(f'[selftest]\nspeaker = "default"\nnightly = {written}\n', "utf-8")
    assert Config.load(tmp_path / "right.toml").selftest.nightly == meant
