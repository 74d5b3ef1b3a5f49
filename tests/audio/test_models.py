"""The one place that loads the ear's models: which it needs, how they fit together, what is said where they do not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_models import write_cry, write_ear, write_word
from made_sounds import noise, together, tone
from test_embedding import needs_the_package

from monitord.audio.detector import SoundBegan, SoundEnded
from monitord.audio.models import EarModels
from monitord.config import AudioConfig
from monitord.model import ModelError

pytestmark = needs_the_package


def audio(*words, profile="eco"):
    return AudioConfig(words=words, profile=profile, alarms=False)


@pytest.fixture
def chain(models_folder):
    """Both stages with two words, one of which is a file of the owner's."""
    return EarModels.load(audio("help", str(models_folder / "kaffee.toml")), models_folder)


def scene():
    """A room, a tone near 500 Hz, one near 1 kHz, the room: 9 s."""
    room = noise(9, -62)
    room[16000:40000] = together(room[16000:40000], tone(1.5, -25, 500.0))
    room[48000:80000] = together(room[48000:80000], tone(2, -20))
    return room


def test_both_stages_hear_a_cry(chain):
    made = chain.detector().feed(scene())
    events = [event for decision in made for event in decision.events if event.label == "cry"]
    assert events == [SoundBegan("cry"), SoundEnded("cry")]
    assert list(made[0].posteriors) == ["cry", "help", "kaffee"]
    looked = {label for decision in made for label, stages in decision.stages.items() if stages.looked}
    assert looked == {"cry", "help", "kaffee"}
    assert not all(stages.looked for decision in made for stages in decision.stages.values())


@pytest.mark.parametrize("profile", ["eco", "balanced"])
def test_blocks_do_not_matter_to_any_stage(models_folder, profile):
    models, sound = EarModels.load(audio("help", "kaffee", profile=profile), models_folder), scene()
    whole = models.detector().feed(sound)

    @settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.integers(1, 60000), max_size=12))
    def any_blocks(sizes):
        detector = models.detector()
        pieces = np.split(sound, [at for at in np.cumsum(sizes) if at < len(sound)])
        assert [decision for piece in pieces for decision in detector.feed(piece)] == whole

    any_blocks()


def smoke(cycles):
    """A smoke alarm's cadence: three beeps of half a second, then a pause."""
    beep, gap, pause = tone(0.5, -30, 3100.0), noise(0.5, -62), noise(1.5, -62, 4)
    return np.concatenate([noise(2, -62)] + [beep, gap, beep, gap, beep, pause] * cycles)


def test_alarms_are_heard_by_the_same_detector(models_folder):
    both = AudioConfig(words=("help",))
    made = EarModels.load(both, models_folder).detector().feed(smoke(3))
    assert list(made[0].posteriors) == ["cry", "help", "smoke_alarm", "co_alarm"]
    began = [event.label for decision in made for event in decision.events if isinstance(event, SoundBegan)]
    assert "smoke_alarm" in began
    assert "co_alarm" not in began
    assert EarModels.load(both, models_folder).lines()[-1][0] == "alarms"


def test_alarms_are_heard_without_a_stage_two_and_not_where_they_are_not_wanted(cry_alone):
    made = EarModels.load(AudioConfig(), cry_alone).detector().feed(smoke(3))
    assert made[-1].posteriors["smoke_alarm"] > 0.9
    assert EarModels.load(audio(), cry_alone).detector().labels == ("cry",)


def test_a_stage_one_of_another_front_end_hears_no_alarms(models_folder):
    card = models_folder / "ear.toml"
    card.write_text(card.read_text("utf-8").replace("low_hz = 100.0", "low_hz = 120.0"), "utf-8")
    with pytest.raises(ModelError, match=r"ear\.toml: the cadence of alarms .* or set audio\.alarms = false"):
        EarModels.load(AudioConfig(), models_folder)
    assert EarModels.load(audio(), models_folder).detector().labels == ("cry",)


def test_without_words_no_backbone_is_needed(models_folder):
    (models_folder / "speech_embedding.toml").unlink()
    assert EarModels.load(audio(), models_folder).detector().labels == ("cry",)
    with pytest.raises(ModelError, match=r"speech_embedding\.toml: the model card cannot be read"):
        EarModels.load(audio("help"), models_folder)


