"""Faults of the microphone that are made on purpose in a real house; see test_faults.py."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
from faults_measured import keep
from making_faults import RATE, fault, label, noise, play, stopped
from running_house import House
from sound_server import MICROPHONE, SoundServer, missing

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
RNG = np.random.default_rng(5)
DEAF = {"MICROPHONE_MISSING", "MICROPHONE_BUSY", "MICROPHONE_STALLED"}


def test_no_microphone_at_the_start(folder):
    (folder / "s").mkdir()
    sound = SoundServer(folder / "s")  # Not started: its microphone has a name, and nobody behind it.
    began = time.monotonic()
    with House(folder, sound.environment, MICROPHONE, hears=False) as house:
        # The page may come up after the ear has told it: then its first word holds it.
        told = house.wait(lambda told: bool(DEAF & shown(told)), 60.0)
        named = min(DEAF & shown(told))
        mended = time.monotonic()
        with sound:
            over = fault(house, named, "cleared", 120.0)
        assert "it is tried again in" in house.log()
        keep("no microphone at the start; told after the start of everything", told.at - began, 20.0,
             over - mended, 60.0)  # fmt: skip


def shown(told):
    """Labels of the incidents that an event of the stream tells of."""
    incidents = [told.content] if told.name == "incident" else told.content.get("incidents", [])
    return {each["label"] for each in incidents}


def test_sound_server_stands_still_and_a_new_ear_finds_it_so(house, sound):
    server = sound._programs[0].pid
    began = time.monotonic()
    os.kill(server, signal.SIGSTOP)
    try:
        told = fault(house, "MICROPHONE_STALLED", "", 60.0)
        assert "no sound arrives, and no error either" in house.log()
        # That stream cannot even be closed, and a new ear hangs before its first word: in PortAudio's own beginning.
        again = fault(house, "EAR_SILENT", "", 60.0)
    finally:
        os.kill(server, signal.SIGCONT)
    mended = time.monotonic()
    fault(house, "EAR_SILENT", "cleared", 120.0)
    over = fault(house, "MICROPHONE_STALLED", "cleared", 150.0)
    assert again > told
    keep("sound server stands still (SIGSTOP)", told - began, 10.0, over - mended, 90.0)


SICK = {
    "MICROPHONE_CONSTANT": ("one and the same value", lambda: np.full(90 * RATE, 500), 60.0),
    "MICROPHONE_OFFSET": (
        "off centre", lambda: 4000 + RNG.normal(0.0, 100.0, 90 * RATE), 60.0,
    ),
    "MICROPHONE_FAINT": (
        "fainter than any room", lambda: (RNG.random(120 * RATE) < 0.05) * 1, 60.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("named", SICK)
def test_sick_microphone(folder, sound, house, named):
    title, made, within = SICK[named]
    player = play(sound, folder, made())
    began = time.monotonic()
    told = fault(house, named, "", 120.0)
    player.terminate()
    player.wait(10.0)
    mended = time.monotonic()
    sound.player(noise(folder, 90.0))
    over = fault(house, named, "cleared", 120.0)
    keep(f"{title} from the microphone", told - began, within, over - mended, 70.0)


def told_of(house, named):
    return any(label(told) == named for told in house.told)


def test_blocks_dropped(folder, sound, house):
    sound.player(noise(folder, 120.0))
    ear = house.processes()["audio"]
    began = time.monotonic()
    # A processor that hardly ever has time for it; never so long that the stream would count as stalled.
    while not told_of(house, "MICROPHONE_OVERRUN") and time.monotonic() < began + 90.0:
        os.kill(ear, signal.SIGSTOP)
        time.sleep(1.9)
        assert stopped(ear)
        os.kill(ear, signal.SIGCONT)
        time.sleep(0.002)
    goes_on = time.monotonic()
    told = fault(house, "MICROPHONE_OVERRUN", "", 60.0)
    over = fault(house, "MICROPHONE_OVERRUN", "cleared", 150.0)
    keep("blocks dropped (the ear runs 1 ‰ of the time)", told - began, 60.0, over - goes_on, 90.0)


@pytest.mark.skipif("MONITORD_FAULTS" not in os.environ, reason="takes ten minutes; set MONITORD_FAULTS to measure")
def test_room_too_loud(folder, sound, house):
    player = play(sound, folder, RNG.normal(0.0, 32768.0 * 10 ** (-32 / 20), 700 * RATE).clip(-32768, 32767))
    began = time.monotonic()
    told = fault(house, "ROOM_TOO_LOUD", "", 690.0)
    player.terminate()
    player.wait(10.0)
    mended = time.monotonic()
    sound.player(noise(folder, 300.0, 0.0005))
    over = fault(house, "ROOM_TOO_LOUD", "cleared", 290.0)
    keep("a noise that drowns a cry", told - began, 600.0, over - mended, 200.0)
