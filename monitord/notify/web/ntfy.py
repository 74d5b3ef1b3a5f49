"""The subscriber's half of the ntfy protocol, as far as it is rules: messages, queries, filters. Pure.

Sources: https://docs.ntfy.sh/subscribe/api/ (endpoints, message fields, parameters), https://docs.ntfy.sh/publish/
(priorities, tags, action buttons), https://docs.ntfy.sh/config/#access-control (authentication), and what ntfy's
Android app and `aiontfy` read of a message. Read field by field in docs/api.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = dict[str, Any]

TOPICS = r"[-_A-Za-z0-9]{1,64}(?:,[-_A-Za-z0-9]{1,64})*"
"""What may stand before the first slash: one topic or several."""
KEPT_S = 12 * 3600
"""Seconds that a message is to be had by `since`, as ntfy's own cache keeps it."""
KEEPALIVE_S = 45.0
"""Seconds between keepalives; ntfy's apps give a line up that is silent for 77 s."""
PRIORITY = {"high": 5, "medium": 4, "low": 3, "fault": 4}
QUIET_PRIORITY = 2
"""Shown, without a sound."""
_EMOJI = {"high": "rotating_light", "medium": "bell", "low": "speech_balloon", "fault": "wrench"}
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_REPEATED = re.compile(r"r\d+$", re.ASCII)
_TRUE = frozenset({"1", "true", "yes"})


@unique
class Kind(StrEnum):
    """Types of events."""

    OPEN = "open"
    KEEPALIVE = "keepalive"
    MESSAGE = "message"


class QueryError(Exception):
    """A parameter that ntfy does not know either; the text is one sentence.

    Attributes:
        code: ntfy's number for it.
    """

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """One message, the same for all who subscribe.

    Attributes:
        id: never used for another; the same after a restart.
        time: when it was made, seconds since 1970.
        incident: its number.
        title: the room.
        text: what happened.
        priority: 1..5.
        tags: the first is an emoji's name.
        button: whether it is to have an acknowledge button.
    """

    id: str
    time: int
    incident: int
    title: str
    text: str
    priority: int
    tags: tuple[str, ...]
    button: bool


def alert_message(key: str, time: int, incident: Json, again: int = 1) -> Message:
    """The message of an alert.

    Args:
        key: of the delivery.
        time: when it was begun, seconds since 1970.
        incident: as `monitord.notify.view.incident_json` gives it.
        again: 2 and more for a repetition, which rings only if it has an id of its own.
    """
    urgency = str(incident["urgency"])
    return Message(
        id=key if again == 1 else f"{key}r{again}",
        time=time,
        incident=int(incident["id"]),
        title=str(incident["room"]),
        text=" ".join(part for part in (str(incident["text"]), str(incident["camera_text"])) if part),
        priority=PRIORITY[urgency],
        tags=(_EMOJI[urgency], str(incident["label"]).lower()),
        button=True,
    )


def taken_message(key: str, time: int, incident: Json) -> Message:
    """The message that somebody has acknowledged: who was rung need not come."""
    by = str(incident.get("acked_by") or "")
    return Message(
        id=f"{key.rpartition('-')[0]}-i{incident['id']}a",
        time=time,
        incident=int(incident["id"]),
        title=str(incident["room"]),
        text=" ".join(part for part in (str(incident["text"]), str(incident["state_text"]), by and f"({by})") if part),
        priority=QUIET_PRIORITY,
        tags=("heavy_check_mark", str(incident["label"]).lower()),
        button=False,
    )


def render(message: Message, topic: str, base: str, label: str, token: str | None) -> Json:
    """A message as one subscriber gets it.

    Args:
        message: what happened.
        topic: that it was asked for by.
        base: URL of the page as this subscriber reaches it, ending in "/".
        label: of the button.
        token: what lets this subscriber acknowledge this incident; "": nothing is needed; None: it may not.
    """
    told: Json = {
        "id": message.id,
        "time": message.time,
        "expires": message.time + KEPT_S,
        "event": Kind.MESSAGE.value,
        "topic": topic,
        "title": message.title,
        "message": message.text,
        "priority": message.priority,
        "tags": list(message.tags),
        "click": base,
    }
    if message.button and token is not None:
        told["actions"] = [
            {
                "id": f"{message.id}-ack",
                "action": "http",
                "label": label,
                "clear": True,
                "url": f"{base}api/v1/incidents/{message.incident}/ack",
                "method": "POST",
                **({"headers": {"Authorization": f"Bearer {token}"}} if token else {}),
            }
        ]
    return told


