from __future__ import annotations

import pytest

pytest.importorskip("scipy", reason="the training environment is not installed")

import made_alarms
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitord.audio.cadence import CARBON_MONOXIDE, SMOKE, Alarms
from monitord.audio.detector import Detector
from monitord.audio.features import FrontEnd
from monitord.config import Sensitivity
from monitord.model import Card
from training.alarm_sounds import KINDS, drawn
from training.alarms import START_S, at_most, listen
from training.rooms import response


class Deaf:
    """A stage one that hears nothing."""

    def __init__(self, card):
        self.card = card

    def logits(self, _):
        return np.full(1, -9.0, np.float32)


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    rows = [{"profile": name, "sensitivity": "balanced", "threshold": 0.5} for name in ("eco", "balanced")]
    extra = {"front_end": {}, "smoothing": {"window_s": 1.0, "release": 0.6}, "operating": rows}
    return Card(tmp_path_factory.getbasetemp() / "deaf.toml", "deaf", "0" * 64, ("cry",), (80, 40), extra)


@pytest.mark.parametrize("cadence", [SMOKE, CARBON_MONOXIDE])
@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_what_is_measured_is_what_the_daemon_hears(card, cadence, hop_s):
    samples = made_alarms.in_noise(made_alarms.signal(cadence), -50.0)
    detector = Detector(Deaf(card), hop_s, Sensitivity.BALANCED, [], [Alarms(FrontEnd())])
    daemon = [
        (made.t_s, *(made.posteriors[label] for label in made.posteriors if label != "cry"))
        for made in detector.feed(samples)
    ]
    assert [(t_s, *posteriors) for t_s, posteriors in listen(samples, hop_s)] == daemon
    assert max(max(each[1:]) for each in daemon) > 0.5


@settings(max_examples=20)
@given(st.floats(0.15, 1.2), st.floats(-6.0, 12.0), st.integers(0, 1000))
def test_a_room_has_the_figures_it_was_asked_for(rt60_s, direct_db, seed):
    tail = response(np.random.default_rng(seed), rt60_s, direct_db).astype(np.float64)
    after = np.sum(tail**2) - tail[0] ** 2
    assert -10 * np.log10(after) == pytest.approx(direct_db, abs=1.0)
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1])
    start, stop = (round(share * len(tail)) for share in (0.3, 0.7))
    assert left[start] - left[stop] == pytest.approx(60 * 0.4, abs=5.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_made_up_alarm_sounds_for_as_long_as_its_standard_says(kind):
    rng = np.random.default_rng(3)
    beeps = drawn(rng, kind)
    sound = beeps.sound(rng, START_S + 2 * beeps.cycle_s, START_S)
    share = np.mean(np.convolve(np.abs(sound), np.ones(64) / 64, mode="same") > 0.3) * len(sound) / 16000
    cadence = KINDS[kind][0]
    assert share == pytest.approx(2 * cadence.tones * cadence.on_s * beeps.scale, rel=0.08)


def test_no_alarm_in_an_hour_bounds_the_rate_at_three_an_hour():
    assert at_most(0, 1.0) == pytest.approx(3.0, abs=0.01)
