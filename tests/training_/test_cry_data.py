from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="the teacher needs LiteRT, which this machine has not")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.activity import IS_CRY, NOT_CRY, UNKNOWN, mark
from training.clips import SPLITS, Clip, kind_of, read_manifest, split_groups
from training.operating import at_once_for, recall_at, threshold_for
from training.windows import ENOUGH_CRY, ENOUGH_VOICE, WINDOW_FRAMES, cry_labels, voice_labels

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def clip(dataset: str, label: str, group: str) -> Clip:
    return Clip(Path("x"), "x", dataset, label, group, "CC0", kind_of(dataset, label), narrow=False, seconds=1.0)


ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["cry", "env:Cat"]), st.integers(0, 60)), min_size=1
)


@given(ROWS)
@settings(max_examples=50)
def test_every_group_has_one_split_whatever_the_order(rows):
    clips = [clip(dataset, label, f"g{group}") for dataset, label, group in rows]
    splits = split_groups(clips)
    assert set(splits) == {c.group for c in clips}
    assert set(splits.values()) <= set(SPLITS)
    assert split_groups(clips[::-1]) == splits


def test_a_kind_with_groups_to_spare_reaches_every_split():
    splits = split_groups([clip("a", "cry", f"g{number}") for number in range(40)])
    assert [list(splits.values()).count(name) for name in SPLITS] == [10] * 4


@pytest.mark.skipif(not (DATA / "audio" / "manifest.csv").is_file(), reason="no recordings beside the checkout")
def test_the_recordings_are_split_by_group_with_cries_everywhere():
    clips = read_manifest(DATA)
    splits = split_groups(clips)
    for split in SPLITS:
        inside = [c for c in clips if splits[c.group] == split]
        assert {"cry", "rejected", "household, nature", "speech, words"} <= {c.kind for c in inside}
        assert {True, False} == {c.narrow for c in inside if c.kind == "cry"}
    by_group = {}
    for c in clips:
        by_group.setdefault(c.group, set()).add(splits[c.group])
    assert all(len(found) == 1 for found in by_group.values())


def test_windows_need_enough_cry_and_leave_the_unknown_out():
    marks = np.zeros((4, WINDOW_FRAMES), np.uint8)
    marks[1, :ENOUGH_CRY] = IS_CRY
    marks[2, : ENOUGH_CRY - 1] = IS_CRY
    marks[3, :10] = UNKNOWN
    assert cry_labels(marks)[:, 0].tolist() == [0, 1, -1, -1]


def test_a_scene_with_a_voice_still_gives_windows_without_one():
    marks = np.zeros((1, 2 * WINDOW_FRAMES), np.uint8)
    marks[0, :ENOUGH_VOICE] = IS_CRY
    labels = voice_labels(marks)[0]
    assert labels[0] == 1
    assert (labels[1:ENOUGH_VOICE] == -1).all()
    assert (labels[ENOUGH_VOICE:] == NOT_CRY).all()
    marks[0, -3:] = UNKNOWN
    assert voice_labels(marks)[0, -1] == -1


def test_pauses_of_a_cry_are_not_labelled_cry():
    rng = np.random.default_rng(0)
    loud = (rng.standard_normal(32_000) * 3000).astype(np.int16)
    quiet = (rng.standard_normal(32_000) * 30).astype(np.int16)
    sound = np.concatenate([loud, quiet])
    sure = mark(sound, "cry", np.full(8, 0.9, np.float32))
    assert (sure[:75] == IS_CRY).all()
    assert (sure[85:] == NOT_CRY).all()
    assert (mark(sound, "cry", np.zeros(8, np.float32))[:75] == UNKNOWN).all()
    assert (mark(sound, "unvetted", np.full(8, 0.1, np.float32))[:75] == UNKNOWN).all()


def test_thresholds_allow_as_many_false_alarms_as_asked_for():
    negatives = np.linspace(0.0, 0.9, 91)
    for allowed in (0, 1, 5):
        threshold = threshold_for(negatives, 10.0, allowed / 10.0)
        assert (negatives >= threshold).sum() == allowed
    assert threshold_for(np.full(5, 0.7), 10.0, 0.2) > 0.7
    assert recall_at(np.array([0.2, 0.95, 0.99]), negatives, 10.0, 0.0) == pytest.approx(2 / 3)


SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40)


@given(SCORES, st.integers(0, 12))
def test_both_ways_to_begin_together_alarm_on_no_more_clips_than_wanted(pairs, wanted):
    steady, quick = np.array(pairs).T
    threshold = threshold_for(steady, 1.0, wanted)
    at_once = at_once_for(quick, steady, threshold, 1.0, wanted)
    if at_once is None:
        assert max(threshold, *quick[steady < threshold], 0.0) > 0.99  # No room is left above it.
        return
    assert at_once >= threshold
    assert ((steady >= threshold) | (quick >= at_once)).sum() <= max(wanted, (steady >= threshold).sum())


def test_what_the_long_mean_leaves_of_the_wanted_alarms_is_for_those_at_once():
    steady, quick = np.array([0.9, 0.2, 0.2, 0.2, 0.1]), np.array([0.99, 0.97, 0.95, 0.6, 0.5])
    assert at_once_for(quick, steady, 0.8, 1.0, 1.0) == pytest.approx(0.98, abs=0.005)
    assert at_once_for(quick, steady, 0.8, 1.0, 2.0) == pytest.approx(0.96, abs=0.005)
    assert at_once_for(quick, steady, 0.8, 0.5, 8.0) == pytest.approx(0.8)


def test_no_sound_begins_at_once_where_a_negative_is_as_sure_as_a_network_can_be():
    assert at_once_for(np.array([0.9998, 0.1]), np.array([0.2, 0.1]), 0.8, 1.0, 0.0) is None
