"""status, events and ack, against a real voice and against its journal alone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitord.channel import Channel
from monitord.cli import run as main
from monitord.config import Config, PageConfig
from monitord.events import Frame, Kind, Message, Role, Sight, Sound
from monitord.notify import delivery
from monitord.notify.clock import Clock
from monitord.notify.incident import Event, begin, step
from monitord.notify.journal import Journal
from monitord.tools import status
from monitord.wire import encode

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    (tmp_path / "run").mkdir()
    return tmp_path


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]  # Bound and not listening: whoever asks is refused.


@pytest.fixture
def voice(folders):
    config = folders / "config.toml"
    config.write_text('[page]\nport = 0\n[room]\nname = "Nursery"\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "monitord", "notify", "--config", str(config)], stderr=subprocess.PIPE
    )
    for line in process.stderr:
        if b"the page is at" in line:
            break
    with Channel(folders / "run" / "events.sock", Role.EAR) as ear:
        yield ear
    process.terminate()
    process.communicate(timeout=30)


def test_status_and_ack_of_a_running_monitor(voice, capsys):
    voice.send(Message(Kind.SOUND, Sound.CRY, 91, 35))
    assert status.status(Config(), as_json=False) == 0
    told = capsys.readouterr().out
    assert "A child is crying." in told
    assert "Nursery: Alert" in told
    assert status.ack(Config(), "1") == 0
    assert "Acknowledged." in capsys.readouterr().out
    assert status.status(Config(), as_json=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["incidents"][0]["state"] == "acknowledged"
    assert status.ack(Config(), "7") == 1
    assert capsys.readouterr().err == "there is no incident 7\n"


@pytest.mark.parametrize(
    "command", [lambda config: status.status(config, as_json=True), lambda config: status.ack(config, "1")]
)
def test_a_monitor_that_does_not_run_is_one_sentence(folders, free_port, capsys, command):
    assert command(Config(page=PageConfig(port=free_port))) == 1
    told = capsys.readouterr()
    assert told.out == ""
    (sentence,) = told.err.splitlines()
    assert sentence.startswith(f"monitord does not answer at http://127.0.0.1:{free_port}/api/v1/")
    assert sentence.endswith("is it running? Start it with: monitord run")


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5", "\u00b2"])
@pytest.mark.parametrize("act", [status.ack, status.mute])
def test_what_is_no_number_is_wrong_usage(folders, capsys, number, act):
    assert act(Config(), number) == 2
    assert "is no number" in capsys.readouterr().err


def test_mute_stops_the_tones_and_takes_nothing(voice, capsys):
    voice.send(Message(Kind.SOUND, Sound.CRY, 91, 35))
    assert status.status(Config(), as_json=False) == 0
    assert main(["mute", "1"]) == 0
    assert "Muted for a moment, not acknowledged yet." in capsys.readouterr().out
    assert main(["mute", "7"]) == 1
    assert capsys.readouterr().err == "there is no incident 7\n"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (None, NOW - timedelta(days=1)),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-23T20:00:00+00:00", NOW - timedelta(hours=2)),
        ("2026-11-23T23:00:00+02:00", NOW - timedelta(hours=1)),
        ("2026-11-23T21:00:00Z", NOW - timedelta(hours=1)),
    ],
)
def test_since(text, time):
    assert status.parse_since(text, NOW) == time


@pytest.mark.parametrize("text", ["", "soon", "2", "h", "-2h", "2 h", "999999w", "2026-13-01", "\u0662h"])
def test_since_that_is_neither_is_wrong_usage(folders, capsys, text):
    assert status.events(Config(), text, as_json=False) == 2
    assert "neither a time" in capsys.readouterr().err


@pytest.fixture
def journalled(folders):
    journal = Journal(folders / "state" / "journal.sqlite3", Clock())
    now = Clock().monotonic()
    cry, _ = begin(1, Sound.CRY, now - 600, room="Nursery", score=90)
    seen, _ = step(cry, Event.SIGHT, now - 590, seen=Sight.LYING)
    failed, _ = delivery.step(delivery.begin(1, 1, "page", now - 600), delivery.Event.EXPIRE, now)
    with journal.transaction():
        journal.add_frame(encode(Frame(Message(Kind.SOUND, Sound.CRY, 90, 40), Role.EAR, 1, 0)), now - 599)
        journal.add_frame(encode(Frame(Message(Kind.SIGHT, Sight.LYING, 95), Role.EYE, 2, 0)), now - 590)
        journal.save_incident(seen)
        journal.save_delivery(failed)
    journal.close()


def test_events_are_read_while_the_monitor_is_down(journalled, capsys):
    assert status.events(Config(), None, as_json=False) == 0
    incident, sound, sight = capsys.readouterr().out.splitlines()
    assert "incident 1: Nursery: A child is crying. The camera sees one person, lying." in incident
    assert "The alert was not delivered" in incident
    assert sound.endswith("ear: SOUND CRY 90 % - A child is crying.")
    assert sight.endswith("eye: SIGHT LYING 95 % - The camera sees one person, lying.")


def test_events_as_json_are_one_object_a_line(journalled, capsys):
    assert status.events(Config(), "1h", as_json=True) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["type"] for entry in entries] == ["incident", "frame", "frame"]
    assert entries[1]["level_dbfs"] == -40
    assert status.events(Config(), "5m", as_json=True) == 0
    assert capsys.readouterr().out == ""


def test_no_journal_is_one_sentence(folders, capsys):
    assert status.events(Config(), None, as_json=True) == 1
    assert "there is no journal yet" in capsys.readouterr().err
    assert not Path(folders / "state").exists()
