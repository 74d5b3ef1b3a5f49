"""The journal where something is wrong: damage, another version, a disk that cannot be written."""

from __future__ import annotations

import sqlite3

import pytest
from journals import frame, write_incidents

from monitord.notify import delivery, rows
from monitord.notify.database import JournalError
from monitord.notify.history import read
from monitord.notify.incident import State, Urgency
from monitord.notify.journal import Journal


@pytest.mark.parametrize("damage", [b"this was a journal", b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_journal_is_set_aside_and_never_deleted(tmp_path, time, damage):
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(damage)
    journal = Journal(path, time.clock)
    journal.close()
    assert journal.set_aside is not None
    assert journal.set_aside.read_bytes() == damage
    assert "20231114" in journal.set_aside.name


PAGE = 4096


def filled(folder, clock):
    """The path of a journal that holds 3,000 frames."""
    path = folder / "journal.sqlite3"
    journal = Journal(path, clock)
    with journal.transaction():
        for sequence in range(3000):
            journal.add_frame(frame(sequence), 1000.0)
    journal.close()
    return path


def spoil(path, first):
    """Overwrite four pages of the file, from the page `first` on."""
    content = bytearray(path.read_bytes())
    content[first * PAGE : (first + 4) * PAGE] = b"\xff" * PAGE * 4
    path.write_bytes(content)


def test_damage_in_the_middle_is_found_at_the_start(tmp_path, time):
    path = filled(tmp_path, time.clock)
    spoil(path, 8)
    again = Journal(path, time.clock)
    again.close()
    assert again.set_aside is not None


def test_a_journal_of_years_is_not_read_from_end_to_end_but_where_it_is_read_damage_is_told(
    tmp_path, time, monkeypatch
):
    monkeypatch.setattr("monitord.notify.database.CHECKED_WHOLE", 0)
    path = filled(tmp_path, time.clock)
    spoil(path, path.stat().st_size // PAGE // 2)
    journal = Journal(path, time.clock)
    with pytest.raises(JournalError, match="cannot be read"):
        journal.frames_since("2000")
    journal.close()
    assert journal.set_aside is None


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


def test_a_journal_of_the_first_version_is_brought_up_to_date_and_keeps_what_it_has(tmp_path, time):
    path = tmp_path / "journal.sqlite3"
    database = sqlite3.connect(path)
    database.executescript(f"{rows.FIRST} PRAGMA user_version = 1;")
    at = time.clock.to_utc(1000.0)
    database.execute(
        "INSERT INTO incidents VALUES (7, 'Sound.CRY', 'Nursery', 'high', 'acknowledged', ?, ?, 80, 'Sight.LYING',"
        " NULL, NULL, 0, 0, ?, ?, NULL)",
        (at, at, at, at),
    )
    database.execute("INSERT INTO deliveries VALUES (3, 7, 'page', 'delivered', ?, ?, 1, ?)", (at, at, at))
    database.execute("INSERT INTO frames VALUES (1, ?, ?)", (at, frame(1)))
    database.commit()
    database.close()
    with pytest.raises(JournalError, match=r"has version 1, .*start monitord once"):
        read(path)
    journal = Journal(path, time.clock)
    (cry,) = journal.incidents(9)
    assert (cry.id, cry.urgency, cry.level, cry.acked_by, cry.state) == (7, Urgency.HIGH, 0, "", State.ACKNOWLEDGED)
    assert journal.delivery(3).reason is delivery.Reason.ALERT
    assert journal.last_frame() == frame(1)
    assert journal.next_ids() == (8, 4)
    assert len(journal.id) == 8
    name = journal.id
    journal.close()
    again = Journal(path, time.clock)
    assert again.id == name
    again.close()


def test_a_migration_that_fails_leaves_the_journal_as_it_was(tmp_path, time, monkeypatch):
    path = tmp_path / "journal.sqlite3"
    database = sqlite3.connect(path)
    database.executescript(f"{rows.FIRST} PRAGMA user_version = 1; CREATE TABLE acts (id INTEGER);")
    database.close()
    with pytest.raises(JournalError, match="table acts already exists"):
        Journal(path, time.clock)
    database = sqlite3.connect(path)
    names = [row[1] for row in database.execute("PRAGMA table_info(incidents)")]
    assert (database.execute("PRAGMA user_version").fetchone(), "acked_by" in names) == ((1,), False)
    database.close()


def test_while_the_folder_cannot_be_used_it_begins_in_memory_and_moves_to_the_disk_later(tmp_path, time):
    (tmp_path / "state").write_text("")
    path = tmp_path / "state" / "journal.sqlite3"
    journal = Journal(path, time.clock, or_in_memory=True)
    assert "cannot be written" in journal.in_memory
    write_incidents(journal, [1, 2])
    with pytest.raises(JournalError):
        journal.to_disk()
    assert journal.in_memory
    (tmp_path / "state").unlink()
    journal.to_disk()
    assert not journal.in_memory
    write_incidents(journal, [3])
    name = journal.id
    journal.close()
    history = read(path)
    assert [each.id for each in history.incidents(9)] == [3, 2, 1]
    assert (len(history.deliveries([1, 2, 3])), len(history.frames_since("2000")), history.id) == (3, 3, name)
    history.close()


def unwritable(monkeypatch):
    """As on a disk without room: what is there can be read, and nothing be opened for writing."""

    def refuse(path):
        raise JournalError(f"{path}: the journal cannot be opened: database or disk is full")

    monkeypatch.setattr("monitord.notify.journal.open_database", refuse)


def test_in_memory_it_knows_what_the_disk_knows_and_gives_no_number_twice(tmp_path, time, monkeypatch):
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path, time.clock)
    write_incidents(journal, [1, 2])
    journal.close()
    with monkeypatch.context() as full:
        unwritable(full)
        journal = Journal(path, time.clock, or_in_memory=True)
        assert journal.next_ids() == (3, 3)
        assert journal.last_frame() == frame(2)
        write_incidents(journal, [3])
    journal.to_disk()
    assert journal.set_aside is None
    journal.close()
    history = read(path)
    assert [each.id for each in history.incidents(9)] == [3, 2, 1]
    assert len(history.deliveries([1, 2, 3])) == len(history.frames_since("2000")) == 3
    history.close()


def test_a_disk_that_could_not_be_read_at_first_loses_nothing_to_the_numbers_of_the_memory(tmp_path, time, monkeypatch):
    path = tmp_path / "journal.sqlite3"
    with monkeypatch.context() as full:
        unwritable(full)
        journal = Journal(path, time.clock, or_in_memory=True)
        write_incidents(journal, [1])
    other = Journal(path, time.clock)  # It comes back with a history of its own.
    write_incidents(other, [1, 2])
    other.close()
    journal.to_disk()
    history = read(journal.set_aside)
    assert len(history.incidents(9)) == 2
    history.close()
    assert [each.id for each in journal.incidents(9)] == [1]
    journal.close()


@pytest.mark.parametrize("cut", [100, 4096 + 1000, 4096 * 6 + 17, 4096 * 20 + 2048, -1, -2000])
def test_a_journal_that_was_cut_off_in_mid_page_is_set_aside_and_rescued_from(tmp_path, time, cut):
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path, time.clock)
    write_incidents(journal, range(1, 1500))
    journal.close()
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    again = Journal(path, time.clock, or_in_memory=True)
    assert again.set_aside.read_bytes() == content[:cut]
    assert not again.in_memory
    write_incidents(again, [5000])
    again.close()
    (later := Journal(path, time.clock)).close()
    assert later.set_aside is None


def test_what_is_still_readable_is_in_the_new_one(tmp_path, time):
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path, time.clock)
    write_incidents(journal, range(1, 1500))
    journal.close()
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    content[4096 * (pages // 2) : 4096 * (pages // 2 + 2)] = b"\xff" * 8192
    path.write_bytes(content)
    again = Journal(path, time.clock)
    assert again.rescued > 2000
    assert again.incidents(1)
    again.close()


def test_pages_that_are_whole_with_words_that_are_none_are_damage_too(tmp_path, time):
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path, time.clock)
    write_incidents(journal, [1, 2])
    journal._database.execute("UPDATE incidents SET state = 'dreaming' WHERE id = 2")
    journal.close()
    again = Journal(path, time.clock)
    assert again.set_aside is not None
    assert [each.id for each in again.incidents(9)] == [1]
    again.close()
