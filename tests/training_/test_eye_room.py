"""The fit of the calibration: what it does to the card, and that it is the daemon's own arithmetic."""

from __future__ import annotations

import shutil
import tomllib

import numpy as np
import pytest

pytest.importorskip("scipy", reason="training's own environment has it")

from monitord import paths
from monitord.events import Calibration
from monitord.video.empty_room import Comparison, Worth, adjusted
from training import eye_room
from training.eye_room import Looks, fitted, projection, with_calibration, write

SECTION = {"presence": 0.7, "distance": 12.0, "bias": -3.0, "most": eye_room.MOST, "moved": 0.3, "cells": 24}


def looks(rng, own, distance, count=200):
    return Looks(
        rng.normal(own, 1.0, count),
        np.clip(rng.normal(distance, 0.03, count), 0, 1),
        np.zeros(count),
        np.ones(count, bool),
    )


def test_a_distance_that_tells_is_weighed_and_one_that_does_not_is_not():
    rng = np.random.default_rng(1)
    telling = fitted(looks(rng, -1.0, 0.1), looks(rng, 0.0, 0.4))
    assert telling[1] > 10
    empty, people = looks(rng, -2.0, 0.2), looks(rng, 2.0, 0.2)
    idle = fitted(empty, people)
    assert idle[1] < telling[1] / 2
    found = (with_calibration(people, idle) > 0).mean(), (with_calibration(empty, idle) < 0).mean()
    assert min(found) > 0.9


def test_it_is_what_the_daemon_computes():
    rng = np.random.default_rng(2)
    some = looks(rng, 0.0, 0.3, 20)
    worth = Worth(0.7, 12.0, -3.0, eye_room.MOST, 0.3, 24)
    ours = with_calibration(some, (0.7, 12.0, -3.0))
    for own, distance, logit in zip(some.own, some.distance, ours, strict=True):
        daemon = adjusted(1 / (1 + np.exp(-own)), Comparison(Calibration.HOLDS, float(distance)), worth)
        assert daemon == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


def test_the_projection_answers_to_people_and_not_to_light():
    rng = np.random.default_rng(3)
    people, light = rng.normal(0, 0.1, (500, 16)), rng.normal(0, 0.1, (500, 16))
    people[:, 3] += rng.normal(0, 2.0, 500)
    light[:, 7] += rng.normal(0, 2.0, 500)
    kernel, bias = projection(people, light, np.ones(16), channels=2)
    assert kernel.shape == (2, 16)
    assert np.allclose(kernel @ np.ones(16) + bias, 0, atol=1e-5)
    assert abs(kernel[0, 3]) > 0.9
    assert abs(kernel[0, 7]) < 0.1


def test_the_card_keeps_everything_else_however_often_it_is_written(tmp_path):
    card = tmp_path / "person.toml"
    shutil.copy(paths.models_dir() / "person.toml", card)
    before = tomllib.loads(card.read_text())
    before.pop("calibration", None)
    for moved in (0.3, 0.4):
        write(card, "calibration", SECTION | {"moved": moved})
        after = tomllib.loads(card.read_text())
        assert after.pop("calibration") == SECTION | {"moved": moved}
        assert after == before
    assert card.read_text().count("# [calibration]") == 1
