from __future__ import annotations

import pytest

pytest.importorskip("ai_edge_litert", reason="YAMNet needs LiteRT, which this machine has not")

import numpy as np
import soundfile

from training import onset
from training.activity import IS_CRY, NOT_CRY
from training.clips import CRY, Clip


def test_a_cry_that_is_never_told_counts_among_all():
    lines = onset.table({"one": [0.5, 1.2, np.inf, 2.5], "other": [np.inf, np.inf, np.inf, 1.0]})
    assert lines[0].startswith("4 cries")
    assert lines[-2:] == [
        "| one | 0.25 | 0.50 | 0.50 | 0.75 | 0.75 | 0.50 s | 1.20 s | 2.50 s |",
        "| other | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 1.00 s | never | never |",
    ]


def test_the_onset_is_the_first_marked_frame_after_a_quiet_room(tmp_path):
    path = tmp_path / "cry.wav"
    soundfile.write(path, np.full(16000, 5000, np.int16), 16000)
    clip = Clip(path, "cry.wav", "made", "cry", "g", "CC0", CRY, narrow=False, seconds=1.0)
    marks = np.array([NOT_CRY] * 8 + [IS_CRY] * 30, np.uint8)
    at, sound = onset.scene(clip, marks)
    lead = round((at - 0.2) * 16000)
    assert onset.QUIET_S <= lead / 16000 <= onset.QUIET_S + onset.PHASE_S
    assert np.abs(sound[:lead]).max() < 200
    assert sound[lead : lead + 16000].min() > 4000
    assert onset.scene(clip, np.full(38, NOT_CRY, np.uint8)) is None
