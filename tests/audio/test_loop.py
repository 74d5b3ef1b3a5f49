"""The loop with a scripted microphone, a clock that stands in for time, and real sockets for the voice and the eye."""

import gc
import json
import socket
from functools import partial

import numpy as np
import pytest

from monitord import memory, paths
from monitord.audio import loop as loop_module
from monitord.audio.detector import Detector
from monitord.audio.loop import BACK_OFF_S, OPENING_S, PATIENCE_S, PROGRESS_S, STALLS_MAX, STEADY_S, Loop, SourceHangs
from monitord.audio.source import FakeSource, MicrophoneError
from monitord.channel import Channel
from monitord.config import PAUSE_MAX_S, Config, Sensitivity
from monitord.events import Fault, Gate, Kind, Look, Role, Sound, level_to_over
from monitord.wire import decode


class House:
    """A runtime folder with both sockets, and the loop in it."""

    def __init__(self, folder, tone_model, **config):
        self.folder = folder
        self.now = 1000.0
        self.voice = self._bind(paths.EVENTS_SOCKET)
        self.eye = self._bind(paths.LOOK_SOCKET)
        self.sources = []
        self.channel = Channel(folder / paths.EVENTS_SOCKET, Role.EAR)
        self.loop = Loop(
            Config(**config),
            self.channel,
            self._open,
            partial(Detector, tone_model(), 0.5, Sensitivity.BALANCED),
            trace=True,
            clock=lambda: self.now,
        )

    def _bind(self, name):
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bound.bind(str(self.folder / name))
        bound.settimeout(0)
        return bound

    def _open(self):
        source = self.sources.pop(0)
        if isinstance(source, Exception):
            raise source
        return source

    def turn(self, times=1, seconds=0.5):
        said = []
        for _ in range(times):
            self.now += seconds
            self.loop.turn()
            said += self.said(self.voice)
        return [message for message in said if message.kind is not Kind.HEARTBEAT]

    @staticmethod
    def said(end):
        heard = []
        while True:
            try:
                heard.append(decode(end.recv(64)).message)
            except BlockingIOError:
                return heard

    def close(self):
        for end in (self.voice, self.eye, self.channel, self.loop._look_socket):
            end.close()


