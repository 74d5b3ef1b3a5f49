"""The ledger of one life of the voice: from when to when the room was protected, paused or unprotected, and why. Pure.

Theory of operation. A stretch of time is PROTECTED only while there is evidence for it: the ear's heartbeats come, no
fault keeps it from hearing, and the voice itself runs. Whatever ends that ends the span, and not when it is noticed but
as far back as the evidence ends: an ear that is found silent after 15 s has been unprotected since its last word, and a
microphone found dead after a while of digital silence since the beginning of it. A voice that stood still
(stopped by a signal, a machine that slept) notices that it missed its own ticks; nobody was told anything meanwhile.

Spans follow one another without gap or overlap from the life's beginning to now; a test holds that for any order of
events. What lies between two lives of the voice is the business of `monitord.notify.timeline`.

Times are seconds since the machine started (CLOCK_BOOTTIME: it goes on while the machine sleeps, and no change of the
clock moves it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from monitord.events import EAR_FAULTS, Fault, Gate, Kind, Message, Role, level_to_over
from monitord.notify.earwatch import EAR_SILENT_S

if TYPE_CHECKING:
    from collections.abc import Iterable

STOOD_STILL_S = 15.0
"""The voice ticks every 5 s; between two ticks so far apart it told nobody anything."""


@unique
class Guard(StrEnum):
    """Whether somebody listens to the room, and can tell."""

    PROTECTED = "protected"
    PAUSED = "paused"
    UNPROTECTED = "unprotected"


@unique
class Why(StrEnum):
    """Why nobody was protected, as texts, journal and JSON spell it. Where a fault of the ear is why: `why_of`."""

    OWNER = "Why.OWNER"
    STARTING = "Why.STARTING"
    EAR_SILENT = "Why.EAR_SILENT"
    EAR_STOPPED = "Why.EAR_STOPPED"
    VOICE_STOOD_STILL = "Why.VOICE_STOOD_STILL"
    VOICE_STOPPED = "Why.VOICE_STOPPED"
    VOICE_DIED = "Why.VOICE_DIED"
    MACHINE_OFF = "Why.MACHINE_OFF"
    NOT_RECORDED = "Why.NOT_RECORDED"


HARMLESS = frozenset({Fault.MICROPHONE_OVERRUN, Fault.MICROPHONE_CLIPS, Fault.MICROPHONE_OFFSET})
"""Faults of the ear with which it hears all the same, if not as well: they are told, and take no protection."""
DEAFENING = EAR_FAULTS - HARMLESS
"""Faults with which a cry would not be heard."""

KNOWN_AFTER_S: dict[Fault, float] = {
    Fault.MICROPHONE_SILENT: 50.0,
    Fault.MICROPHONE_STALLED: 5.0,
    Fault.MICROPHONE_CONSTANT: 20.0,
    Fault.MICROPHONE_FAINT: 55.0,
    Fault.ROOM_TOO_LOUD: 540.0,
}
"""How long a fault stands before the ear tells of it; so far back goes the span. Others are told at once."""


def why_of(fault: Fault) -> str:
    """How a fault is spelled as the reason of a span."""
    return f"Fault.{fault.name}"


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when one thing was so.

    Attributes:
        guard: whether the room was protected.
        why: a member of `Why`, or `why_of` a fault; "" while the room is protected.
        began: seconds.
        ended: seconds; None: it goes on.
    """

    guard: Guard
    why: str
    began: float
    ended: float | None = None


