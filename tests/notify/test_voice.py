"""The voice between inbox and sinks, with a clock set by hand and a real journal."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from monitord.config import Config, Language
from monitord.events import Fault, Frame, Gate, Kind, Life, Look, Measure, Message, Role, Sight, Sound
from monitord.notify import delivery
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.inbox import Received
from monitord.notify.journal import Journal
from monitord.notify.shown import SHOWN
from monitord.notify.sinks import wording
from monitord.notify.unwritten import WRITE_WITHIN_S
from monitord.notify.voice import Voice
from monitord.wire import encode


class House:
    """One machine: its clock, its disk, and what the voice sends; `restart` as after a crash."""

    def __init__(self, folder, config=None, sinks=("page", "log"), followers=()):
        self.config, self.sinks, self.followers = config or Config(), sinks, followers
        self.path = folder / "journal.sqlite3"
        self.now = 1000.0
        self.clock = Clock(lambda: self.now, lambda: 1_700_000_000.0 + self.now)
        self.sent, self.notices, self.published = [], [], []
        self.sequence = 0
        self.journal = None
        self.restart()

    def restart(self):
        self.close()
        self.journal = Journal(self.path, self.clock)
        self.voice = Voice(
            self.config,
            self.journal,
            self.sinks,
            self.clock,
            transmit=self.transmit,
            publish=lambda name, content: self.published.append((name, content)),
            jitter=lambda: 1.0,
            followers=self.followers,
        )

    def transmit(self, sink, notice):
        self.notices.append((sink, notice))
        self.sent.append((sink, notice.delivery, notice.incident.subject))

    def close(self):
        if self.journal is not None:
            self.journal.close()

    def tell(self, kind, label, role=Role.EAR, *, score=80, level=40):
        frame = Frame(Message(kind, label, score, level), role, 1, self.sequence)
        self.sequence += 1
        self.voice.receive(Received(encode(frame), frame))
        self.voice.tick()

    def wait(self, seconds):
        """Let time pass, from one due thing to the next."""
        end = self.now + seconds
        while (due := self.voice.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.voice.tick()
        self.now = end


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.close()


def test_a_cry_goes_to_every_sink_and_is_in_the_journal(house):
    house.tell(Kind.SOUND, Sound.CRY)
    assert house.sent == [("page", 1, Sound.CRY), ("log", 2, Sound.CRY)]
    assert [each.subject for each in house.journal.live_incidents()] == [Sound.CRY]
    assert house.voice.state()["mood"] == "alert"


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


def test_heartbeats_that_say_nothing_new_are_not_written(house):
    house.tell(Kind.HELLO, Life.STARTED)
    for gate in (Gate.IDLE, Gate.IDLE, Gate.IDLE, Gate.ARMED, Gate.ARMED):
        house.tell(Kind.HEARTBEAT, gate)
    labels = [stored.frame.message.label for stored in house.journal.frames_since("2000")]
    assert labels == [Life.STARTED, Gate.IDLE, Gate.ARMED]
    assert house.voice.state()["level_dbfs"] == -40


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


def test_a_flood_of_refused_datagrams_is_one_incident_and_few_writes(house):
    for _ in range(200):
        house.voice.receive(Received(b"", None, Fault.WIRE_REJECTED, "0 bytes"))
    assert [each["label"] for each in house.voice.incidents()] == ["WIRE_REJECTED"]
    assert len([name for name, _ in house.published if name == "incident"]) == 1


def test_a_gap_is_told_and_the_frame_after_it_counts(house):
    frame = Frame(Message(Kind.SOUND, Sound.CRY, 80), Role.EAR, 1, 9)
    house.voice.receive(Received(encode(frame), frame, Fault.WIRE_GAP, "3 frames of EAR are missing"))
    assert {each["label"] for each in house.voice.incidents()} == {"WIRE_GAP", "CRY"}


def test_the_state_follows_what_happens(house):
    def mood():
        return house.voice.state()["mood"]

    assert mood() == "starting"
    house.tell(Kind.HEARTBEAT, Gate.IDLE)
    assert mood() == "calm"
    house.tell(Kind.HEARTBEAT, Gate.ARMED)
    assert mood() == "sound"
    house.tell(Kind.LOOK, Look.BEGAN, Role.EYE)
    assert mood() == "looking"
    house.tell(Kind.SIGHT, Sight.NOBODY, Role.EYE)
    house.tell(Kind.LOOK, Look.ENDED, Role.EYE)
    assert house.voice.state()["camera"] == "Sight.NOBODY"
    house.tell(Kind.HEARTBEAT, Gate.PAUSED)
    assert mood() == "paused"
    house.tell(Kind.FAULT, Fault.MICROPHONE_MISSING)
    assert mood() == "fault"
    house.tell(Kind.SOUND, Sound.SMOKE_ALARM)
    assert mood() == "alert"


def test_a_microphone_that_is_gone_is_said_in_the_ears_place_until_it_is_back(house):
    house.tell(Kind.HEARTBEAT, Gate.IDLE)
    quiet = house.voice.state()
    house.tell(Kind.FAULT, Fault.MICROPHONE_MISSING)
    gone = house.voice.state()
    assert (quiet["deaf"], gone["deaf"], gone["level_dbfs"]) == (None, "Fault.MICROPHONE_MISSING", None)
    assert (quiet["gate_text"], "missing" in gone["gate_text"]) == ("The room is quiet.", True)
    house.tell(Kind.FAULT, Fault.RECOVERED, level=0)
    assert {**house.voice.state(), "time": ""} == {**quiet, "time": ""}


def test_a_look_that_never_ends_is_not_shown_for_ever(house):
    house.tell(Kind.HEARTBEAT, Gate.IDLE)
    house.tell(Kind.LOOK, Look.BEGAN, Role.EYE)
    house.wait(11)
    house.voice.tick()
    assert house.voice.state()["mood"] == "looking"
    house.wait(1)
    house.voice.tick()
    assert house.voice.state()["mood"] == "calm"
    assert house.voice.state()["camera"] == "Fault.CAMERA_TIMEOUT"


def test_a_silent_ear_is_told_once(house):
    house.tell(Kind.HEARTBEAT, Gate.IDLE)
    house.wait(40)
    assert [each["label"] for each in house.voice.incidents()] == ["EAR_SILENT"]


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


def test_an_unconfined_ear_is_an_alarm_until_a_confined_one_starts(house):
    house.tell(Kind.HELLO, Life.UNCONFINED, level=0b1111101)
    assert ("page", 1, Fault.UNCONFINED) in house.sent
    state = house.voice.state()
    assert state["mood"] == "fault"
    assert [name for name, held in state["confinement"]["ear"].items() if not held] == ["seccomp"]
    assert state["confinement_text"] == "The ear: all but seccomp."
    house.tell(Kind.FAULT, Fault.RECOVERED, level=0)  # Of the microphone, say.
    assert house.voice.state()["mood"] == "fault"
    house.tell(Kind.HELLO, Life.STARTED, level=127)
    assert house.voice.state()["mood"] != "fault"
    assert house.voice.state()["confinement_text"] == "The ear: all hold."
    assert house.voice.state()["level_dbfs"] is None  # What stands in its place is no sound level.


def test_what_confines_the_eye_and_the_voice_is_told(house):
    assert house.voice.state()["confinement"] == {"ear": None, "eye": None, "voice": None}
    house.tell(Kind.LOOK, Look.BEGAN, Role.EYE, level=0b0111111)
    house.voice.confined(frozenset(Measure) - {Measure.LANDLOCK}, complete=True)
    assert house.voice.state()["confinement_text"] == "The eye: all but empty-network. The voice: all but landlock."


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


def test_an_ear_or_an_eye_that_refuses_is_an_alarm(house):
    house.tell(Kind.FAULT, Fault.EAR_NOT_CONFINED)
    house.tell(Kind.FAULT, Fault.EYE_NOT_CONFINED, Role.EYE)
    assert {subject for _, _, subject in house.sent} == {Fault.EAR_NOT_CONFINED, Fault.EYE_NOT_CONFINED}


TWO_GROUPS = Config.model_validate(
    {
        "groups": {"parents": ["page"], "neighbours": ["log", "page"]},
        "rules": {"help": {"notify": ["parents", "neighbours"], "escalate_s": 100, "repeat_s": 40}},
    }
)


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


def test_other_rules_hold_for_what_happens_after_a_reload(house):
    house.voice.follow(TWO_GROUPS.model_copy(update={"groups": {"parents": ("page",), "neighbours": ("log",)}}))
    house.tell(Kind.SOUND, Sound.HELP, score=90)
    assert {sink for sink, _, subject in house.sent if subject is Sound.HELP} == {"page"}
    # The control: without it, everybody is told.
    house.voice.follow(Config())
    house.tell(Kind.SOUND, Sound.CRY, score=90)
    assert {sink for sink, _, subject in house.sent if subject is Sound.CRY} == {"page", "log"}


def test_a_wrong_file_is_a_fault_that_lasts_until_it_is_right(house):
    house.voice.configured(right=False)
    house.voice.tick()
    assert ("log", 2, Fault.CONFIGURATION) in house.sent
    house.wait(400)
    house.tell(Kind.HEARTBEAT, Gate.IDLE)
    assert next(each for each in house.voice.incidents() if each["label"] == "CONFIGURATION")["state"] != "cleared"
    house.voice.configured(right=True)
    assert next(each for each in house.voice.incidents() if each["label"] == "CONFIGURATION")["state"] == "cleared"


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
    house.now += 3.0
    house.tell(Kind.SOUND, Sound.CRY)
    house.now += 14.0
    house.tell(Kind.SOUND_END, Sound.CRY)
    for _ in range(70):
        house.wait(10)
        house.tell(Kind.HEARTBEAT, Gate.IDLE)
    (incident,) = house.voice.incidents()
    assert {each["sink"]: each["state"] for each in incident["deliveries"]}["page"] == "failed"
    assert incident["state"] == "cleared"


def test_a_self_test_at_night_is_brought_to_nobody(house):
    house.voice.expect_test(8.0, quiet=True)
    house.now += 3.0
    house.tell(Kind.SOUND, Sound.CRY)
    house.now += 14.0
    house.tell(Kind.SOUND_END, Sound.CRY)
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
