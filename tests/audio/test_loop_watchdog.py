"""The loop feeds the watchdog while sound is judged, and while its owner knows why none is."""

import numpy as np
import pytest
from loop_house import lost

from monitord import paths
from monitord.audio import loop
from monitord.audio.loop import PROGRESS_S
from monitord.audio.source import FakeSource
from monitord.events import Fault


@pytest.fixture
def fed(house, monkeypatch):
    """When the watchdog was fed."""
    times = []
    house.loop._watchdog_s = 5.0
    monkeypatch.setattr(loop.service, "notify", lambda _: times.append(house.now))
    return times


def test_the_watchdog_is_fed_by_sound_that_goes_through_the_detector(house, hops, fed):
    house.sources = [FakeSource(hops(400))]
    house.turn(400)
    assert len(fed) == 40
    house.turn(int(PROGRESS_S / 0.5) + 40)  # A source that gives nothing, and no fault is told: nobody knows why.
    assert fed[-1] <= 1000.0 + 200.0 + PROGRESS_S


def test_a_detector_that_decides_nothing_starves_it(house, hops, fed):
    house.sources = [FakeSource(hops(1000))]
    house.turn(10)
    house.loop._detector.feed = lambda _: []
    house.turn(900)
    assert fed[-1] <= 1005.0 + PROGRESS_S


@pytest.mark.parametrize("why", ["missing", "paused", "constant"])
def test_what_the_owner_was_told_of_does_not_starve_it(house, fed, why):
    house.sources = [lost(Fault.MICROPHONE_MISSING) for _ in range(200)]
    if why == "paused":
        (house.folder / paths.PAUSED).touch()
    if why == "constant":
        house.sources = [FakeSource([np.full(8000, 5, np.int16)] * 1000)]
    house.turn(900)
    assert fed[-1] >= house.now - 6.0
