"""What a voice makes of the frames that it receives, with a clock set by hand and a real journal."""

from __future__ import annotations

from voice_house import TWO_GROUPS

from monitord.config import Config
from monitord.events import Fault, Frame, Gate, Kind, Life, Look, Measure, Message, Role, Sight, Sound
from monitord.notify.inbox import Received
from monitord.wire import encode


def test_a_cry_goes_to_every_sink_and_is_in_the_journal(house):
    house.tell(Kind.SOUND, Sound.CRY)
    assert house.sent == [("page", 1, Sound.CRY), ("log", 2, Sound.CRY)]
    assert [each.subject for each in house.journal.live_incidents()] == [Sound.CRY]
    assert house.voice.state()["mood"] == "alert"


def test_heartbeats_that_say_nothing_new_are_not_written(house):
    house.tell(Kind.HELLO, Life.STARTED)
    for gate in (Gate.IDLE, Gate.IDLE, Gate.IDLE, Gate.ARMED, Gate.ARMED):
        house.tell(Kind.HEARTBEAT, gate)
    labels = [stored.frame.message.label for stored in house.journal.frames_since("2000")]
    assert labels == [Life.STARTED, Gate.IDLE, Gate.ARMED]
    assert house.voice.state()["level_dbfs"] == -40


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


def test_an_ear_or_an_eye_that_refuses_is_an_alarm(house):
    house.tell(Kind.FAULT, Fault.EAR_NOT_CONFINED)
    house.tell(Kind.FAULT, Fault.EYE_NOT_CONFINED, Role.EYE)
    assert {subject for _, _, subject in house.sent} == {Fault.EAR_NOT_CONFINED, Fault.EYE_NOT_CONFINED}


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
