import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sounds import ToneModel, noise, together, tone

from monitord.audio.detector import Detector, SoundBegan, SoundEnded
from monitord.audio.features import FrontEnd, LogMel
from monitord.config import Sensitivity

BALANCED = Sensitivity.BALANCED


@pytest.fixture(scope="module")
def scene():
    """Quiet, a tone, quiet, in a room: 12 s."""
    rng = np.random.default_rng(3)
    room = rng.standard_normal(12 * 16000) * 30
    time = np.arange(12 * 16000) / 16000
    room += 3000 * np.sin(2 * np.pi * 1000 * time) * ((time > 3.2) & (time < 6.1))
    return room.astype(np.int16)


def cut(samples, sizes):
    at = 0
    for size in sizes:
        yield samples[at : at + size]
        at += size
    yield samples[at:]


def decisions(detector, blocks):
    return [decision for block in blocks for decision in detector.feed(block)]


@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_a_tone_begins_and_ends(tone_model, scene, hop_s):
    made = decisions(Detector(tone_model(), hop_s, BALANCED), [scene])
    events = [(decision.t_s, event) for decision in made for event in decision.events]
    assert [event for _, event in events] == [SoundBegan("cry"), SoundEnded("cry")]
    assert 3.2 < events[0][0] <= 5.5
    assert 6.1 < events[1][0] <= 9.0
    heard = [decision.t_s for decision in made if "cry" in decision.heard]
    assert (heard[0], heard[-1] + hop_s) == (events[0][0], events[1][0])


@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_there_is_one_decision_for_each_hop_at_its_end(tone_model, scene, hop_s):
    made = decisions(Detector(tone_model(), hop_s, BALANCED), [scene])
    assert [decision.t_s for decision in made] == [hop_s * (1 + number) for number in range(int(12 / hop_s))]


@pytest.mark.parametrize("size", [320, 4000, 8000, 16000, 1, 7777])
@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_blocks_do_not_matter(tone_model, scene, size, hop_s):
    scene = scene if size > 1 else scene[:60000]
    whole = Detector(tone_model(), hop_s, BALANCED).feed(scene)
    blocks = [scene[at : at + size] for at in range(0, len(scene), size)]
    assert decisions(Detector(tone_model(), hop_s, BALANCED), blocks) == whole


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 30000), max_size=20))
def test_random_blocks_do_not_matter(sizes):
    scene = np.concatenate([noise(2), together(noise(3, seed=2), tone(3)), noise(2, seed=4)])
    whole = Detector(ToneModel(), 0.5, BALANCED).feed(scene)
    assert any(decision.events for decision in whole)
    assert decisions(Detector(ToneModel(), 0.5, BALANCED), cut(scene, sizes)) == whole


def test_in_quiet_no_feature_is_computed_and_the_model_is_not_asked(tone_model, sound, monkeypatch):
    model = tone_model()
    detector = Detector(model, 0.5, BALANCED)
    monkeypatch.setattr(LogMel, "frames", lambda *_: pytest.fail("features in quiet"))
    made = detector.feed(sound.noise(30, -62))
    assert len(made) == 60
    assert not any(decision.open for decision in made)
    assert model.calls == 0


@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_the_model_always_sees_the_frames_that_end_with_the_hop(tone_model, scene, hop_s):
    """Made from kept samples when the gate opens, and hop by hop while it is open: the same frames."""
    model = tone_model()
    seen = []
    logits = model.logits
    model.logits = lambda example: seen.append(example.copy()) or logits(example)
    made = Detector(model, hop_s, BALANCED).feed(scene)
    padded = np.concatenate([np.zeros(32112, np.int16), scene])
    expected = [
        LogMel(FrontEnd()).frames(padded[round(decision.t_s * 16000) :][:32112]) for decision in made if decision.open
    ]
    assert len(seen) == len(expected) > 5
    assert len(seen) < len(made)
    for got, wanted in zip(seen, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_two_labels_are_told_apart(tone_model, scene):
    detector = Detector(tone_model(("cry", "help"), (0.5, 0.9999999)), 0.5, BALANCED)
    events = [event for decision in detector.feed(scene) for event in decision.events]
    assert events == [SoundBegan("cry"), SoundEnded("cry")]


def test_wild_logits_are_probabilities(tone_model, sound):
    model = tone_model()
    for wild in (-1e5, 1e5):
        model.logits = lambda _, wild=wild: np.array([wild], np.float32)
        made = Detector(model, 0.5, BALANCED).feed(sound.tone(3))
        assert all(0.0 <= decision.posteriors["cry"] <= 1.0 for decision in made)


def test_full_scale_and_silence_have_levels(tone_model):
    detector = Detector(tone_model(), 0.5, BALANCED)
    loud, silent = detector.feed(np.concatenate([np.full(8000, -32768, np.int16), np.zeros(8000, np.int16)]))
    assert loud.level_dbfs == pytest.approx(0.0, abs=1e-6)
    assert silent.level_dbfs == -127.0


def test_minutes_of_nothing_but_the_room_change_no_threshold(tone_model, sound):
    """A room that grows louder by 12 dB: the floor has followed it, and a tone is judged as by a fresh detector."""
    room = np.concatenate([sound.noise(30, -62 + step, seed=step) for step in range(13)])
    used, fresh = (Detector(tone_model(), 0.5, BALANCED) for _ in range(2))
    made = used.feed(room)
    assert made[-1].floor_dbfs == pytest.approx(-50, abs=2)
    assert not any(decision.events for decision in made)
    loud = np.concatenate([sound.together(sound.noise(3, -50), sound.tone(3, -40)), sound.noise(4, -50, seed=2)])
    fresh.feed(sound.noise(10, -50, seed=3))
    told = [[event for decision in each.feed(loud) for event in decision.events] for each in (used, fresh)]
    assert told[0] == told[1] == [SoundBegan("cry"), SoundEnded("cry")]
