"""One word said once: found in any blocks, and refused with the reason where it cannot be learned from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_sounds import noise, together, tone
from test_embedding import needs_the_package

from monitord import paths
from monitord.audio import embedding
from monitord.audio.embedding import SpeechEmbedding
from monitord.audio.utterance import TAIL_S, Finder, Verdict, find, room_level, template

ROOM_DBFS = -60.0


def word(length_s=0.6, dbfs=-25.0, before_s=1.0, after_s=1.0):
    """A room with a tone of `length_s` in it."""
    sound = noise(before_s + length_s + after_s, ROOM_DBFS)
    begin = round(before_s * 16000)
    end = begin + round(length_s * 16000)
    sound[begin:end] = together(sound[begin:end], tone(length_s, dbfs))
    return sound


def test_a_word_is_found_with_its_length_and_level():
    said = find(word())
    assert said.verdict is Verdict.GOOD
    assert said.length_s == pytest.approx(0.6, abs=0.06)
    assert said.level_dbfs == pytest.approx(-25, abs=1)
    assert len(said.samples) == pytest.approx((1.6 + TAIL_S) * 16000, abs=1600)


@given(sizes=st.lists(st.integers(1, 9000), max_size=12))
def test_blocks_do_not_matter(sizes):
    sound = word()
    finder, whole = Finder(ROOM_DBFS), Finder(ROOM_DBFS).feed(sound)
    pieces = np.split(sound, [at for at in np.cumsum(sizes) if at < len(sound)])
    said = next(found for piece in pieces if (found := finder.feed(piece)) is not None)
    assert (said.verdict, said.length_s, said.level_dbfs) == (whole.verdict, whole.length_s, whole.level_dbfs)
    assert np.array_equal(said.samples, whole.samples)


@pytest.mark.parametrize(
    ("sound", "verdict"),
    [
        (word(length_s=0.1), Verdict.TOO_SHORT),
        (word(length_s=1.8), Verdict.TOO_LONG),
        (word(dbfs=-52), Verdict.TOO_QUIET),
        (word(dbfs=1), Verdict.CLIPPED),
        (noise(5, ROOM_DBFS), Verdict.NOTHING),
        (np.zeros(16000, np.int16), Verdict.NOTHING),
        (np.zeros(10, np.int16), Verdict.NOTHING),
    ],
    ids=str,
)
def test_what_cannot_be_learned_from_is_refused_and_its_sound_dropped(sound, verdict):
    said = find(sound)
    assert said.verdict is verdict
    assert len(said.samples) == 0


def test_a_pause_as_of_a_stop_does_not_end_a_word():
    sound = word(length_s=0.8)
    sound[22000:24400] = noise(0.15, ROOM_DBFS, seed=5)
    assert find(sound).length_s == pytest.approx(0.8, abs=0.06)


def test_a_recording_that_is_cut_tightly_is_one_word():
    said = find(tone(0.7))
    assert said.verdict is Verdict.GOOD
    assert said.length_s == pytest.approx(0.7, abs=0.06)


def test_a_sound_that_does_not_end_is_told_so():
    finder = Finder(ROOM_DBFS)
    blocks = np.split(tone(12, -30), 24)
    assert next(said for block in blocks if (said := finder.feed(block))).verdict is Verdict.TOO_LONG


def test_who_says_nothing_is_told_so_after_a_while():
    finder, quiet = Finder(ROOM_DBFS), np.split(noise(12, ROOM_DBFS), 24)
    answers = [finder.feed(block) for block in quiet[:21]]
    assert [answer.verdict for answer in answers if answer] == [Verdict.NOTHING] * 2
    assert answers[:19] == [None] * 19


def test_the_level_of_a_room_is_not_that_of_its_one_knock():
    room = noise(1.5, ROOM_DBFS)
    room[8000:8800] = 20000
    assert room_level(room) == pytest.approx(ROOM_DBFS, abs=1)


@needs_the_package
def test_the_template_is_what_the_ear_sees_when_the_word_has_just_ended():
    network = SpeechEmbedding.load(paths.models_dir() / embedding.CARD)
    said = find(word())
    kept = template(network, said)
    assert kept.shape == (16, 96)
    length = len(said.samples)
    aligned = np.concatenate([np.zeros(-length % 1280, np.int16), said.samples])
    assert np.allclose(kept[-12:], network.embed(aligned)[-12:], atol=1e-3)
    assert template(network, find(tone(0.3))).shape == (16, 96)
