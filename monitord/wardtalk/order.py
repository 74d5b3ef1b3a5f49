"""What is news and what is not: the order in which one sender's messages count. Pure.

A sender draws a `boot` for each life and numbers its messages in it. Of one topic only what is newer than the last one
is news; what is not is a replay, and refused, with two honest exceptions: what a broker has kept (retained) comes anew
with each subscription, and what it had not seen confirmed comes once more after a connection was lost.

Only what comes live says which life is the present one. What is retained may be of any: a broker that was away has what
was said before, and a room that lost its journal cannot take away what its former life left there.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FORMER_MAX = 64
"""Lives of a sender that are remembered as over."""
TOPICS_MAX = 1024
"""Topics of one sender of which the last message is remembered; the oldest is forgotten."""


@unique
class Verdict(Enum):
    """What a message is."""

    NEWS = "news"
    AGAIN = "known, and rightly sent again"
    REPLAYED = "not newer than what is known"


class Order:
    """The messages of one sender.

    Args:
        former: its lives that are over, oldest first.
        boot: its present life; None: not known.
    """

    def __init__(self, former: Iterable[int] = (), boot: int | None = None) -> None:
        self._former = deque(former, FORMER_MAX)
        self.boot = boot
        self._last: dict[str, tuple[int, int]] = {}
        self._may_repeat: set[str] = set()

    def reconnected(self) -> None:
        """A connection was lost: the last message of each topic may come once more."""
        self._may_repeat = set(self._last)

    def judge(self, topic: str, boot: int, seq: int, *, retained: bool) -> Verdict:
        """What a message is; NEWS is remembered."""
        verdict = self._kept(topic, boot, seq) if retained else self._live(topic, boot, seq)
        if verdict is Verdict.NEWS:
            self._last.pop(topic, None)
            self._last[topic] = (boot, seq)
            self._may_repeat.discard(topic)
            while len(self._last) > TOPICS_MAX:
                self._may_repeat.discard(gone := next(iter(self._last)))
                del self._last[gone]
        return verdict

    def _kept(self, topic: str, boot: int, seq: int) -> Verdict:
        known = self._last.get(topic)
        if known is None:
            return Verdict.AGAIN if boot in self._former else Verdict.NEWS
        if known[0] == boot:
            return Verdict.NEWS if seq > known[1] else Verdict.AGAIN
        return Verdict.AGAIN if known[0] == self.boot or boot in self._former else Verdict.NEWS

    def _live(self, topic: str, boot: int, seq: int) -> Verdict:
        if boot in self._former:
            return Verdict.REPLAYED
        if boot != self.boot:
            if self.boot is not None:
                self._former.append(self.boot)
            self.boot = boot
            return Verdict.NEWS
        known = self._last.get(topic)
        if known is None or known[0] != boot or seq > known[1]:
            return Verdict.NEWS
        if seq == known[1] and topic in self._may_repeat:
            self._may_repeat.discard(topic)
            return Verdict.AGAIN
        return Verdict.REPLAYED
