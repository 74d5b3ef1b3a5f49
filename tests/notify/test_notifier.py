"""What becomes of an incident: who is told, again, and after all; what is written and what is shown."""

from __future__ import annotations

import contextlib

from voice_house import TWO_GROUPS, House

from monitord.events import Fault, Gate, Kind, Measure, Role, Sight, Sound
from monitord.notify import delivery
from monitord.notify.database import JournalError
from monitord.notify.shown import SHOWN
from monitord.notify.unwritten import WRITE_WITHIN_S


def test_an_alert_is_sent_again_until_a_screen_confirms_it(house):
    house.tell(Kind.SOUND, Sound.CRY)
    house.voice.report(2, delivery.Event.CONFIRMED)
    house.wait(60)
    again = [each for each in house.sent if each[:2] == ("page", 1)]
    assert len(again) > 2
    assert house.voice.report(1, delivery.Event.CONFIRMED)["state"] == "delivered"
    count = len(house.sent)
    house.tell(Kind.HEARTBEAT, Gate.IDLE)
    house.voice.tick()
    assert len(house.sent) == count


def test_an_alert_that_no_screen_shows_is_told_and_logged(house, caplog):
    house.tell(Kind.SOUND, Sound.CRY)
    for _ in range(70):  # The ear lives on meanwhile.
        house.wait(10)
        house.tell(Kind.HEARTBEAT, Gate.IDLE)
    undelivered, incident = house.voice.incidents()
    assert {each["sink"]: each["state"] for each in incident["deliveries"]}["page"] == "failed"
    assert undelivered["label"] == "ALERT_UNDELIVERED"
    assert "was not delivered" in caplog.text


def test_who_acknowledges_has_seen_it_and_the_second_one_changes_nothing(house):
    house.tell(Kind.SOUND, Sound.CRY)
    first = house.voice.acknowledge(1)
    assert first["state"] == "acknowledged"
    assert first["deliveries"][0]["state"] == "delivered"
    house.now += 5
    assert house.voice.acknowledge(1)["acked_at"] == first["acked_at"]
    assert house.voice.acknowledge(2) is None
    assert house.voice.report(99, delivery.Event.CONFIRMED) is None


def test_after_a_restart_everything_is_as_it_was_and_what_was_not_confirmed_is_sent_again(house):
    house.tell(Kind.SOUND, Sound.CRY)
    house.voice.report(2, delivery.Event.CONFIRMED)
    house.wait(WRITE_WITHIN_S)
    house.sent.clear()
    house.restart()
    house.voice.tick()
    assert house.sent == [("page", 1, Sound.CRY)]
    house.tell(Kind.SOUND, Sound.CRY, score=99)
    assert [(each["id"], each["score"]) for each in house.voice.incidents()] == [(1, 99)]


def test_a_journal_that_cannot_be_written_is_a_fault_and_stops_no_alert(house, monkeypatch):
    @contextlib.contextmanager
    def full():
        raise JournalError("disk full")
        yield

    with monkeypatch.context() as broken:
        broken.setattr(house.journal, "transaction", full)
        house.tell(Kind.SOUND, Sound.CRY)
    assert ("page", 1, Sound.CRY) in house.sent
    assert {each["label"] for each in house.voice.incidents()} == {"CRY", "JOURNAL"}
    assert house.journal.live_incidents() == []
    house.wait(WRITE_WITHIN_S)  # The disk has room again.
    assert {each.subject.name for each in house.journal.live_incidents()} == {"CRY", "JOURNAL"}
    assert len(house.journal.unfinished()) == 4


def test_a_damaged_journal_is_an_incident_of_the_new_one(house):
    house.close()
    house.path.write_bytes(b"no journal" * 1000)
    house.restart()
    assert [each["label"] for each in house.voice.incidents()] == ["JOURNAL"]