def test_without_a_stage_one_the_cry_model_decides_alone(cry_alone):
    models = EarModels.load(audio(), cry_alone)
    assert models.detector().labels == ("cry",)
    assert not models.verifiers


def refusal(folder, words=("help",)):
    with pytest.raises(ModelError) as refused:
        EarModels.load(audio(*words), folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_unknown_word_is_one_sentence(models_folder):
    assert refusal(models_folder, ("helpp",)) == (
        f"{models_folder}/helpp.toml: there is no model of the word 'helpp'; audio.words names it"
    )
    assert "there is no model of the word '/nowhere/my.toml'" in refusal(models_folder, ("/nowhere/my.toml",))


def test_a_broken_word_is_one_sentence(models_folder):
    with (models_folder / "help.tflite").open("ab") as changed:
        changed.write(b"!")
    assert "help.tflite: the model is not the one its card describes" in refusal(models_folder)
    write_word(models_folder / "help.toml", candidate="shout")
    assert "[candidate] has no label 'shout'" in refusal(models_folder)
    (models_folder / "help.tflite").unlink()
    assert "help.tflite: the model cannot be read" in refusal(models_folder)


def test_a_word_twice_is_one_sentence(models_folder):
    words = ("help", str(models_folder / "help.toml"))
    assert "ear.toml: two models hear the same: 'help'" in refusal(models_folder, words)


@pytest.mark.parametrize("name", ["cry", "smoke_alarm", "co_alarm", "word"])
def test_a_word_may_not_be_called_what_is_no_word(models_folder, name):
    folder = models_folder / "mine"
    folder.mkdir()
    write_word(folder / f"{name}.toml")
    assert f"a word may not be called {name!r}" in refusal(models_folder, (str(folder / f"{name}.toml"),))


def test_a_model_that_is_no_words_is_one_sentence(models_folder):
    assert "cry.toml: is no model of a word" in refusal(models_folder, ("cry",))


def test_words_without_a_stage_one_are_one_sentence(cry_alone):
    assert refusal(cry_alone) == f"{cry_alone}: words need a model of stage one, and there is no ear.toml"


def test_each_model_is_described_with_what_its_card_promises(models_folder):
    write_word(models_folder / "help.toml", measured={"stands_for": "four other words"})
    promise = "balanced: 0.5 false alarms per hour of hard test sounds, finds 9 of 10"
    assert EarModels.load(audio("help"), models_folder).lines() == [
        ("ear", "stage one: cry, voice"),
        ("cry", f"stage two: cry; {promise} cries"),
        ("help", f"stage two: help; {promise} calls; measured on four other words"),
    ]


def test_a_share_that_is_no_tenth_is_told_in_hundredths(cry_alone):
    card = cry_alone / "cry.toml"
    card.write_text(card.read_text("utf-8").replace("recall = 0.9\n", "recall = 0.756\n"), "utf-8")
    promise = "balanced: 0.5 false alarms per hour of hard test sounds, finds 76 of 100 cries"
    assert EarModels.load(audio(), cry_alone).lines() == [("cry", f"one stage: cry; {promise}")]
    card.write_text(card.read_text("utf-8").replace("recall = 0.756\n", ""), "utf-8")
    assert EarModels.load(audio(), cry_alone).lines() == [("cry", "one stage: cry")]


def test_a_stage_one_that_finds_no_candidates_is_one_sentence(models_folder):
    card = models_folder / "ear.toml"
    card.write_text(re.sub(r"\[candidate\]\n.*\n.*\n", "", card.read_text("utf-8")), "utf-8")
    assert "ear.toml: " in refusal(models_folder)


def test_a_cry_verifier_may_have_any_front_end_that_fits(models_folder):
    write_ear(models_folder, {"cry": 0.0, "voice": 1.0})
    write_cry(models_folder, high=10)
    made = EarModels.load(audio(profile="balanced"), models_folder).detector().feed(scene())
    # Its bin 10 is near 500 Hz, and every open hop is a candidate.
    assert all(decision.stages["cry"].looked == decision.open for decision in made if decision.stages)
    best = max(made, key=lambda decision: decision.stages["cry"].stage_two if decision.stages else -99.0)
    assert 1.0 < best.t_s < 5.0
