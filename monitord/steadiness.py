"""Whether a process that is started anew whenever it dies dies too often. Pure.

Restarting is a cure for an accident; for what lies deeper it is a way to look alive. Each restart costs seconds in
which nobody listens, or nobody is told, and each of them alone is over before anybody would notice it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DEATHS = 4
"""So many deaths within `WITHIN_S` are no accidents any more."""
WITHIN_S = 600.0


class Steadiness:
    """Counts the deaths of one process.

    Args:
        deaths: those that are known already: seconds, oldest first.
    """

    def __init__(self, deaths: Iterable[float] = ()) -> None:
        self._deaths = deque(deaths, maxlen=DEATHS)

    def died(self, now: float) -> bool:
        """It died; returns whether that is too often."""
        self._deaths.append(now)
        return self.unsteady(now)

    def unsteady(self, now: float) -> bool:
        """Whether it has died too often of late."""
        return len(self._deaths) == DEATHS and now - self._deaths[0] < WITHIN_S

    @property
    def steady_at(self) -> float | None:
        """When it will have lived for `WITHIN_S` in one piece; None: it never died."""
        return self._deaths[-1] + WITHIN_S if self._deaths else None
