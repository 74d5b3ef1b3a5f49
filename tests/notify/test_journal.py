"""The journal on a disk that is well: what comes back, what is forgotten, what is asked of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from journals import DAY_S, frame, write_incidents

from monitord.events import Fault, Look, Sight, Sound
from monitord.notify import delivery
from monitord.notify import journal as rows_of_journal
from monitord.notify.database import JournalError
from monitord.notify.history import read
from monitord.notify.incident import Event, State, Urgency, begin, step
from monitord.notify.journal import Journal


@pytest.fixture
def journal(tmp_path, time):
    journal = Journal(tmp_path / "state" / "journal.sqlite3", time.clock)
    yield journal
    journal.close()


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
