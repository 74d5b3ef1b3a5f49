"""The loop from sound to the voice and the eye: what it tells, whom it asks, and when its owner has closed its ear."""

import gc
import json

import numpy as np

from monitord import memory, paths
from monitord.audio.loop import PATIENCE_S
from monitord.audio.source import FakeSource
from monitord.config import PAUSE_MAX_S
from monitord.events import Fault, Gate, Kind, Look, Sound


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