def test_old_incidents_leave_the_page_and_stay_in_the_journal(house):
    for _ in range(SHOWN + 5):
        house.tell(Kind.SOUND, Sound.CRY)
        house.voice.acknowledge(house.voice.incidents()[0]["id"])
        for _, number, _ in house.sent:
            house.voice.report(number, delivery.Event.CONFIRMED)
        house.sent.clear()
        for _ in range(7):
            house.wait(10)
            house.tell(Kind.HEARTBEAT, Gate.IDLE)
    assert len(house.voice.incidents()) == SHOWN
    assert len(house.journal.incidents(1000)) == SHOWN + 5
    assert sum(len(each["deliveries"]) for each in house.voice.incidents()) == 2 * SHOWN
    assert house.voice.acknowledge(1)["id"] == 1


def test_an_unconfined_voice_is_an_alarm_until_one_starts_that_is_not(house):
    house.voice.confined(frozenset(), complete=False)
    house.voice.tick()
    assert ("log", 2, Fault.VOICE_UNCONFINED) in house.sent
    house.restart()
    house.voice.confined(frozenset(Measure), complete=True)
    assert house.voice.state()["mood"] == "starting"


def test_a_voice_that_starts_unconfined_again_and_again_has_one_incident_of_it(house):
    for _ in range(3):
        house.restart()
        house.voice.confined(frozenset(), complete=False)
    assert [each["label"] for each in house.voice.incidents()] == ["VOICE_UNCONFINED"]
    house.restart()
    house.voice.confined(frozenset(Measure), complete=True)
    assert [each["state"] for each in house.voice.incidents()] == ["cleared"]
    assert house.journal.live_incidents() == []


def reasons(house, sink):
    return [notice.reason.value for name, notice in house.notices if name == sink]


def test_the_next_group_is_told_when_the_first_does_not_answer(tmp_path):
    house = House(tmp_path, TWO_GROUPS)
    house.tell(Kind.SOUND, Sound.HELP)
    assert [sink for sink, *_ in house.sent] == ["page"]
    house.voice.report(1, delivery.Event.CONFIRMED)
    house.wait(101)
    (help_,) = [each for each in house.voice.incidents() if each["label"] == "HELP"]
    assert (help_["state"], help_["level"]) == ("escalated", 1)
    assert "escalated" in reasons(house, "log")
    house.close()


def test_a_group_that_cannot_be_reached_passes_the_alert_on(tmp_path, monkeypatch):
    monkeypatch.setattr(delivery, "EXPIRE_S", 30.0)
    house = House(tmp_path, TWO_GROUPS)
    house.tell(Kind.SOUND, Sound.HELP)
    house.wait(31)  # Long before escalate_s.
    (help_,) = [each for each in house.voice.incidents() if each["label"] == "HELP"]
    assert (help_["state"], help_["level"]) == ("escalated", 1)
    assert help_["deliveries"][0]["error"] == "nobody confirmed it in time"
    house.close()


def test_an_alert_that_reached_nobody_is_an_alarm_on_every_channel_and_ends_when_somebody_knows(house, monkeypatch):
    monkeypatch.setattr(delivery, "EXPIRE_S", 30.0)
    house.tell(Kind.SOUND, Sound.HELP)
    house.voice.report(2, delivery.Event.CONFIRMED)  # A line in the log wakes nobody.
    for _ in range(12):
        house.wait(10)
        house.tell(Kind.HEARTBEAT, Gate.IDLE)
    undelivered = house.voice.incidents()[0]
    assert (undelivered["label"], undelivered["urgency"]) == ("ALERT_UNDELIVERED", "fault")
    assert {sink for sink, _, subject in house.sent if subject is Fault.ALERT_UNDELIVERED} == {"page", "log"}
    # Its own alert reached nobody either, and that is not told again and again.
    assert [each["label"] for each in house.voice.incidents()] == ["ALERT_UNDELIVERED", "HELP"]
    assert house.voice.acknowledge(undelivered["id"], "Anna", "page")["state"] == "cleared"


