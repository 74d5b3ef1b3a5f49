"""`monitord selftest` beside a real voice, with a stand-in for the ear and for the process that plays.

Through a real sound stream: tests/system/test_selftest_heard.py.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from monitord.channel import Channel
from monitord.cli import run as main
from monitord.config import Config, SelftestConfig
from monitord.events import Gate, Kind, Message, Role, Sound
from monitord.tools import player, selftest
from monitord.tools.player import Player, PlayerError
from monitord.tools.selftest import How

SPEAKS = """
import json, sys
said = {said!r}
print(json.dumps(said[0]), flush=True)
if sys.stdin.readline():
    print(json.dumps(said[1]), flush=True)
    open({mark!r}, "w").close()
"""


@pytest.fixture
def voice(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    (tmp_path / "run").mkdir()
    config = tmp_path / "config.toml"
    config.write_text('[page]\nport = 0\n[video]\ndevice = "off"\n', "utf-8")
    command = [sys.executable, "-m", "monitord", "notify", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    for line in process.stderr:
        if b"the page is at" in line:
            break
    with Channel(tmp_path / "run" / "events.sock", Role.EAR) as channel:
        yield channel
    process.terminate()
    process.communicate()


@pytest.fixture
def speaker(tmp_path, monkeypatch):
    """Puts a stand-in in the place of the process that plays; returns the file that it leaves once it has."""
    monkeypatch.setattr(selftest, "confine", lambda _: None)  # Not this process, which runs other tests yet.
    monkeypatch.setattr(selftest, "HEARD_S", 1.0)
    monkeypatch.setattr(selftest, "CRY_S", 1.0)
    real = subprocess.Popen

    def stand_in(*said):
        mark = tmp_path / "played"
        program = SPEAKS.format(said=said, mark=str(mark))
        monkeypatch.setattr(player.subprocess, "Popen", lambda _, **how: real([sys.executable, "-c", program], **how))
        return mark

    return stand_in


OPEN, PLAYED = {"open": "stand-in"}, {"played_s": 6.0}
CONFIG = Config.model_validate({"video": {"device": "off"}, "selftest": {"speaker": "stand-in"}})


def links(capsys):
    told = json.loads(capsys.readouterr().out)
    return told["broken"], {each["name"]: each for each in told["links"]}


def test_what_is_heard_while_it_is_played_is_the_test(voice, speaker, capsys, monkeypatch):
    mark = speaker(OPEN, PLAYED)
    voice.send(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 62))
    play = Player.play

    def heard(self):
        play(self)
        voice.send(Message(Kind.SOUND, Sound.CRY, 91, 35))

    monkeypatch.setattr(Player, "play", heard)
    assert selftest.selftest(CONFIG, How(as_json=True, wait_s=1)) == 1
    broken, found = links(capsys)
    assert broken == "channels", "no page is open"
    assert [found[name]["good"] for name in ("speaker", "microphone", "ear", "detector", "voice", "device")] == [
        True, True, True, True, True, False,
    ]  # fmt: skip
    assert mark.exists()


def test_what_nobody_hears_is_a_microphone_that_did_not(voice, speaker, capsys):
    speaker(OPEN, PLAYED)
    voice.send(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 62))
    assert selftest.selftest(CONFIG, How(as_json=True, nightly=True)) == 1
    broken, found = links(capsys)
    assert broken == "microphone"
    assert "did not hear the speaker: the level stayed at -62 dBFS" in found["microphone"]["says"]
    assert main(["status"]) == 0
    assert "The self-test failed: the microphone did not hear the speaker." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (({"error": "speaker 'x': busy"}, PLAYED), "speaker 'x': busy"),
        ((OPEN, {"error": "speaker 'x': unplugged"}), "speaker 'x': unplugged"),
        (("no object", PLAYED), "the speaker does not open"),
    ],
)
def test_a_speaker_that_cannot_be_used_is_named(voice, speaker, capsys, said, says):
    speaker(*said)
    voice.send(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 62))
    assert selftest.selftest(CONFIG, How(as_json=True, wait_s=0)) == 1
    broken, found = links(capsys)
    assert (broken, found["speaker"]["says"]) == ("speaker", says)


@pytest.mark.parametrize("claps", [True, False])
def test_without_a_speaker_a_person_claps_and_cries(voice, capsys, monkeypatch, claps):
    voice.send(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 62))
    say, asked = selftest._Run._say, []

    def does(self, sentence, **how):
        say(self, sentence, **how)
        asked.append(sentence)
        if "Clap" in sentence and claps:
            voice.send(Message(Kind.HEARTBEAT, Gate.ARMED, 0, 40))
        if "Now cry" in sentence and claps:
            voice.send(Message(Kind.SOUND, Sound.CRY, 91, 35))

    monkeypatch.setattr(selftest._Run, "_say", does)
    monkeypatch.setattr(selftest, "CLAP_S", 2.0)
    monkeypatch.setattr(selftest, "BY_HAND_S", 2)
    monkeypatch.setattr(selftest, "HEARD_S", 1.0)
    config = Config.model_validate({"video": {"device": "off"}})
    assert selftest.selftest(config, How(as_json=True, wait_s=0)) == 1
    broken, found = links(capsys)
    assert found["speaker"]["good"] is None
    if claps:
        assert (broken, found["microphone"]["good"], found["detector"]["good"]) == ("channels", True, True)
        assert asked[-1] == "It was heard. Stop now: what goes on is an alarm."
    else:
        assert broken == "microphone"
        assert "did not hear you" in found["microphone"]["says"]


def test_while_a_child_cries_nothing_is_played(voice, speaker, capsys):
    mark = speaker(OPEN, PLAYED)
    voice.send(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 62))
    voice.send(Message(Kind.SOUND, Sound.CRY, 91, 35))
    assert selftest.selftest(CONFIG, How(wait_s=0)) == 1
    assert "No test: a cry goes on" in capsys.readouterr().out
    assert not mark.exists()


def test_without_an_ear_nothing_is_played(voice, speaker, capsys):
    mark = speaker(OPEN, PLAYED)
    assert selftest.selftest(CONFIG, How(wait_s=0)) == 1
    assert "the ear is silent" in capsys.readouterr().out
    assert not mark.exists()


def test_without_a_voice_it_is_one_broken_link(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    config = Config.model_validate({"page": {"port": 9}, "selftest": {"speaker": "stand-in"}})
    assert selftest.selftest(config, How()) == 1
    assert "is it running?" in capsys.readouterr().out


def test_at_night_nobody_claps(capsys):
    assert selftest.selftest(Config(selftest=SelftestConfig()), How(nightly=True)) == 2
    assert capsys.readouterr().err == "selftest.speaker: names no speaker, and at night nobody claps\n"


def test_who_waits_for_the_word_and_gets_none_plays_nothing(speaker):
    mark = speaker(OPEN, PLAYED)
    with Player("stand-in", -20.0) as open_speaker:
        assert open_speaker.open() == "stand-in"
    assert not mark.exists()
    with Player("stand-in", -20.0) as open_speaker:
        open_speaker.open()
        open_speaker.play()
        open_speaker.played()
    assert mark.exists(), "the control"


def test_a_player_that_dies_is_one_sentence(monkeypatch):
    real = subprocess.Popen
    monkeypatch.setattr(player.subprocess, "Popen", lambda _, **how: real([sys.executable, "-c", ""], **how))
    with Player("stand-in", -20.0) as open_speaker, pytest.raises(PlayerError, match="does not open"):
        open_speaker.open()


@pytest.mark.parametrize("wait", ["-1", "601", "soon", "1.5"])
def test_a_patience_that_is_none_is_wrong_usage(wait, capsys):
    with pytest.raises(SystemExit):
        main(["selftest", "--wait", wait])
    assert "is no whole number of seconds from 0 to 600" in capsys.readouterr().err
