"""What a self-test makes of what it saw: the broken link is the one that is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitord.notify.web.routes import LINKS
from monitord.tools.links import Observed, first_broken, judge

STATE = {
    "gate": "IDLE", "gate_text": "The room is quiet.", "deaf": None, "level_dbfs": -62, "since_ear_s": 1.0,
    "paused_until": None, "channels": [{"name": "page", "trouble": ""}, {"name": "log", "trouble": ""}],
}  # fmt: skip


def delivery(sink, state="delivered", error=""):
    return {"sink": sink, "reason": "alert", "state": state, "error": error, "text": "not confirmed yet"}


INCIDENT = {
    "id": 7, "score": 91, "camera": "Sight.NOBODY", "camera_text": "The camera sees nobody.", "acked_at": "2026",
    "acked_by": "Anna", "acked_via": "page", "deliveries": [delivery("page"), delivery("log")],
}  # fmt: skip
WHOLE = Observed(
    before=STATE, speaker="USB speaker", knows=True, levels=[-61, -40], gates=["IDLE", "ARMED"], after=STATE,
    test={"incident": INCIDENT, "written": True}, waited_s=60.0,
)  # fmt: skip
SILENT = replace(WHOLE, test={"incident": None, "written": False})


def told(seen):
    return {each.name: each.good for each in judge(seen)}


def incident(**changed):
    return replace(WHOLE, test={"incident": {**INCIDENT, **changed}, "written": True})


def test_a_whole_chain_has_no_broken_link():
    assert first_broken(judge(WHOLE)) == ""
    assert set(told(WHOLE).values()) == {True}
    assert [each.kind for each in judge(WHOLE)] == [*LINKS[1:8], "channels", "channels", "device"]


@pytest.mark.parametrize(
    ("seen", "broken"),
    [
        (replace(WHOLE, before=None, refused="monitord does not answer"), "voice"),
        (replace(SILENT, speaker="", speaker_trouble="speaker 'x': none has this name"), "speaker"),
        (replace(SILENT, levels=[-62, -61], gates=["IDLE"]), "microphone"),
        (replace(SILENT, levels=[], gates=[]), "microphone"),
        (replace(SILENT, before={**STATE, "paused_until": "2026"}), "microphone"),
        (replace(SILENT, before={**STATE, "deaf": "Fault.MICROPHONE_MISSING"}), "microphone"),
        (replace(SILENT, before={**STATE, "since_ear_s": 40.0}), "ear"),
        (replace(SILENT, before={**STATE, "gate": None, "since_ear_s": None}), "ear"),
        (SILENT, "detector"),
        (replace(SILENT, levels=[-62], gates=["IDLE", "ARMED"]), "detector"),
        (replace(SILENT, knows=False, speaker=""), "detector"),
        (incident(camera=None, camera_text=""), "gate"),
        (incident(camera="Fault.CAMERA_MISSING"), "camera"),
        (incident(camera="Look.BEGAN"), "camera"),
        (incident(camera="Sight.COVERED"), "camera"),
        (replace(WHOLE, test={"incident": INCIDENT, "written": False}), "voice"),
        (incident(deliveries=[delivery("page", "failed", "no screen"), delivery("log")]), "channels"),
        (incident(deliveries=[delivery("page")]), "channels"),
        (incident(acked_at=None), "device"),
    ],
)
def test_the_first_link_that_is_broken_is_named(seen, broken):
    assert first_broken(judge(seen)) == broken


@pytest.mark.parametrize(
    ("seen", "link"),
    [
        (replace(WHOLE, camera_off=True), "camera"),
        (incident(camera="Look.NOT_ASKED"), "camera"),
        (replace(incident(camera=None), before={**STATE, "gate": "COOLDOWN"}), "gate"),
        (replace(incident(acked_at=None), waited_s=0.0), "device"),
        (replace(incident(acked_at=None, deliveries=[]), quiet=True), "device"),
        (replace(incident(acked_at=None, deliveries=[]), quiet=True), "channel page"),
        (replace(SILENT, refused="a cry goes on", speaker=""), "voice"),
    ],
)
def test_what_was_not_tried_is_neither_good_nor_broken(seen, link):
    assert told(seen)[link] is None
    assert first_broken(judge(seen)) == ""


def test_at_night_a_channel_with_a_known_trouble_is_broken():
    after = {**STATE, "channels": [{"name": "home", "trouble": "the broker is away"}]}
    seen = replace(incident(acked_at=None, deliveries=[]), quiet=True, after=after)
    assert told(seen)["channel home"] is False
    assert first_broken(judge(seen)) == "channels"


def test_every_broken_link_says_what_it_is_about():
    for each in judge(replace(SILENT, levels=[-62, -61], gates=["IDLE"])):
        assert each.says
    (microphone,) = [each for each in judge(replace(SILENT, levels=[-61.5], gates=[])) if each.name == "microphone"]
    assert "did not hear the speaker: the level stayed at -61.5 dBFS" in microphone.says
