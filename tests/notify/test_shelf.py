"""The models' files, as the voice looks at them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import urllib.request
from pathlib import Path

import pytest
from waiting import until

import monitord
from monitord import paths
from monitord.config import Config
from monitord.notify.shelf import Shelf


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(paths.models_dir(), tmp_path / "models")
    return tmp_path / "models"


def spoil(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


SPOILT = {
    "a bit of stage one": lambda folder: spoil(folder / "ear.tflite"),
    "no verifier": lambda folder: (folder / "cry.tflite").unlink(),
    "no card of it": lambda folder: (folder / "cry.toml").unlink(),
    "no stage one any more": lambda folder: (folder / "ear.toml").unlink(),
    "a card that is no TOML": lambda folder: (folder / "person.toml").write_text("name = [", "utf-8"),
    "a card without its hash": lambda folder: (folder / "person.toml").write_text('name = "person"', "utf-8"),
    "an empty network": lambda folder: (folder / "person.tflite").write_bytes(b""),
    "a folder in its place": lambda folder: ((folder / "ear.tflite").unlink(), (folder / "ear.tflite").mkdir()),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_each_spoilt_file_is_one_sentence_and_over_when_it_is_back(folder, spoilt, tmp_path):
    shelf = Shelf(folder)
    assert shelf.trouble(Config()) == []
    shutil.copytree(folder, tmp_path / "whole")
    SPOILT[spoilt](folder)
    (sentence,) = shelf.trouble(Config())
    assert str(folder) in sentence
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "whole", folder)
    assert shelf.trouble(Config()) == []


def test_a_word_that_is_named_and_not_there_is_missed(folder):
    (folder / "help.toml").unlink()
    assert Shelf(folder).trouble(Config()) == []
    (sentence,) = Shelf(folder).trouble(Config.model_validate({"audio": {"words": ["help"]}}))
    assert "help.toml" in sentence


def test_without_a_camera_its_model_need_not_be_there(folder):
    (folder / "person.toml").unlink()
    assert len(Shelf(folder).trouble(Config())) == 1
    assert Shelf(folder).trouble(Config.model_validate({"video": {"device": "off"}})) == []


def test_a_real_voice_tells_it_at_a_reload_and_that_it_is_over(real_voice, tmp_path, folder):
    """In a copy of the package, whose models may be spoilt."""
    shutil.copytree(Path(monitord.__file__).parent, tmp_path / "monitord")
    shutil.copytree(folder, tmp_path / "whole")
    # From the copy and no other: -m would look into the current folder first.
    program = ("-P", "-c", "import sys; from monitord.cli import run; sys.exit(run(sys.argv[1:]))")
    real_voice.start(program=program, PYTHONPATH=os.pathsep.join([str(tmp_path)]))

    def state():
        with urllib.request.urlopen(f"{real_voice.url()}api/v1/incidents") as answer:  # noqa: S310 - our own voice
            return {each["label"]: each["state"] for each in json.load(answer)["incidents"]}.get("MODELS_CHANGED")

    assert state() is None
    until(lambda: handles_hangup(real_voice.process.pid))
    spoil(folder / "ear.tflite")
    real_voice.process.send_signal(signal.SIGHUP)
    until(lambda: state() == "alerting")
    shutil.copy(tmp_path / "whole" / "ear.tflite", folder)
    real_voice.process.send_signal(signal.SIGHUP)
    until(lambda: state() == "cleared")
    code, logged = real_voice.stop()
    assert code == 0
    assert f"{folder}/ear.tflite: the model is not the one its card describes" in logged


def handles_hangup(pid):
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught >> (signal.SIGHUP - 1) & 1)
