from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from monitord.events import Fault, Frame, Kind, Look, Message, Role, Sight, Sound
from monitord.notify import delivery, rows
from monitord.notify import journal as rows_of_journal
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.history import read
from monitord.notify.incident import Event, State, Urgency, begin, step
from monitord.notify.journal import Journal
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


def test_a_journal_of_years_is_not_read_from_end_to_end_but_where_it_is_read_damage_is_told(
    tmp_path, time, monkeypatch
):
    monkeypatch.setattr("monitord.notify.database.CHECKED_WHOLE", 0)
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path, time.clock)
    with journal.transaction():
        for sequence in range(3000):
            journal.add_frame(frame(sequence), 1000.0)
    journal.close()
    content = bytearray(path.read_bytes())
    half = len(content) // 2 // 4096 * 4096
    content[half : half + 4 * 4096] = b"\xff" * 4096 * 4
    path.write_bytes(content)
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


def test_what_is_old_goes_piece_by_piece_so_that_no_alert_waits_for_it(journal, time, monkeypatch):
    monkeypatch.setattr("monitord.notify.journal.FORGET_AT_ONCE", 3)
    write_incidents(journal, range(1, 9))
    time.sleep(31 * DAY_S)
    more = [journal.forget(30) for _ in range(4)]
    assert more == [True, True, False, False]
    assert journal.incidents(10) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM incidents WHERE state != 'cleared' ORDER BY id",
        "SELECT * FROM incidents ORDER BY id DESC LIMIT 50",
        "SELECT * FROM incidents WHERE opened_at >= ? ORDER BY opened_at, id",
        "SELECT * FROM deliveries WHERE state IN ('pending', 'sending') ORDER BY id",
        "SELECT * FROM deliveries WHERE incident IN (?, ?) ORDER BY id",
        "SELECT * FROM deliveries WHERE sink = ? AND begun_at >= ? ORDER BY id",
        "SELECT incident FROM acts WHERE at >= ? ORDER BY +id",
        "SELECT incident FROM acts WHERE incident = ?",
        "SELECT received_at FROM frames WHERE received_at >= ? ORDER BY +id",
        rows_of_journal._FORGET_FRAMES,
        rows_of_journal._FORGET_INCIDENTS,
    ],
)
def test_no_query_reads_all_of_the_past(journal, query):
    assert scans(journal, query) == []


def test_the_queries_above_are_those_of_the_journal(journal):
    said = []
    journal._database.set_trace_callback(said.append)
    journal.live_incidents(), journal.incidents(50), journal.incidents_since("2000"), journal.unfinished()
    journal.deliveries([1, 2]), journal.deliveries_since("page", "2000"), journal.acts_since("2000")
    journal.frames_since("2000")
    journal._database.set_trace_callback(None)
    assert [each for query in said for each in scans(journal, query)] == []


def test_without_its_index_a_query_does_read_all(journal):
    journal._database.execute("DROP INDEX incidents_live")
    assert scans(journal, "SELECT * FROM incidents WHERE state != 'cleared' ORDER BY id") == ["SCAN incidents"]


def scans(journal, query):
    plan = journal._database.execute(f"EXPLAIN QUERY PLAN {query}", ("",) * query.count("?")).fetchall()
    # Without an index, or along the whole of one; the newest fifty are read along the table's own order, and end there.
    reads = [detail for *_, detail in plan if detail.startswith("SCAN")]
    if query.endswith("LIMIT 50"):
        return []
    return [detail for detail in reads if "incidents_live" not in detail and "deliveries_open" not in detail]


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


def write_incidents(journal, numbers):
    with journal.transaction():
        for number in numbers:
            begun, _ = begin(number, Sound.CRY, 1000.0, room="Nursery")
            journal.save_incident(replace(begun, state=State.CLEARED, cleared_at=1000.0))
            journal.save_delivery(delivery.begin(number, number, "page", 1000.0))
            journal.add_frame(frame(number % 65536), 1000.0)


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
