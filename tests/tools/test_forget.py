"""What is forgotten is gone, from the file's free space and its log as well, and the voice goes on."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace

import pytest

from monitord.cli import run
from monitord.config import Config
from monitord.events import Fault, Frame, Kind, Message, Role, Sound
from monitord.notify.clock import Clock
from monitord.notify.history import read
from monitord.notify.inbox import Received
from monitord.notify.incident import Act, Event, State, begin
from monitord.notify.journal import Journal
from monitord.notify.voice import Voice
from monitord.wire import encode

HOUR_S = 3600.0
MARK = "Anna-who-was-here"


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    return tmp_path / "journal.sqlite3"


def fill(journal, ages_h):
    now = time.monotonic()
    with journal.transaction():
        for number, age in enumerate(ages_h, 1):
            at = now - age * HOUR_S
            each, _ = begin(number, Sound.CRY, at, room=MARK)
            each = replace(each, state=State.CLEARED, cleared_at=at)
            journal.save_incident(each)
            journal.add_act(Act(number, at, Event.ACK, MARK, "page"))
            journal.add_frame(encode(Frame(Message(Kind.SOUND, Sound.CRY, 80, 30), Role.EAR, 7, number)), at)


def left(path):
    history = read(path)
    try:
        return sorted(each.id for each in history.incidents(99)), len(history.frames_since("2000"))
    finally:
        history.close()


def on_disk(path):
    return b"".join(each.read_bytes() for each in path.parent.iterdir())


def test_everything(path, capsys):
    journal = Journal(path, Clock())
    fill(journal, [1, 2, 30])
    journal.close()
    aside = path.with_name("journal.sqlite3.damaged-20260101T000000Z")
    aside.write_bytes(MARK.encode())
    assert MARK.encode() in on_disk(path)
    assert run(["forget", "--all"]) == 0
    assert left(path) == ([], 0)
    assert MARK.encode() not in on_disk(path)
    assert not aside.exists()
    said = capsys.readouterr().out
    assert "forgotten: 3 incidents and 3 messages" in said
    assert f"deleted: {aside}" in said


def test_without_the_zeros_and_the_rewriting_it_would_still_be_in_the_file(path):
    # The control: what the test above would see if deleting were all that is done.
    journal = Journal(path, Clock())
    fill(journal, [1, 2, 30])
    journal.close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA secure_delete = OFF")
    database.execute("DELETE FROM acts")
    database.execute("DELETE FROM incidents")
    database.commit()
    database.close()
    assert MARK.encode() in on_disk(path)


@pytest.mark.parametrize(
    ("options", "stay"),
    [
        (["--since", "3h"], [3, 4]),
        (["--until", "3h"], [1, 2]),
        (["--since", "40h", "--until", "3h"], [1, 2, 4]),
    ],
)
def test_a_range_of_time(path, options, stay, capsys):
    journal = Journal(path, Clock())
    fill(journal, [1, 2, 30, 50])
    journal.close()
    aside = path.with_name("journal.sqlite3.damaged-20260101T000000Z")
    aside.write_bytes(b"")
    assert run(["forget", *options]) == 0
    assert left(path) == (stay, len(stay))
    assert aside.exists()
    assert "not looked into" in capsys.readouterr().out


def test_while_the_voice_runs_it_drops_what_is_gone_and_goes_on(path):
    journal = Journal(path, Clock())
    fill(journal, [1, 2])
    published = []
    voice = Voice(
        Config(),
        journal,
        ("page", "log"),
        Clock(),
        transmit=lambda sink, notice: None,
        publish=lambda name, content: published.append(name),
        jitter=lambda: 0.5,
    )
    voice.fault(Fault.MICROPHONE_MISSING)
    assert len(voice.incidents()) == 3
    assert run(["forget", "--all"]) == 0
    assert MARK.encode() not in on_disk(path)
    frame = Frame(Message(Kind.SOUND, Sound.HELP, 80, 30), Role.EAR, 7, 0)
    voice.receive(Received(encode(frame), frame))
    assert [each["label"] for each in voice.incidents()] == ["HELP", "MICROPHONE_MISSING"]
    assert "snapshot" in published
    assert left(path) == ([3, 4], 1)
    journal.close()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ([], 2, "forget what?"),
        (["--all", "--since", "2h"], 2, "forget what?"),
        (["--since", "yesterday"], 2, "--since: 'yesterday' is neither a time"),
        (["--since", "1h", "--until", "2h"], 2, "--until: is not later than --since"),
        (["--all"], 1, "there is no journal"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(path, options, code, says, capsys):
    assert run(["forget", *options]) == code
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


def test_a_file_that_is_no_journal_is_left_alone(path, capsys):
    path.write_bytes(b"no journal at all" * 100)
    assert run(["forget", "--all"]) == 1
    assert "cannot be written: file is not a database" in capsys.readouterr().err
    assert path.read_bytes() == b"no journal at all" * 100
