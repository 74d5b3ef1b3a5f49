"""What ntfy apps are told: the messages of the last hours, and who listens now."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitord.notify.web import ntfy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitord.notify.web.access import Session
    from monitord.notify.web.ntfy import Json, Message, Query

KEPT = 500
"""Messages at most, whatever their age."""
SUBSCRIBERS_MAX = 64
_BEHIND_MAX = 64
"""Messages that a slow subscriber may lag behind; then it is let go and comes back for what it missed."""


class TooManyError(Exception):
    """SUBSCRIBERS_MAX listen already."""


@dataclass(eq=False)
class Subscriber:
    """One that listens: what it is still to be sent. None: the end."""

    query: Query
    session: Session | None
    queue: asyncio.Queue[Message | None] = field(default_factory=lambda: asyncio.Queue(_BEHIND_MAX))


@dataclass
class _Told:
    """What was said of one delivery: when last, how often, and how far it was escalated then."""

    at: float
    times: int
    level: int


class Feed:
    """All messages and subscribers.

    Args:
        wall: seconds since 1970.
        monotonic: seconds on the monotonic clock.
    """

    def __init__(
        self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._messages: deque[Message] = deque(maxlen=KEPT)
        self._told: dict[str, _Told] = {}
        self._keys: dict[int, str] = {}
        self._taken: set[int] = set()
        self._subscribers: set[Subscriber] = set()

    @property
    def subscribers(self) -> int:
        """How many listen."""
        return len(self._subscribers)

    def recall(self, alerts: Iterable[tuple[str, int, Json]], acked: dict[int, int]) -> None:
        """Take the messages of a former life of the voice.

        Args:
            alerts: key, time and incident of each delivery to the page, oldest first.
            acked: when each incident was acknowledged, seconds since 1970, by number.
        """
        recalled: list[Message] = []
        latest: dict[int, tuple[str, Json]] = {}
        for key, at, incident in alerts:
            recalled.append(ntfy.alert_message(key, at, incident))
            self._note(key, incident)
            latest[int(incident["id"])] = (key, incident)
        for number, (key, incident) in latest.items():
            if number in acked:
                recalled.append(ntfy.taken_message(key, acked[number], incident))
                self._taken.add(number)
        self._messages.extend(sorted(recalled, key=lambda each: each.time))

    def alert(self, key: str, incident: Json, repeat_s: float) -> None:
        """An alert is brought to the page.

        A delivery that no screen confirms is handed over again every few seconds. An app has got it by then, or fetches
        it when it is back, so only what is to ring again is a message again: a repetition of the rule, an escalation.

        Args:
            key: of the delivery.
            incident: as `monitord.notify.view.incident_json` gives it.
            repeat_s: when the rule rings again; 0.0: never.
        """
        told = self._told.get(key)
        if told is not None:
            due = repeat_s > 0 and self._monotonic() - told.at >= repeat_s * 0.9
            if not due and int(incident.get("level") or 0) <= told.level:
                return
        self._note(key, incident)
        self._publish(ntfy.alert_message(key, int(self._wall()), incident, self._told[key].times))

    def trial(self, key: str, incident: Json) -> None:
        """A test is brought to the page: it rings the apps, too, and has no button, for it is no incident."""
        self._publish(replace(ntfy.alert_message(key, int(self._wall()), incident), button=False))

    def incident(self, incident: Json) -> None:
        """An incident has changed: who was rung is told that somebody has taken it."""
        number = int(incident["id"])
        if incident["acked_at"] is not None and number in self._keys and number not in self._taken:
            self._taken.add(number)
            self._publish(ntfy.taken_message(self._keys[number], int(self._wall()), incident))

    def past(self, query: Query) -> list[Message]:
        """What `query` asks for of the past."""
        oldest = self._wall() - ntfy.KEPT_S
        return ntfy.select(query, [each for each in self._messages if each.time >= oldest])

    def join(self, query: Query, session: Session | None) -> Subscriber:
        """One more listens.

        Raises:
            TooManyError: SUBSCRIBERS_MAX do.
        """
        if len(self._subscribers) >= SUBSCRIBERS_MAX:
            raise TooManyError
        subscriber = Subscriber(query, session)
        self._subscribers.add(subscriber)
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """One is gone."""
        self._subscribers.discard(subscriber)

    def recheck(self, holds: Callable[[Session], bool]) -> None:
        """Send away those whose session is no longer paired."""
        for each in list(self._subscribers):
            if each.session is not None and not holds(each.session):
                self._let_go(each)

    def close(self) -> None:
        """Send everybody away."""
        for each in list(self._subscribers):
            self._let_go(each)

    def _note(self, key: str, incident: Json) -> None:
        times = self._told[key].times + 1 if key in self._told else 1
        self._told[key] = _Told(self._monotonic(), times, int(incident.get("level") or 0))
        self._keys[int(incident["id"])] = key
        while len(self._told) > KEPT:
            del self._told[next(iter(self._told))]
        while len(self._keys) > KEPT:
            self._taken.discard(gone := next(iter(self._keys)))
            del self._keys[gone]

    def _publish(self, message: Message) -> None:
        self._messages.append(message)
        for each in list(self._subscribers):
            if ntfy.matches(each.query, message):
                try:
                    each.queue.put_nowait(message)
                except asyncio.QueueFull:
                    self._let_go(each)

    def _let_go(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        while not subscriber.queue.empty():
            subscriber.queue.get_nowait()
        subscriber.queue.put_nowait(None)