class Watch:
    """Keeps the spans of one life of the voice.

    Args:
        now: when it begins, seconds.
        faults: faults of the ear that stood when the life before ended; the ear tells of a fault only once.
        paused: whether the owner's pause is in force.

    Attributes:
        unwritten: number in this life -> span, for whatever changed since `written`.
    """

    def __init__(self, now: float, *, faults: Iterable[Fault] = (), paused: bool = False) -> None:
        self._faults = set(faults) & DEAFENING
        self._gate: Gate | None = None
        self._stopped = False
        self._ear_at: float | None = None
        self._unsure = False
        self._paused = paused
        self._began_at = self._ticked_at = now
        guard, why = (Guard.PAUSED, Why.OWNER) if paused else (Guard.UNPROTECTED, Why.STARTING)
        self._number = 1
        self._current = Span(guard, why, now)
        self._spent = dict.fromkeys(Guard, 0.0)
        self.unwritten = {1: self._current}

    @property
    def current(self) -> Span:
        """The span that goes on."""
        return self._current

    def spent(self, now: float) -> dict[Guard, float]:
        """Seconds that each lasted in this life, all spans together; as far as is known at `now`."""
        going_on = {self._current.guard: max(0.0, now - self._current.began)}
        return {guard: seconds + going_on.get(guard, 0.0) for guard, seconds in self._spent.items()}

    def written(self) -> None:
        """What is in `unwritten` is in the journal."""
        self.unwritten = {}

    def hear(self, message: Message, role: Role, now: float, age_s: float = 0.0) -> None:
        """A frame came; it waited `age_s` in its sender."""
        self._mind_the_ticks(now)
        if role is Role.EAR:
            since = self._learn(message, now)
            self._ear_at, self._unsure = now, False
            self._settle(now, since - age_s)

    def pause(self, *, paused: bool, now: float) -> None:
        """The owner's pause begins or ends."""
        self._mind_the_ticks(now)
        if paused != self._paused:
            self._paused = paused
            self._gate = None  # The ear has yet to say that it listens again.
            self._settle(now, now)

    def tick(self, now: float) -> None:
        """Time passes."""
        self._mind_the_ticks(now)
        self._settle(now, now)

    def end(self, now: float) -> None:
        """The voice ends as it should."""
        self._mind_the_ticks(now)
        self._current = replace(self._current, ended=now)
        self.unwritten[self._number] = self._current

    def _learn(self, message: Message, now: float) -> float:
        """Take in what the ear says; returns since when it holds."""
        match message.kind, message.label:
            case Kind.HELLO, _:
                # A new life of the ear: what the former suffered from it tells again, and it has yet to hear something.
                since = now if self._ear_at is None else self._ear_at
                self._faults.clear()
                self._gate, self._stopped = None, False
                return since
            case Kind.GOODBYE, _:
                self._gate, self._stopped = None, True
            case Kind.HEARTBEAT, Gate() as gate:
                self._gate, self._stopped = gate, False
            case Kind.FAULT, Fault.RECOVERED:
                over = level_to_over(message.level)
                self._faults = set() if over is None else self._faults - {over}
            case Kind.FAULT, Fault() as fault if fault in DEAFENING:
                if not self._faults:
                    self._faults.add(fault)
                    return now - KNOWN_AFTER_S.get(fault, 0.0)
                self._faults.add(fault)
        return now

    def _standing(self, now: float) -> tuple[Guard, str]:
        """What holds at `now`."""
        silent_since = self._began_at if self._ear_at is None else self._ear_at
        worst = min(self._faults, key=lambda fault: fault.value, default=None)
        holds: tuple[tuple[bool, Guard, str], ...] = (
            (self._paused, Guard.PAUSED, Why.OWNER),
            (self._stopped, Guard.UNPROTECTED, Why.EAR_STOPPED),
            (now - silent_since >= EAR_SILENT_S, Guard.UNPROTECTED, Why.EAR_SILENT),
            (worst is not None, Guard.UNPROTECTED, "" if worst is None else why_of(worst)),
            (self._unsure, Guard.UNPROTECTED, Why.VOICE_STOOD_STILL),
            (self._gate is None, Guard.UNPROTECTED, Why.STARTING),
            (self._gate is Gate.PAUSED, Guard.PAUSED, Why.OWNER),
        )
        return next(((guard, why) for so, guard, why in holds if so), (Guard.PROTECTED, ""))

    def _settle(self, now: float, since: float) -> None:
        guard, why = self._standing(now)
        if (guard, why) != (self._current.guard, self._current.why):
            if why == Why.EAR_SILENT and self._ear_at is not None:
                since = self._ear_at
            # Only what seemed protected is taken back; a reason that was known keeps its time.
            self._begin(guard, why, since if self._current.guard is Guard.PROTECTED else now)

    def _begin(self, guard: Guard, why: str, at: float) -> None:
        at = max(at, self._current.began)
        if at > self._current.began:
            self.unwritten[self._number] = replace(self._current, ended=at)
            self._number += 1
        self._spent[self._current.guard] += at - self._current.began
        self._current = Span(guard, why, at)
        self.unwritten[self._number] = self._current

    def _mind_the_ticks(self, now: float) -> None:
        last, self._ticked_at = self._ticked_at, now
        if now - last < STOOD_STILL_S or self._current.guard is Guard.PAUSED:
            return
        self._begin(Guard.UNPROTECTED, Why.VOICE_STOOD_STILL, last)
        self._unsure = True  # Until the ear's next word; it waits in the socket, or comes within 5 s.
        if self._ear_at is not None:
            self._ear_at = now
