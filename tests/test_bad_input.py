"""A corpus of broken files: each gets one clear sentence, no traceback, and an exit code that is not zero."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec

import pytest
from bad_input import FRAMES, GROUPS, MODELS, MQTT, SOUND, TOML, wav

from monitord import cli, paths
from monitord.audio.models import EarModels
from monitord.config import AudioConfig
from monitord.model import ModelError
from monitord.notify.sinks.mqtt import read_ack
from monitord.video.classifier import Classifier
from monitord.wire import WireError, decode


def said(capsys):
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.startswith("INFO: ")]  # LiteRT's own greeting.
    assert out == ""
    assert "Traceback" not in err
    (sentence,) = lines
    return sentence


@pytest.mark.parametrize("content", TOML.values(), ids=TOML)
def test_a_broken_configuration_is_one_sentence(content, tmp_path, capsys):
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    assert cli.run(["notify", "--config", str(path)]) == 2
    assert re.match(re.escape(str(path)) + r"(:\d+)?: .{10,}", said(capsys))
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
def test_a_broken_recording_is_one_sentence(content, tmp_path, capsys):
    path = tmp_path / "my.wav"
    path.write_bytes(content)
    assert cli.run(["replay", "--audio", str(path)]) == 1
    assert re.match(f"monitord: {re.escape(str(path))}: .{{10,}}", said(capsys))
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", FRAMES.values(), ids=FRAMES)
def test_a_broken_frame_is_one_sentence(content):
    with pytest.raises(WireError) as caught:
        decode(content)
    assert re.fullmatch(r".{5,}", str(caught.value))


def test_what_is_whole_passes(tmp_path, capsys):
    # The control: it is not that everything is refused.
    path = tmp_path / "my.wav"
    path.write_bytes(wav())
    assert cli.run(["replay", "--audio", str(path)]) == 0


@pytest.fixture
def models(tmp_path):
    shutil.copytree(paths.models_dir(), tmp_path / "models")
    return tmp_path / "models"


def load(models):
    EarModels.load(AudioConfig(), models, models)
    Classifier.load(models)


SPOILT = [
    # A card that vouches for a torn file: the hash is what stands before that, on either runtime.
    pytest.param(
        spoil,
        id=name,
        marks=pytest.mark.skipif(
            name == "a model cut short" and find_spec("ai_edge_litert") is None,
            reason="tflite-runtime 2.14 reads beyond the end of such a file, and the process dies of it",
        ),
    )
    for name, spoil in MODELS.items()
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_broken_model_is_one_sentence(spoil, models):
    load(models)  # The control.
    spoil(models)
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    with pytest.raises(ModelError) as caught:
        load(models)
    assert re.fullmatch(re.escape(str(models)) + r"/\w+\.\w+: .{10,}", str(caught.value))
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before


@pytest.mark.parametrize("payload", MQTT.values(), ids=MQTT)
def test_a_broken_acknowledgement_is_one_sentence(payload):
    with pytest.raises(ValueError, match=r"^(is|names|says) .{5,}$"):
        read_ack(payload)


def test_what_is_whole_acknowledges():
    assert read_ack(b'{"incident": 5, "by": "Anna"}') == (5, "Anna")


def test_the_corpus_is_counted(capsys):
    counts = {kind: len(group) for kind, group in GROUPS.items()}
    with capsys.disabled():
        print(f"\nbad input: {', '.join(f'{count} {kind}' for kind, count in counts.items())}")  # noqa: T201
    assert sum(counts.values()) >= 149
