"""The published JSON Schemas of the messages (``docs/schema``), made from the tables that the parser reads by. Pure."""

from __future__ import annotations

from typing import Any

from monitord.wardtalk.codec import TABLES, VERSION
from monitord.wardtalk.topics import Kind

TITLES = {
    Kind.STATE: "The state of a room: monitord/v1/SITE/ROOM/state, retained",
    Kind.HEALTH: "That a room lives: monitord/v1/SITE/ROOM/health, retained, every 10 s, and its last will",
    Kind.INCIDENT: "One incident of a room: monitord/v1/SITE/ROOM/incident/ID, retained",
    Kind.ACK: "What a station asks of a room: monitord/v1/SITE/ROOM/ack, not retained",
    Kind.STATION: "How a station is: monitord/v1/SITE/_ward/WARD/STATION/state, retained, and its last will",
}


def schemas() -> dict[str, dict[str, Any]]:
    """Name of the file below ``docs/schema`` -> its content."""
    return {
        f"{kind.value}.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:monitord:v{VERSION}:{kind.value}",
            "title": title,
            **TABLES[kind].schema(),
        }
        for kind, title in TITLES.items()
    }
