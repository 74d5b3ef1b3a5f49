"""What a voice makes of a self-test."""

from __future__ import annotations

import contextlib
import sqlite3

from voice_house import House

from monitord.config import Language
from monitord.events import Fault, Gate, Kind, Sound
from monitord.notify.sinks import wording


def cry(house):
    """The test's cry, as the ear tells it."""
    house.now += 3.0
    house.tell(Kind.SOUND, Sound.CRY)
    house.now += 14.0
    house.tell(Kind.SOUND_END, Sound.CRY)


def test_a_self_test_rings_every_channel_once_marked_and_is_marked_in_the_journal(tmp_path):
    house = House(tmp_path, sinks=("page", "log", "phone"), followers=("phone",))
    with contextlib.closing(house):
        house.voice.expect_test(8.0, quiet=False)
        house.now += 3.0
        house.tell(Kind.SOUND, Sound.CRY)
        assert [sink for sink, *_ in house.sent] == ["page", "log", "phone"]
        for _, notice in house.notices:
            told = wording.content(notice, Language.EN)
            assert (told["test"], told["title"]) == (True, "Test: Room")
            assert told["text"].startswith("This is a test")
        assert house.voice.selftest()["written"]
        assert house.voice.selftest()["incident"]["id"] == 1
        assert [each.test for each in house.journal.live_incidents()] == [True]
        house.restart()
        assert [each["test"] for each in house.voice.incidents()] == [True]
        for _ in range(4):
            house.wait(10)
            house.tell(Kind.HEARTBEAT, Gate.IDLE)
        assert [each.test for each in house.journal.live_incidents()] == [True, False], "its sound did not end"
        real = [notice for _, notice in house.notices if not notice.incident.test]
        assert wording.content(real[0], Language.EN)["text"] == "A child is crying."


def test_a_self_test_that_reaches_nobody_is_the_tests_own_finding_and_no_fault(house):
    house.voice.expect_test(8.0, quiet=False)
    cry(house)
    for _ in range(70):
        house.wait(10)
        house.tell(Kind.HEARTBEAT, Gate.IDLE)
    (incident,) = house.voice.incidents()
    assert {each["sink"]: each["state"] for each in incident["deliveries"]}["page"] == "failed"
    assert incident["state"] == "cleared"


def test_a_self_test_at_night_is_brought_to_nobody(house):
    house.voice.expect_test(8.0, quiet=True)
    cry(house)
    house.wait(30)
    assert [subject for *_, subject in house.sent if subject is Sound.CRY] == []
    assert house.voice.selftest()["incident"]["state"] == "held"
    assert house.voice.state()["mood"] != "alert"


def test_what_a_self_test_found_is_a_fault_until_one_finds_nothing(house):
    house.voice.tested(Fault.SELFTEST_MICROPHONE)
    house.voice.tick()
    assert [(sink, subject) for sink, _, subject in house.sent] == [
        ("page", Fault.SELFTEST_MICROPHONE), ("log", Fault.SELFTEST_MICROPHONE),
    ]  # fmt: skip
    house.voice.tested(Fault.SELFTEST_SPEAKER)  # What is broken now is another link.
    live = {each["label"] for each in house.voice.incidents() if each["state"] != "cleared"}
    assert live == {"SELFTEST_SPEAKER"}
    house.voice.tested(None)
    assert all(each["state"] == "cleared" for each in house.voice.incidents())


def test_in_a_journal_from_before_there_were_self_tests_no_incident_is_one(house):
    house.tell(Kind.SOUND, Sound.CRY)
    house.close()
    database = sqlite3.connect(house.path)
    database.executescript("ALTER TABLE incidents DROP COLUMN test_until; PRAGMA user_version = 3;")
    database.close()
    house.restart()
    assert [each["test"] for each in house.voice.incidents()] == [False]
    assert house.voice.state()["mood"] == "alert"


def test_what_a_self_test_found_is_over_once_somebody_knows(house):
    house.voice.tested(Fault.SELFTEST_MICROPHONE)
    house.voice.fault(Fault.MEMORY_LOW)
    assert house.voice.acknowledge(1)["state"] == "cleared"
    assert house.voice.acknowledge(2)["state"] == "acknowledged", "the control: what goes on stands"


def test_without_a_self_test_there_is_none_to_tell_of(house):
    assert house.voice.selftest() == {"until": None, "incident": None, "written": False}
