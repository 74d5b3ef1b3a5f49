"""A test alert: by one channel or by all, marked as a test, with no row in the journal.

It has the number 0, which no incident has, and a delivery number that none of the journal's has.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from typing import TYPE_CHECKING, Any

from monitord.events import Sound
from monitord.notify import texts
from monitord.notify.delivery import Reason
from monitord.notify.incident import Incident, State, Urgency
from monitord.notify.sinks import Notice, wording

if TYPE_CHECKING:
    from monitord.config import Language
    from monitord.notify.outlets import Outlets

Json = dict[str, Any]

NUMBER = 0
FIRST_DELIVERY = 900_000_000_000_000
_deliveries = itertools.count(FIRST_DELIVERY)


def notice(room: str) -> Notice:
    """A notice that says that it is a test, as urgent as can be."""
    now = time.monotonic()
    incident = Incident(
        NUMBER, Sound.CRY, room, Urgency.HIGH, State.ALERTING, opened_at=now, last_at=now, alerted_at=now
    )
    return Notice(next(_deliveries), incident, f"test-{secrets.token_hex(8)}", Reason.TEST)


async def run(outlets: Outlets, sink: str, room: str) -> list[Json] | None:
    """Send a test by `sink`, "" by all, and wait for the proof of each; None: there is no such channel."""
    names = outlets.names if not sink else (sink,)
    if not set(names) <= set(outlets.names):
        return None
    results = await asyncio.gather(*(outlets.trial(name, notice(room)) for name in names))
    return [
        {"sink": name, "arrived": arrived, "text": text} for name, (arrived, text) in zip(names, results, strict=True)
    ]


def for_the_page(told: Json, delivery: int, language: Language, *, over: bool) -> Json:
    """The test as the page is to show it, `told` being its incident for JSON; `over`: it has ended."""
    state = State.CLEARED if over else State.ALERTING
    return {
        **told,
        "test": True,
        "room": f"Test: {told['room']}",
        "text": wording.TEST[language],
        "state": state.value,
        "state_text": texts.text(state, language),
        "deliveries": [] if over else [seen_json(delivery, "sending")],
    }


def seen_json(delivery: int, state: str = "delivered") -> Json:
    """The delivery of a test, as the API tells it."""
    return {
        "id": delivery,
        "incident": NUMBER,
        "sink": "page",
        "state": state,
        "text": "",
        "attempts": 1,
        "delivered_at": None,
    }
