"""A short piece of the made-up day of `bench/soak.py`: the promises hold, and the same seed lives the same day."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def soak(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    return importlib.import_module("soak")


def live(soak, folder, seed):
    folder.mkdir()
    day = soak.Day(seed, folder, crashes=6, check_h=0.5)
    samples = day.live(1.0)
    day.house.close()
    return day, samples


def test_two_hours_of_faults_miss_nothing_and_can_be_lived_again(soak, tmp_path):
    day, samples = live(soak, tmp_path / "one", seed=3)
    again, _ = live(soak, tmp_path / "two", seed=3)
    other, _ = live(soak, tmp_path / "three", seed=4)
    assert day.counts["crashes"] > 0
    assert samples[-1].incidents > 25
    assert samples[-1].fds <= samples[0].fds
    assert (day.counts, day.heard) == (again.counts, again.heard)
    assert day.heard != other.heard


def test_a_sound_that_is_in_no_incident_is_missed(soak, tmp_path):
    day, _ = live(soak, tmp_path / "one", seed=3)  # The control.
    day.house = type("Empty", (), {"incidents": lambda self: {}, "books": day.house.books})()
    with pytest.raises(AssertionError, match="in no incident"):
        day._nothing_missed()
