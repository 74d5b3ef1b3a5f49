"""`monitord selftest` through a real sound stream: speaker -> null sink -> microphone -> ear -> voice -> a phone.

Every way in which a link may be broken has the run in which all are good as its control.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from running_house import House, is_sound_incident, level_of
from sound_server import MICROPHONE, SPEAKER, SoundServer, missing

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

PATIENCE_S = 120.0
SCENE = Path(__file__).parents[2] / "monitord" / "scene" / "night.flac"
RATE_HZ, ROOM_DBFS, ROOM_S = 16_000, -70.0, 600
CRY_AT_S, CRY_UNTIL_S = 16.2, 24.2
SECTION = f'[selftest]\nspeaker = "{SPEAKER}"\n'


@pytest.fixture
def folder():
    # Not tmp_path: its name is too long for sockets.
    path = Path(tempfile.mkdtemp(prefix="ms-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def sound(folder):
    (folder / "s").mkdir()
    # A room is never quite silent; a microphone that is would be told as dead after 50 s.
    noise = np.random.default_rng(3).normal(0.0, 32768.0 * 10.0 ** (ROOM_DBFS / 20.0), ROOM_S * RATE_HZ)
    soundfile.write(folder / "room.wav", noise.round().astype(np.int16), RATE_HZ)
    with SoundServer(folder / "s") as server:
        server.player(folder / "room.wav")
        yield server


@pytest.fixture
def house(folder, sound):
    with House(folder, sound.environment, MICROPHONE, extra=SECTION) as house:
        yield house


class Phone:
    """A paired phone on which a person has the page open, shows every alert, and acknowledges tests."""

    def __init__(self, house):
        self._house = house
        with house.command("pair", "--name", "Anna") as command:
            said, _ = command.communicate(timeout=PATIENCE_S)
        code = "".join(re.search(r"code +(\d{3}) (\d{3})", said).groups())
        self._cookie = house.ask("POST", "/api/v1/pair", {"code": code})["cookie"]

    def watch(self):
        """Until the first alert was shown and acknowledged."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        return thread

    def _watch(self):
        told = self._house.wait(lambda each: each.name == "alert", PATIENCE_S).content
        self._house.ask("POST", f"/api/v1/deliveries/{told['delivery']}/seen", cookie=self._cookie)
        self._house.ask("POST", f"/api/v1/incidents/{told['incident']['id']}/ack", cookie=self._cookie)


def run(house, *words):
    """The exit code, and the links by name."""
    with house.command("selftest", "--json", *words) as command:
        said, trouble = command.communicate(timeout=PATIENCE_S)
    assert command.returncode in {0, 1}, trouble
    told = json.loads(said)
    assert told["good"] == (command.returncode == 0)
    if "try again" in told["refused"]:
        return run(house, *words)
    assert told["refused"] == ""
    return told["broken"], {each["name"]: each for each in told["links"]}


def goodness(links):
    return {name: each["good"] for name, each in links.items()}


def test_every_link_is_good_and_the_ledger_counts_no_alert(house):
    phone = Phone(house).watch()
    broken, links = run(house)
    phone.join(PATIENCE_S)
    assert broken == "", links
    assert goodness(links) == {
        "speaker": True, "microphone": True, "ear": True, "detector": True, "gate": None, "camera": None,
        "voice": True, "channel page": True, "channel log": True, "device": True,
    }  # fmt: skip
    assert "Anna" in links["device"]["says"]
    (incident,) = [told.content for told in house.incidents()][:1]
    assert incident["test"]
    assert incident["room"] == "Test: Test"
    assert "This is a test" in incident["text"]
    (night,) = house.ask("GET", "/api/v1/nights?days=1")["nights"]
    assert (night["alerts"], night["sounds"], len(night["tests"])) == ([], [], 1)


def test_a_muted_speaker_is_a_microphone_that_did_not_hear(house, sound):
    sound.mute(on=True)
    broken, links = run(house, "--wait", "0")
    assert broken == "microphone"
    assert "did not hear the speaker" in links["microphone"]["says"]
    assert links["speaker"]["good"], "it played, as far as anybody can know"


def test_a_speaker_that_is_not_there_is_named(folder, sound):
    with House(folder, sound.environment, MICROPHONE, extra='[selftest]\nspeaker = "nothing"\n') as house:
        broken, links = run(house, "--wait", "0")
    assert broken == "speaker"
    assert "'nothing'" in links["speaker"]["says"]


def test_an_ear_that_stands_still_is_named(house):
    ear = house.processes()["audio"]
    signal.pidfd_send_signal(os.pidfd_open(ear), signal.SIGSTOP)
    try:
        house.wait(lambda told: told.name == "incident" and told.content["label"] == "EAR_SILENT", PATIENCE_S)
        broken, links = run(house, "--wait", "0")
    finally:
        signal.pidfd_send_signal(os.pidfd_open(ear), signal.SIGCONT)
    assert broken == "ear"
    assert links["microphone"]["good"] is None


def test_without_a_page_nobody_confirms(house):
    broken, links = run(house, "--wait", "3")
    assert broken == "channels"
    assert goodness(links)["device"] is False
    assert goodness(links)["channel page"] is False
    assert goodness(links)["detector"] is True, "the control: all before it is good"


def test_by_night_nobody_is_rung_and_a_broken_link_is_a_fault_until_a_test_is_good(house, sound):
    sound.mute(on=True)
    broken, _ = run(house, "--nightly")
    assert broken == "microphone"
    fault = house.wait(lambda told: told.name == "incident" and told.content["label"] == "SELFTEST_MICROPHONE",
                       PATIENCE_S).content  # fmt: skip
    assert fault["state"] == "alerting"
    sound.mute(on=False)
    house.wait(lambda told: told.name == "state" and not told.content["deaf"] and level_of(told) > -90, PATIENCE_S)
    broken, links = run(house, "--nightly")
    assert broken == "", links
    over = house.wait(lambda told: told.name == "incident" and told.content["id"] == fault["id"]
                      and told.content["state"] == "cleared", PATIENCE_S)  # fmt: skip
    assert over
    test = house.ask("GET", "/api/v1/selftest")["incident"]
    assert test["state"] == "held"
    assert test["deliveries"] == []


def test_a_child_that_cries_on_after_the_test_is_an_alert_of_its_own(house, sound, folder):
    scene, rate = soundfile.read(SCENE, dtype="int16")
    cry = scene[int(CRY_AT_S * rate) : int(CRY_UNTIL_S * rate)]
    with soundfile.SoundFile(folder / "child.wav", "w", rate, 1) as file:
        for _ in range(4):
            file.write(cry)
    command = house.command("selftest", "--json", "--nightly")
    test = house.wait(is_sound_incident, PATIENCE_S).content
    assert test["test"]
    sound.player(folder / "child.wav")
    real = house.wait(lambda told: is_sound_incident(told) and not told.content["test"], PATIENCE_S).content
    assert real["state"] == "alerting"
    assert real["id"] > test["id"]
    command.communicate(timeout=PATIENCE_S)
