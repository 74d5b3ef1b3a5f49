"""With the shipped models: at which noise a cry is drowned, and that this is told in time, and only then."""

from __future__ import annotations

import numpy as np
import pytest

from monitord.audio import masking, process
from monitord.audio.detector import Decision
from monitord.audio.features import RATE_HZ
from monitord.audio.masking import CRY_DBFS, EVERY_S, MISSES, Masking, at_level
from monitord.audio.models import EarModels
from monitord.audio.process import reference_cry
from monitord.config import Config

BLOCK = RATE_HZ // 2


@pytest.fixture(scope="module")
def make_detector():
    return EarModels.load(Config().audio).detector


@pytest.fixture(scope="module")
def cry():
    return reference_cry()


def noise(dbfs, seconds=8.0, seed=1):
    sound = np.random.default_rng(seed).normal(0.0, 32768.0 * 10.0 ** (dbfs / 20.0), round(seconds * RATE_HZ))
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def decision(floor_dbfs, heard=()):
    return Decision(0.0, floor_dbfs, floor_dbfs, open=False, posteriors={}, heard=frozenset(heard))


def told_after_s(asked, dbfs, patience_s=1200.0, **said):
    """A room that is `dbfs` loud all the time; a block of it serves for all blocks, which makes it no less noisy."""
    room, seconds = noise(dbfs), 0.0
    while seconds < patience_s:
        at = int(seconds * RATE_HZ) % len(room)
        seconds += BLOCK / RATE_HZ
        if asked.take(room[at : at + BLOCK], decision(dbfs, **said)):
            return seconds
    return None


def test_the_models_know_the_reference_in_a_quiet_room(cry, make_detector):
    assert Masking(lambda: cry, make_detector).able
    assert len(cry) == 8 * RATE_HZ


def test_a_noise_machine_that_drowns_a_cry_is_told_within_ten_minutes(cry, make_detector):
    told = told_after_s(Masking(lambda: cry, make_detector), CRY_DBFS + 5.0)
    assert EVERY_S * MISSES <= told <= 600.0


@pytest.mark.parametrize("under_db", [10.0, 25.0])
def test_a_noise_that_a_cry_stands_out_of_is_none(cry, make_detector, under_db):
    assert told_after_s(Masking(lambda: cry, make_detector), CRY_DBFS - under_db) is None


def test_when_the_noise_ends_so_does_the_fault(cry, make_detector):
    asked = Masking(lambda: cry, make_detector)
    assert told_after_s(asked, CRY_DBFS + 5.0) is not None
    room = noise(CRY_DBFS - 25.0)
    assert [asked.take(room[:BLOCK], decision(-70.0)) for _ in range(int(EVERY_S * 2) + 20)][-1] is False


def test_models_that_miss_the_reference_in_a_quiet_room_accuse_no_noise(make_detector):
    hiss = noise(-45.0, seed=3)  # A reference that is no cry stands for models that do not know it.
    asked = Masking(lambda: hiss, make_detector)
    assert not asked.able
    assert told_after_s(asked, CRY_DBFS + 5.0) is None


def test_while_something_is_heard_nothing_is_asked(cry, make_detector, monkeypatch):
    monkeypatch.setattr(Masking, "_found", lambda *_: pytest.fail("asked"))
    assert told_after_s(Masking(lambda: cry, make_detector), CRY_DBFS + 5.0, 400.0, heard=("cry",)) is None


def test_a_quiet_room_costs_no_question(cry, make_detector, monkeypatch):
    monkeypatch.setattr(Masking, "_found", lambda *_: pytest.fail("asked"))
    assert told_after_s(Masking(lambda: cry, make_detector), CRY_DBFS - masking.CLEAR_DB - 5.0, 400.0) is None


def test_streams_that_break_off_do_not_keep_it_from_being_told(cry, make_detector):
    asked, level = Masking(lambda: cry, make_detector), CRY_DBFS + 5.0
    room, told = noise(level)[:BLOCK], []
    for block in range(1300):
        if block % 200 == 0:  # 100 s
            asked.begin()
        told.append(asked.take(room, decision(level)))
    assert told.index(True) * BLOCK / RATE_HZ <= 600.0
    assert told == sorted(told), "and stays told"


def test_nothing_of_an_earlier_stream_is_in_the_question(cry, make_detector):
    asked = Masking(lambda: cry, make_detector)
    assert told_after_s(asked, CRY_DBFS + 5.0) is not None
    asked.begin()
    told = [asked.take(np.zeros(BLOCK, np.int16), decision(-70.0)) for _ in range(round(EVERY_S * RATE_HZ / BLOCK))]
    assert told[0]
    assert not told[-1], "over with the first question that finds the cry"


def test_without_a_reference_no_noise_is_accused(make_detector, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(process, "CRY", tmp_path / "cry.wav")
    asked = Masking(reference_cry, make_detector)
    assert told_after_s(asked, CRY_DBFS + 5.0) is None
    assert not asked.able
    assert "nobody asks whether a cry would be heard" in caplog.text


def test_the_reference_is_that_of_the_scene(cry, pytestconfig):
    soundfile = pytest.importorskip("soundfile")
    scene, rate = soundfile.read(pytestconfig.rootpath / "monitord" / "scene" / "night.flac", dtype="int16")
    assert rate == RATE_HZ
    assert np.array_equal(cry, scene[round(16.2 * rate) : round(24.2 * rate)])


def test_the_reference_is_as_loud_as_it_is_meant_to_be(cry):
    for level in (-50.0, -30.0):
        loud = at_level(cry, level).astype(np.float64)
        pieces = 10.0 * np.log10(np.mean(loud.reshape(-1, 800) ** 2, axis=1) / 32768.0**2 + 1e-12)
        assert np.mean(10.0 ** (pieces[pieces > pieces.max() - 20.0] / 10.0)) == pytest.approx(
            10 ** (level / 10), rel=0.05
        )
