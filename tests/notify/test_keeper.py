"""The ledger in a real journal: restarts, deaths, power cuts, clocks that are set, disks that are full."""

from __future__ import annotations

import sqlite3

import pytest

from monitord.events import Fault, Frame, Gate, Kind, Message, Role
from monitord.notify import database, lookback
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.incident import begin
from monitord.notify.journal import Journal
from monitord.notify.keeper import ALIVE, ALIVE_S, Keeper, outlive
from monitord.notify.ledger import Guard
from monitord.notify.timeline import Life

NOON = 1_700_000_000.0


class Machine:
    """One machine with its clocks, its card and its memory."""

    def __init__(self, folder, memory):
        self.folder, self.memory = folder, memory
        self.wall, self.up, self.boot = NOON, 50.0, "first"
        self.clock = Clock(lambda: self.up, lambda: self.wall, boottime=lambda: self.up)
        self.journal = self.keeper = None

    def start(self, *, paused=False, or_in_memory=False):
        self.journal = Journal(self.folder / "journal.sqlite3", self.clock, or_in_memory=or_in_memory)
        self.keeper = Keeper(self.journal, self.clock, self.boot, self.memory, paused=paused)

    def run(self, seconds, *, paused=False, ear=True):
        for _ in range(int(seconds // 5)):
            self.wall += 5.0
            self.up += 5.0
            if ear:
                self.keeper.hear(Frame(Message(Kind.HEARTBEAT, Gate.IDLE), Role.EAR, 1, 1), paused=paused)
            self.keeper.tick(paused=paused)

    def wait(self, seconds):
        self.wall += seconds
        self.up += seconds

    def kill(self):
        self.journal.close()

    def stop(self):
        self.keeper.close()
        self.journal.close()

    def power_cut(self, seconds):
        self.kill()
        (self.memory / ALIVE).unlink(missing_ok=True)
        self.wall += seconds
        self.up, self.boot = 20.0, self.boot + "+"

    def told(self):
        life = self.keeper.life
        since = lookback.since_days(3, self.wall)
        found = lookback.nights(self.journal, self.clock, life.boot, 4.0, since, life=life, running=True)
        return [(each.guard.value, each.why, round(each.length_s)) for night in found for each in night.stretches]

    def total(self):
        return sum(seconds for _, _, seconds in self.told())


@pytest.fixture
def machine(tmp_path, tmp_path_factory):
    machine = Machine(tmp_path, tmp_path)
    yield machine
    machine.journal.close()


@pytest.fixture
def in_memory(machine, monkeypatch):
    """The sockets' folder lies in memory, as it does in a house."""
    monkeypatch.setattr(Journal, "device", -1)
    return machine


def test_a_quiet_night_writes_seldom(in_memory):
    in_memory.start()
    in_memory.run(10.0)
    writes = []
    in_memory.journal._database.set_trace_callback(lambda query: writes.append(query) if query == "COMMIT" else None)
    in_memory.run(3600.0)
    assert len(writes) == 3600.0 / ALIVE_S
    assert in_memory.told() == [("unprotected", "Why.STARTING", 5), ("protected", "", 3605)]


def test_a_voice_that_was_killed_lived_until_a_few_seconds_before(in_memory):
    in_memory.start()
    in_memory.run(300.0)
    in_memory.kill()
    in_memory.wait(40.0)
    in_memory.start()
    in_memory.run(60.0)
    assert in_memory.told() == [
        ("unprotected", "Why.STARTING", 5),
        ("protected", "", 295),
        ("unprotected", "Why.VOICE_DIED", 40),
        ("unprotected", "Why.STARTING", 5),
        ("protected", "", 55),
    ]


def test_after_a_power_cut_the_last_sign_in_the_journal_counts(in_memory):
    in_memory.start()
    in_memory.run(ALIVE_S + 300.0)
    in_memory.power_cut(1000.0)
    in_memory.start()
    in_memory.run(60.0)
    told = in_memory.told()
    assert told[1:3] == [("protected", "", ALIVE_S), ("unprotected", "Why.MACHINE_OFF", 1295)]
    assert in_memory.total() == ALIVE_S + 300 + 1000 + 60


def test_where_the_sockets_lie_on_the_card_the_file_is_written_once(machine):
    machine.start()
    machine.run(10.0)
    before = (machine.folder / ALIVE).stat().st_mtime_ns
    machine.run(600.0)
    assert (machine.folder / ALIVE).stat().st_mtime_ns == before
    _, runs = lookback.last_life(machine.journal, machine.clock, "first", machine.memory)
    assert runs  # By its lock, though what is written is ten minutes old.
    machine.stop()
    assert not (machine.folder / ALIVE).exists()


def test_whoever_reads_the_journal_from_outside_knows_whether_the_voice_runs(in_memory):
    in_memory.start()
    in_memory.run(300.0)
    assert lookback.last_life(in_memory.journal, in_memory.clock, "first", in_memory.memory)[1]
    in_memory.wait(60.0)
    life, runs = lookback.last_life(in_memory.journal, in_memory.clock, "first", in_memory.memory)
    assert (life.alive, runs) == (in_memory.up - 60.0, False)


def test_a_clean_end_is_told_from_a_death(machine):
    machine.start()
    machine.run(60.0)
    machine.stop()
    machine.wait(30.0)
    machine.start()
    machine.run(60.0)
    assert ("unprotected", "Why.VOICE_STOPPED", 30) in machine.told()


def test_a_clock_that_is_set_by_months_neither_tears_nor_overlaps_the_night(machine):
    machine.wall = NOON - 5_000_000.0  # A Raspberry Pi after a cold start.
    machine.start()
    machine.run(60.0)
    machine.wall = NOON
    machine.run(60.0)
    assert machine.told() == [("unprotected", "Why.STARTING", 5), ("protected", "", 115)]


def test_a_full_disk_costs_the_ledger_nothing(machine, monkeypatch):
    machine.start()
    machine.run(60.0)
    real = Journal.save_span

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Journal, "save_span", full)
    machine.run(60.0, ear=False)
    assert "full" in machine.keeper.trouble
    monkeypatch.setattr(Journal, "save_span", real)
    machine.run(60.0)
    assert machine.keeper.trouble == ""
    assert machine.told()[1:] == [("protected", "", 55), ("unprotected", "Why.EAR_SILENT", 65), ("protected", "", 55)]


def test_a_fault_that_stood_before_the_restart_still_unprotects(machine):
    machine.start()
    fault, _ = begin(1, Fault.MICROPHONE_MISSING, machine.up, room="Nursery", lasting=True)
    with machine.journal.transaction():
        machine.journal.save_incident(fault)
    machine.kill()
    machine.start()
    machine.run(10.0)
    assert machine.told()[-1][:2] == ("unprotected", "Fault.MICROPHONE_MISSING")


def test_what_is_older_than_the_owner_keeps_is_gone_and_the_rest_is_whole(machine):
    machine.start()
    machine.run(60.0)
    machine.run(3600.0, ear=False)
    machine.run(600.0)
    with machine.journal.transaction():
        machine.journal.forget_spans(machine.wall - 300.0)
    machine.run(60.0)
    assert machine.told() == [("protected", "", 655)]


def test_a_ledger_that_began_in_memory_reaches_the_disk_beside_what_was_there(machine):
    machine.start()
    machine.run(60.0)
    machine.stop()
    machine.wait(30.0)
    real = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        broken = sqlite3.OperationalError("disk I/O error")
        connect = lambda where, **given: real(where, **given) if where == ":memory:" else (_ for _ in ()).throw(broken)  # noqa: E731
        patch.setattr(database.sqlite3, "connect", connect)
        machine.start(or_in_memory=True)
    machine.run(60.0)
    assert machine.journal.in_memory
    assert machine.told()[-1][0] == Guard.PROTECTED
    machine.journal.to_disk()
    machine.run(60.0)
    assert machine.told() == [
        ("unprotected", "Why.STARTING", 5),
        ("protected", "", 55),
        ("unprotected", "Why.VOICE_STOPPED", 30),
        ("unprotected", "Why.STARTING", 5),
        ("protected", "", 115),
    ]


def test_what_is_forgotten_is_gone_from_the_ledger_too(machine):
    machine.start()
    machine.run(60.0)
    machine.run(60.0, ear=False)
    machine.run(60.0)
    database.erase(machine.folder / "journal.sqlite3", "0000", "9999", everything=True)
    machine.run(60.0)
    assert [each[0] for each in machine.told()] == [Guard.PROTECTED]


def test_a_row_that_makes_no_sense_is_one_that_was_not_recorded(machine):
    machine.start()
    machine.run(60.0)
    machine.journal._database.execute("UPDATE spans SET state = 'asleep' WHERE ended IS NOT NULL")
    assert machine.told()[0][:2] == ("unprotected", "Why.NOT_RECORDED")


def test_a_journal_from_before_the_ledger_gets_a_ledger(machine):
    machine.start()
    machine.journal.close()
    database = sqlite3.connect(machine.folder / "journal.sqlite3")
    database.executescript(
        "ALTER TABLE incidents DROP COLUMN test_until; DROP TABLE spans; DROP TABLE lives; PRAGMA user_version = 2;"
    )
    database.close()
    machine.start()
    machine.run(60.0)
    assert machine.told()[-1][0] == Guard.PROTECTED


def test_a_sign_of_another_life_is_none(tmp_path):
    life = Life(3, "boot", 0.0, 0.0, 10.0)
    for text in ("boot 2 99.0", "other 3 99.0", "boot 3 -", "boot 3 5.0", "", "\x00" * 96, "boot 3 nan"):
        (tmp_path / ALIVE).write_text(text)
        assert outlive(life, tmp_path / ALIVE) == life
    (tmp_path / ALIVE).write_text("boot 3 99.0")
    assert outlive(life, tmp_path / ALIVE).alive == 99.0


def test_a_journal_that_cannot_be_read_is_said_to_be(machine):
    machine.start()
    machine.journal.close()
    with pytest.raises(JournalError):
        lookback.nights(machine.journal, machine.clock, "first", 4.0, 0.0, life=None, running=False)
