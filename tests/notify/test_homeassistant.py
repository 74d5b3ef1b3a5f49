"""What Home Assistant is told, against the fields that it documents.

The lists are those of the pages of home-assistant.io as of 2026: "MQTT" (device discovery payload), "MQTT Sensor",
"MQTT Binary Sensor", "MQTT Button", "MQTT Number", "MQTT Event"; what a device discovery payload must have is in
the schema `DEVICE_DISCOVERY_SCHEMA` of Home Assistant's own MQTT integration, and in its documentation of the device
registry.
"""

from __future__ import annotations

import json
import re

import pytest
from brokers import FakeHouse, an_incident

from monitord.config import Language
from monitord.notify.incident import Urgency
from monitord.notify.mood import Mood
from monitord.notify.sinks import homeassistant
from monitord.notify.sinks.homeassistant import discovery, foremost, state

AVAILABILITY = {
    "availability", "availability_mode", "availability_template", "availability_topic", "payload_available",
    "payload_not_available",
}  # fmt: skip
OF_EVERY_ENTITY = AVAILABILITY | {
    "platform", "device", "origin", "enabled_by_default", "encoding", "entity_category", "entity_picture", "icon",
    "json_attributes_template", "json_attributes_topic", "name", "object_id", "default_entity_id", "qos", "unique_id",
}  # fmt: skip
FIELDS = {
    "sensor": OF_EVERY_ENTITY
    | {"device_class", "expire_after", "force_update", "last_reset_value_template", "options", "state_class",
       "state_topic", "suggested_display_precision", "unit_of_measurement", "value_template"},
    "binary_sensor": OF_EVERY_ENTITY
    | {"device_class", "expire_after", "force_update", "off_delay", "payload_off", "payload_on", "state_topic",
       "value_template"},
    "button": OF_EVERY_ENTITY | {"command_template", "command_topic", "device_class", "payload_press", "retain"},
    "number": OF_EVERY_ENTITY
    | {"command_template", "command_topic", "device_class", "max", "min", "mode", "optimistic", "payload_reset",
       "retain", "state_topic", "step", "unit_of_measurement", "value_template"},
    "event": OF_EVERY_ENTITY | {"device_class", "event_types", "state_topic", "value_template"},
}  # fmt: skip
REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "button": {"command_topic"},
    "number": {"command_topic"},
    "event": {"state_topic", "event_types"},
}
OF_THE_MESSAGE = AVAILABILITY | {"device", "origin", "components", "state_topic", "command_topic", "qos", "encoding"}
DEVICE = {
    "configuration_url", "connections", "hw_version", "identifiers", "manufacturer", "model", "model_id", "name",
    "serial_number", "suggested_area", "sw_version", "via_device",
}  # fmt: skip
ORIGIN = {"name", "sw_version", "support_url"}
DEVICE_CLASSES = {"sensor": {"enum", "timestamp"}, "binary_sensor": {"running", "problem"}, "number": {"duration"}}
"""Of the classes that the pages "Sensor" and "Binary sensor" list, those that are used here."""


def wrong(message):
    """What Home Assistant would not take, one line each."""
    said = [f"{key} is no field of the message" for key in set(message) - OF_THE_MESSAGE]
    said += [f"{key} is missing" for key in {"device", "origin", "components"} - set(message)]
    device = message.get("device", {})
    said += [f"device: {key} is no field" for key in set(device) - DEVICE]
    if not (device.get("identifiers") or device.get("connections")):
        said.append("device: neither identifiers nor connections")
    said += [f"origin: {key} is no field" for key in set(message.get("origin", {})) - ORIGIN]
    if not message.get("origin", {}).get("name"):
        said.append("origin: no name")
    if {"availability", "availability_topic"} <= set(message):
        said.append("availability and availability_topic exclude one another")
    ids = [each.get("unique_id") for each in message.get("components", {}).values()]
    if None in ids or len(set(ids)) < len(ids):
        said.append("unique ids are missing or not unique")
    for name, each in message.get("components", {}).items():
        kind = each.get("platform")
        if kind not in FIELDS:
            said.append(f"{name}: no platform")
            continue
        said += [f"{name}: {key} is no field of a {kind}" for key in set(each) - FIELDS[kind]]
        said += [f"{name}: {key} is missing" for key in REQUIRED[kind] - set(each)]
        if each.get("device_class") not in DEVICE_CLASSES.get(kind, set()) | {None}:
            said.append(f"{name}: {each['device_class']} is no class of a {kind}")
        if "options" in each and (
            each.get("device_class") != "enum" or {"state_class", "unit_of_measurement"} & set(each)
        ):
            said.append(f"{name}: options do not go with this")
        if each.get("entity_category") not in {None, "config", "diagnostic"}:
            said.append(f"{name}: no category")
    return said


