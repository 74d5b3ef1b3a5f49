"""What the journal does not have yet: kept in memory, in order, until one transaction takes all of it.

Alarm first, record second: a disk that is full stops no alert, and nothing that was accepted is dropped because of it.
Nor does an alert wait for a disk that takes seconds: for a while after that, what is told is written a little later.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from monitord.notify.delivery import Delivery

if TYPE_CHECKING:
    from monitord.notify.incident import Act, Incident
    from monitord.notify.journal import Journal

FRAMES_MAX = 100_000
"""Frames that are kept: two days of the channel's sustained rate, a few megabytes. Beyond it the oldest go."""
WRITE_WITHIN_S = 0.5
"""What became of a delivery is written within this time, or with the next frame."""
SLOW_FOR_S = 60.0
"""For so long after a slow write, what is told does not wait until it is written; it is `WRITE_WITHIN_S` later."""


class Unwritten:
    """Frames, incidents, deliveries and acts on their way to the journal.

    Attributes:
        write_by: when to write what is here; None: nothing has asked for that.
    """

    def __init__(self) -> None:
        self.write_by: float | None = None
        self._slow_until = -math.inf
        self._clear()

    def _clear(self) -> None:
        self._frames: deque[tuple[bytes, float]] = deque(maxlen=FRAMES_MAX)
        self._incidents: dict[int, Incident] = {}
        self._deliveries: dict[int, Delivery] = {}
        self._acts: list[Act] = []

    def __bool__(self) -> bool:
        return bool(self._frames or self._incidents or self._deliveries or self._acts)

    def frame(self, data: bytes, now: float) -> None:
        """The 8 bytes of a frame that was received at `now`."""
        self._frames.append((data, now))

    def put(self, each: Incident | Delivery) -> None:
        """An incident or a delivery, as it now is."""
        if isinstance(each, Delivery):
            self._deliveries[each.id] = each
        else:
            self._incidents[each.id] = each

    def act(self, each: Act) -> None:
        """What a person did."""
        self._acts.append(each)

    def drop(self, incident: int) -> None:
        """An incident that the journal has no longer: nothing of it is written again."""
        self._incidents.pop(incident, None)
        self._acts = [each for each in self._acts if each.incident != incident]
        for number in [each.id for each in self._deliveries.values() if each.incident == incident]:
            del self._deliveries[number]

    def write_later(self, now: float) -> None:
        """It is to be written soon; what asks for that first says when."""
        if self.write_by is None:
            self.write_by = now + WRITE_WITHIN_S

    def slow(self, now: float) -> None:
        """The disk has taken seconds to write."""
        self._slow_until = now + SLOW_FOR_S

    def is_slow(self, now: float) -> bool:
        """Whether it has of late, so that nothing is to wait for it."""
        return now < self._slow_until

    def write(self, journal: Journal) -> None:
        """Write all of it in one transaction.

        Raises:
            JournalError: it was not written; it stays here.
        """
        with journal.transaction():
            for data, at in self._frames:
                journal.add_frame(data, at)
            for incident in self._incidents.values():
                journal.save_incident(incident)
            for delivery in self._deliveries.values():
                journal.save_delivery(delivery)
            for act in self._acts:
                journal.add_act(act)
        self._clear()
