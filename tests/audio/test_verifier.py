"""Stage two: when it looks, what it sees, and what becomes of its logits."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_models import COMBINE, VERIFIER_FRONT
from made_sounds import ToneModel, noise, together, tone
from test_embedding import needs_the_package

from monitord import paths
from monitord.audio import embedding
from monitord.audio.detector import Detector, Stages
from monitord.audio.embedding import Embeddings, SpeechEmbedding
from monitord.audio.features import FrontEnd, LogMel
from monitord.audio.soundcard import Combine, Rule, Shortcut, VerifierCard
from monitord.audio.verifier import MelVerifier, WordVerifier
from monitord.config import Sensitivity
from monitord.model import ModelError

BALANCED = Sensitivity.BALANCED
LOGITS = st.floats(-20, 20)


class StageOne(ToneModel):
    """Says what a script says, then -9; or what `ToneModel` says."""

    def __init__(self, script=None, candidates=None, labels=("cry", "voice")):
        super().__init__(labels, (0.5,) * len(labels))
        self.script = None if script is None else iter(script)
        extra = {**self.card.extra, "candidate": candidates or {"cry": 0.05, "voice": 0.3}}
        self.card = dataclasses.replace(self.card, extra=extra)

    def logits(self, example):
        own = super().logits(example)
        return own if self.script is None else np.asarray(next(self.script, (-9.0,) * len(own)), np.float32)


class FakeVerifier:
    """Says a logit and notes what it was given."""

    needs = 48000

    def __init__(self, label="cry", candidate="cry", logit=2.0, combine=COMBINE):
        rule = Rule(label, 1, 0.6, 0.5)
        self.card = VerifierCard((label,), candidate, FrontEnd(), 80, Combine(**combine), (rule,))
        self.logit = logit
        self.seen = []

    def look(self, kept, end):
        self.seen.append((kept.copy(), end))
        return np.array([self.logit], np.float32)


def loud(seconds=4):
    return together(noise(seconds, -60), tone(seconds))


def sigmoid(logit):
    return 1.0 / (1.0 + math.exp(-logit))


def test_it_looks_only_where_stage_one_finds_a_candidate_in_that_very_hop():
    script = [(2.0, -9.0), (sigmoid(0) - 4.0, -9.0), (-9.0, 5.0), (-2.9, 0.0), (-9.0, -0.9)]
    cries, words = FakeVerifier(), FakeVerifier("help", "voice")
    made = Detector(StageOne(script), 0.5, BALANCED, [cries, words]).feed(loud(2.5))
    assert [end for _, end in cries.seen] == [8000, 32000]  # sigmoid(-2.9) is above 0.05, sigmoid(-3.5) is not.
    assert [end for _, end in words.seen] == [24000, 32000]
    assert [decision.stages["cry"].looked for decision in made] == [True, False, False, True, False]
    assert made[3].stages == {"cry": Stages(pytest.approx(-2.9), 2.0), "help": Stages(0.0, 2.0)}
    assert made[4].stages == {"cry": Stages(-9.0), "help": Stages(pytest.approx(-0.9))}


@given(st.tuples(LOGITS, LOGITS, st.floats(0, 3), st.floats(0, 3), LOGITS, LOGITS))
def test_the_posterior_is_made_of_both_logits_and_of_unseen_where_it_did_not_look(figures):
    first, second, w1, w2, bias, unseen = figures
    combine = {"stage_one": w1, "stage_two": w2, "bias": bias, "unseen": unseen}
    verifier = FakeVerifier(logit=second, combine=combine)
    made = Detector(StageOne([(first, 0.0)]), 0.5, BALANCED, [verifier]).feed(loud(0.5))
    first, second = float(np.float32(first)), float(np.float32(second))
    looked = sigmoid(first) >= 0.05
    wanted = sigmoid(w1 * first + w2 * (second if looked else unseen) + bias)
    assert made[0].posteriors["cry"] == pytest.approx(wanted, abs=1e-9)


def test_clips_that_stage_one_rejects_are_still_ordered():
    scores = []
    for first in (-9.0, -6.0, -3.5):
        made = Detector(StageOne([(first, 0.0)]), 0.5, BALANCED, [FakeVerifier()]).feed(loud(0.5))
        scores.append(made[0].posteriors["cry"])
    assert 0.0 < scores[0] < scores[1] < scores[2]


def test_in_quiet_it_does_not_look_and_nothing_is_said_of_stages():
    verifier = FakeVerifier()
    made = Detector(StageOne([(5.0, 5.0)] * 99), 0.5, BALANCED, [verifier]).feed(noise(20, -62))
    assert not verifier.seen
    assert all(decision.stages == {} and decision.posteriors == {"cry": 0.0} for decision in made)


def test_it_is_given_the_newest_samples_with_silence_before_the_stream():
    verifier, sound = FakeVerifier(), loud(5)
    Detector(StageOne([(5.0, 0.0)] * 10), 0.5, BALANCED, [verifier]).feed(sound)
    padded = np.concatenate([np.zeros(48000, np.int16), sound])
    assert len(verifier.seen) == 10
    for kept, end in verifier.seen:
        assert np.array_equal(kept[-48000:], padded[end : end + 48000])


def test_labels_are_smoothed_and_judged_each_by_its_own_rule():
    slow, quick = FakeVerifier("cry", "cry", 9.0), FakeVerifier("help", "voice", 9.0)
    slow.card = dataclasses.replace(slow.card, rules=(Rule("cry", 4, 0.6, 0.9),))
    made = Detector(StageOne([(9.0, 9.0)] * 5), 0.5, BALANCED, [slow, quick]).feed(loud(2.5))
    assert [sorted(decision.heard) for decision in made] == [["help"]] * 3 + [["cry", "help"]] * 2
    assert [round(decision.posteriors["cry"], 2) for decision in made] == [0.25, 0.5, 0.75, 1.0, 1.0]


def at_once(logits, shortcut):
    """Decisions on half seconds in which the second look says `logits`, one after another."""
    verifier, script = FakeVerifier(), iter(logits)
    verifier.card = dataclasses.replace(verifier.card, rules=(Rule("cry", 4, 0.6, 0.9, shortcut),))
    verifier.card = dataclasses.replace(verifier.card, combine=Combine(0.0, 1.0, 0.0, -8.0))
    verifier.look = lambda _kept, _end: np.array([next(script)], np.float32)
    return Detector(StageOne([(9.0, -9.0)] * 99), 0.5, BALANCED, [verifier]).feed(loud(0.5 * len(logits)))


def test_a_clear_sound_begins_before_the_mean_says_so_and_a_doubtful_one_with_it():
    clear, doubtful = [-9.0, 9.0, 9.0, 9.0, 9.0, -9.0, -9.0, -9.0], [-9.0, 2.5, 2.5, 2.5, 2.5, -9.0, -9.0, -9.0]
    made = at_once(clear, Shortcut(1, 0.99))
    assert [bool(decision.heard) for decision in made] == [False, *[True] * 5, False, False]
    assert [round(decision.posteriors["cry"], 2) for decision in made] == [0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25]
    assert [round(decision.at_once["cry"]) for decision in made] == [0, 1, 1, 1, 1, 0, 0, 0]
    assert [decision.score("cry") > 0.99 for decision in made] == [False, *[True] * 4, False, False, False]
    for logits, shortcut in ((clear, None), (doubtful, Shortcut(1, 0.99)), (doubtful, None)):
        heard = [bool(decision.heard) for decision in at_once(logits, shortcut)]
        assert heard == [*[False] * 4, True, True, False, False]


@given(st.lists(LOGITS, min_size=1, max_size=12), st.integers(1, 4), st.floats(0.9, 1.0))
def test_the_other_way_to_begin_changes_neither_the_means_nor_delays_anything(logits, window, threshold):
    with_it, without = at_once(logits, Shortcut(window, threshold)), at_once(logits, None)
    for one, other in zip(with_it, without, strict=True):
        assert (one.posteriors, one.stages) == (other.posteriors, other.stages)
        assert other.at_once == {}
        assert one.heard >= other.heard
        assert one.heard or one.at_once["cry"] < threshold


def test_a_candidate_that_stage_one_does_not_know_is_refused():
    with pytest.raises(ModelError, match=r"\[candidate\] has no label 'voice'"):
        Detector(StageOne(labels=("cry",), candidates={"cry": 0.1}), 0.5, BALANCED, [FakeVerifier("help", "voice")])


def test_two_verifiers_of_the_same_label_are_refused():
    with pytest.raises(ModelError, match="two models hear the same"):
        Detector(StageOne(), 0.5, BALANCED, [FakeVerifier(), FakeVerifier()])


class Counter:
    """A listener that knows how often and what it was asked."""

    rules = (Rule("smoke_alarm", 1, 0.6, 0.5),)

    def __init__(self, value=0.0):
        self.value = value
        self.fed, self.asked = [], []

    def feed(self, frames, end):
        self.fed.append((frames.copy(), end))
        return (self.value,)

    def posteriors(self, end):
        self.asked.append(end)
        return (self.value,)


def test_a_listener_gets_the_frames_of_stage_one_and_is_asked_in_quiet_too():
    listener = Counter()
    sound = np.concatenate([noise(2, -62), loud(2), noise(6, -62, 2)])
    made = Detector(StageOne(), 0.25, BALANCED, [FakeVerifier()], [listener]).feed(sound)
    opened = [round(decision.t_s * 16000) for decision in made if decision.open]
    assert [end for _, end in listener.fed] == opened
    assert listener.asked == [round(decision.t_s * 16000) for decision in made if not decision.open]
    padded = np.concatenate([np.zeros(32112, np.int16), sound])
    for frames, end in listener.fed:
        np.testing.assert_allclose(frames, LogMel(FrontEnd()).frames(padded[end : end + 32112]), atol=1e-4)


def test_what_a_listener_hears_goes_on_through_a_pause():
    listener = Counter(0.95)
    made = Detector(StageOne(), 0.5, BALANCED, [], [listener]).feed(noise(10, -62))
    assert not any(decision.open for decision in made)
    assert all(decision.heard == {"smoke_alarm"} for decision in made)
    listener.value = 0.0
    assert Detector(StageOne(), 0.5, BALANCED, [], [listener]).feed(noise(1, -62))[-1].heard == frozenset()


class Head:
    """A model that notes its examples."""

    def __init__(self, shape, **extra):
        rows = [{"profile": p, "sensitivity": "balanced", "threshold": 0.5} for p in ("eco", "balanced")]
        smoothing = {"window_s": 1.0, "release": 0.6}
        extra = {"candidate": "cry", "combine": COMBINE, "smoothing": smoothing, "operating": rows} | extra
        self.card = dataclasses.replace(ToneModel().card, labels=("cry",), input_shape=shape, extra=extra)
        self.seen = []

    def logits(self, example):
        assert example.shape == self.card.input_shape
        assert example.dtype == np.float32
        self.seen.append(example.copy())
        return np.zeros(1, np.float32)


def front_end(**other):
    return {name: getattr(VERIFIER_FRONT, name) for name in VERIFIER_FRONT.__slots__} | other


@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_a_mel_verifier_sees_its_own_frames_the_last_of_which_ends_with_the_hop(hop_s):
    head, sound = Head((200, 46), front_end=front_end()), loud(4)
    verifier = MelVerifier(head, VerifierCard.read(head.card, hop_s, BALANCED))
    assert verifier.needs == 199 * 160 + 400
    Detector(StageOne([(5.0, 0.0)] * 99), hop_s, BALANCED, [verifier]).feed(sound)
    assert len(head.seen) == 4 / hop_s
    padded = np.concatenate([np.zeros(verifier.needs, np.int16), sound])
    for number, example in enumerate(head.seen, 1):
        end = round(number * hop_s * 16000)
        wanted = LogMel(VERIFIER_FRONT).frames(padded[end : end + verifier.needs])
        assert np.array_equal(example, wanted)


@needs_the_package
@pytest.mark.parametrize("hop_s", [0.25, 0.5])
def test_a_word_verifier_sees_the_newest_embeddings_of_the_stream(hop_s):
    network = SpeechEmbedding.load(paths.models_dir() / embedding.CARD)
    heads = [Head((16, 96), candidate=candidate, backbone="speech_embedding") for candidate in ("cry", "voice")]
    heads[1].card = dataclasses.replace(heads[1].card, labels=("help",))
    embeddings = Embeddings(network)
    verifiers = [WordVerifier(head, VerifierCard.read(head.card, hop_s, BALANCED), embeddings) for head in heads]
    # The two look at different times and share what was computed.
    script = [(5.0, -5.0), (5.0, 5.0), (-5.0, -5.0), (-5.0, 5.0), (-5.0, -5.0), (-5.0, -5.0), (5.0, 5.0)]
    sound = loud(len(script) * hop_s)
    Detector(StageOne(script), hop_s, BALANCED, verifiers).feed(sound)
    whole = network.embed(np.concatenate([np.zeros(30 * 1280, np.int16), sound]))
    for head, at in zip(heads, (0, 1), strict=True):
        hops = [number for number, logits in enumerate(script, 1) if logits[at] > 0]
        assert len(head.seen) == len(hops)
        for hop, example in zip(hops, head.seen, strict=True):
            end = 30 + round(hop * hop_s * 16000) // 1280
            assert np.array_equal(example, whole[end - 16 : end])


@needs_the_package
def test_a_word_of_another_shape_than_the_embeddings_is_refused():
    head = Head((16, 95), backbone="speech_embedding")
    embeddings = Embeddings(SpeechEmbedding.load(paths.models_dir() / embedding.CARD))
    with pytest.raises(ModelError, match=r"input_shape \(16, 95\) is not \(16, 96\)"):
        WordVerifier(head, VerifierCard.read(head.card, 0.5, BALANCED), embeddings)


@pytest.mark.parametrize(
    ("shape", "change", "says"),
    [
        ((200, 46), {"candidate": None}, "is no label of stage one"),
        ((200, 46), {"combine": {"stage_one": 1.0}}, "no usable"),
        ((200, 46), {"combine": COMBINE | {"stage_two": "much"}}, "no usable"),
        ((200, 46), {"combine": COMBINE | {"bias": float("nan")}}, "is no number"),
        ((200, 46), {"combine": 3}, "no usable"),
        ((300, 46), {}, r"it looks at 3\.02 s, 3 s are kept"),
        ((200, 46), {"front_end": front_end(transform=256)}, "out of its range"),
        ((200, 46), {"front_end": front_end(power=3)}, "out of its range"),
        ((200, 46), {"front_end": front_end(floor=0.0)}, "out of its range"),
        ((200, 46), {"front_end": front_end(window=400.5)}, "out of its range"),
        ((200, 46), {"front_end": front_end(low_hz="low")}, "no usable"),
        ((200, 40), {}, "is not \\(frames, 46 bins\\)"),
        ((16, 96), {"backbone": "wav2vec"}, "the only one is 'speech_embedding'"),
        ((12, 96), {"backbone": "speech_embedding"}, "is not \\(16 embeddings, numbers\\)"),
    ],
)
def test_a_verifiers_card_that_lacks_something_is_refused_with_the_reason(shape, change, says):
    card = Head(shape, **{"front_end": front_end()} | change).card
    with pytest.raises(ModelError, match=says):
        VerifierCard.read(card, 0.5, BALANCED)


@pytest.mark.parametrize(
    ("candidate", "says"), [({"cry": 0.1}, "no usable 'voice'"), ({"cry": 1.5, "voice": 0.1}, "out of its range")]
)
def test_a_stage_one_without_its_candidates_is_refused(candidate, says):
    with pytest.raises(ModelError, match=says):
        Detector(StageOne(candidates=candidate), 0.5, BALANCED)
