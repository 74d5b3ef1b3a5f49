"""Which incident of the station a room's incident is: the book of live incidents of a whole ward. Pure.

The station keeps incidents of its own (`monitord.notify.incident`), so that alerts are delivered, repeated, escalated
and journalled as a room does it; each is the mirror of one incident of a room. The room leads: what it hears, how
urgent that is, when it is over, and whether somebody took it. The station leads in what the ward does: who is called,
how often, who comes next.

A person who acknowledges at the station ends the ringing here at once; the room is told, again and again, until its own
word shows that it has heeded (`unheeded`). If a room's incident is unanswered again after that, it is an alert again.

Silence has incidents of its own: one for each room (ROOM_SILENT), one for the station that has lost its broker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitord.config import FaultConfig, RuleConfig
from monitord.events import Fault, Sound
from monitord.notify.book import Book, Change
from monitord.notify.incident import MUTE_S, UNANSWERED, Action, Event, Incident, State, Urgency, step
from monitord.wardtalk.message import Via

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from monitord.config import RulesConfig
    from monitord.wardtalk.message import Report

Key = tuple[str, int]
"""A room's name, and the number of an incident in it."""


@dataclass
class Mirror:
    """Whose incident one of the station's is. `heeded`: the room has shown that it was acknowledged."""

    key: Key
    heeded: bool = False


