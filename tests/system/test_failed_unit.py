"""The alarm of last resort in a container: what stays down is told in the journal, with monitord or without it."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from machine import EAR, SCENE, VOICE

container = pytest.importorskip("container", reason="the package's container is not in this checkout")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(container.missing()), reason=container.missing()),
]

ALARM = "monitord-failed@{}.service"
OF_THE_VOICE, OF_THE_EAR = ALARM.format("monitord"), ALARM.format("monitord-audio")
SOUND = f"file:{SCENE}/night.flac"
_number = itertools.count()


@pytest.fixture
def machine(root, installed, work):
    with container.Container([installed, root], work / f"f{next(_number)}") as machine:
        machine.configure(SOUND)
        yield machine


def said(machine):
    """(priority, text) of the alarm's own lines."""
    lines = machine.run("journalctl", "-o", "json", "-t", "monitord-failed").stdout.splitlines()
    return [(each["PRIORITY"], each["MESSAGE"]) for each in map(json.loads, lines) if "MESSAGE" in each]


def alarms(machine, unit):
    return [text for priority, text in said(machine) if priority == "0" and f"{unit} stays down" in text]


def ups(machine):
    return [text for _, text in said(machine) if "is up again" in text]


def test_a_voice_that_cannot_start_is_told_without_it(machine):
    machine.configure(SOUND, extra="[adio]\n")
    machine.run("systemctl", "start", VOICE, check=False)
    (ear,) = machine.wait("the ear's alarm", lambda: alarms(machine, "monitord-audio"))
    (voice,) = machine.wait("the voice's alarm", lambda: alarms(machine, "monitord"))
    assert "'monitord check'" in ear
    assert "'monitord check'" in voice
    exposure = machine.run("systemd-analyze", "security", "--no-pager", OF_THE_VOICE).stdout
    assert float(re.search(r"Overall exposure level for \S+: ([\d.]+)", exposure)[1]) <= 0.8, exposure
    assert machine.active(OF_THE_VOICE)
    # Mended and started, it ends by itself.
    machine.configure(SOUND)
    machine.run("systemctl", "start", VOICE)
    machine.wait("the alarm is over", lambda: not machine.active(OF_THE_VOICE), 180.0)


def test_to_stop_monitord_ends_the_alarm(machine):
    machine.configure(SOUND, extra="[adio]\n")
    machine.run("systemctl", "start", VOICE, check=False)
    machine.wait("the alarm runs", lambda: machine.active(OF_THE_VOICE))
    machine.run("systemctl", "stop", VOICE)
    assert not machine.active(OF_THE_VOICE)


def test_a_voice_that_comes_back_is_no_alarm_and_an_ear_that_does_not_is_a_fault(machine):
    machine.run("systemctl", "start", VOICE)
    machine.wait("the ear is up", lambda: machine.active(EAR) and machine.status())
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", VOICE)
    machine.wait("it is seen to be back", lambda: any("is up again" in text for _, text in said(machine)))
    assert alarms(machine, "monitord") == []
    # The ear is killed, and what it would be started with again is wrong by now: the voice lives with what it has read.
    machine.configure(SOUND, extra="[adio]\n")
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", EAR)
    machine.wait("the ear's alarm", lambda: alarms(machine, "monitord-audio"))
    # `monitord status` reads the same wrong file; the log has what every channel is told.
    machine.wait("the fault", lambda: "(fault) Test: The ear is silent" in machine.log())


def test_a_voice_that_dies_again_and_again_is_told_though_it_is_up_each_time(machine):
    machine.run("systemctl", "start", VOICE)
    machine.wait("the ear is up", lambda: machine.active(EAR) and machine.status())
    for death in range(4):
        machine.wait("it is up", lambda: machine.active(VOICE) and machine.status(), 90.0)
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", VOICE)
        machine.wait("it is seen to be back", lambda n=death: len(ups(machine)) > n)
    machine.wait("told without it", lambda: any("dies again and again" in text for _, text in said(machine)))
    machine.wait("told by itself", lambda: "(fault) Test: The voice dies again and again" in machine.log())


def test_a_reload_keeps_everybody_alive_and_a_wrong_file_is_a_fault_until_it_is_mended(machine):
    machine.run("systemctl", "start", VOICE)
    machine.wait("the ear is up", lambda: machine.active(EAR) and machine.status())
    before = machine.pid(VOICE), machine.pid(EAR)

    def faults():
        return {each["label"] for each in machine.incidents("fault") if each["state"] != "cleared"}

    machine.configure(SOUND, extra="[adio]\n")
    machine.run("systemctl", "reload", VOICE)
    machine.wait("the fault", lambda: "(fault) Test: The configuration file is wrong" in machine.log())
    machine.configure(SOUND, extra="[rules.cry]\nrepeat_s = 5.0\n", look_s=3.0)
    machine.run("systemctl", "reload", VOICE)
    machine.wait("it is over", lambda: "CONFIGURATION" not in faults())
    assert "in effect now: rules.cry.repeat_s" in machine.log()
    assert "Needs a restart: video.look_s" in machine.show(VOICE, "StatusText")
    assert (machine.pid(VOICE), machine.pid(EAR)) == before
