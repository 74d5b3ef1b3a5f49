"""One room of a ward, as a station knows it: what it said, whether it is heard, how urgent it is. Pure.

A room is unseen when its last will was published, or nothing came of it live for SILENT_S. What a broker has kept is no
sign of life: it only says what was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum, unique
from typing import TYPE_CHECKING

from monitord.events import Fault, Sound
from monitord.notify.incident import UNANSWERED
from monitord.notify.incident import State as Course
from monitord.wardtalk.message import Health, Report, State

if TYPE_CHECKING:
    from monitord.wardtalk.order import Order

SILENT_S = 30.0
"""Nothing of a room for so long (three signs of life) is an alarm."""
INCIDENTS_MAX = 256
"""Incidents of one room that are known; of those that are over the oldest are forgotten."""


@unique
class Rank(IntEnum):
    """How urgent a room is."""

    ALERT = 0
    FAULT = 1
    UNSEEN = 2
    CALM = 3


@unique
class Refused(StrEnum):
    """Why a message was refused."""

    REPLAYED = "replayed"
    MALFORMED = "malformed"
    FORGED = "forged"


@dataclass
class Room:
    """One room, as it is known.

    Attributes:
        name: as the topics call it.
        label: as the board calls it.
        order: of its messages.
        state: the last; None: none came.
        incidents: by number.
        heard_at: when something came live, monotonic; None: nothing yet.
        back_at: since when it is heard without a gap.
        gone_at: when its last will, or its goodbye, came; None: it lives.
        line: of its present connection's last will.
        seq: the newest number that came live in this life of it.
        rank: and since when, seconds since 1970.
        refused: messages in its name.
    """

    name: str
    label: str
    order: Order
    state: State | None = None
    incidents: dict[int, Report] = field(default_factory=dict)
    heard_at: float | None = None
    back_at: float | None = None
    gone_at: float | None = None
    line: int | None = None
    seq: int | None = None
    rank: tuple[Rank, float] = (Rank.UNSEEN, 0.0)
    refused: Counter[Refused] = field(default_factory=Counter)

    @property
    def live(self) -> list[Report]:
        """Incidents that are not over, most urgent first, then the oldest first."""
        return sorted((each for each in self.incidents.values() if each.state is not Course.CLEARED), key=_urgency)

    @property
    def foremost(self) -> Report | None:
        """The incident it is shown with: what nobody has taken, else what somebody has; None: nothing goes on."""
        return next(iter(self.live), None)

    def is_silent(self, now: float) -> bool:
        """Whether nothing came of it live for too long."""
        return self.heard_at is None or now - self.heard_at >= SILENT_S

    def is_unseen(self, now: float) -> bool:
        """Whether nobody knows how it is."""
        return self.gone_at is not None or self.is_silent(now)

    def heard(self, now: float) -> None:
        """Something of it came live."""
        if self.back_at is None or self.gone_at is not None or self.is_silent(now):
            self.back_at = now
        self.heard_at, self.gone_at = now, None

    def skips(self, said: State | Health | Report) -> bool:
        """It numbers what it says live without a gap: whether there is one, so that a broker has dropped something."""
        begins = isinstance(said, Health) and said.seq == said.line + 1
        known = self.seq
        self.seq = said.seq if known is None else max(known, said.seq)
        return known is not None and said.seq > known + 1 and not (begins and said.seq == known + 2)

    def learn(self, said: State | Health | Report, *, retained: bool, now: float) -> None:
        """Take over what it says."""
        match said:
            case State():
                self.state = said
            case Health():
                self.line = said.line
                if not said.alive:
                    self.gone_at = self.gone_at if retained and self.gone_at is not None else now
                    self.back_at = None
            case Report():
                self.incidents[said.id] = said
                over = [each.id for each in self.incidents.values() if each.state is Course.CLEARED]
                for number in sorted(over)[: max(0, len(self.incidents) - INCIDENTS_MAX)]:
                    del self.incidents[number]

    def settle(self, now: float, wall: float, began_at: float) -> bool:
        """Rank it anew; returns whether that is another rank. `began_at`: when the station began, monotonic."""
        rank = self._rank_at(now)
        if rank is self.rank[0] and self.rank[1] != 0.0:
            return False
        match rank:
            case Rank.ALERT:
                since = min(each.since for each in self.live if each.state in UNANSWERED)
            case Rank.UNSEEN:
                since = wall - (now - (began_at if self.heard_at is None else self.heard_at))
            case _:
                since = wall
        self.rank = rank, since
        return True

    def guard(self, now: float, wall: float) -> tuple[str, float]:
        """How it is guarded, as the ledger of the ward spells it, and since when, seconds since 1970."""
        if self.is_unseen(now):
            return "unseen", self.rank[1] if self.rank[0] is Rank.UNSEEN else wall
        if self.state is None:
            return "unprotected", wall
        if self.state.protected:
            return "protected", wall
        return ("paused" if self.state.paused_until is not None else "unprotected"), wall

    def _rank_at(self, now: float) -> Rank:
        live = self.live
        if any(isinstance(each.subject, Sound) and each.state in UNANSWERED for each in live):
            return Rank.ALERT
        if self.is_unseen(now):
            return Rank.UNSEEN
        faulty = self.state is not None and bool(self.state.faults)
        if faulty or any(isinstance(each.subject, Fault) for each in live):
            return Rank.FAULT
        return Rank.CALM


def _urgency(each: Report) -> tuple[bool, bool, int, float, int]:
    answered = each.state not in UNANSWERED
    return answered, isinstance(each.subject, Fault), each.urgency.grade, each.since, each.id
