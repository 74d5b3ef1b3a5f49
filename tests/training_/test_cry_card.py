from __future__ import annotations

import numpy as np
import pytest

from monitord.audio.features import FrontEnd, LogMel
from monitord.audio.models import EarModels
from monitord.config import AudioConfig, Profile, Sensitivity
from monitord.model import load
from monitord.paths import models_dir
from training.front import VERIFIER_FRAMES, VERIFIER_FRONT


@pytest.fixture(scope="module")
def stage_one():
    return load(models_dir() / "ear.toml")


@pytest.fixture(scope="module")
def verifier():
    return load(models_dir() / "cry.toml")


def test_stage_one_is_small_and_its_card_fits(stage_one):
    assert stage_one.card.labels == ("cry", "voice")
    assert FrontEnd(**stage_one.card.extra["front_end"]) == FrontEnd()
    assert stage_one.card.input_shape == (80, FrontEnd().bins)
    assert len(stage_one.card.path.with_suffix(".tflite").read_bytes()) <= 60_000


def test_the_verifier_is_below_a_megabyte_and_its_card_fits(verifier):
    assert verifier.card.labels == ("cry",)
    assert verifier.card.extra["candidate"] == "cry"
    assert FrontEnd(**verifier.card.extra["front_end"]) == VERIFIER_FRONT
    assert verifier.card.input_shape == (VERIFIER_FRAMES, VERIFIER_FRONT.bins)
    assert len(verifier.card.path.with_suffix(".tflite").read_bytes()) <= 1_000_000


def test_the_card_has_a_threshold_for_every_profile_and_sensitivity(verifier):
    points = {(point["profile"], point["sensitivity"]): point for point in verifier.card.extra["operating"]}
    assert set(points) == {(profile.value, sensitivity.value) for profile in Profile for sensitivity in Sensitivity}
    for profile in Profile:
        low, balanced, high = (points[profile.value, name]["threshold"] for name in ("low", "balanced", "high"))
        assert 1.0 > low >= balanced >= high > 0.0
        at_once = [points[profile.value, name]["at_once"] for name in ("low", "balanced", "high")]
        assert 1.0 > at_once[0] >= at_once[1] >= at_once[2]
        assert all(one > other for one, other in zip(at_once, (low, balanced, high), strict=True))
    assert all(0.0 <= point["recall"] <= 1.0 and point["false_alarms_per_hour"] >= 0.0 for point in points.values())


@pytest.mark.parametrize("name", ["ear", "cry"])
def test_the_cards_name_their_sources_and_licences(name):
    sources = load(models_dir() / f"{name}.toml").card.extra["source"]
    assert len(sources) > 1
    assert all(source["name"] and source["licence"] for source in sources)


def test_the_verifier_credits_the_network_that_it_began_as(verifier):
    assert any(
        "YAMNet" in source["name"] and source["licence"] == "Apache-2.0" for source in verifier.card.extra["source"]
    )


def test_silence_is_far_below_every_threshold_for_both_stages_together(stage_one, verifier):
    def silence(front: FrontEnd, frames: int) -> np.ndarray:
        return LogMel(front).frames(np.zeros((frames - 1) * front.hop + front.window, np.int16))

    first = stage_one.logits(silence(FrontEnd(), 80))[0]
    second = verifier.logits(silence(VERIFIER_FRONT, VERIFIER_FRAMES))[0]
    models = EarModels.load(AudioConfig(sensitivity=Sensitivity.HIGH))
    posterior = models.detector()._verifiers[0][0].card.combine.posterior(first, second)
    assert posterior < 0.5 * min(point["threshold"] for point in verifier.card.extra["operating"])
