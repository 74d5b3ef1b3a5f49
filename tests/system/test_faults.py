"""Faults that are made on purpose in a real house: told within, over within, each with a control that it happened.

What was measured goes into docs/faults.md, with what the test allowed (see faults_measured.py).
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from faults_measured import keep
from latency import bundled_cry
from making_faults import beats, fault, label, noise, stopped
from running_house import House, is_sound_incident, level_of
from sound_server import MICROPHONE, missing

sys.path.insert(0, str(Path(__file__).parent.parent))
from brokers import MOSQUITTO, Mosquitto

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


def test_sound_server_stopped_and_started(house, sound):
    began = time.monotonic()
    sound.__exit__()
    assert all(program.poll() is not None for program in sound._programs)
    told = house.wait(
        lambda told: told.name == "incident" and told.content["label"] in {"MICROPHONE_STALLED", "MICROPHONE_MISSING"},
        60.0,
    )
    sound._programs.clear()
    mended = time.monotonic()
    sound.__enter__()
    over = fault(house, told.content["label"], "cleared", 120.0)
    keep("sound server stopped", told.at - began, 15.0, over - mended, 60.0)


def test_ear_stands_still(house):
    ear = house.processes()["audio"]
    began = time.monotonic()
    os.kill(ear, signal.SIGSTOP)
    told = fault(house, "EAR_SILENT", "", 60.0)
    assert stopped(ear)
    mended = time.monotonic()
    os.kill(ear, signal.SIGCONT)
    over = fault(house, "EAR_SILENT", "cleared", 60.0)
    keep("ear stands still (SIGSTOP)", told - began, 20.0, over - mended, 15.0)


def test_ear_killed(folder, house, sound):
    cry = bundled_cry(folder / "cry.wav")
    ear = house.processes()["audio"]
    began = time.monotonic()
    os.kill(ear, signal.SIGKILL)
    while house.processes().get("audio") in {ear, None}:
        time.sleep(0.02)
        assert time.monotonic() < began + 60.0
    # That it hears again, and not only that it runs: cries one after the other, until one is heard.
    while time.monotonic() < began + 60.0 and not house.incidents():
        sound.play(cry)
    assert house.incidents()
    keep("ear killed (SIGKILL); over: a cry is heard", None, 20.0, house.incidents()[0].at - began, 30.0)


def test_eye_hangs_in_its_look(folder, sound):
    import cv2  # noqa: PLC0415 - only where it is needed

    (folder / "p").mkdir()
    cv2.imwrite(str(folder / "p" / "0.png"), np.full((240, 320, 3), 90, np.uint8))
    with House(folder, sound.environment, MICROPHONE, f"file:{folder}/p") as house:
        sound.player(bundled_cry(folder / "cry.wav"))
        alert = house.wait(is_sound_incident, 30.0)
        eye = None
        while eye is None:
            eye = house.processes().get("video")
            assert time.monotonic() < alert.at + 30.0
        os.kill(eye, signal.SIGSTOP)
        began = time.monotonic()
        while not stopped(eye):  # A signal takes its time.
            time.sleep(0.01)
            assert time.monotonic() < began + 10.0
        assert alert.content["state"] == "alerting"  # It did not wait for the camera.
        told = house.wait(
            lambda told: is_sound_incident(told) and told.content["camera"] not in {None, "Look.ASKED", "Look.BEGAN"},
            60.0,
        )
        while Path(f"/proc/{eye}").exists():
            time.sleep(0.05)
            assert time.monotonic() < began + 60.0
        keep("eye hangs in its look (SIGSTOP)", told.at - began, 15.0, time.monotonic() - began, 15.0)


def test_voice_stands_still(house):
    voice = house.processes()["notify"]
    os.kill(voice, signal.SIGSTOP)
    began = time.monotonic()
    last = house.told[-1].at
    # As the page does it: silent for 15 s is an alarm of its own.
    while time.monotonic() < max(house.told[-1].at, last) + 15.0:
        time.sleep(0.1)
        assert time.monotonic() < began + 60.0
    told = time.monotonic()
    assert stopped(voice)
    os.kill(voice, signal.SIGCONT)
    over = house.wait(lambda each: each.name == "state" and each.at > told, 30.0).at
    keep("voice stands still (SIGSTOP); told by the page itself", told - began, 20.0, over - told, 10.0)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root: a small tmpfs is mounted")
def test_disk_full(folder, sound):
    state = folder / "st"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", state], check=True)
    try:
        with House(folder, sound.environment, MICROPHONE) as house:
            filler = state / "filler"
            began = time.monotonic()
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            assert shutil.disk_usage(state).free < 4096
            sound.player(bundled_cry(folder / "cry.wav"))
            heard = house.wait(lambda told: is_sound_incident(told) or label(told) == "JOURNAL", 60.0)
            told = heard.at if label(heard) == "JOURNAL" else fault(house, "JOURNAL", "", 60.0)
            mended = time.monotonic()
            filler.unlink()
            over = fault(house, "JOURNAL", "cleared", 120.0)
            assert house.incidents(), "the alert went out all the same"
            keep("disk full", told - began, 40.0, over - mended, 90.0)
    finally:
        subprocess.run(["umount", state], check=True)


def test_journal_damaged(folder, sound):
    with House(folder, sound.environment, MICROPHONE) as house:
        assert house.stop() == 0
    journal = folder / "st" / "journal.sqlite3"
    with journal.open("r+b") as file:
        file.write(b"no database any more" * 50)
    began = time.monotonic()
    with House(folder, sound.environment, MICROPHONE) as house:
        # The first word of the stream: every page that is opened shows it.
        first = next(told for told in house.told if told.name == "snapshot")
        assert "JOURNAL" in {each["label"] for each in first.content["incidents"]}
        assert len(list((folder / "st").glob("journal*"))) > 1, "the damaged one is kept"
        keep("journal damaged; told from the start on", first.at - began, 20.0, None, 0.0)


def test_digital_silence(folder, sound, house):
    player = sound.player(noise(folder, 20.0))
    house.wait(lambda told: beats(told) and level_of(told) > -60, 20.0)
    player.wait(60.0)
    began = time.monotonic()
    told = fault(house, "MICROPHONE_SILENT", "", 90.0)
    assert told > began
    mended = time.monotonic()
    sound.player(noise(folder, 40.0, 0.03))
    over = fault(house, "MICROPHONE_SILENT", "cleared", 60.0)
    keep("digital silence", told - began, 60.0, over - mended, 30.0)


def test_overdriven(folder, sound, house):
    player = sound.player(noise(folder, 60.0, 2.0))
    began = time.monotonic()
    told = fault(house, "MICROPHONE_CLIPS", "", 60.0)
    player.terminate()
    player.wait(10.0)
    mended = time.monotonic()
    sound.player(noise(folder, 60.0))
    over = fault(house, "MICROPHONE_CLIPS", "cleared", 90.0)
    keep("overdriven microphone", told - began, 40.0, over - mended, 60.0)


@pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto")
def test_broker_killed(folder, sound):
    broker = Mosquitto(folder, "allow_anonymous true").start()

    def trouble(told):
        if told.name not in {"state", "snapshot"}:
            return None
        state = told.content.get("state", told.content)
        return next((each["trouble"] for each in state.get("channels", []) if each["name"] == "home"), None)

    extra = f'[notify.home]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\n'
    try:
        with House(folder, sound.environment, MICROPHONE, extra=extra) as house:
            house.wait(lambda told: trouble(told) == "", 30.0)
            with contextlib.suppress(queue.Empty):
                while True:
                    house._news.get_nowait()
            began = time.monotonic()
            broker.stop(signal.SIGKILL)
            told = house.wait(lambda told: bool(trouble(told)), 90.0).at
            mended = time.monotonic()
            broker.start()
            over = house.wait(lambda told: trouble(told) == "", 90.0).at
            keep("broker killed", told - began, 60.0, over - mended, 90.0)
    finally:
        broker.stop()
