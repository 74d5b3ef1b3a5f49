"""The station's file: the example has every key, and each mistake is one line."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitord.cli import run
from monitord.config import Config, ConfigError, MqttConfig
from monitord.config.ward import ShiftConfig, WardFile, WardRoom, WardRules

EXAMPLE = Path(__file__).parents[2] / "ward.example.toml"
RIGHT = (
    '[ward]\nsite = "home"\nname = "west"\nstation = "desk"\nrooms = ["101", "102"]\n[broker]\nbrokers = ["10.0.0.1"]\n'
)


def load(tmp_path, text):
    path = tmp_path / "ward.toml"
    path.write_text(text, "utf-8")
    return WardFile.load(path)


def everything():
    """The example with all that stands behind "#   " brought back."""
    text = EXAMPLE.read_text("utf-8")
    shown = re.sub(r"^#   (?=\[\[shift|name|from|to|days|notify|\[notify|kind|url|topic)", "", text, flags=re.MULTILINE)
    shown = re.sub(r'^(name|label) = "(101|Room 101.*)"$', "", shown, flags=re.MULTILINE)
    return re.sub(r"^#(?=night = )", "", shown, flags=re.MULTILINE)


def keys_of(section, prefix=""):
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys_of(kind, f"{prefix}{name}.")
        else:
            yield prefix + (field.alias or name)


def test_the_example_is_right_and_shows_the_defaults(tmp_path):
    shown = WardFile.load(EXAMPLE)
    plain = load(tmp_path, RIGHT)
    for section in ("page", "rules", "shift", "groups", "notify", "journal"):
        assert getattr(shown, section) == getattr(plain, section), section
    assert shown.ward == plain.ward
    assert shown.broker.model_copy(update={"brokers": ()}) == plain.broker.model_copy(update={"brokers": ()})


def test_the_example_has_every_key_and_what_it_comments_out_is_right(tmp_path):
    loaded = load(tmp_path, everything())
    assert [each.name for each in loaded.shift] == ["night"]
    assert set(loaded.notify) == {"doctor"}
    table = tomllib.loads(everything())
    known = set(keys_of(WardFile)) - {"shift", "groups", "notify", "broker.password"}
    rules = {key for key in known if key.startswith("rules.")}
    shown = {f"{section}.{key}" for section in ("ward", "broker", "page", "journal") for key in table[section]}
    assert known - rules == shown
    assert {key.split(".")[1] for key in rules} == set(WardRules.model_fields)
    for rule in ("cry", "fault", "unseen"):
        assert {f"rules.{rule}.{key}" for key in table["rules"][rule]} == {
            key for key in rules if key.split(".")[1] == rule
        }
    assert set(table["shift"][0]) == {field.alias or name for name, field in ShiftConfig.model_fields.items()}


SHIFT = '[[shift]]\nname = "x"\nfrom = "06:00"\nto = '
CHANNEL = '[notify.w]\nkind = "ward"\nbrokers = ["b"]\nsite = "s"\nroom = "r"\n'
ROOMS = '"101", "102"'
MISTAKES = [
    (RIGHT.replace(ROOMS, '"101", "101"'), "ward.toml:5: ward.rooms: has '101' twice"),
    (RIGHT.replace(ROOMS, '"Room 1"'), "ward.toml:5: ward.rooms.0.name: 'Room 1' has letters that may not"),
    (RIGHT.replace(ROOMS, ""), "ward.toml:5: ward.rooms: has too few entries, 1 at least"),
    (RIGHT.replace('station = "desk"\n', ""), "ward.station: is missing"),
    (RIGHT.replace("10.0.0.1", "8.8.8.8"), "ward.toml:7: broker.brokers: ['8.8.8.8'] is no address and no name of a"),
    (RIGHT.replace("10.0.0.1", "10.0.0.1:99999"), "has one in it that is neither"),
    (RIGHT + '[rules.cry]\nnotify = ["nurses"]\n', "rules.cry.notify: 'nurses' is no group; there are everyone"),
    (RIGHT + "[rules.cry]\nalert = 1\n", "ward.toml:9: rules.cry.alert: is no key of monitord"),
    (RIGHT + SHIFT + '"06:00"\nnotify = ["everyone"]\n', 'needs both a "from" and another "to"'),
    (RIGHT + SHIFT + '"07:00"\nnotify = ["a"]\n', "'a' is no group"),
    (RIGHT + CHANNEL, 'is of kind "ward", which is for rooms'),
    (RIGHT + '[groups]\nonly = ["log"]\n', "groups.only: would reach nobody"),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES)
def test_each_mistake_is_one_line(tmp_path, text, says):
    with pytest.raises(ConfigError) as mistake:
        load(tmp_path, text)
    (line,) = str(mistake.value).splitlines()
    assert says in line


def test_without_a_file_it_says_which_one_it_wants():
    with pytest.raises(ConfigError, match=r"--config ward\.toml"):
        WardFile.load(None)


def test_a_room_may_have_a_name_for_people(tmp_path):
    text = RIGHT.replace('rooms = ["101", "102"]\n', "") + '[[ward.rooms]]\nname = "101"\nlabel = "Garden"\n'
    loaded = load(tmp_path, text)
    assert loaded.ward.labels == {"101": "Garden"}
    assert loaded.ward.rooms == (WardRoom(name="101", label="Garden"),)


def test_a_shift_over_midnight(tmp_path):
    text = RIGHT + '[[shift]]\nname = "night"\nfrom = "22:00"\nto = "06:00"\ndays = ["fri"]\nnotify = ["everyone"]\n'
    shift = load(tmp_path, text)
    friday = datetime(2026, 11, 27, 23, 0)  # noqa: DTZ001 - what a clock on the wall shows
    assert shift.shift_at(friday) == 0
    assert shift.shift_at(friday.replace(day=28, hour=5)) == 0
    assert shift.shift_at(friday.replace(day=28, hour=6)) is None
    assert shift.shift_at(friday.replace(day=28)) is None
    assert shift.shift_at(friday.replace(hour=5)) is None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("broker.lan", "broker.lan", 8883), ("broker.lan:1884", "broker.lan", 1884), ("10.0.0.1", "10.0.0.1", 8883),
     ("fd00::5", "fd00::5", 8883), ("[fd00::5]:1884", "fd00::5", 1884)],
)  # fmt: skip
def test_a_broker_is_a_host_with_or_without_a_port(tmp_path, text, host, port):
    loaded = load(tmp_path, RIGHT.replace("10.0.0.1", text) + "tls = true\n")
    (each,) = loaded.broker.each()
    assert isinstance(each, MqttConfig)
    assert (each.host, each.real_port) == (host, port)


def test_what_the_voice_is_given_has_the_rules_of_the_ward(tmp_path):
    text = RIGHT + '[groups]\nn = ["page"]\n[rules.cry]\nrepeat_s = 5.0\nnotify = ["n"]\n'
    config = load(tmp_path, text).as_room()
    assert isinstance(config, Config)
    assert (config.rules.cry.repeat_s, config.rules.cry.notify, config.rules.cry.remind_s) == (5.0, ("n",), 0.0)
    assert config.rules.help.escalate_s == 120.0


def test_the_command_without_a_file_and_with_a_wrong_one_is_one_sentence_and_exit_2(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    assert run(["ward"]) == 2
    assert "name the station's file" in capsys.readouterr().err
    path = tmp_path / "ward.toml"
    path.write_text(RIGHT + "[rules.cry]\nalert = 1\n", "utf-8")
    assert run(["ward", "--config", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run(["pair", "--ward", "--list", "--config", str(path)]) == 2
