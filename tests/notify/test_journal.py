from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from monitord.events import Fault, Frame, Kind, Look, Message, Role, Sight, Sound
from monitord.notify import delivery
from monitord.notify.clock import Clock
from monitord.notify.incident import Event, State, Urgency, begin, step
from monitord.notify.journal import Journal, JournalError, read
from monitord.wire import encode

DAY_S = 86_400.0


class Time:
    """Both clocks, set by hand."""

    def __init__(self, wall=1_700_000_000.0, monotonic=1000.0):
        self.wall, self.monotonic = wall, monotonic

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.monotonic, lambda: self.wall)

    def sleep(self, seconds):
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def journal(tmp_path, time):
    journal = Journal(tmp_path / "state" / "journal.sqlite3", time.clock)
    yield journal
    journal.close()


def frame(sequence) -> bytes:
    return encode(Frame(Message(Kind.SOUND, Sound.CRY, 80, 30), Role.EAR, 7, sequence))


def test_an_incident_and_its_deliveries_come_back_as_they_were(journal, time):
    cry, _ = begin(1, Sound.CRY, 990.0, room="Nursery", urgency=Urgency.HIGH, score=80)
    cry, _ = step(cry, Event.LOOK, 991.0, seen=Look.ASKED, look_by=1003.0)
    cry, _ = step(cry, Event.SIGHT, 995.0, seen=Sight.LYING)
    fault, _ = begin(2, Fault.EAR_SILENT, 996.0, room="Nursery", lasting=True)
    sent, _ = delivery.step(delivery.begin(1, 1, "page", 990.0), delivery.Event.SEND, 990.0)
    with journal.transaction():
        for each in (cry, fault):
            journal.save_incident(each)
        journal.save_delivery(sent)
    assert journal.live_incidents() == [cry, fault]
    assert journal.incidents(1) == [fault]
    assert journal.unfinished() == [sent]
    assert journal.next_ids() == (3, 2)


def test_what_is_not_committed_is_not_there(journal):
    def write_and_fail():
        with journal.transaction():
            journal.add_frame(frame(1), 1000.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert journal.last_frame() is None


def test_a_delivery_without_its_incident_is_refused(journal):
    with pytest.raises(JournalError, match="FOREIGN KEY"), journal.transaction():
        journal.save_delivery(delivery.begin(1, 99, "page", 0.0))


def test_it_keeps_what_was_committed_through_a_power_cut(journal):
    pragmas = {
        name: journal._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_only_the_owner_can_read_it(journal):
    for file in journal._path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_clock_that_jumps_moves_no_deadline(journal, time):
    cry, _ = begin(1, Sound.CRY, 1000.0, room="Nursery")
    with journal.transaction():
        journal.save_incident(cry)
    time.wall -= 300 * DAY_S  # As on a machine without a clock of its own, before the network is up.
    (loaded,) = journal.live_incidents()
    assert loaded.opened_at <= time.monotonic


@pytest.mark.parametrize("damage", [b"this was a journal", b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_journal_is_set_aside_and_never_deleted(tmp_path, time, damage):
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(damage)
    journal = Journal(path, time.clock)
    journal.close()
    assert journal.set_aside is not None
    assert journal.set_aside.read_bytes() == damage
    assert "20231114" in journal.set_aside.name


def test_damage_in_the_middle_is_found_at_the_start(tmp_path, time):
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path, time.clock)
    with journal.transaction():
        for sequence in range(3000):
            journal.add_frame(frame(sequence), 1000.0)
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096 * 8 : 4096 * 12] = b"\xff" * 4096 * 4
    path.write_bytes(content)
    again = Journal(path, time.clock)
    again.close()
    assert again.set_aside is not None


def test_a_newer_journal_is_refused_and_left_alone(tmp_path, time):
    path = tmp_path / "journal.sqlite3"
    Journal(path, time.clock).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(JournalError, match="has version 99"):
        Journal(path, time.clock)
    assert [file.name for file in tmp_path.iterdir()] == ["journal.sqlite3"]


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path, time):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file" / "journal.sqlite3", time.clock)


def test_old_things_are_forgotten_but_not_what_is_live_nor_the_last_frame(journal, time):
    old, _ = begin(1, Sound.CRY, 1000.0, room="Nursery")
    over = replace(old, state=State.CLEARED, cleared_at=1000.0)
    alive, _ = begin(2, Fault.EAR_SILENT, 1000.0, room="Nursery", lasting=True)
    with journal.transaction():
        journal.add_frame(frame(1), 1000.0)
        journal.add_frame(frame(2), 1000.0)
        for each in (over, alive):
            journal.save_incident(each)
        journal.save_delivery(delivery.begin(1, 1, "page", 1000.0))
    time.sleep(31 * DAY_S)
    journal.forget(30)
    assert [each.id for each in journal.incidents(10)] == [2]
    assert journal.deliveries([1, 2]) == []
    assert journal.last_frame() == frame(2)
    assert len(journal.frames_since("2000")) == 1
    assert journal.next_ids() == (3, 2)


def test_a_reader_sees_what_is_committed_while_the_writer_writes_and_after(journal):
    with journal.transaction():
        journal.add_frame(frame(5), 1000.0)
    for _ in range(2):
        history = read(journal._path)
        (stored,) = history.frames_since("2000")
        history.close()
        assert stored.frame.sequence == 5
        journal.close()


def test_reading_where_there_is_none_is_one_sentence(tmp_path):
    with pytest.raises(JournalError, match="there is no journal yet"):
        read(tmp_path / "journal.sqlite3")
    (tmp_path / "journal.sqlite3").write_bytes(b"not one" * 100)
    with pytest.raises(JournalError, match="cannot be read"):
        read(tmp_path / "journal.sqlite3")