@pytest.fixture
def house(tmp_path, tone_model, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(loop_module, "TICK_S", 0.0)
    made = House(tmp_path, tone_model)
    yield made
    made.close()


@pytest.fixture
def hops(sound):
    quiet, loud = sound.noise(0.5, -60), sound.tone(0.5, -20)
    return lambda *times: [hop for count, hop in zip(times, (quiet, loud, quiet), strict=False) for _ in range(count)]


def lost(fault):
    return MicrophoneError(fault, f"test: {fault.name}")


def test_a_sound_reaches_the_voice_and_asks_the_eye(house, hops):
    house.sources = [FakeSource(hops(4, 6))]
    said = house.turn(10)
    assert [(message.kind, message.label) for message in said] == [(Kind.SOUND, Sound.CRY), (Kind.LOOK, Look.ASKED)]
    assert [message.label for message in house.said(house.eye)] == [Look.ASKED]


def test_quiet_asks_nobody(house, hops):
    house.sources = [FakeSource(hops(40))]
    assert house.turn(40) == []
    assert house.said(house.eye) == []


def test_an_eye_that_is_not_there_changes_nothing_of_the_alert(house, hops):
    house.eye.close()
    (house.folder / paths.LOOK_SOCKET).unlink()
    house.sources = [FakeSource(hops(4, 6))]
    labels = [message.label for message in house.turn(10)]
    assert labels == [Sound.CRY, Look.ASKED, Fault.EYE_UNREACHABLE]


def test_a_voice_that_is_away_gets_it_later(house, hops):
    house.voice.close()
    (house.folder / paths.EVENTS_SOCKET).unlink()
    house.sources = [FakeSource(hops(4, 6))]
    for _ in range(10):
        house.now += 0.5
        house.loop.turn()
    house.voice = house._bind(paths.EVENTS_SOCKET)
    assert Sound.CRY in [message.label for message in house.turn()]


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


def test_the_owner_closes_and_opens_the_microphone(house, hops):
    closed, opened = FakeSource(hops(0, 30)), FakeSource(hops(0, 30))
    house.sources = [closed, opened]
    assert Sound.CRY in [message.label for message in house.turn(8)]
    (house.folder / paths.PAUSED).touch()
    ended = house.turn(1)
    assert [message.kind for message in ended] == [Kind.SOUND_END]
    assert closed.closed
    house.now += 5.0
    house.loop.turn()
    assert [message.label for message in house.said(house.voice)] == [Gate.PAUSED]
    assert house.sources == [opened]
    (house.folder / paths.PAUSED).unlink()
    assert Sound.CRY in [message.label for message in house.turn(8)]


def test_a_switch_that_nobody_removes_does_not_keep_the_microphone_closed_for_ever(house, hops):
    house.sources = [FakeSource(hops(0, 30)), FakeSource(hops(0, 30))]
    house.turn(1)
    (house.folder / paths.PAUSED).touch()
    house.turn(1)
    house.now += PAUSE_MAX_S
    house.turn(1, seconds=1.0)
    assert house.sources  # It is closed as long as the longest pause may last.
    house.now += PATIENCE_S
    assert Sound.CRY in [message.label for message in house.turn(8)]
    assert house.sources == []
    (house.folder / paths.PAUSED).unlink()
    house.turn(2, seconds=1.0)
    (house.folder / paths.PAUSED).touch()
    house.turn(2, seconds=1.0)
    assert house.loop._ear.gate is Gate.PAUSED  # A new one counts again.


def test_a_microphone_that_is_overdriven_is_told_and_found_well_again(house, hops):
    overdriven = np.where(np.arange(8000) % 40 < 20, 32767, -32768).astype(np.int16)
    house.sources = [FakeSource([*hops(1), *[overdriven] * 70, *hops(130)])]
    told = [message.label for message in house.turn(72) if message.kind is Kind.FAULT]
    assert told == [Fault.MICROPHONE_CLIPS]
    told = [message.label for message in house.turn(110) if message.kind is Kind.FAULT]
    assert told == [Fault.RECOVERED]


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


class Asked:
    """In the place of `Masking`: what it was given, and its answer."""

    def __init__(self):
        self.drowned, self.taken, self.begun = False, 0, 0

    def begin(self):
        self.begun += 1

    def take(self, block, decision):
        self.taken += len(block)
        return self.drowned


def test_a_noise_that_would_drown_a_cry_is_told_until_it_is_over(house, hops):
    asked = house.loop._masking = Asked()
    house.sources = [FakeSource(hops(40))]
    house.turn(2)
    asked.drowned = True
    assert [message.label for message in house.turn(3)] == [Fault.ROOM_TOO_LOUD]
    asked.drowned = False
    assert [message.label for message in house.turn(3)] == [Fault.RECOVERED]
    assert (asked.begun, asked.taken) == (1, 8 * 8000)


@pytest.fixture
def fed(house, monkeypatch):
    """When the watchdog was fed."""
    times = []
    house.loop._watchdog_s = 5.0
    monkeypatch.setattr(loop_module.service, "notify", lambda _: times.append(house.now))
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


def test_the_trace_has_one_line_for_each_decision_and_no_sound(house, hops, capsys):
    house.sources = [FakeSource(hops(4, 6))]
    house.turn(10)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["t_s"] for line in lines] == [0.5 * number for number in range(1, 11)]
    means = {"posterior", "at_once"}
    assert set(lines[0]) == {"t_s", "level_dbfs", "floor_dbfs", "open", *means, "stages", "gate", "messages"}
    assert [line["gate"] for line in lines][:5] == ["IDLE"] * 4 + ["ARMED"]
    assert lines[-1]["gate"] == "LOOKING"
    assert "CRY" in [message["label"] for line in lines for message in line["messages"]]


def test_stop_ends_the_run_and_closes_the_source(house, hops):
    source = FakeSource(hops(3))
    house.sources = [source]
    house.turn(1)
    house.loop.stop()
    house.loop.run()
    assert source.closed


def test_what_need_not_delay_the_first_decision_comes_after_it(house, hops, capsys):
    house.sources = [FakeSource(hops(3))]
    lines = []

    def begun():
        lines.append(len(capsys.readouterr().out.splitlines()))
        house.loop.stop()

    house.loop.run(begun)
    assert lines == [1]


def test_the_collector_of_garbage_rests_during_a_start_only():
    assert gc.isenabled()
    memory.start()
    assert not gc.isenabled()
    memory.settle()
    gc.unfreeze()
    assert gc.isenabled()
