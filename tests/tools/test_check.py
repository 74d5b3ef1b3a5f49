"""What `check` says of the models: one line each, with its stage and what the owner may expect of it."""

from __future__ import annotations

import shutil

import pytest
from made_models import write_word

from monitord import paths
from monitord.config import AudioConfig, Config, VideoConfig
from monitord.tools.check import check

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
