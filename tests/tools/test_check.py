"""What `check` says of the models: one line each, with its stage and what the owner may expect of it."""

from __future__ import annotations

import shutil

import pytest
from made_models import write_word

from monitord import paths
from monitord.config import AudioConfig, Config, PageConfig, VideoConfig
from monitord.tools.check import check, shut_out

PERSON = paths.models_dir() / "person.toml"
pytestmark = pytest.mark.skipif(not PERSON.exists(), reason="the model of the eye is not there")


@pytest.fixture
def folder(models_folder, monkeypatch):
    """The folder of the models, for the command."""
    for file in (PERSON, PERSON.with_suffix(".tflite")):
        shutil.copy(file, models_folder)
    monkeypatch.setattr(paths, "models_dir", lambda: models_folder)
    return models_folder


def config(*words, sensitivity="balanced"):
    return Config(audio=AudioConfig(words=words, sensitivity=sensitivity), video=VideoConfig(device="off"))


def test_each_model_has_a_line_with_its_stage_and_what_it_promises(folder, capsys):
    own = folder / "my" / "tee.toml"
    own.parent.mkdir()
    write_word(own)
    assert check(config("help", str(own), sensitivity="high"), None) == 0
    promise = "high: 0.5 false alarms per hour of hard test sounds, finds 9 of 10"
    lines = [line for line in capsys.readouterr().out.splitlines() if " model " in line]
    assert lines == [
        "ok    model ear      stage one: cry, voice",
        f"ok    model cry      stage two: cry; {promise} cries",
        f"ok    model help     stage two: help; {promise} calls",
        f"ok    model tee      stage two: tee; {promise} calls",
        "ok    model alarms   by their cadence, no network: smoke_alarm, co_alarm",
        "ok    model person   nobody, lying, upright",
    ]


def test_an_unknown_word_is_one_line_and_exit_1(folder, capsys):
    assert check(config("hepl"), None) == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        f"FAULT model ear      {folder}/hepl.toml: there is no model of the word 'hepl'; audio.words names it"
    ]
    assert "model person" in said.out


def test_a_changed_model_is_one_line_and_exit_1(folder, capsys):
    with (folder / "ear.tflite").open("ab") as changed:
        changed.write(b"!")
    assert check(config(), None) == 1
    assert capsys.readouterr().err.count("SHA-256 differs") == 1


HOUSE = "127.0.0.0/8 10.0.0.0/8 192.168.0.0/16 fe80::/10"
ALL = "0.0.0.0/0 ::/0"


@pytest.mark.parametrize(
    ("allow", "deny", "shut"),
    [
        (HOUSE, ALL, True),
        (f"{HOUSE} 100.64.0.0/10", ALL, False),
        (f"{HOUSE} 100.64.0.0/16", ALL, True),  # Only a part of it.
        (ALL, ALL, False),
        (HOUSE, "", False),  # Nothing is denied.
        (HOUSE, "192.0.2.0/24", False),
        ("", "", False),
    ],
)
def test_what_a_unit_shuts_out(allow, deny, shut):
    assert shut_out({"IPAddressAllow": allow, "IPAddressDeny": deny}) is shut


@pytest.fixture
def unit(tmp_path, monkeypatch):
    """A `systemctl` that shows a voice's unit which allows what is given; the configuration that it runs by."""

    def give(allow):
        path, systemctl = tmp_path / "config.toml", tmp_path / "systemctl"
        command = f"/p -m monitord notify --config {path}"
        systemctl.write_text(
            f"#!/bin/sh\necho 'ExecStart={{ path=/p ; argv[]={command} ; }}'\n"
            f"echo 'IPAddressAllow={allow}'\necho 'IPAddressDeny={ALL}'\n"
        )
        systemctl.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return path

    return give


def test_what_the_configuration_allows_and_the_unit_does_not_is_said(folder, capsys, unit, tmp_path):
    of = config().model_copy(update={"page": PageConfig(cgnat=True)})
    path = unit(HOUSE)
    assert check(of, path) == 1
    said = capsys.readouterr().err
    assert "systemctl edit monitord" in said
    assert "IPAddressAllow=100.64.0.0/10" in said
    # Where nothing is to be done, nothing is said: not asked for, another's configuration, allowed.
    assert check(config(), path) == 0
    assert check(of, tmp_path / "other.toml") == 0
    assert check(of, unit(f"{HOUSE} 100.64.0.0/10")) == 0
    assert "page.cgnat" not in capsys.readouterr().err


def test_a_csi_camera_needs_its_program(folder, capsys, monkeypatch, tmp_path):
    csi = Config(video=VideoConfig(device="csi"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check(csi, None) == 1
    assert "rpicam-vid is not installed; sudo apt install rpicam-apps-lite" in capsys.readouterr().err
    (tmp_path / "rpicam-vid").write_text("")
    (tmp_path / "rpicam-vid").chmod(0o755)
    assert check(csi, None) == 0
    assert "csi (not opened)" in capsys.readouterr().out