class WardTriage(Book):
    """The live incidents of a ward.

    Args:
        ward: what the owner calls it.
        labels: name of each room -> what the owner calls it.
        rules: one rule per sound, one for faults.
        unseen: the rule for a room that is silent.
        live: incidents of a former life of the station, from the journal.
        mirrors: number of an incident -> whose it is, likewise.
        next_id: number of the next incident.

    Attributes:
        stirred: whether `mirrors` may differ from what the caller took last; the caller sets it back.
    """

    def __init__(
        self,
        ward: str,
        labels: Mapping[str, str],
        rules: RulesConfig,
        unseen: FaultConfig,
        *,
        live: Iterable[Incident] = (),
        mirrors: Mapping[int, tuple[str, int, bool]] | None = None,
        next_id: int = 1,
    ) -> None:
        super().__init__(ward, rules, 0.0, live=live, next_id=next_id)
        self._labels, self._unseen = dict(labels), unseen
        self._names = {label: name for name, label in labels.items()}
        self._groups: tuple[str, ...] | None = None
        self._mirrors = {
            number: Mirror((room, of), heeded)
            for number, (room, of, heeded) in (mirrors or {}).items()
            if number in self._live
        }
        self.stirred = True
        self._numbers = {each.key: number for number, each in self._mirrors.items()}
        self._silences = {
            self._names[each.room]: each.id
            for each in self._live.values()
            if each.subject is Fault.ROOM_SILENT and each.room in self._names
        }

    def call(self, groups: tuple[str, ...] | None) -> None:
        """Another shift has the ward: its groups come in the place of the rules'; None: the rules' own."""
        self._groups = groups

    def mirrored(self, number: int) -> Key | None:
        """The room's incident behind the station's of that number."""
        mirror = self._mirrors.get(number)
        return None if mirror is None else mirror.key

    def number(self, key: Key) -> int | None:
        """The reverse of `mirrored`."""
        return self._numbers.get(key)

    def silence(self, room: str) -> int | None:
        """The incident of a room's silence."""
        return self._silences.get(room)

    @property
    def mirrors(self) -> dict[int, tuple[str, int, bool]]:
        """What a next life of the station has to know."""
        return {number: (*each.key, each.heeded) for number, each in self._mirrors.items()}

    def next_due(self) -> float | None:
        """As `Book.next_due`, for a thousand incidents: what a station's can wait for, without asking each timer."""
        due = None
        for each in self._live.values():
            muted = None if each.muted_at is None else each.muted_at + MUTE_S
            for at in (each.repeat_at, each.escalate_at, each.remind_at, each.lapses_at, muted):
                if at is not None and (due is None or at < due):
                    due = at
        return due

    def report(self, report: Report, now: float) -> list[Change]:
        """A room says how one of its incidents is."""
        key = (report.room, report.id)
        known = self._live.get(self._numbers.get(key, 0)) or self._adopt(key, report)
        if known is None:
            return [self._mirror(key, report, now)] if report.state in UNANSWERED else []
        mirror = self._mirrors[known.id]
        if report.state is State.CLEARED:
            return [self._over(known, now)]
        changes = []
        if report.acknowledged is not None:
            self.stirred |= not mirror.heeded
            mirror.heeded = True
            if known.state is not State.ACKNOWLEDGED:
                via = "ward" if report.acknowledged.via is Via.WARD else "room"
                changes.append(self._apply(known, Event.ACK, now, via=via))
        elif report.state in UNANSWERED and known.state is State.ACKNOWLEDGED and mirror.heeded:
            mirror.heeded, self.stirred = False, True
            changes.append(self._apply(known, Event.REMIND, now))
        return changes + self._learn_of(self._live.get(known.id, known), report, now)

    def forgotten(self, key: Key, now: float) -> list[Change]:
        """A room has no such incident any more."""
        known = self._live.get(self._numbers.get(key, 0))
        return [] if known is None else [self._over(known, now)]

    def silent(self, rooms: Collection[str], now: float) -> list[Change]:
        """These rooms are silent, and all others are not."""
        changes = []
        for room in rooms:
            if room not in self._silences:
                label = self._labels[room]
                change = self._begin(Fault.ROOM_SILENT, now, RuleConfig(), Urgency.FAULT, room=label)
                self._silences[room] = change.incident.id
                changes.append(change)
        for room in set(self._silences) - set(rooms):
            known = self._live.get(self._silences.pop(room))
            if known is not None:
                changes.append(self._apply(known, Event.RECOVERED, now))
        return changes

    def taken(self, rooms: Collection[str], now: float) -> list[Change]:
        """Another station says that a person took the silence of these rooms."""
        known = (self._live.get(self._silences.get(room, 0)) for room in rooms)
        return [
            self._apply(each, Event.ACK, now, via="ward")
            for each in known
            if each is not None and each.state in UNANSWERED
        ]

    def taken_here(self) -> tuple[str, ...]:
        """Rooms whose silence a person took."""
        return tuple(
            sorted(
                room
                for room, number in self._silences.items()
                if number in self._live and self._live[number].state is State.ACKNOWLEDGED
            )
        )

    def ring_again(self, now: float) -> list[Change]:
        """This station has to ring from now on, for what the other one rang for until now."""
        waiting = [each for each in self.live if each.state in UNANSWERED and each.state is not State.MUTED]
        return [self._apply(each, Event.REPEAT, now) for each in waiting]

    def is_unheeded(self, key: Key) -> bool:
        """Whether the room has yet to show that it knows of an acknowledgement here."""
        number = self._numbers.get(key, 0)
        known, mirror = self._live.get(number), self._mirrors.get(number)
        return known is not None and mirror is not None and not mirror.heeded and known.state is State.ACKNOWLEDGED

    def unheeded(self) -> list[Key]:
        """Incidents of rooms that were acknowledged here, and whose room has not shown that it knows."""
        return [each.key for each in self._mirrors.values() if self.is_unheeded(each.key)]

    def _mirror(self, key: Key, report: Report, now: float) -> Change:
        label = self._labels[report.room]
        change = self._begin(report.subject, now, RuleConfig(), report.urgency, report.score, room=label)
        each = replace(change.incident, lapses_at=None, lasting=True, latching=False, seen=report.sight)
        self._live[each.id] = each
        self._mirrors[each.id], self._numbers[key], self.stirred = Mirror(key), each.id, True
        return Change(each, change.actions)

    def _adopt(self, key: Key, report: Report) -> Incident | None:
        """The station may have died after it journalled an incident and before it noted whose it is."""
        label = self._labels[report.room]
        lost = (each for each in self.live if each.id not in self._mirrors and each.room == label)
        found = next((each for each in lost if each.subject is report.subject), None)
        if found is not None:
            self._mirrors[found.id], self._numbers[key], self.stirred = Mirror(key), found.id, True
        return found

    def _over(self, known: Incident, now: float) -> Change:
        mirror = self._mirrors.pop(known.id)
        self._numbers.pop(mirror.key, None)
        self.stirred = True
        return self._apply(known, Event.QUIET, now)

    def _learn_of(self, known: Incident, report: Report, now: float) -> list[Change]:
        after = replace(
            known,
            score=max(known.score, report.score),
            seen=known.seen if report.sight is None else report.sight,
            urgency=report.urgency,
        )
        if after == known:
            return []
        self._live[known.id] = after
        more_urgent = after.urgency.grade < known.urgency.grade
        if more_urgent and after.state in UNANSWERED and isinstance(after.subject, Sound):
            urgent, actions = step(after, Event.URGENT, now, calling=self.rule(after))
            self._live[known.id] = urgent
            return [Change(urgent, actions)]
        seen = (Action.TELL_SEEN,) if after.seen is not known.seen and after.state is not State.CLEARED else ()
        return [Change(after, (Action.UPDATE, *seen))]

    def _rule_of(self, subject: Sound | Fault) -> RuleConfig | FaultConfig:
        """The ward's rule for it, with the groups of the shift that is on."""
        rule = self._unseen if subject is Fault.ROOM_SILENT else super()._rule_of(subject)
        return rule if self._groups is None else rule.model_copy(update={"notify": self._groups})

    def _find(self, subject: Sound | Fault) -> Incident | None:
        """Of the station's own only."""
        own = (each for each in self.live if each.subject is subject and each.room == self._room)
        return next((each for each in own if each.id not in self._mirrors), None)

    def _recover(self, faults: frozenset[Fault], now: float) -> list[Change]:
        own = [each for each in self.live if each.id not in self._mirrors and each.room == self._room]
        return [self._apply(each, Event.RECOVERED, now) for each in own if each.subject in faults]
