"""What is counted of one life of the voice, for Prometheus: alerts, deliveries, looks, answers. Pure.

It is fed with what the pages are told (`monitord.notify.view.incident_json`) and with the frames of the eye. Counted
are enumerations and kinds of channels: no name that a person has given to anything, no text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitord.events import Kind, Look, Role
from monitord.notify.delivery import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.events import Fault, Message
    from monitord.notify.ledger import Guard

BUCKETS_S = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1800.0, 3600.0)
"""Upper ends of the classes of the seconds from an alert to its acknowledgement."""
KEPT = 1000
"""Incidents that are remembered; the voice shows far fewer at once."""


@dataclass
class Histogram:
    """How many values there were in each class of `BUCKETS_S` (the last: above all), and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total: float = 0.0

    def observe(self, value: float) -> None:
        """One more."""
        place = next((number for number, end in enumerate(BUCKETS_S) if value <= end), len(BUCKETS_S))
        self.counts[place] += 1
        self.total += value


@dataclass(frozen=True, slots=True)
class Reading:
    """What holds at the moment of asking.

    Attributes:
        ear_age_s: seconds since the last frame of the ear; None: none came yet.
        level_dbfs: of the last frame that had one.
        faults: those that stand.
        unanswered: urgency -> how many alerts nobody has acknowledged.
        outbox: state -> how many deliveries are under way.
        troubled: kind of channel -> how many of them do not work.
        protection: seconds that the room was protected, paused, unprotected in this life, as the ledger has it.
    """

    ear_age_s: float | None
    level_dbfs: int | None
    faults: frozenset[Fault]
    unanswered: Mapping[str, int]
    outbox: Mapping[str, int]
    troubled: Mapping[str, int]
    protection: Mapping[Guard, float]


@dataclass(slots=True)
class _Seen:
    """What was last told of an incident."""

    alerted: bool = False
    acked: bool = False
    deliveries: dict[int, tuple[str, int]] = field(default_factory=dict)


class Tally:
    """The counts.

    Args:
        kinds: name of each channel -> its kind.

    Attributes:
        alerts: (kind, what, urgency) -> incidents that have become alerts.
        deliveries: (kind of channel, outcome) -> how many; "delivered", "failed" for good, "tried" for attempts.
        looks: what was seen -> how often.
        answers: urgency -> seconds from the alert to the acknowledgement.
        protection: seconds by guard; never less than before, though the ledger takes back what only seemed protected.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._seen: dict[int, _Seen] = {}
        self.alerts: Counter[tuple[str, str, str]] = Counter()
        self.deliveries: Counter[tuple[str, str]] = Counter()
        self.looks: Counter[str] = Counter()
        self.answers: dict[str, Histogram] = {}
        self.protection: dict[Guard, float] = {}

    def know(self, incident: Mapping[str, Any]) -> None:
        """Take in what was so when this life began: it counted in the one before."""
        self._take(incident)

    def incident(self, incident: Mapping[str, Any]) -> None:
        """An incident is new, or has changed."""
        before, now = self._take(incident)
        urgency = str(incident["urgency"])
        if now.alerted and not before.alerted:
            self.alerts[str(incident["kind"]), str(incident["label"]), urgency] += 1
        if now.acked and not before.acked and now.alerted:
            alerted, acked = (datetime.fromisoformat(str(incident[each])) for each in ("alerted_at", "acked_at"))
            self.answers.setdefault(urgency, Histogram()).observe(max(0.0, (acked - alerted).total_seconds()))
        for each in incident["deliveries"]:
            state, attempts = before.deliveries.get(each["id"], ("", 0))
            kind = self._kinds.get(str(each["sink"]), "other")
            self.deliveries[kind, "tried"] += max(0, each["attempts"] - attempts)
            if each["state"] != state and each["state"] in (State.DELIVERED, State.FAILED):
                self.deliveries[kind, str(each["state"])] += 1

    def hear(self, message: Message, role: Role) -> None:
        """A frame came: of the eye, what it saw or why it could not; of the ear, that it asked for a look or not."""
        looked = role is Role.EYE and message.kind in (Kind.SIGHT, Kind.FAULT)
        if looked or (message.kind is Kind.LOOK and message.label is Look.NOT_ASKED):
            self.looks[message.label.name] += 1

    def protected(self, seconds: Mapping[Guard, float]) -> None:
        """So long the room was protected, paused, unprotected, as far as is known now."""
        for guard, spent in seconds.items():
            self.protection[guard] = max(spent, self.protection.get(guard, 0.0))

    def _take(self, incident: Mapping[str, Any]) -> tuple[_Seen, _Seen]:
        number = int(incident["id"])
        before = self._seen.pop(number, _Seen())
        deliveries = before.deliveries | {
            each["id"]: (str(each["state"]), int(each["attempts"])) for each in incident["deliveries"]
        }
        now = _Seen(incident["alerted_at"] is not None, incident["acked_at"] is not None, deliveries)
        self._seen[number] = now
        while len(self._seen) > KEPT:
            del self._seen[next(iter(self._seen))]
        return before, now