@pytest.fixture(params=list(Language))
def message(request):
    return discovery("home/nursery", "Nursery", request.param, version="1.0", url="https://192.168.1.5:8740/")


def test_the_message_has_what_home_assistant_documents_and_nothing_else(message):
    assert wrong(json.loads(json.dumps(message))) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.pop("origin"), "origin is missing"),
        (lambda m: m.update(colour="red"), "colour is no field"),
        (lambda m: m["device"].pop("identifiers"), "neither identifiers"),
        (lambda m: m["components"]["camera"].pop("unique_id"), "unique ids"),
        (lambda m: m["components"]["level"].update(options=["a"]), "options do not go"),
        (lambda m: m["components"]["alert"].pop("event_types"), "event_types is missing"),
        (lambda m: m["components"]["acknowledge"].update(state_topic="a"), "state_topic is no field of a button"),
    ],
)
def test_the_control_what_is_wrong_is_found(message, change, says):
    change(message)
    assert any(says in line for line in wrong(message))


def test_it_has_what_the_owner_is_promised(message):
    assert set(message["components"]) == {
        "room", "last_sound", "incident", "camera", "level", "health", "acknowledge", "pause", "alert",
    }  # fmt: skip


def test_every_template_finds_its_value_in_the_state(message):
    house = FakeHouse(an_incident())
    told = state(house.state(), house.incidents(), Language.EN)
    for each in message["components"].values():
        if "value_template" in each:
            (key,) = re.fullmatch(r"\{\{ value_json\.(\w+) \}\}", each["value_template"]).groups()
            assert key in told


def test_what_the_state_says_is_among_what_was_announced(message):
    parts = message["components"]
    assert set(parts["room"]["options"]) == {each.value for each in Mood}
    assert set(parts["alert"]["event_types"]) == {each.value for each in Urgency}
    house = FakeHouse()
    for camera, shown in ((None, "OFF"), ("Look.BEGAN", "ON"), ("Sight.LYING", "OFF")):
        house.camera = camera
        assert state(house.state(), [], Language.EN)["camera"] == shown


def test_faults_and_channels_that_do_not_work_are_a_fault():
    house = FakeHouse()
    assert state(house.state(), [], Language.EN)["fault"] == "OFF"
    fault = an_incident(2, kind="fault", urgency="fault")
    assert state(house.state(), [fault], Language.EN)["fault"] == "ON"
    assert state(house.state(), [{**fault, "state": "cleared"}], Language.EN)["fault"] == "OFF"
    house.channel("home", "the broker is away")
    assert state(house.state(), [], Language.EN)["troubles"] == ["the broker is away"]


@pytest.mark.parametrize(
    ("until", "minutes"),
    [
        (None, 0),
        ("2026-11-24T22:00:00.000+00:00", 0),
        ("2026-11-24T22:00:01.000+00:00", 1),
        ("2026-11-24T23:30:00.000+00:00", 90),
    ],
)
def test_the_minutes_of_a_pause_that_are_left(until, minutes):
    said = {**FakeHouse().state(), "time": "2026-11-24T22:00:00.000+00:00", "paused_until": until}
    assert state(said, [], Language.EN)["pause_minutes"] == minutes


def test_a_self_test_at_night_is_nothing_that_waits_and_no_sound_of_the_room():
    tested = {**an_incident(7, state="held"), "test": True}
    assert foremost([tested]) is None
    assert foremost([{**tested, "state": "alerting"}])["id"] == 7, "the control: one by day waits"
    assert state(FakeHouse().state(), [tested], Language.EN)["last_sound_at"] is None


def test_nothing_happened_yet():
    told = state(FakeHouse().state(), [], Language.DE)
    assert (told["last_sound_at"], told["incident"]) == (None, None)
    assert told["incident_text"] == homeassistant.NONE[Language.DE]


@pytest.mark.parametrize(
    ("incidents", "first"),
    [
        ([], None),
        ([an_incident(1, state="cleared"), an_incident(2, state="acknowledged")], None),
        ([an_incident(1, urgency="low"), an_incident(2, urgency="high"), an_incident(3, urgency="medium")], 2),
        ([an_incident(1), an_incident(2)], 2),
        ([an_incident(1, state="muted"), an_incident(2, state="cleared")], 1),
    ],
)
def test_the_most_urgent_that_waits_comes_first(incidents, first):
    found = foremost(incidents)
    assert (found and found["id"]) == first
