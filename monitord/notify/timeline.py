"""The lives of the voice laid one behind the other: when the room was protected, without gap or overlap. Pure.

Spans are kept in seconds since the machine started, so within one run of the machine no step of its clock tears or
overlaps them; what they are in UTC follows from the newest known difference of the two clocks in that run. A Raspberry
Pi that started with a wrong clock and was set right an hour later has told the right time of that hour, too.

What lies between two lives is unprotected, and so is the time after the last known sign of life: a voice that was
killed cannot say when. That sign is a few seconds old where only the process died, and up to
`monitord.notify.keeper.ALIVE_S` where the machine lost its power.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitord.notify.ledger import Guard, Span, Why

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Life:
    """One life of the voice.

    Attributes:
        id: number, unique in one journal; later lives have higher ones.
        boot: which run of the machine it was in.
        ahead: UTC (seconds since 1970) less seconds since the machine started, as both clocks stood last.
        began: seconds since the machine started.
        alive: the last sign of life, the same.
        stopped: whether it ended as it should.
    """

    id: int
    boot: str
    ahead: float
    began: float
    alive: float
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span in UTC, seconds since 1970."""

    guard: Guard
    why: str
    began: float
    ended: float

    @property
    def length_s(self) -> float:
        """Seconds."""
        return self.ended - self.began


def tile(lives: Sequence[Life], spans: Mapping[int, Sequence[Span]], boot: str, now: float) -> list[Stretch]:
    """Everything known, from the beginning of the first life to now, without gap or overlap.

    Args:
        lives: of the voice, oldest first. `alive` of one that runs is now.
        spans: of each life, by its number, oldest first.
        boot: the run of the machine that `now` is in.
        now: UTC, seconds since 1970.
    """
    ahead = {life.boot: life.ahead for life in lives}  # The newest of each run of the machine.
    laid = _Tiles(lives[0].began + ahead[lives[0].boot] if lives else now)
    before: Life | None = None
    for life in lives:
        # A clock that was behind and never set right must not put this life into the one before.
        ahead[life.boot] = max(ahead[life.boot], laid.end - life.began)
        if before is not None:
            laid.add(Guard.UNPROTECTED, _between(before, life.boot), life.began + ahead[life.boot])
        for span in spans.get(life.id, ()):
            laid.add(Guard.UNPROTECTED, Why.NOT_RECORDED, span.began + ahead[life.boot])
            ended = life.alive if span.ended is None else span.ended
            laid.add(span.guard, span.why, ended + ahead[life.boot])
        laid.add(Guard.UNPROTECTED, Why.NOT_RECORDED, life.alive + ahead[life.boot])
        before = life
    if before is not None:
        laid.add(Guard.UNPROTECTED, _between(before, boot), now)
    return laid.stretches


class _Tiles:
    """Stretches that grow at the end only; neighbours of one kind are one."""

    def __init__(self, begin: float) -> None:
        self.stretches: list[Stretch] = []
        self.end = begin

    def add(self, guard: Guard, why: str, until: float) -> None:
        """From the end so far until `until`; nothing where that is past already."""
        if until <= self.end:
            return
        last = self.stretches[-1] if self.stretches else None
        if last is not None and (last.guard, last.why) == (guard, why):
            self.stretches[-1] = replace(last, ended=until)
        else:
            self.stretches.append(Stretch(guard, why, self.end, until))
        self.end = until


def _between(before: Life, boot: str) -> Why:
    """Why nobody listened after that life."""
    if before.boot != boot:
        return Why.MACHINE_OFF
    return Why.VOICE_STOPPED if before.stopped else Why.VOICE_DIED