def event(kind: Kind, id: str, time: int, topics: str) -> Json:  # noqa: A002 - it is the field's name
    """An `open` or a `keepalive`."""
    return {"id": id, "time": time, "event": kind.value, "topic": topics}


@dataclass(frozen=True, slots=True)
class Query:
    """What a subscriber asks for.

    Attributes:
        poll: only what there is; no waiting for more.
        since: "all", "none", "latest", a Unix time or the id of the last message that it has.
        id, message, title: exactly this one; "": any.
        priorities: one of these; empty: any.
        tags: all of these.
    """

    poll: bool = False
    since: str | int = "none"
    id: str = ""
    message: str = ""
    title: str = ""
    priorities: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()


_NAMES: dict[str, tuple[str, ...]] = {
    "poll": ("poll", "po"),
    "since": ("since", "si"),
    "id": ("id",),
    "message": ("message", "m"),
    "title": ("title", "t"),
    "priority": ("priority", "prio", "p"),
    "tags": ("tags", "tag", "ta"),
}
"""Parameter -> its names in the query; in headers it is "X-" and the first. `scheduled` is taken and means nothing:
nothing is scheduled here."""


def parse_query(parameters: Mapping[str, str], headers: Mapping[str, str], now: float) -> Query:
    """The query of a request; `now` in seconds since 1970.

    Raises:
        QueryError: `since` or `priority` is nothing that ntfy takes.
    """

    def given(name: str) -> str:
        spelled = [parameters[each] for each in _NAMES[name] if each in parameters]
        return (spelled or [headers.get(f"X-{name.capitalize()}", "")])[0].strip()

    poll = given("poll").lower() in _TRUE
    return Query(
        poll=poll,
        since=_since(given("since") or ("all" if poll else "none"), now),
        id=given("id"),
        message=given("message"),
        title=given("title"),
        priorities=frozenset(_priority(each.strip()) for each in given("priority").split(",") if each.strip()),
        tags=frozenset(each.strip() for each in given("tags").split(",") if each.strip()),
    )


def _since(text: str, now: float) -> str | int:
    if text in ("all", "none", "latest"):
        return text
    if re.fullmatch(r"\d{1,15}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?[smhd])+", text, re.ASCII):
        parts = re.findall(r"([\d.]+)([smhd])", text)
        return int(now - sum(float(number) * _UNITS_S[unit] for number, unit in parts))
    if re.fullmatch(r"[-_A-Za-z0-9]{1,64}", text):
        return text
    raise QueryError(40008, f'since: {text[:40]!r} is no duration, no time, no id of a message and not "all"')


def _priority(text: str) -> int:
    names = {"min": 1, "low": 2, "default": 3, "high": 4, "max": 5, "urgent": 5}
    if text.lower() in names:
        return names[text.lower()]
    if text in ("1", "2", "3", "4", "5"):
        return int(text)
    raise QueryError(40007, f"priority: {text[:40]!r} is none of 1 to 5")


def matches(query: Query, message: Message) -> bool:
    """Whether `message` passes the filters of `query`."""
    return (
        query.id in ("", message.id)
        and query.message in ("", message.text)
        and query.title in ("", message.title)
        and (not query.priorities or message.priority in query.priorities)
        and query.tags <= set(message.tags)
    )


def select(query: Query, messages: Iterable[Message]) -> list[Message]:
    """The messages of the past, oldest first, that `query` asks for.

    An id that is not known, as one of before the last time that the journal was forgotten, gives all: twice is better
    than never, and apps know a message by its id.
    """
    kept = list(messages)
    since = query.since
    if since == "none":
        return []
    if since == "latest":
        kept = kept[-1:]
    elif isinstance(since, int):
        kept = [each for each in kept if each.time >= since]
    elif since != "all":
        first = _REPEATED.sub("", since)  # A repetition is of one life of the voice; its first message is of all.
        places = {each.id: place for place, each in enumerate(kept)}
        place = places.get(since, places.get(first))
        kept = kept if place is None else kept[place + 1 :]
    return [each for each in kept if matches(query, each)]
