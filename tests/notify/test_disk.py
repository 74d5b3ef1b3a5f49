"""A disk that is full, read-only or slow is told before the next write, and nothing is written to find out."""

from __future__ import annotations

import errno
import os

import pytest

from monitord.config import Config
from monitord.events import Frame, Gate, Kind, Message, Role, Sound
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.inbox import Received
from monitord.notify.journal import ROOM_BYTES, Journal
from monitord.notify.notifier import SLOW_S
from monitord.notify.voice import Voice
from monitord.wire import encode


class Clocks:
    def __init__(self):
        self.now = 1000.0


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def journal(tmp_path, clocks):
    journal = Journal(tmp_path / "journal.sqlite3", Clock(lambda: clocks.now, lambda: 1.7e9 + clocks.now))
    with journal.transaction():
        journal.add_frame(bytes(8), 1000.0)
    yield journal
    journal.close()


def test_a_disk_that_is_well_is_no_trouble(journal):
    journal.look_at_the_disk()


def test_a_disk_that_has_become_read_only_is_found_without_a_write(journal, monkeypatch):
    opened = os.open

    def refuse(path, flags, *more, **named):
        if str(path).endswith("-wal") and flags & os.O_WRONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(JournalError, match="cannot be written: Read-only file system"):
        journal.look_at_the_disk()


def test_a_disk_without_room_is_found_without_a_write(journal, monkeypatch, tmp_path):
    found = os.statvfs(tmp_path)
    room = [*found[:4], ROOM_BYTES // found.f_frsize - 1, *found[5:]]
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(room))
    with pytest.raises(JournalError, match="no room left"):
        journal.look_at_the_disk()


def test_a_look_at_the_disk_takes_no_lock_away(journal, tmp_path):
    """Closing a file gives back all locks that the process has on it (fcntl(2)): none of them may be SQLite's."""
    other = Journal(tmp_path / "journal.sqlite3", Clock())
    other._database.execute("PRAGMA busy_timeout = 0")
    try:
        with journal.transaction():
            journal.look_at_the_disk()
            with pytest.raises(JournalError, match="locked"), other.transaction():
                pass
    finally:
        other.close()


@pytest.mark.parametrize(("takes_s", "told"), [(SLOW_S - 0.5, False), (SLOW_S + 0.5, True)])
def test_a_disk_that_takes_seconds_is_told_and_a_card_that_hesitates_is_not(
    journal, clocks, takes_s, told, monkeypatch
):
    voice = Voice(Config(), journal, ("page", "log"), journal._clock, transmit=lambda *_: None,
                  publish=lambda *_: None, jitter=lambda: 1.0)  # fmt: skip
    add = journal.add_frame

    def slowly(*given):
        clocks.now += takes_s
        add(*given)

    monkeypatch.setattr(journal, "add_frame", slowly)
    for number, message in enumerate((Message(Kind.SOUND, Sound.CRY, 80, 30), Message(Kind.HEARTBEAT, Gate.ARMED))):
        frame = Frame(message, Role.EAR, 1, number)
        voice.receive(Received(encode(frame), frame))
    voice.tick()
    assert ("DISK_SLOW" in {each["label"] for each in voice.incidents()}) == told


def test_waiting_for_another_process_is_no_slow_disk(journal, clocks):
    with journal.transaction():
        clocks.now += 1.0
    assert journal.slowest_s() == 1.0
    assert journal.slowest_s() == 0.0


def test_with_a_slow_disk_an_alert_does_not_wait_for_it(journal, clocks, monkeypatch):
    sent = []
    voice = Voice(Config(), journal, ("page", "log"), journal._clock,
                  transmit=lambda sink, _: sent.append((sink, clocks.now)), publish=lambda *_: None,
                  jitter=lambda: 1.0)  # fmt: skip
    add = journal.add_frame

    def slowly(*given):
        clocks.now += SLOW_S + 1.0
        add(*given)

    monkeypatch.setattr(journal, "add_frame", slowly)

    def hear(number, message):
        frame = Frame(message, Role.EAR, 1, number)
        voice.receive(Received(encode(frame), frame))

    hear(0, Message(Kind.HEARTBEAT, Gate.ARMED))  # The one that finds out.
    began = clocks.now
    hear(1, Message(Kind.SOUND, Sound.CRY, 80, 30))
    voice.tick()
    assert {sink for sink, at in sent if at == began} == {"page", "log"}
    assert Sound.CRY not in {each.subject for each in journal.live_incidents()}
    clocks.now = voice.next_due()
    voice.tick()
    assert Sound.CRY in {each.subject for each in journal.live_incidents()}


def test_a_journal_that_begins_in_memory_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("no folder", "ascii")
    journal = Journal(tmp_path / "file" / "journal.sqlite3", Clock(), or_in_memory=True)
    try:
        voice = Voice(Config(), journal, ("page", "log"), journal._clock, transmit=lambda *_: None,
                      publish=lambda *_: None, jitter=lambda: 1.0)  # fmt: skip
        assert [each["label"] for each in voice.incidents()] == ["JOURNAL"]
    finally:
        journal.close()
