"""What Home Assistant is told by MQTT: one device, what it has, and the state that fills it. Pure.

Device discovery as Home Assistant documents it (home-assistant.io, "MQTT: Device discovery payload", and the pages of
the sensor, binary sensor, button and event; 2024.11 or later). tests/notify/test_homeassistant.py has the field lists.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitord.config import PAUSE_MAX_S, Language
from monitord.events import Look
from monitord.notify.incident import State, Urgency
from monitord.notify.mood import Mood
from monitord.notify.rows import word

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]

ONLINE, OFFLINE = "online", "offline"
PRESS = "PRESS"
"""Payload of the button, Home Assistant's default."""
RESUME = "RESUME"
"""Payload that ends a pause, as 0 minutes do."""
_NAMES = {
    Language.EN: {
        "room": "Room",
        "last_sound": "Last sound",
        "incident": "Incident",
        "camera": "Camera on",
        "level": "Microphone level",
        "health": "Fault",
        "acknowledge": "Acknowledge",
        "pause": "Pause (0: listen again)",
        "alert": "Alert",
    },
    Language.DE: {
        "room": "Raum",
        "last_sound": "Letztes Ger\u00e4usch",
        "incident": "Vorfall",
        "camera": "Kamera an",
        "level": "Mikrofonpegel",
        "health": "St\u00f6rung",
        "acknowledge": "Best\u00e4tigen",
        "pause": "Pause (0: wieder h\u00f6ren)",
        "alert": "Alarm",
    },
}
NONE = {Language.EN: "none", Language.DE: "keiner"}
_RANK = {each.value: rank for rank, each in enumerate((Urgency.HIGH, Urgency.MEDIUM, Urgency.FAULT, Urgency.LOW))}
_LOOKING = frozenset({word(Look.ASKED), word(Look.BEGAN)})
_TEXT_MAX = 255
"""Characters of a state in Home Assistant."""


def discovery(topic: str, room: str, language: Language, *, version: str, url: str = "") -> Json:
    """The discovery message of the monitor that publishes below `topic`; `url` is where its page is, "" nowhere."""
    slug = topic.replace("/", "_")
    names = _NAMES[language]

    def entity(key: str, platform: str, **more: Any) -> Json:
        return {"platform": platform, "unique_id": f"{slug}_{key}", "name": names[key], **more}

    def shown(key: str, platform: str, value: str, **more: Any) -> Json:
        template = f"{{{{ value_json.{value} }}}}"
        return entity(key, platform, state_topic=f"{topic}/state", value_template=template, **more)

    return {
        "device": {
            "identifiers": [slug],
            "name": f"monitord {room}",
            "manufacturer": "monitord",
            "model": "monitord",
            "sw_version": version,
            "suggested_area": room,
            **({"configuration_url": url} if url else {}),
        },
        "origin": {"name": "monitord", "sw_version": version},
        "availability_topic": f"{topic}/availability",
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "qos": 1,
        "components": {
            "room": shown("room", "sensor", "mood", device_class="enum", options=[each.value for each in Mood]),
            "last_sound": shown("last_sound", "sensor", "last_sound_at", device_class="timestamp"),
            "incident": shown("incident", "sensor", "incident_text", json_attributes_topic=f"{topic}/incident"),
            "camera": shown("camera", "binary_sensor", "camera", device_class="running"),
            "level": shown(
                "level", "sensor", "level_dbfs", unit_of_measurement="dBFS", state_class="measurement",
                entity_category="diagnostic",
            ),
            "health": shown("health", "binary_sensor", "fault", device_class="problem", entity_category="diagnostic"),
            "acknowledge": entity("acknowledge", "button", command_topic=f"{topic}/ack", payload_press=PRESS),
            "pause": entity(
                "pause", "number", command_topic=f"{topic}/pause", state_topic=f"{topic}/state",
                value_template="{{ value_json.pause_minutes }}", min=0, max=PAUSE_MAX_S / 60, step=1, mode="box",
                unit_of_measurement="min", device_class="duration",
            ),
            "alert": entity("alert", "event", state_topic=f"{topic}/alert", event_types=list(map(str, Urgency))),
        },
    }  # fmt: skip


def state(said: Json, incidents: Iterable[Json], language: Language) -> Json:
    """The retained state: from what the voice says of itself and the incidents that it shows."""
    incidents = list(incidents)
    first = foremost(incidents)
    sounds = [each for each in incidents if each["kind"] == "sound" and each["last_at"] and not each.get("test")]
    last = max(sounds, key=lambda each: str(each["last_at"]), default=None)
    troubles = [each["trouble"] for each in said.get("channels", ()) if each.get("trouble")]
    faults = [each["text"] for each in incidents if each["kind"] == "fault" and each["state"] != State.CLEARED.value]
    return {
        "room": said["room"],
        "mood": said["mood"],
        "text": said["text"],
        "level_dbfs": said["level_dbfs"],
        "camera": "ON" if said["camera"] in _LOOKING else "OFF",
        "camera_text": said["camera_text"],
        "last_sound": None if last is None else last["label"],
        "last_sound_at": None if last is None else last["last_at"],
        "incident": None if first is None else first["id"],
        "incident_text": NONE[language] if first is None else str(first["text"])[:_TEXT_MAX],
        "pause_minutes": _minutes_left(said),
        "fault": "ON" if faults or troubles else "OFF",
        "troubles": [*faults, *troubles],
    }


def foremost(incidents: Iterable[Json]) -> Json | None:
    """The incident that waits for somebody, the most urgent, of those the newest: what the button acknowledges."""
    waiting = [each for each in incidents if each["state"] in WAITING and not _rings_nobody(each)]
    return min(waiting, key=lambda each: (_RANK.get(str(each["urgency"]), len(_RANK)), -int(each["id"])), default=None)


def _rings_nobody(incident: Json) -> bool:
    """A nightly self-test."""
    return bool(incident.get("test")) and incident["state"] == State.HELD.value


def _minutes_left(said: Json) -> int:
    """Of the owner's pause, rounded up; 0: there is none."""
    if not said.get("paused_until"):
        return 0
    left = datetime.fromisoformat(said["paused_until"]) - datetime.fromisoformat(said["time"])
    return max(0, math.ceil(left.total_seconds() / 60.0))


WAITING = frozenset(each.value for each in State) - {State.ACKNOWLEDGED.value, State.CLEARED.value}
