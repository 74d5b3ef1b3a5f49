"""Every route of the API in one table: what the server registers, and what the OpenAPI document says. Pure.

Schemas are JSON Schema (2020-12), as OpenAPI 3.1 uses it. They name what a client may rely on; more fields may come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monitord.notify.web.access import NAME_MAX, Role

Schema = dict[str, Any]

LINKS = ("", "speaker", "microphone", "ear", "detector", "gate", "camera", "voice", "channels", "device")
"""What a self-test may find broken, in the order of the chain; "": nothing."""
NUMBER_MAX = 999_999_999_999_999
"""Numbers of incidents and deliveries: SQLite's integers hold them, and JavaScript's."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        method: "GET" or "POST".
        path: as aiohttp and OpenAPI spell it: ``{number}`` stands for a part.
        name: of the handler, and the document's operationId.
        needs: the role that it takes; None: it is open to the whole house.
        text: what it does, one sentence.
        answer: schema of the JSON that it answers with; None: the answer is of the type `kind`.
        body: schema of the JSON that it takes; None: none.
        query: schema of each parameter of the query.
        errors: status codes beside those that the gate gives (400, 401, 403, 413, 429, 503).
        kind: media type of the answer.
    """

    method: str
    path: str
    name: str
    needs: Role | None
    text: str
    answer: Schema | None
    body: Schema | None = None
    query: dict[str, Schema] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    kind: str = "application/json"


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
SECONDS: Schema = {"type": ["number", "null"]}
TIME: Schema = {"type": "string", "format": "date-time"}
MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": NAME_MAX}

SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=TEXT),
    "State": _object(
        mood={"enum": ["alert", "fault", "paused", "looking", "sound", "starting", "calm"]},
        text=TEXT,
        room=TEXT,
        time=TIME,
        level_dbfs={"type": ["integer", "null"]},
        gate={"type": ["string", "null"]},
        since_ear_s=SECONDS,
        since_sound_s=SECONDS,
        camera={"type": ["string", "null"]},
        camera_text=TEXT,
        since_camera_s=SECONDS,
        channels=_list(_object(name=TEXT, trouble=TEXT)),
    ),
    "Delivery": _object(
        id=WHOLE, incident=WHOLE, sink=TEXT, state=TEXT, text=TEXT, attempts=WHOLE, delivered_at=MAYBE_TIME
    ),
    "Incident": _object(
        id=WHOLE,
        kind={"enum": ["sound", "fault"]},
        label=TEXT,
        test=FLAG,
        text=TEXT,
        room=TEXT,
        urgency={"enum": ["high", "medium", "low", "fault"]},
        state={"enum": ["open", "alerting", "acknowledged", "cleared"]},
        state_text=TEXT,
        score=WHOLE,
        camera={"type": ["string", "null"]},
        camera_text=TEXT,
        opened_at=TIME,
        last_at=TIME,
        alerted_at=MAYBE_TIME,
        acked_at=MAYBE_TIME,
        cleared_at=MAYBE_TIME,
        deliveries=_list(_ref("Delivery")),
    ),
    "Session": _object(
        role={"enum": ["watch", "acknowledge", None]},
        name={"type": ["string", "null"]},
        paired=FLAG,
        ntfy_topic={"type": ["string", "null"]},
    ),
    "WardRoom": _object(
        room=TEXT,
        label=TEXT,
        rank={"enum": [0, 1, 2, 3]},
        since={"type": "number"},
        incident={"type": ["object", "null"]},
        acknowledged={"type": ["object", "null"]},
        protected=FLAG,
        faults=_list(TEXT),
        heard_s=SECONDS,
    ),
    "Board": _object(
        ward=TEXT,
        at={"type": "number"},
        station=TEXT,
        others=_list({"type": "object"}),
        rooms=_list(_ref("WardRoom")),
        refused=_object(replayed=WHOLE, malformed=WHOLE, forged=WHOLE),
    ),
    "Selftest": _object(
        until=MAYBE_TIME,
        incident={"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Incident"}]},
        written=FLAG,
    ),
    "Nights": _object(nights=_list({"type": "object"})),
    "Health": _object(healthy=FLAG),
}

API: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/session",
        "session",
        None,
        "What this phone may do; role null: it has to be paired.",
        _ref("Session"),
    ),
    Route(
        "POST",
        "/api/v1/pair",
        "pair",
        None,
        "Present the one-time code of `monitord pair`; the answer sets the session's cookie.",
        _ref("Session"),
        body={**_object(code={"type": "string", "minLength": 1, "maxLength": 64}, name=NAME), "required": ["code"]},
        errors=(409,),
    ),
    Route("POST", "/api/v1/logout", "logout", None, "Forget this phone's session.", _ref("Session")),
    Route(
        "POST",
        "/api/v1/ntfy",
        "ntfy_token",
        Role.WATCH,
        "Make a user and password for the ntfy app, with this phone's role; they are shown once.",
        _object(server=TEXT, topic=TEXT, user=TEXT, password=TEXT, link=TEXT),
        body={**_object(name=NAME), "required": []},
        errors=(404, 409),
    ),
    Route(
        "GET",
        "/api/v1/state",
        "state",
        Role.WATCH,
        "The state of the monitor and its newest incidents.",
        _object(state=_ref("State"), incidents=_list(_ref("Incident"))),
    ),
    Route(
        "GET",
        "/api/v1/incidents",
        "incidents",
        Role.WATCH,
        "The newest incidents, newest first.",
        _object(incidents=_list(_ref("Incident"))),
    ),
    Route(
        "GET", "/api/v1/incidents/{number}", "incident", Role.WATCH, "One incident.", _ref("Incident"), errors=(404,)
    ),
    Route(
        "POST",
        "/api/v1/incidents/{number}/ack",
        "acknowledge",
        Role.ACKNOWLEDGE,
        "A person takes the incident. The first one counts. A notification's own token is enough for its incident.",
        _ref("Incident"),
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/v1/incidents/{number}/mute",
        "mute",
        Role.ACKNOWLEDGE,
        "Stop the tones of an incident; it stays unacknowledged.",
        _ref("Incident"),
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/v1/deliveries/{number}/seen",
        "seen",
        Role.WATCH,
        "A screen has shown the alert: this is what counts as delivered.",
        _ref("Delivery"),
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/v1/deliveries/seen",
        "seen_many",
        Role.WATCH,
        "A screen has shown these alerts: numbers of deliveries, blanks between; what is none is left out.",
        _object(seen=_list(WHOLE)),
        body=_object(numbers={"type": "string", "pattern": "^[0-9]{1,15}( [0-9]{1,15}){0,59}$"}),
    ),
    Route(
        "POST",
        "/api/v1/test-alert",
        "test_alert",
        Role.ACKNOWLEDGE,
        "Send an alert that is marked as a test, by one channel or by all, and wait for what proves that it arrived.",
        _object(results=_list(_object(sink=TEXT, arrived=FLAG, text=TEXT))),
        body={**_object(sink={"type": "string", "maxLength": 40}), "required": []},
        errors=(404,),
    ),
    Route(
        "GET",
        "/api/v1/selftest",
        "selftest",
        Role.WATCH,
        "What has become of the last self-test: until when its cry was expected, and the incident that it began.",
        _ref("Selftest"),
    ),
    Route(
        "POST",
        "/api/v1/selftest",
        "expect_test",
        Role.ACKNOWLEDGE,
        "Begin a self-test: a cry that is heard within so many seconds is marked as a test. `quiet`: it rings nobody.",
        _ref("Selftest"),
        errors=(409,),
        body={
            **_object(seconds={"type": "integer", "minimum": 1, "maximum": 30}, quiet=FLAG),
            "required": ["seconds"],
        },
    ),
    Route(
        "POST",
        "/api/v1/selftest/result",
        "tested",
        Role.ACKNOWLEDGE,
        "The result of a self-test: the first link that is broken. After a nightly one it is a fault of the monitor. "
        "`refused`: there was no test, since the monitor would not have it now.",
        _ref("Selftest"),
        body={**_object(broken={"enum": list(LINKS)}, nightly=FLAG, refused=FLAG), "required": []},
    ),
    Route(
        "GET",
        "/api/v1/nights",
        "nights",
        Role.WATCH,
        "The last nights: when somebody was protected, and what was heard, seen and told.",
        _ref("Nights"),
        query={"days": {"type": "integer", "minimum": 1, "maximum": 31, "default": 7}},
    ),
    Route(
        "POST",
        "/api/v1/pause",
        "pause",
        Role.ACKNOWLEDGE,
        "Close the microphone for so many minutes.",
        _object(state=_ref("State")),
        errors=(409,),
        body=_object(minutes={"type": "integer", "minimum": 1, "maximum": 720}),
    ),
    Route(
        "POST",
        "/api/v1/resume",
        "resume",
        Role.ACKNOWLEDGE,
        "End a pause.",
        _object(state=_ref("State")),
        errors=(409,),
    ),
    Route(
        "GET",
        "/api/v1/stream",
        "stream",
        Role.WATCH,
        "Server-sent events: `snapshot`, `state`, `incident`, `alert`; resumed by Last-Event-ID.",
        None,
        kind="text/event-stream",
    ),
    Route("GET", "/api/v1/openapi.json", "openapi", None, "This document.", {"type": "object"}),
)
"""All of /api/v1."""

WARD: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/board",
        "board",
        Role.WATCH,
        "The board of the ward: all its rooms, the most urgent first.",
        _ref("Board"),
    ),
    Route(
        "GET",
        "/api/v1/report",
        "report",
        Role.WATCH,
        "The report of the ward's last days, a page to read and to print: alerts, answers, time without protection.",
        None,
        query={
            "days": {"type": "integer", "minimum": 1, "maximum": 31, "default": 7},
            "language": {"enum": ["en", "de"]},
        },
        kind="text/html",
    ),
    Route(
        "POST",
        "/api/v1/rooms/{room}/incidents/{number}/ack",
        "room_ack",
        Role.ACKNOWLEDGE,
        "A person takes an incident of a room; number 0 is the room's silence.",
        _ref("WardRoom"),
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/v1/rooms/{room}/incidents/{number}/mute",
        "room_mute",
        Role.ACKNOWLEDGE,
        "Stop the tones of an incident of a room; it stays unacknowledged.",
        _ref("WardRoom"),
        errors=(404,),
    ),
)
"""What a station of a ward serves beside it."""
