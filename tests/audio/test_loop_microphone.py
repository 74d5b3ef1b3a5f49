"""The loop and a microphone that is lost, hangs or stalls: what is told, when it opens anew, when the ear gives up."""

import numpy as np
import pytest
from loop_house import lost

from monitord import paths
from monitord.audio.loop import BACK_OFF_S, OPENING_S, STALLS_MAX, STEADY_S, SourceHangs
from monitord.audio.source import FakeSource
from monitord.events import Fault, Kind, level_to_over


@pytest.mark.parametrize("fault", [Fault.MICROPHONE_MISSING, Fault.MICROPHONE_BUSY])
def test_a_lost_microphone_is_told_and_reopened_for_ever_with_back_off(house, hops, fault):
    first = FakeSource([*hops(2), lost(fault)])
    house.sources = [first, *(lost(fault) for _ in range(8)), FakeSource(hops(3))]
    opened = house.sources.copy()
    said, times = [], []
    for _ in range(4000):
        before = len(house.sources)
        said += house.turn(1, 0.1)
        if len(house.sources) < before:
            times.append(house.now)
        if not house.sources and len(said) > 1:
            break
    assert first.closed
    assert len(times) == len(opened)
    pauses = np.diff(times[1:])
    assert pauses == pytest.approx([2.0, 5.0, 10.0, 30.0, 30.0, 30.0, 30.0, 30.0], abs=0.2)
    assert BACK_OFF_S[-1] == 30.0
    assert [message.label for message in said] == [fault, Fault.RECOVERED]


def test_heartbeats_go_on_without_a_microphone(house):
    house.sources = [lost(Fault.MICROPHONE_MISSING) for _ in range(20)]
    beats = 0
    for _ in range(60):
        house.now += 1.0
        house.loop.turn()
        beats += sum(message.kind is Kind.HEARTBEAT for message in house.said(house.voice))
    assert beats >= 12


def test_a_microphone_that_is_steady_again_is_first_reopened_soon(house, hops):
    steady = int(STEADY_S / 0.5) + 2
    house.sources = [lost(Fault.MICROPHONE_BUSY)] * 3 + [FakeSource([*hops(steady), lost(Fault.MICROPHONE_BUSY)])]
    house.sources.append(FakeSource([]))
    house.turn(steady + 60)
    assert house.loop._failures == 1


def test_a_stream_that_stalls_again_and_again_ends_the_process(house, hops):
    stalled = [lost(Fault.MICROPHONE_STALLED) for _ in range(STALLS_MAX)]
    house.sources = [*stalled[1:], FakeSource([*hops(1), lost(Fault.MICROPHONE_STALLED)]), *stalled]
    house.turn(60)  # Three in a row, then a block: it begins to count anew.
    with pytest.raises(SourceHangs):
        house.turn(300)
    assert house.sources == [stalled[-1]]


@pytest.mark.parametrize("opens_after_s", [3.5, 4.5, 9.0])
def test_an_opening_that_hangs_is_told_within_five_seconds_and_not_cut_short(house, hops, opens_after_s):
    source = FakeSource([None] * int(opens_after_s / 0.5) + hops(4))
    house.sources = [source]
    told = []
    for _ in range(int(opens_after_s / 0.5) + 1):
        told += [(message.label, house.now - 1000.5) for message in house.turn(1)]
    late = opens_after_s > OPENING_S
    assert [label for label, _ in told] == ([Fault.MICROPHONE_STALLED, Fault.RECOVERED] if late else [])
    assert all(at <= 5.0 for label, at in told if label is Fault.MICROPHONE_STALLED)
    assert not source.closed
    assert house.loop._failures == 0


def test_an_opening_that_fails_after_it_was_told_is_told_once(house):
    house.sources = [FakeSource([None] * 20 + [lost(Fault.MICROPHONE_STALLED)]), FakeSource([])]
    assert [message.label for message in house.turn(24)] == [Fault.MICROPHONE_STALLED]


def test_a_stream_that_runs_is_no_opening(house, hops):
    house.sources = [FakeSource([*hops(1), *[None] * 20, *hops(2)])]  # Its own limit judges that (3 blocks + 2 s).
    assert house.turn(23) == []


def test_a_microphone_that_came_back_is_told_though_the_eye_is_still_out_of_reach(house, hops):
    house.eye.close()
    (house.folder / paths.LOOK_SOCKET).unlink()
    house.sources = [FakeSource([*hops(4, 6), lost(Fault.MICROPHONE_MISSING)]), FakeSource(hops(30))]
    said = house.turn(20)
    (over,) = [message for message in said if message.label is Fault.RECOVERED]
    assert Fault.EYE_UNREACHABLE in house.loop._ear.faults
    assert level_to_over(over.level) is Fault.MICROPHONE_MISSING


def test_a_microphone_that_is_missing_needs_no_new_process(house):
    house.sources = [lost(Fault.MICROPHONE_MISSING) for _ in range(30)]
    house.turn(1000)
    assert len(house.sources) < 10


def test_lost_sound_is_told_once_and_over_after_a_while(house, hops):
    source = FakeSource(hops(400))
    house.sources = [source]
    house.turn(2)
    source.overruns = 3
    assert [message.label for message in house.turn(1)] == [Fault.MICROPHONE_OVERRUN]
    source.overruns = 4
    assert house.turn(int(STEADY_S / 0.5) - 1) == []
    assert [message.label for message in house.turn(4)] == [Fault.RECOVERED]


def test_a_sound_system_that_hangs_ends_the_process(house, hops):
    source = FakeSource([*hops(1), lost(Fault.MICROPHONE_STALLED)])
    source.close = lambda: False
    house.sources = [source]
    house.turn(1)
    with pytest.raises(SourceHangs):
        house.turn(1)
    assert Fault.MICROPHONE_STALLED in [message.label for message in house.said(house.voice)]
