"""Looks, rates and rooms of the word recipe; needs scipy, which only the training environment has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitord.audio.smoothing import Smoothing

pytest.importorskip("scipy", reason="rates and rooms need scipy (training/requirements.txt)")

from training.words import measure, rooms


@given(st.lists(st.floats(-12.0, 12.0), min_size=1, max_size=40), st.integers(1, 4))
def test_smoothing_is_the_daemons(logits, hops):
    theirs = Smoothing(hops)
    means = [theirs.update(float(1 / (1 + np.exp(-value)))) for value in np.float32(logits).astype(np.float64)]
    ours = 1 / (1 + np.exp(-measure.smoothed(np.float32(logits), hops)))
    assert ours == pytest.approx(means, abs=1e-6)


def test_a_look_sees_the_newest_whole_embedding():
    logits = np.arange(30, dtype=np.float32)
    assert measure.per_hop(logits, 0.5)[:3].tolist() == [5.0, 11.0, 17.0]  # 8000 // 1280 - 1 ...
    assert measure.per_hop(logits, 0.5, phase=8000 - 1280)[0] == 0.0


@given(st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=200), st.floats(0.1, 5.0), st.floats(0.1, 10.0))
def test_no_more_alarms_than_the_threshold_was_asked_for(negatives, hours, per_hour):
    at = measure.threshold(negatives, hours, per_hour)
    assert np.sum(np.array(negatives) >= at) <= int(per_hour * hours)


def test_rates_have_exact_intervals():
    nothing = measure.rate(0, 2.0)
    assert nothing.value == 0.0
    assert nothing.high == pytest.approx(3.689 / 2.0, rel=1e-3)
    half = measure.share(5, 10)
    assert (half.low, half.high) == pytest.approx((0.187, 0.813), abs=1e-3)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=15, deadline=None)
def test_a_placed_utterance_ends_where_it_was_asked_to(seed, repeat):
    rng = np.random.default_rng(seed)
    utterance = rng.uniform(-1.0, 1.0, 6_000).astype(np.float32)
    scene = rooms.placed(rng, utterance, 42_240, 30_000, [], repeat=repeat)
    assert scene.end == 30_000
    assert scene.samples.shape == (42_240,)
    assert scene.samples.dtype == np.int16
    assert np.abs(scene.samples[24_000:30_000]).max() > 0


def test_a_whisper_has_no_voice():
    when = np.arange(16_000) / 16_000
    voiced = np.sign(np.sin(2 * np.pi * 150 * when)).astype(np.float32) * 0.5
    spectrum = np.abs(np.fft.rfft(rooms.whispered(np.random.default_rng(0), voiced)))
    before = np.abs(np.fft.rfft(voiced))
    assert before[150] > 20 * np.median(before[100:200])
    assert spectrum[150] < 8 * np.median(spectrum[100:200])
