"""A real voice in a process of its own: what `monitord report` says of it after SIGKILL, and of its pause."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import socket
import urllib.request
from itertools import pairwise

import pytest
from waiting import until

from monitord import cli, paths
from monitord.events import Frame, Gate, Kind, Message, Role
from monitord.notify import keeper
from monitord.tools.pause import parse_minutes
from monitord.wire import encode


@pytest.fixture
def house(real_voice):
    real_voice.hold_socket()
    real_voice.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    real_voice.ear.connect(str(real_voice.runtime / "events.sock"))
    real_voice.frames = 0

    def beat(gate=Gate.IDLE):
        real_voice.ear.send(encode(Frame(Message(Kind.HEARTBEAT, gate, 0, 50), Role.EAR, 7, real_voice.frames)))
        real_voice.frames += 1

    real_voice.beat = beat
    yield real_voice
    real_voice.ear.close()


def report(house, *arguments):
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY"):
            patch.setenv(name, house.environment[name])
        assert cli.run(["report", "--config", str(house.config), *arguments]) == 0
    return said.getvalue()


def spans(house):
    return [
        (each["state"], each["why"])
        for night in json.loads(report(house, "--json"))["nights"]
        for each in night["spans"]
    ]


def protected(house):
    return spans(house)[-1:] == [("protected", "")]


def test_a_killed_voice_leaves_no_minute_unaccounted_for(house, tmp_path):
    house.start()
    house.url()
    house.beat()
    until(lambda: protected(house))
    house.process.send_signal(signal.SIGKILL)
    house.ended()
    assert spans(house)[-1] == ("unprotected", "Why.VOICE_DIED")  # Also while nobody has started it again.
    house.start()
    until(lambda: spans(house)[-1:] == [("unprotected", "Why.STARTING")])
    house.beat()
    until(lambda: protected(house))
    assert [each for each in spans(house) if each[0] == "unprotected"][-2:] == [
        ("unprotected", "Why.VOICE_DIED"),
        ("unprotected", "Why.STARTING"),
    ]
    code, logged = house.stop()
    assert code == 0, logged
    assert spans(house)[-1] == ("unprotected", "Why.VOICE_STOPPED")
    assert not (house.runtime / keeper.ALIVE).exists()
    nights = json.loads(report(house, "--json"))["nights"]
    ends = [(each["from"], each["to"]) for night in nights for each in night["spans"]]
    assert all(one[1] == next_[0] for one, next_ in pairwise(ends))
    picture = tmp_path / "nights.svg"
    text = report(house, "--picture", str(picture))
    assert "Nursery: the night from" in text
    assert "The monitor had died." in text
    assert picture.read_text("utf-8").startswith("<svg")


def test_a_switch_made_by_hand_is_a_pause_in_the_ledger(house):
    house.start()
    house.url()
    house.beat()
    until(lambda: protected(house))
    (house.runtime / paths.PAUSED).touch()
    until(lambda: spans(house)[-1] == ("paused", "Why.OWNER"))
    assert json.loads((house.runtime / paths.PAUSED).read_text())["until"] > 0.0
    (house.runtime / paths.PAUSED).unlink()
    house.beat()
    until(lambda: protected(house))


def test_the_owner_pauses_and_resumes_by_the_commands(house, monkeypatch, capsys):
    house.start()
    url = house.url()
    for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY"):
        monkeypatch.setenv(name, house.environment[name])
    assert cli.run(["pause", "5m", "--config", str(house.config)]) == 0
    assert "paused until" in capsys.readouterr().out
    assert (house.runtime / paths.PAUSED).exists()
    with urllib.request.urlopen(f"{url}api/v1/nights?days=1") as answer:  # noqa: S310 - loopback
        (night,) = json.load(answer)["nights"]
    assert (night["spans"][-1]["state"], night["spans"][-1]["why"]) == ("paused", "Why.OWNER")
    assert cli.run(["pause", "11h59m", "--config", str(house.config)]) == 0
    assert cli.run(["status", "--json", "--config", str(house.config)]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["state"]["paused_until"]
    assert cli.run(["resume", "--config", str(house.config)]) == 0
    assert capsys.readouterr().out == "listening again\n"
    assert not (house.runtime / paths.PAUSED).exists()


def test_a_report_without_a_journal_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "none"))
    assert cli.run(["report"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "there is no journal yet" in said


def test_a_picture_that_cannot_be_written_is_one_sentence(house, tmp_path, monkeypatch, capsys):
    house.start()
    house.url()
    monkeypatch.setenv("STATE_DIRECTORY", house.environment["STATE_DIRECTORY"])
    assert cli.run(["report", "--picture", str(tmp_path / "none" / "nights.svg")]) == 1
    assert "nights.svg: cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["report", "--since", "yesterday"], "neither a time"),
        (["pause", "soon"], "no length of time"),
        (["pause", "13h"], "from 1m to 12h"),
        (["pause", "0"], "from 1m to 12h"),
        (["pause", "99999999999m"], "no length of time"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(arguments, says, capsys):
    assert cli.run(arguments) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("text", "minutes"), [("30m", 30), ("2h", 120), ("1h30m", 90), (" 45 ", 45), ("12H", 720)])
def test_lengths_of_a_pause_are_written_as_people_do(text, minutes):
    assert parse_minutes(text) == minutes


def test_a_pause_without_a_voice_says_that_none_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    config = tmp_path / "config.toml"
    config.write_text("[page]\nport = 1\n", "utf-8")
    assert cli.run(["pause", "--config", str(config)]) == 1
    assert "monitord run" in capsys.readouterr().err
