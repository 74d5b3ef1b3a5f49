from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitord.audio import health
from monitord.audio.features import RATE_HZ
from monitord.audio.health import DETECTORS, Health
from monitord.events import Fault

BLOCK = RATE_HZ // 2
RNG = np.random.default_rng(7)


def noise(dbfs, length=BLOCK):
    sound = RNG.normal(0.0, 32768.0 * 10 ** (dbfs / 20.0), length)
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def tone(dbfs_peak, length=BLOCK):
    sound = 32768.0 * 10 ** (dbfs_peak / 20.0) * np.sin(2 * np.pi * 440.0 * np.arange(length) / RATE_HZ)
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def blinking():
    """A muted input: a step of one now and then."""
    block = np.zeros(BLOCK, np.int16)
    block[::400] = 1
    return block


SICK = {
    Fault.MICROPHONE_CONSTANT: lambda: np.full(BLOCK, 17, np.int16),
    Fault.MICROPHONE_CLIPS: lambda: tone(12.0),
    Fault.MICROPHONE_FAINT: blinking,
    Fault.MICROPHONE_OFFSET: lambda: (noise(-50.0) + np.int16(4000)).astype(np.int16),
}
WELL = {
    "a quiet room through a usual microphone": lambda: noise(-88.0),
    "the quietest of usual microphones in an anechoic room": lambda: noise(-91.0),
    "a nursery": lambda: noise(-60.0),
    "a white-noise machine beside the microphone": lambda: noise(-18.0),
    "a loud cry that just fits": lambda: tone(-0.5),
    "a card with a little offset": lambda: (noise(-60.0) + np.int16(250)).astype(np.int16),
    "digital silence, which the ear judges": lambda: np.zeros(BLOCK, np.int16),
}


def told_after_s(sick, patience_s=300.0):
    watched, seconds = Health(), 0.0
    while seconds < patience_s:
        seconds += BLOCK / RATE_HZ
        if standing := watched.take(sick()):
            return standing, seconds
    return frozenset(), math.inf


GOAL_S = 60.0


def test_every_sickness_is_told_within_the_goal_with_the_longest_block():
    # Two seconds for the block in which it becomes true, the frame and the voice.
    assert all(each.after_s + 2.0 <= GOAL_S for each in DETECTORS)


def test_a_level_that_is_faint_for_less_than_half_of_the_time_is_never_told():
    """What the shorter time might cost: a room at the edge, or a driver that mutes now and then."""
    watched = Health()
    for _ in range(60):
        for block in [*[blinking()] * 90, *[noise(-91.0)] * 100]:  # 45 s faint, 50 s not, for an hour and a half.
            assert watched.take(block) == frozenset()


def test_every_detector_has_a_sick_microphone_here():
    assert set(SICK) == health.FAULTS


@pytest.mark.parametrize("fault", SICK, ids=lambda fault: fault.name)
def test_each_sickness_is_told_by_its_own_name_in_its_time(fault):
    standing, seconds = told_after_s(SICK[fault])
    due = next(each.after_s for each in DETECTORS if each.fault is fault)
    assert standing == {fault}
    assert seconds <= due + BLOCK / RATE_HZ


@pytest.mark.parametrize("fault", SICK, ids=lambda fault: fault.name)
def test_without_its_detector_the_sickness_goes_unnoticed(fault, monkeypatch):
    """The mutation: each detector is needed, and none stands in for another."""
    monkeypatch.setattr(health, "DETECTORS", tuple(each for each in DETECTORS if each.fault is not fault))
    assert told_after_s(SICK[fault]) == (frozenset(), math.inf)


@pytest.mark.parametrize("room", WELL)
def test_what_a_room_may_be_like_is_no_fault(room):
    assert told_after_s(WELL[room]) == (frozenset(), math.inf)


@pytest.mark.parametrize("fault", SICK, ids=lambda fault: fault.name)
def test_a_microphone_that_is_well_again_is_found_to_be(fault):
    watched = Health()
    for _ in range(300):
        watched.take(SICK[fault]())
    due = next(each.after_s for each in DETECTORS if each.fault is fault)
    blocks = 0
    while watched.take(noise(-60.0)):
        blocks += 1
    assert blocks * BLOCK / RATE_HZ <= due


def test_a_door_that_slams_is_no_overdriven_microphone():
    watched = Health()
    for _ in range(600):
        for block in (tone(12.0), noise(-60.0), noise(-60.0)):
            assert watched.take(block) == frozenset()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=20), st.sampled_from(sorted(SICK, key=lambda f: f.value)))
def test_how_the_stream_is_cut_changes_nothing_but_when_it_is_said(cuts, fault):
    stream = np.concatenate([SICK[fault]() for _ in range(400)])
    one, other = Health(), Health()
    for at in range(0, len(stream), BLOCK):
        standing = one.take(stream[at : at + BLOCK])
    at, number = 0, 0
    while at < len(stream):
        length = max(2000, cuts[number % len(cuts)])
        other_standing = other.take(stream[at : at + length])
        at, number = at + length, number + 1
    assert standing == other_standing == {fault}


def test_no_samples_say_nothing():
    assert Health().take(np.zeros(0, np.int16)) == frozenset()


def shapes():
    """Blocks around each limit, and at it: of an offset, of single peaks, of the faintest spread."""
    step = st.sampled_from([0, 1, 65, 66, 130, 131, 132, 185, 186, 1637, 1638, 1639, 32699, 32700, 32767])
    return st.tuples(step, step, st.integers(-32768, 32767), st.integers(1, 16000), st.sampled_from([100, 800, 16000]))


@settings(deadline=None)
@given(st.lists(shapes(), min_size=1, max_size=6))
@example([(65, 65, 0, 16000, 16000)])  # The least deviation of its spread: two samples at its ends.
@example([(0, 1638, 1, 1, 16000)])
@example([(32700, 0, 0, 100, 16000)])
def test_what_its_two_ends_rule_out_is_no_fault(made):
    """Beside one that judges every block by every detector."""
    quick, whole = Health(), Health()
    whole._seconds[Fault.EYE_UNREACHABLE] = 1.0  # Some fault counts up: nothing is left out.
    for low, high, base, every, length in made:
        block = np.full(length, base)
        block[::every] -= low
        block[1::every] += high
        block = np.clip(block, -32768, 32767).astype(np.int16)
        for _ in range(60):
            assert quick.take(block) == whole.take(block)
            assert quick.changes == whole.changes == (block.min() < block.max())
