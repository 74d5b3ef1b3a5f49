"""All deliveries that are under way, and the last of each kind: what is due, what waits for what, what was lost. Pure.

Deliveries of one incident through one sink go one after the other: "it is over" never overtakes the alert. Something
that rings is not queued behind another that has not arrived yet: that one is sent again at once instead, or a broker
that comes back after an hour would ring sixty times.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from monitord.notify import delivery
from monitord.notify.delivery import FINAL, RINGS, Delivery, Event, Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterable


_SLACK = 64
"""Outdated entries of the agenda that are not worth clearing up."""


class Outbox:
    """The deliveries.

    Args:
        known: of a former life of the voice, from the journal.
        next_id: number of the next one.
    """

    def __init__(self, known: Iterable[Delivery] = (), next_id: int = 1) -> None:
        self._next_id = next_id
        self._of: dict[int, dict[int, Delivery]] = {}
        self._incident: dict[int, int] = {}
        self._open: dict[int, Delivery] = {}
        # (when, number) of what is under way, the next one first; what has changed since lies there until it is met.
        self._agenda: list[tuple[float, int]] = []
        for each in sorted(known, key=lambda each: each.id):
            self.put(each)

    def put(self, each: Delivery) -> None:
        """Take over `each` as it now is. Of those that are final, only the last of a kind is kept."""
        self._of.setdefault(each.incident, {})[each.id] = each
        self._incident[each.id] = each.incident
        self._open.pop(each.id, None)
        if each.state not in FINAL:
            self._open[each.id] = each
        for waiting in self._unfinished(each.incident, each.sink):  # What waits for it may have its turn now.
            heapq.heappush(self._agenda, (self._when(waiting), waiting.id))
        if len(self._agenda) > _SLACK + 2 * len(self._open):
            self._agenda = [(self._when(other), other.id) for other in self._open.values()]
            heapq.heapify(self._agenda)
        for other in self.of(each.incident):
            same = (other.sink, other.reason) == (each.sink, each.reason)
            if same and other.id < each.id and other.state in FINAL:
                self._remove(other)

    def begin(self, incident: int, sinks: Iterable[str], reason: Reason, now: float) -> list[Delivery]:
        """What is begun, or sent again at once, to bring `reason` of `incident` to `sinks`."""
        changed = []
        for sink in sinks:
            waiting = [each for each in self._unfinished(incident, sink) if _alike(each.reason, reason)]
            if not waiting:
                changed.append(delivery.begin(self._next_id, incident, sink, now, reason))
                self._next_id += 1
            elif reason in RINGS:
                changed += [replace(each, due_at=now) for each in waiting if each.state is State.PENDING]
        for each in changed:
            self.put(each)
        return changed

    def get(self, number: int) -> Delivery | None:
        """The delivery of that number, if it is kept."""
        return self._of.get(self._incident.get(number, 0), {}).get(number)

    def of(self, incident: int) -> list[Delivery]:
        """Those of an incident, oldest first: all that are under way, and the last of each sink and reason."""
        return list(self._of.get(incident, {}).values())

    def told(self, incident: int) -> set[str]:
        """Sinks that an alert of the incident was given to."""
        return {each.sink for each in self.of(incident) if each.reason in RINGS}

    def under_way(self) -> Counter[str]:
        """State -> how many deliveries are in it that have not come to an end."""
        return Counter(each.state.value for each in self._open.values())

    def due(self, now: float) -> list[tuple[Delivery, Event]]:
        """What is due, oldest first."""
        numbers = set()
        while (when := self.next_due()) is not None and when <= now:
            numbers.add(heapq.heappop(self._agenda)[1])
        for number in numbers:  # It stays due until it is put back changed.
            heapq.heappush(self._agenda, (self._when(self._open[number]), number))
        events = ((self._open[number], delivery.due_event(self._open[number], now)) for number in sorted(numbers))
        return [(each, event) for each, event in events if event is not None]

    def next_due(self) -> float | None:
        """When something is due next; None: nothing is under way."""
        while self._agenda:
            when, number = self._agenda[0]
            each = self._open.get(number)
            if each is not None and self._when(each) == when:
                return when
            heapq.heappop(self._agenda)
        return None

    def _when(self, each: Delivery) -> float:
        """When something is due for `each`, which is under way."""
        return each.expires_at if self._waits(each) else min(each.due_at, each.expires_at)

    def lost(self, incident: int, sinks: Iterable[str]) -> bool:
        """Whether the last that rang for `incident` failed on each of `sinks` that it was given to."""
        last = {each.sink: each.state for each in self.of(incident) if each.reason in RINGS}
        states = [last[sink] for sink in sinks if sink in last]
        return bool(states) and all(state is State.FAILED for state in states)

    def forget(self, kept: Iterable[int]) -> None:
        """Drop what is final and of no incident of `kept`."""
        for incident in set(self._of) - set(kept):
            for each in self.of(incident):
                if each.state in FINAL:
                    self._remove(each)

    def drop(self, incident: int) -> None:
        """Drop everything of an incident that is no longer there."""
        for each in self.of(incident):
            self._remove(each)

    def _remove(self, each: Delivery) -> None:
        self._open.pop(each.id, None)
        del self._incident[each.id]
        del self._of[each.incident][each.id]
        if not self._of[each.incident]:
            del self._of[each.incident]

    def _unfinished(self, incident: int, sink: str) -> list[Delivery]:
        return [each for each in self.of(incident) if each.sink == sink and each.state not in FINAL]

    def _waits(self, each: Delivery) -> bool:
        return each.state is State.PENDING and any(
            other.id < each.id for other in self._unfinished(each.incident, each.sink)
        )


def _alike(one: Reason, other: Reason) -> bool:
    return one is other or (one in RINGS and other in RINGS)
