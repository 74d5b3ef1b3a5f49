import json
from pathlib import Path

import made_alarms
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from monitord import paths
from monitord.audio.cadence import CARBON_MONOXIDE, SMOKE
from monitord.audio.files import read_pieces
from monitord.audio.models import EarModels
from monitord.config import HOP_S, AudioConfig, Config, Profile, VideoConfig
from monitord.events import Kind, Look, Message, Role, Sight, Sound
from monitord.tools import replay
from monitord.tools.replay import main

CONFIG = Config()
NIGHT = Path(replay.__file__).parents[1] / "scene" / "night.flac"

pytestmark = pytest.mark.skipif(not (paths.models_dir() / "cry.toml").exists(), reason="the sound model is not there")
needs_scene = pytest.mark.skipif(not NIGHT.exists(), reason="the bundled scene is not there")


@pytest.fixture(scope="module")
def fresh():
    """Makes detectors of the shipped models, by the time between decisions."""
    models = {HOP_S[profile]: EarModels.load(AudioConfig(profile=profile)) for profile in Profile}
    return lambda hop_s: models[hop_s].detector()


@pytest.fixture(scope="module")
def night():
    return np.concatenate(list(read_pieces(NIGHT)))


def told(fresh, pieces, hop_s=0.5, eye=None, config=CONFIG):
    return list(replay.replay(pieces, fresh(hop_s), config, eye))


def blocks(samples, sizes):
    at = 0
    for size in sizes:
        yield samples[at : at + size]
        at += size
    yield samples[at:]


def somebody_lies(_):
    return Message(Kind.SIGHT, Sight.LYING, 91)


@needs_scene
@pytest.mark.parametrize("hop_s", [0.25, 0.5])
@pytest.mark.parametrize("block_ms", [20, 250, 500, 1000])
def test_blocks_do_not_change_the_events(fresh, night, block_ms, hop_s):
    whole = told(fresh, [night], hop_s, somebody_lies)
    size = block_ms * 16
    pieces = [night[at : at + size] for at in range(0, len(night), size)]
    assert told(fresh, pieces, hop_s, somebody_lies) == whole
    assert Sound.CRY in [said.message.label for said in whole if said.message.kind is Kind.SOUND]


@pytest.fixture(scope="module")
def whole(fresh, night):
    return told(fresh, [night], 0.5, somebody_lies)


@needs_scene
@given(sizes=st.lists(st.integers(0, 100_000), max_size=30))
def test_random_blocks_do_not_change_the_events(fresh, night, whole, sizes):
    assert told(fresh, blocks(night, sizes), 0.5, somebody_lies) == whole


@needs_scene
def test_the_eye_answers_within_the_look_and_nothing_waits_at_the_end(whole):
    kinds = [(said.role, said.message.kind, said.message.label) for said in whole]
    asked = kinds.index((Role.EAR, Kind.LOOK, Look.ASKED))
    answer = kinds.index((Role.EYE, Kind.SIGHT, Sight.LYING))
    assert kinds[asked - 1] == (Role.EAR, Kind.SOUND, Sound.CRY)
    assert kinds[asked + 1] == (Role.EYE, Kind.LOOK, Look.BEGAN)
    assert whole[answer].t_s - whole[asked].t_s == CONFIG.video.look_s
    assert kinds[answer + 1] == (Role.EYE, Kind.LOOK, Look.ENDED)
    assert kinds[-1] == (Role.EAR, Kind.SOUND_END, Sound.CRY)
    assert [said.t_s for said in whole] == sorted(said.t_s for said in whole)


@needs_scene
def test_a_camera_that_is_off_gives_no_look(fresh, night):
    said = told(fresh, [night], config=Config(video=VideoConfig(device="off")))
    assert {one.message.kind for one in said} == {Kind.SOUND, Kind.SOUND_END}


@needs_scene
def test_json_is_one_object_a_line_and_nothing_else(capfd):
    assert main(NIGHT, None, as_json=True, config=CONFIG) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert all({"t_s", "from", "kind", "label"} <= set(line) for line in lines)
    incidents = [line for line in lines if line["kind"] == "INCIDENT"]
    assert incidents[0]["actions"] == ["ALERT"]
    assert {line["incident"] for line in incidents} == {1}


@needs_scene
def test_readable_lines_tell_the_alert(capfd):
    assert main(NIGHT, None, as_json=False, config=CONFIG) == 0
    assert "SOUND CRY" in (out := capfd.readouterr().out)
    assert out.count("ALERT\n") == 1


def test_quiet_tells_nothing(tmp_path, capfd):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(16000 * 5, np.int16), 16000)
    assert main(tmp_path / "quiet.wav", None, as_json=True, config=CONFIG) == 0
    assert capfd.readouterr().out == ""


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, capsys):
    assert main(tmp_path / "none.wav", None, as_json=True, config=CONFIG) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"monitord: {tmp_path / 'none.wav'}: no such file\n"


def test_a_video_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert main(NIGHT, tmp_path / "none.mp4", as_json=False, config=CONFIG) == 1
    assert "no such video or folder" in capsys.readouterr().err


def test_json_shows_what_each_stage_said_of_each_sound_and_of_each_second_look(
    models_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(paths, "models_dir", lambda: models_folder)
    time = np.arange(3 * 16000) / 16000
    wave = np.concatenate([np.zeros(16000), 0.1 * np.sin(2 * np.pi * 1000 * time), np.zeros(3 * 16000)])
    soundfile.write(tmp_path / "tone.wav", wave, 16000)
    assert main(tmp_path / "tone.wav", None, as_json=True, config=CONFIG) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (sound,) = [line for line in lines if line["kind"] == "SOUND"]
    assert sound["stages"]["cry"]["stage_one"] > 0.0
    assert sound["stages"]["cry"]["stage_two"] > 0.0
    looks = [line for line in lines if line["kind"] == "SECOND_LOOK"]
    assert len(looks) > 3
    assert all({"label", "stage_one", "stage_two", "posterior"} <= set(look) for look in looks)
    assert {look["label"] for look in looks} == {"CRY"}
    assert [line["t_s"] for line in lines] == sorted(line["t_s"] for line in lines)
    assert looks[0]["t_s"] <= sound["t_s"] == next(look for look in looks if look["posterior"] > 0.5)["t_s"]


@pytest.mark.parametrize(("cadence", "label"), [(SMOKE, "SMOKE_ALARM"), (CARBON_MONOXIDE, "CO_ALARM")])
@pytest.mark.parametrize("profile", ["eco", "balanced"])
def test_an_alarm_in_noise_is_one_incident_within_two_cadences(cadence, label, profile, tmp_path, capfd):
    alarm = made_alarms.signal(cadence, cycles=4, lead_s=3.0, dbfs=-30.0)
    soundfile.write(tmp_path / "alarm.wav", made_alarms.in_noise(alarm, -45.0), 16000)
    config = Config(audio=AudioConfig(profile=profile), video=VideoConfig(device="off"))
    assert main(tmp_path / "alarm.wav", None, as_json=True, config=config) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    incidents = [line for line in lines if line["kind"] == "INCIDENT"]
    assert {(line["incident"], line["label"]) for line in incidents} == {(1, label)}
    assert incidents[0]["actions"] == ["ALERT"]
    assert incidents[0]["t_s"] <= 3.0 + 2 * cadence.cycle_s
