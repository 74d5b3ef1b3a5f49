"""A short piece of the made-up day of `bench/soak.py`: the promises hold, and the same seed lives the same day."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def soak(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    return importlib.import_module("soak")


@pytest.fixture
def soak_books(soak):
    return importlib.import_module("soak_books")


def live(soak, folder, seed):
    folder.mkdir()
    day = soak.Day(seed, folder, crashes=6, check_h=0.5)
    samples = day.live(1.0)
    day.close()
    return day, samples


def test_an_hour_of_faults_miss_nothing_and_can_be_lived_again(soak, tmp_path):
    day, samples = live(soak, tmp_path / "one", seed=3)
    again, _ = live(soak, tmp_path / "two", seed=3)
    other, _ = live(soak, tmp_path / "three", seed=4)
    books = day.books.read()
    assert day.counts["crashes"] > 0
    assert samples[-1].incidents > 25
    assert samples[-1].fds <= samples[0].fds
    assert len(books.heard) == day.counts["sounds"]
    assert books.confirmed
    assert books.acknowledged
    held = day.books  # Nothing of what the script knows is in the memory that it measures.
    assert not any((held.heard, held.accepted, held.confirmed, held.acknowledged, held.unreached))
    assert (day.counts, books) == (again.counts, again.books.read())
    assert books != other.books.read()


def test_a_sound_that_is_in_no_incident_is_missed(soak, tmp_path):
    day, _ = live(soak, tmp_path / "one", seed=3)
    books = day.books.read()
    everything = set(books.accepted.values())
    lost = soak.nothing_missed(books, everything)  # The control.
    assert lost == day.counts.get("sounds lost with the power", 0)
    with pytest.raises(AssertionError, match="in no incident"):
        soak.nothing_missed(books, everything - {books.accepted[books.heard[0][1]]})


def test_a_look_of_a_child_leaves_the_parent_as_it_was_and_finds_what_is_broken(soak, tmp_path):
    day = soak.Day(3, tmp_path, crashes=0, check_h=100)
    day.live(0.25)
    journal, files, before = day.house.journal, sorted(tmp_path.iterdir()), day.books.read()
    day._check()  # The control.
    assert day.house.journal is journal
    assert day.house.books is day.books
    assert sorted(tmp_path.iterdir()) == files
    assert day.books.read() == before
    with journal.transaction():  # No lock has gone with the child, and what is written meanwhile is seen by the next.
        journal._database.execute("DELETE FROM deliveries")
    day.house.voice._outbox._of.clear()
    with pytest.raises(AssertionError, match="was given to nobody"):
        day._check()
    day.books.accept(b"12345678", 1)
    with pytest.raises(AssertionError, match="accepted is not on record"):
        day._check()
    day.close()


def test_memory_is_judged_from_when_sqlite_holds_all_that_it_keeps(soak, capsys):
    held = [0.3, 1.0, 1.7, 2.3, 2.28, 2.3, 2.3, 2.3]
    assert soak.filled(held) == 3
    soak.say_slope("memory", range(8), [40.0 + each for each in held], soak.filled(held))
    assert capsys.readouterr().out.startswith("memory: 42.3 -> 42.3, slope +0.00")
    assert soak.filled([float(each) for each in range(8)]) is None  # It still grows at the end.


def test_incidents_that_reached_nobody_are_kept_and_put_right(soak_books, tmp_path):
    books = soak_books.BooksOnDisk(tmp_path / "books")
    for numbers in ({1, 2}, {1, 2}, {2, 3}):
        books.reach_nobody(numbers)
    assert books.read().unreached == {1, 2, 3}
    books.correct({3})
    books.reach_nobody({2, 3})  # What has not changed since is not written again,
    assert books.read().unreached == {3}
    books.say_again()
    books.reach_nobody({2, 3})  # unless it is asked for.
    assert books.read().unreached == {2, 3}
    books.close()


def test_a_child_answers_or_its_parent_stops(soak_books):
    kept = []
    assert soak_books.apart(lambda: (kept.append(1), os.getpid())) != (None, os.getpid())
    assert not kept
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        soak_books.apart(lambda: 1 // 0)
    with pytest.raises(AssertionError, match="said nothing"):
        soak_books.apart(lambda: os._exit(0))
    with pytest.raises(AssertionError, match="status 9 and said nothing"):
        soak_books.apart(lambda: os.kill(os.getpid(), 9))
