"""`monitord enroll`: five good utterances, numbers kept, no sound anywhere, and the ear hears the voice better."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from made_models import write_ear, write_word

from monitord import cli, paths
from monitord.audio import embedding
from monitord.audio.embedding import SpeechEmbedding
from monitord.audio.models import EarModels
from monitord.audio.utterance import template
from monitord.config import AudioConfig
from monitord.tools import enroll, enroll_ear

RATE = 16000


def word(hz=600.0, dbfs=-25.0, length_s=0.6, before_s=0.8, seed=1):
    """A room with one "word" in it: two tones that glide."""
    time = np.arange(round(length_s * RATE)) / RATE
    room = np.random.default_rng(seed).standard_normal(round((before_s + length_s + 0.9) * RATE)) * 30
    wave = np.sin(2 * np.pi * hz * time * (1 + time)) + 0.5 * np.sin(2 * np.pi * 2.5 * hz * time)
    begin = round(before_s * RATE)
    room[begin : begin + len(wave)] += wave * 32768 * 10 ** (dbfs / 20)
    return room.clip(-32768, 32767).astype(np.int16)


@pytest.fixture
def house(models_folder, tmp_path, monkeypatch):
    """Models of which `help` knows enrolment, a state folder, and a place for recordings."""
    write_ear(models_folder, {"cry": 0.05, "voice": 0.0})
    write_word(models_folder / "help.toml", bias=-2.0, enrolment={"gain": 10.0, "offset": 0.4, "most": 4.0})
    monkeypatch.setattr(paths, "models_dir", lambda: models_folder)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path


def recordings(folder, *sounds):
    files = [folder / f"{number}.wav" for number in range(len(sounds))]
    for file, sound in zip(files, sounds, strict=True):
        soundfile.write(file, sound, RATE)
    return [str(file) for file in files]


def five(folder):
    return recordings(folder, *(word(seed=seed) for seed in range(5)))


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_five_recordings_are_kept_as_numbers(house, capsys):
    assert cli.run(["enroll", "help", "--from", *five(house)]) == 0
    said = capsys.readouterr().out
    assert "help: 5 utterances are kept" in said
    assert 'add "help" to audio.words' in said
    assert files_under(house / "state") == ["enrolled/help.npz"]
    kept = house / "state" / "enrolled"
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE((kept / "help.npz").stat().st_mode)) == (0o700, 0o600)


def test_it_is_listed_and_forgotten(house, capsys):
    cli.run(["enroll", "help", "--from", *five(house)])
    capsys.readouterr()
    assert cli.run(["enroll", "--list"]) == 0
    assert capsys.readouterr().out == "help\n"
    assert cli.run(["enroll", "help", "--forget"]) == 0
    assert "are deleted" in capsys.readouterr().out
    assert files_under(house / "state") == []
    assert cli.run(["enroll", "help", "--forget"]) == 0
    assert "nobody has enrolled it" in capsys.readouterr().out
    assert cli.run(["enroll", "--list"]) == 0
    assert "nobody has enrolled" in capsys.readouterr().out


def highest(audio, sound):
    detector = EarModels.load(audio).detector()
    made = detector.feed(np.concatenate([sound, np.zeros(3 * RATE, np.int16)]))
    return max(decision.posteriors["help"] for decision in made)


def test_the_ear_hears_an_enrolled_voice_better_and_another_sound_no_better(house):
    audio = AudioConfig(words=("help",), alarms=False)
    same, other = word(seed=9, before_s=1.3), word(hz=1800, length_s=0.2, seed=8)
    before = highest(audio, same), highest(audio, other)
    assert cli.run(["enroll", "help", "--from", *five(house)]) == 0
    assert EarModels.load(audio).lines()[-1][1].endswith("; 5 enrolled utterances")
    after = highest(audio, same), highest(audio, other)
    assert after[0] > before[0] + 0.1
    assert after[1] < before[1] + 0.05
    cli.run(["enroll", "help", "--forget"])
    assert (highest(audio, same), highest(audio, other)) == before


def test_a_damaged_file_costs_the_enrolment_and_not_the_ear(house):
    cli.run(["enroll", "help", "--from", *five(house)])
    (house / "state" / "enrolled" / "help.npz").write_bytes(b"text")
    models = EarModels.load(AudioConfig(words=("help",), alarms=False))
    line = models.lines()[-1][1]
    assert "enrolled utterances are not used: " in line
    assert "is damaged" in line
    assert models.detector().labels == ("cry", "help")


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (word(dbfs=-52), "2.wav: too quiet against the room"),
        (word(length_s=2.0), "2.wav: too long"),
        (word(dbfs=6), "2.wav: too loud for the microphone"),
        (np.zeros(RATE, np.int16), "2.wav: nothing was heard"),
    ],
)
def test_a_recording_that_cannot_be_used_is_one_sentence_and_nothing_is_kept(house, capsys, sound, says):
    files = recordings(house, word(), word(seed=2), sound, word(seed=3), word(seed=4))
    assert cli.run(["enroll", "help", "--from", *files]) == 1
    assert says in capsys.readouterr().err
    assert not (house / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["help", "--from", "a.wav"], 2, "5 recordings are needed"),
        (["help", "--from", *["none.wav"] * 5], 1, "none.wav: no such file"),
        (["tee", "--from", *["none.wav"] * 5], 1, "there is no model of the word 'tee'"),
        (["kaffee", "--from", *["none.wav"] * 5], 1, "this word's model knows no enrolment"),
        (["cry", "--from", *["none.wav"] * 5], 1, "is no model of a word"),
        (["help", "--device", "file:none.wav"], 1, "none.wav: no such file"),
        ([], 2, "enroll which WORD"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(house, capfd, arguments, code, says):
    assert cli.run(["enroll", *arguments]) == code
    said = capfd.readouterr().err
    assert says in said
    assert "Traceback" not in said
    assert not (house / "state").exists()


class Microphone:
    """Gives `sound` in blocks, then quiet; as fast as it is asked."""

    def __init__(self, sound):
        self.blocks = [sound[at : at + 1600] for at in range(0, len(sound), 1600)]
        self.closed = False

    def read(self, _):
        if not self.blocks:
            return np.random.default_rng(0).integers(-60, 60, 1600).astype(np.int16)
        return self.blocks.pop(0)

    def close(self):
        self.closed = True
        return True


@pytest.fixture
def microphone(house, monkeypatch):
    def give(*sounds):
        room = (np.random.default_rng(3).standard_normal(2 * RATE) * 30).astype(np.int16)
        made = Microphone(np.concatenate([room, *sounds]))
        network = SpeechEmbedding.load(paths.models_dir() / embedding.CARD)

        def hear(label, _, *, unconfined):
            assert not unconfined
            return [template(network, each) for each in enroll_ear.listen(label, lambda: made)]

        # In place of a process of its own, which could not be given this microphone.
        monkeypatch.setattr(enroll, "_at_the_microphone", hear)
        return made

    return give


def test_at_the_microphone_each_utterance_is_asked_for_until_it_is_good(microphone, house, capsys):
    made = microphone(
        word(), word(dbfs=-52), word(seed=2), word(length_s=2.0), *(word(seed=seed) for seed in (3, 4, 5))
    )
    assert cli.run(["enroll", "help"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert made.closed
    assert said[0].startswith("Be quiet")
    assert said[1] == "The room is at -61 dBFS."
    asked = [line[:6] for line in said if "now, as you would call it" in line]
    assert asked == ["1 of 5", "2 of 5", "2 of 5", "3 of 5", "3 of 5", "4 of 5", "5 of 5"]
    assert sum("too quiet against the room" in line for line in said) == 1
    assert sum("too long" in line for line in said) == 1
    assert sum(line.startswith("   heard: 0.6 s at -2") for line in said) == 5
    assert files_under(house / "state") == ["enrolled/help.npz"]


def test_who_is_never_heard_is_told_so_and_nothing_is_kept(microphone, house, capsys):
    made = microphone(word())
    assert cli.run(["enroll", "help"]) == 1
    assert "utterance 2: 4 attempts and none that can be used; nothing was kept" in capsys.readouterr().err
    assert made.closed
    assert not (house / "state").exists()


def holds_sound(folder, sound):
    """Files under `folder` that hold a stretch of the middle of `sound`, in any of the formats it has in memory."""
    middle = sound[len(sound) // 2 :][:64]
    wanted = [middle.tobytes(), middle.astype(np.float32).tobytes(), (middle / np.float32(32768)).tobytes()]
    wanted += [middle.astype(np.float64).tobytes(), middle.astype(">i2").tobytes()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(each in path.read_bytes() for each in wanted)]


def test_no_sound_is_kept_anywhere(house, models_folder):
    """The command in a process of its own, whose every folder to write in is under one that is searched."""
    outside = house / "recordings"
    outside.mkdir()
    files, home = five(outside), house / "home"
    home.mkdir()
    program = (
        "import sys, pathlib; from monitord import cli, paths; folder = pathlib.Path(sys.argv[1]);"
        "paths.models_dir = lambda: folder; sys.exit(cli.run(['enroll', 'help', '--from', *sys.argv[2:]]))"
    )
    environment = {**os.environ, "STATE_DIRECTORY": str(home / "state")}
    environment |= {name: str(home) for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, "-c", program, str(models_folder), *files]
    subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True)
    assert files_under(home) == ["state/enrolled/help.npz"]
    assert holds_sound(home, word(seed=0)) == []
    # The control: the same search finds the sound where there is some.
    assert holds_sound(outside, word(seed=0)) == ["0.wav"]
    np.savez(home / "leak.npz", sound=word(seed=0).astype(np.float32))
    assert holds_sound(home, word(seed=0)) == ["leak.npz"]


TAKE_AWAY = "import monitord.confine; monitord.confine._filter_system_calls = lambda *_, **__: None\n"


@pytest.mark.parametrize("unconfined", [False, True])
def test_where_the_ear_cannot_be_confined_the_microphone_stays_closed(house, monkeypatch, capfd, unconfined):
    arguments = ["enroll", "help", "--device", "file:none.wav", *(["--unconfined"] if unconfined else [])]
    # The control: confined, it gets as far as opening the microphone.
    assert cli.run(arguments) == 1
    assert "none.wav: no such file" in capfd.readouterr().err
    (house / "site").mkdir()
    (house / "site" / "sitecustomize.py").write_text(TAKE_AWAY)
    monkeypatch.setenv("PYTHONPATH", str(house / "site"))
    assert cli.run(arguments) == (1 if unconfined else 3)
    said = capfd.readouterr().err
    if unconfined:
        assert "none.wav: no such file" in said
    else:
        assert "the microphone stays closed, because seccomp does not hold here" in said
    assert not (house / "state").exists()
