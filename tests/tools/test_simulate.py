"""A written night through the real rules; the examples of docs/rules.md say what they give."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.cli import run
from monitord.config import Config
from monitord.tools.night import NightError, read_night

DOCS = Path(__file__).parent.parent.parent / "docs" / "rules.md"
CHANNELS = ("page", "log", "phone")


def examples():
    blocks = re.findall(r"^```(toml|night|timeline)\n(.*?)^```", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    config = night = ""
    for kind, text in blocks:
        match kind:
            case "toml":
                config = text
            case "night":
                night = text
            case "timeline":
                yield pytest.param(config, night, text, id=night.split("\n")[1].split("#")[0].strip())
                config = ""


def simulated(tmp_path, capsys, night, config="", *options):
    (tmp_path / "night.txt").write_text(night, "utf-8")
    (tmp_path / "my.toml").write_text(config, "utf-8")
    code = run(["simulate", str(tmp_path / "night.txt"), "--config", str(tmp_path / "my.toml"), *options])
    return code, capsys.readouterr()


def lines(tmp_path, capsys, night, config=""):
    code, said = simulated(tmp_path, capsys, night, config, "--json")
    assert code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.mark.parametrize(("config", "night", "timeline"), list(examples()))
def test_the_examples_of_the_page_give_what_it_says(tmp_path, capsys, config, night, timeline):
    code, said = simulated(tmp_path, capsys, night, config)
    assert (code, said.err) == (0, "")
    assert said.out == timeline


def test_the_page_has_examples():
    assert len(list(examples())) >= 4


def test_every_line_of_the_table_of_the_page_can_be_written(tmp_path, capsys):
    table = re.findall(r"^\| (`.*?`) \|", DOCS.read_text("utf-8"), re.MULTILINE)
    written = [line for row in table for line in re.findall(r"`([^`]*)`", row)]
    assert len(written) > 10
    config = '[groups]\nall = ["page"]'
    night = "\n".join(written).replace("channel phone", "channel page")
    code, said = simulated(tmp_path, capsys, night, config)
    assert (code, said.err) == (0, "")


def test_it_leaves_no_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lines(tmp_path, capsys, "20:00 sound cry\n20:30 end")
    assert {each.name for each in tmp_path.iterdir()} == {"night.txt", "my.toml"}


def test_an_ear_that_is_silent_and_a_channel_that_fails_are_told(tmp_path, capsys):
    told = lines(
        tmp_path,
        capsys,
        "20:00 channel page fails\n20:01 ear stops\n20:02 ear starts\n20:05 channel page works\n20:30 end",
    )
    assert [each["label"] for each in told if each["type"] == "incident" and each["state"] == "alerting"] == [
        "ear_silent"
    ]
    failed = [each for each in told if each["type"] == "delivery" and each["state"] == "trying"]
    assert failed[0]["error"] == "the channel fails, as you wrote"
    assert [each["state"] for each in told if each["type"] == "delivery" and each["channel"] == "page"][
        -1
    ] == "delivered"


def test_what_was_under_way_when_the_voice_was_killed_is_brought_by_its_next_life(tmp_path, capsys):
    told = lines(tmp_path, capsys, "20:00 channel page fails\n+1s sound help\n+5s channel page works\n+1s restart")
    assert [each["state"] for each in told if each["type"] == "delivery" and each["channel"] == "page"][
        1
    ] == "delivered"


@pytest.mark.parametrize(
    ("start", "waits_s"),
    [
        ("2026-03-28 22:30 Europe/Berlin", 7.5 * 3600),  # An hour is skipped.
        ("2026-10-24 22:30 Europe/Berlin", 9.5 * 3600),  # An hour comes twice.
        ("2026-11-24 22:30 Europe/Berlin", 8.5 * 3600),
    ],
)
def test_quiet_hours_end_by_the_wall_clock_in_nights_of_any_length(tmp_path, capsys, start, waits_s):
    config = '[quiet_hours]\nfrom = "22:00"\nto = "07:00"\n[rules.word]\npriority = "low"'
    told = lines(tmp_path, capsys, f"start {start}\n+0s sound word\n+11h end", config)
    rang = next(each for each in told if each["type"] == "rings")
    assert rang["at"].endswith("T07:00:00")
    assert rang["t_s"] == waits_s


def test_a_clock_that_is_set_counts_from_then_on(tmp_path, capsys):
    config = '[quiet_hours]\nfrom = "22:00"\nto = "07:00"\n[rules.word]\npriority = "low"'
    told = lines(tmp_path, capsys, "start 2026-11-25 23:00\n23:00 sound word\n23:10 clock 07:30\n+2m end", config)
    rang = next(each for each in told if each["type"] == "rings")
    assert rang["t_s"] == 600.0


@pytest.mark.parametrize(
    ("night", "says"),
    [
        ("", "night.txt: nothing happens; write lines like: 22:30 sound cry for 2m"),
        ("half past ten sound cry", "night.txt:1: 'half' is no time: begin with a time of day (22:30, 22:30:15) or"),
        ("25:00 sound cry", "night.txt:1: '25:00' is no time"),
        ("+soon sound cry", "night.txt:1: 'soon' is no length of time, as 90s, 5m or 1h30m"),
        ("+8d sound cry", "night.txt:1: '8d' is longer than a week"),
        ("# ok\n\n22:30", "night.txt:3: says when, and not what happens"),
        ("22:30 dances", "night.txt:1: 'dances' is nothing that can happen; there are sound, quiet, sees"),
        (
            "22:30 sound dog",
            "night.txt:1: \"sound\" wants one of cry, help, hilfe, smoke_alarm, co_alarm, word, not 'dog'",
        ),
        ("22:30 sound", 'night.txt:1: "sound" wants one of cry, help, hilfe, smoke_alarm, co_alarm, word, not nothing'),
        ("22:30 sound cry 101%", "night.txt:1: '101%' is no score, 0% to 100%"),
        ("22:30 sound cry for", 'night.txt:1: "for" wants a length of time, as 90s or 5m'),
        ("22:30 sound cry loudly", "night.txt:1: 'loudly' is too much here"),
        ("22:30 sees ghosts", 'night.txt:1: "sees" wants one of nobody, lying'),
        ("22:30 fault recovered", 'night.txt:1: "fault" wants one of microphone_missing'),
        ("22:30 ear sleeps", 'night.txt:1: "ear" wants "stops" or "starts"'),
        ("22:30 ack dog", "night.txt:1: 'dog' is neither a sound, nor a fault, nor the number of an incident"),
        ("22:30 ack cry by", "night.txt:1: 'by' is not understood here; write: ack cry by Anna via page"),
        ("22:30 ack cry via phone", "night.txt:1: 'phone' is no channel of this configuration; there are page, log"),
        ("22:30 channel page burns", 'night.txt:1: "channel" wants a name and "works", "fails" or "unseen"'),
        ("22:30 clock noon", "night.txt:1: 'noon' is no time"),
        ("start tomorrow", 'night.txt:1: "start" wants a date and a time, as: start 2026-11-25 22:00 Europe/Berlin'),
        ("start 2026-11-25 22:00 Atlantis", "night.txt:1: 'Atlantis' is no time zone that this machine knows"),
        ("22:30 end\nstart 2026-11-25 22:00", 'night.txt:2: "start" comes before everything else'),
    ],
)
def test_a_mistake_is_one_sentence_with_the_line(tmp_path, capsys, night, says):
    code, said = simulated(tmp_path, capsys, night)
    assert code == 2
    assert said.err.replace(f"{tmp_path}/", "").startswith(says)
    assert len(said.err.splitlines()) == 1


def test_a_file_that_is_not_there_or_no_text_is_one_sentence(tmp_path, capsys):
    assert run(["simulate", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none'}: cannot be read: No such file or directory\n"
    (tmp_path / "night.txt").write_bytes(b"\xff")
    assert run(["simulate", str(tmp_path / "night.txt")]) == 2
    assert "is not UTF-8 text at byte 0" in capsys.readouterr().err
    assert logging.root.manager.disable == logging.NOTSET


WORDS = ["22:30", "+90s", "+1h", "start", "sound", "cry", "for", "2m", "80%", "sees", "lying", "fault", "ear", "stops"]
WORDS += ["ack", "mute", "by", "Anna", "via", "page", "channel", "fails", "clock", "03:00", "restart", "end", "#", "\n"]


def outcome(text):
    try:
        return read_night("night.txt", text, CHANNELS)
    except NightError as mistake:
        return str(mistake)


@given(st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_text_is_a_night_or_a_mistake(text):
    said = outcome(text)
    if isinstance(said, str):
        assert said.startswith("night.txt")
        assert len(said.splitlines()) == 1
    else:
        assert said.lines


def test_the_channels_are_those_of_the_configuration():
    assert Config().channels == ("page", "log")
