"""What dies again and again, though it is up again each time, is an alarm that stays."""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest
from waiting import until

from monitord.config import RulesConfig
from monitord.events import Fault, Gate, Kind, Life, Message, Role
from monitord.notify.clock import Clock
from monitord.notify.incident import State
from monitord.notify.journal import Journal
from monitord.notify.record import deaths
from monitord.notify.timeline import Life as VoiceLife
from monitord.notify.triage import Triage
from monitord.steadiness import DEATHS, WITHIN_S

HELLO, BEAT = Message(Kind.HELLO, Life.STARTED, level=127), Message(Kind.HEARTBEAT, Gate.IDLE, level=60)
GOODBYE = Message(Kind.GOODBYE, Life.STOPPED)


class Told:
    """A triage and a clock set by hand."""

    def __init__(self, **more):
        self.now = 0.0
        self.triage = Triage("Nursery", RulesConfig(), 10.0, now=0.0, **more)

    def ear(self, *said, seconds=5.0):
        for message in said:
            self.now += seconds
            self.triage.tick(self.now)
            self.triage.take(message, Role.EAR, self.now)

    def stands(self, fault=Fault.EAR_UNSTEADY):
        return [each for each in self.triage.live if each.subject is fault]


def test_an_ear_that_dies_again_and_again_is_told_until_it_has_lived_for_long():
    told = Told()
    told.ear(*[HELLO, BEAT] * DEATHS)
    assert not told.stands()
    told.ear(HELLO)  # The last of so many deaths.
    assert told.stands()
    died_at = told.now
    while told.now < died_at + WITHIN_S - 10.0:
        told.ear(BEAT)
    assert told.stands(), "it stays although the ear is well meanwhile"
    assert told.triage.next_due() <= died_at + WITHIN_S
    told.ear(BEAT, BEAT, BEAT)
    assert not told.stands()


def test_without_the_count_it_goes_unnoticed(monkeypatch):
    monkeypatch.setattr("monitord.steadiness.DEATHS", 1000)
    monkeypatch.setattr("monitord.steadiness.Steadiness.died", lambda *_: False)
    told = Told()
    told.ear(*[HELLO, BEAT] * 20)
    assert told.triage.live == []


def test_an_ear_that_is_restarted_by_its_owner_says_goodbye_and_is_no_alarm():
    told = Told()
    told.ear(*[HELLO, BEAT, GOODBYE] * 10)
    assert told.triage.live == []


def test_an_ear_that_dies_now_and_then_is_none_either():
    told = Told()
    for _ in range(10):
        told.ear(HELLO, *[BEAT] * int(WITHIN_S / 5.0 / (DEATHS - 1)))
    assert told.triage.live == []


@pytest.mark.parametrize("cause", [Fault.DETECTOR_MODEL, Fault.EAR_NOT_CONFINED, Fault.MICROPHONE_STALLED])
def test_what_it_dies_of_is_told_once(cause):
    told = Told()
    told.ear(*[HELLO, Message(Kind.FAULT, cause)] * 10)
    assert [each.subject for each in told.triage.live] == [cause]


def test_a_new_voice_ends_it_in_time_though_it_did_not_see_the_deaths():
    told = Told()
    told.ear(*[HELLO] * (DEATHS + 1))
    anew = Told(live=told.triage.live, next_id=9)
    anew.ear(*[BEAT] * 3)
    assert anew.stands()
    anew.ear(*[BEAT] * int(WITHIN_S / 5.0))
    assert anew.triage.live == []


def test_the_deaths_of_the_voice_are_read_from_its_lives(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite3", Clock())
    try:
        lives = [
            VoiceLife(1, "before", 0.0, 0.0, 5.0),  # The machine was switched off.
            VoiceLife(2, "now", 0.0, 10.0, 15.0),
            VoiceLife(3, "now", 0.0, 20.0, 25.0, stopped=True),
            VoiceLife(4, "now", 0.0, 30.0, 35.0),
            VoiceLife(5, "now", 0.0, 40.0, 45.0),
        ]
        with journal.transaction():
            for life in lives:
                journal.save_life(life)
        assert deaths(journal, "now") == [20.0, 40.0]
        assert deaths(journal, "later") == []
    finally:
        journal.close()


def incidents(voice):
    with urllib.request.urlopen(f"{voice.url()}api/v1/incidents") as answer:  # noqa: S310 - http, our own voice
        return {each["label"]: each["state"] for each in json.load(answer)["incidents"]}


def test_a_voice_that_is_killed_again_and_again_says_so_itself(real_voice):
    real_voice.hold_socket()
    for _ in range(DEATHS):
        real_voice.start()
        assert "VOICE_UNSTEADY" not in incidents(real_voice)
        real_voice.process.send_signal(signal.SIGKILL)
        real_voice.ended()
        (real_voice.runtime / "page").unlink()  # Else its successor is looked for under the old address.
    real_voice.start()
    until(lambda: incidents(real_voice).get("VOICE_UNSTEADY") == State.ALERTING.value)
    code, logged = real_voice.stop()
    assert code == 0
    assert "The voice dies again and again" in logged