def test_who_takes_an_undelivered_alert_of_the_past_does_not_take_the_one_that_stands(house, monkeypatch):
    monkeypatch.setattr(delivery, "EXPIRE_S", 30.0)

    def reaches_nobody(sound):
        house.tell(Kind.SOUND, sound)
        for _ in range(5):
            house.wait(10)
            house.tell(Kind.HEARTBEAT, Gate.IDLE)
        return next(each["id"] for each in house.voice.incidents() if each["label"] == "ALERT_UNDELIVERED")

    first = reaches_nobody(Sound.HELP)
    house.voice.acknowledge(first)
    second = reaches_nobody(Sound.HILFE)
    assert second != first
    answer = house.voice.acknowledge(first)
    assert answer["id"] == first
    assert house.voice.find(second)["state"] != "cleared"
    assert house.voice.acknowledge(second)["state"] == "cleared"


def test_an_acknowledgement_is_on_record_with_who_and_from_where(house):
    house.tell(Kind.SOUND, Sound.HELP)
    muted = house.voice.mute(1, "Ben", "tablet")
    assert (muted["state"], muted["acked_at"]) == ("muted", None)
    taken = house.voice.acknowledge(1, "Anna", "phone")
    assert (taken["acked_by"], taken["acked_via"]) == ("Anna", "phone")
    house.voice.acknowledge(1, "Ben", "page")
    acts = [(act.event.name, act.by, act.via) for act in house.journal.acts_since("2000")]
    assert acts == [("MUTE", "Ben", "tablet"), ("ACK", "Anna", "phone")]
    assert house.voice.mute(99) is None
    assert house.voice.mute(1)["state"] == "acknowledged"


def test_a_channel_that_follows_is_told_what_the_camera_said_who_takes_care_and_that_it_is_over(tmp_path):
    house = House(tmp_path, sinks=("page", "phone"), followers=("phone",))
    house.tell(Kind.SOUND, Sound.CRY)
    house.tell(Kind.SIGHT, Sight.LYING, Role.EYE)
    for _, number, _ in house.sent:
        house.voice.report(number, delivery.Event.CONFIRMED)
    house.voice.tick()
    house.voice.report(3, delivery.Event.CONFIRMED)
    house.voice.acknowledge(1, "Anna", "page")
    house.voice.tick()
    house.voice.report(4, delivery.Event.CONFIRMED)
    house.wait(61)
    house.notices = [each for each in house.notices if each[1].incident.subject is Sound.CRY]  # The ear is silent, too.
    assert reasons(house, "phone") == ["alert", "update", "acknowledged", "cleared"]
    assert reasons(house, "page") == ["alert"]
    assert [notice.urgency for _, notice in house.notices if notice.reason != "alert"] == [None] * 3
    house.close()


def test_each_delivery_has_a_key_that_a_receiver_knows_it_by(house):
    house.tell(Kind.SOUND, Sound.CRY)
    house.restart()
    house.voice.tick()
    keys = [notice.key for _, notice in house.notices]
    assert len(keys) == 4
    assert keys[:2] == keys[2:]
    assert len(set(keys)) == 2


def test_a_confirmation_that_is_not_written_yet_when_the_voice_dies_sends_it_again_under_its_key(house):
    house.tell(Kind.SOUND, Sound.CRY)
    assert [each.state for each in house.journal.unfinished()] == [delivery.State.PENDING] * 2  # Before it is sent.
    house.voice.report(2, delivery.Event.CONFIRMED)
    house.restart()
    house.voice.tick()
    again = [notice.key for sink, notice in house.notices if sink == "log"]
    assert len(again) == 2
    assert len(set(again)) == 1


def test_what_became_of_deliveries_is_written_together_and_soon(house):
    commits = []
    house.journal._database.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
    house.tell(Kind.SOUND, Sound.CRY)
    for number in (1, 2):
        house.voice.report(number, delivery.Event.CONFIRMED)
    house.wait(2 * WRITE_WITHIN_S)
    assert house.journal.unfinished() == []
    assert len(commits) == 2
