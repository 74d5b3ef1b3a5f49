# ruff: noqa: RUF001 - phonetic letters
"""The word recipe's pure parts: near-words, sentences, folds. No recordings, no training environment."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.clips import Clip
from training.words import phonemes, sentences
from training.words.folds import FOLDS, folds, holds

speaks = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def clip(dataset: str, label: str, group: str, seconds: float = 1.0) -> Clip:
    return Clip(Path("x"), "x", dataset, label, group, "CC0", "speech, words", narrow=False, seconds=seconds)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["hˈɛlp", "hˈɪlfə", "smˈɑːɹt mˈɪɹɚ", "aː", "p"]))
def test_a_near_word_is_never_the_word(seed, spoken):
    assert phonemes.near(spoken, np.random.default_rng(seed)) != spoken


@speaks
def test_accents_differ_and_the_plain_language_is_read():
    assert len(phonemes.ways("smart mirror", "en")) > 3
    assert phonemes.ways("hilfe", "de") == ["hˈɪlfə"]


@speaks
def test_a_language_that_nobody_speaks_is_said_in_one_sentence():
    with pytest.raises(SystemExit, match="cannot read 'help' as 'xx'"):
        phonemes.ipa("help", "xx")


@pytest.mark.parametrize(("language", "test"), [("en", False), ("en-gb", True), ("de", True), ("pl", False)])
def test_sentences_hold_the_phrase_in_running_speech(language, test):
    rng = np.random.default_rng(1)
    for _ in range(30):
        said = sentences.around("help", language, rng, test=test)
        assert "help" in said
        assert len(said.split()) >= 3


def test_the_frames_that_test_are_not_those_that_teach():
    for language, frames in sentences.FRAMES.items():
        assert not set(frames) & set(sentences.TEST_FRAMES[language])


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.floats(0.1, 60.0)), min_size=1))
@settings(max_examples=50)
def test_groups_stay_whole_in_their_fold(rows):
    clips = [clip(dataset, "speech:x", f"{dataset}{group}", seconds) for dataset, group, seconds in rows]
    found = folds(clips)
    assert set(found) <= set(range(FOLDS))
    assert all(
        len({f for c, f in zip(clips, found, strict=True) if c.group == g}) == 1 for g in {c.group for c in clips}
    )


@pytest.mark.parametrize(
    ("dataset", "label", "phrase", "is_it"),
    [
        ("picovoice_wakeword", "speech:smart mirror", "Smart Mirror", True),
        ("precise_community", "speech:athena/en", "athena", True),
        ("shawnhymel_custom_kw", "speech:hey_archie", "archie", True),
        ("fsdd", "speech:digit7", "seven", True),
        ("fsdd", "speech:digit7", "eight", False),
        ("kerstin_de", "speech:de_sentence", "sentence", False),
        ("esc10", "env:Dog", "dog", False),
    ],
)
def test_recordings_of_the_phrase_are_known_by_their_label(dataset, label, phrase, is_it):
    assert holds(clip(dataset, label, "g"), phrase) is is_it
