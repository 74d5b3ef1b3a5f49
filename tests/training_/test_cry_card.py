from __future__ import annotations

import numpy as np
import pytest

from monitord.audio.features import FrontEnd, LogMel
from monitord.config import Profile, Sensitivity
from monitord.model import load
from monitord.paths import models_dir

CARD = models_dir() / "cry.toml"


@pytest.fixture(scope="module")
def model():
    return load(CARD)


def test_the_card_fits_the_model_and_the_front_end(model):
    assert model.card.labels == ("cry",)
    assert FrontEnd(**model.card.extra["front_end"]) == FrontEnd()
    assert model.card.input_shape == (80, FrontEnd().bins)
    assert len(model.card.path.with_suffix(".tflite").read_bytes()) <= 60_000


def test_the_card_has_a_threshold_for_every_profile_and_sensitivity(model):
    points = {(point["profile"], point["sensitivity"]): point for point in model.card.extra["operating"]}
    assert set(points) == {(profile.value, sensitivity.value) for profile in Profile for sensitivity in Sensitivity}
    for profile in Profile:
        low, balanced, high = (points[profile.value, name]["threshold"] for name in ("low", "balanced", "high"))
        assert 1.0 > low >= balanced >= high > 0.0
    assert all(0.0 <= point["recall"] <= 1.0 and point["false_alarms_per_hour"] >= 0.0 for point in points.values())


def test_the_card_names_its_sources_and_their_licences(model):
    assert len(model.card.extra["source"]) > 1
    assert all(source["name"] and source["licence"] for source in model.card.extra["source"])


def test_silence_is_far_below_every_threshold(model):
    silence = LogMel(FrontEnd()).frames(np.zeros(512 + 79 * 400, np.int16))
    posterior = 1.0 / (1.0 + np.exp(-model.logits(silence)[0]))
    assert posterior < 0.5 * min(point["threshold"] for point in model.card.extra["operating"])
