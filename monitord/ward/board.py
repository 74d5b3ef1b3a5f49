"""The board of a ward: what a station knows of its rooms. Pure: `now` in, values out.

A broker may drop what it cannot queue (Mosquitto keeps a thousand messages for a client): a gap in a room's numbers
tells it, and the station subscribes to that room anew, which brings all that is retained (`missed`).

Everything that a broker brings goes through `take`: it is read strictly, must be of the room in whose topic it lies,
and newer than what is known (`monitord.wardtalk.order`). What is not is refused, counted, and changes nothing.

While the station itself has no broker, every room becomes unseen (`monitord.ward.room`), and that is one alarm of the
station's, not one for each room (`silent`).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitord.ward.room import SILENT_S, Refused, Room
from monitord.wardtalk import codec
from monitord.wardtalk.message import Health, Report, State, Station
from monitord.wardtalk.order import Order, Verdict
from monitord.wardtalk.topics import Kind, TalkError, Topic, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GRACE_S = 4.0
"""A last will is an alarm only when nothing follows it for so long: a room that changes its broker leaves one, too."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A room has taken away one of its incidents."""

    room: str
    id: int


News = State | Health | Report | Station | Forgotten


class Board:
    """All rooms of a ward, and its other stations.

    Args:
        site: as the topics call it.
        ward: likewise.
        station: this one's name.
        rooms: name -> label.
        now: when the station begins, monotonic.
        lives: what a former life of the station knew of the rooms' lives: those that are over, and the last.

    Attributes:
        rooms: by name.
        others: what other stations said last, and when, by name.
        linked_at: since when the station hears a broker; None: it hears none.
        unlinked_at: since when it hears none; None: it hears one.
        refused: messages of all senders.
        complaints: the last of them, one sentence each.
        missed: rooms of which a broker has dropped something; the caller takes them away.
    """

    def __init__(
        self,
        site: str,
        ward: str,
        station: str,
        *,
        rooms: Mapping[str, str],
        now: float,
        lives: Mapping[str, tuple[Iterable[int], int | None]] | None = None,
    ) -> None:
        self._site, self.ward, self.station = site, ward, station
        known = lives or {}
        self.rooms = {name: Room(name, label, Order(*known.get(name, ((), None)))) for name, label in rooms.items()}
        self.others: dict[str, tuple[Station, float]] = {}
        self._orders: dict[str, Order] = {}
        self._began_at = now
        self.linked_at: float | None = None
        self.unlinked_at: float | None = now
        self.refused: Counter[Refused] = Counter()
        self.complaints: deque[str] = deque(maxlen=8)
        self.missed: set[str] = set()

    def linked(self, now: float) -> None:
        """The station hears a broker from now on."""
        self.linked_at, self.unlinked_at = now, None
        for order in (*(room.order for room in self.rooms.values()), *self._orders.values()):
            order.reconnected()

    def unlinked(self, now: float) -> None:
        """It hears none any more."""
        if self.unlinked_at is None:
            self.linked_at, self.unlinked_at = None, now
            for room in self.rooms.values():
                room.back_at = None

    def take(self, topic: str, payload: bytes, *, retained: bool, now: float) -> News | None:
        """What a message says; None: it is refused, or no news."""
        try:
            where = self._place(topic)
            if where.kind is Kind.STATION:
                return self._of_a_station(where, payload, retained=retained, now=now)
        except TalkError as cause:
            self._refuse(Refused.MALFORMED, str(cause))
            return None
        return self._of_a_room(self.rooms[where.who], where, payload, retained=retained, now=now)

    def _place(self, topic: str) -> Topic:
        """Raises TalkError: it is no topic that this station listens to."""
        where = parse(topic)
        own = where.ward == self.ward if where.kind is Kind.STATION else where.who in self.rooms
        if where.site != self._site or where.kind is Kind.ACK or not own:
            raise TalkError("the topic is none that this station listens to")
        return where

    def _of_a_room(self, room: Room, where: Topic, payload: bytes, *, retained: bool, now: float) -> News | None:
        if where.kind is Kind.INCIDENT and not payload:
            gone = room.incidents.pop(where.number, None)
            return None if gone is None else Forgotten(room.name, where.number)
        said = self._read(room, where, payload)
        if said is None:
            return None
        if isinstance(said, Health) and not said.alive and said.seq == said.line:
            return self._last_will(room, said, retained=retained, now=now)
        topic = where.kind.value if where.kind is not Kind.INCIDENT else f"incident/{where.number}"
        before = room.order.boot
        match room.order.judge(topic, said.boot, said.seq, retained=retained):
            case Verdict.REPLAYED:
                self._refuse(Refused.REPLAYED, f"{where.kind} is not newer than what is known", room)
                return None
            case Verdict.AGAIN:
                return None
        if room.order.boot != before:
            room.line = room.seq = None
        if not retained:
            if room.skips(said):
                self.missed.add(room.name)
            room.heard(now)
        room.learn(said, retained=retained, now=now)
        return said

    def _read(self, room: Room, where: Topic, payload: bytes) -> State | Health | Report | None:
        """What a room says; None: it is refused."""
        try:
            said = codec.parse(where.kind, payload)
        except TalkError as cause:
            self._refuse(Refused.MALFORMED, f"{where.kind} {cause}", room)
            return None
        if not isinstance(said, State | Health | Report):  # pragma: no cover - `parse` gives what the kind says
            return None
        if said.room != room.name or (isinstance(said, Report) and said.id != where.number):
            self._refuse(Refused.FORGED, f"{where.kind} is not of the room, or the incident, of its topic", room)
            return None
        return said

    def _last_will(self, room: Room, said: Health, *, retained: bool, now: float) -> News | None:
        """It counts once, and only that of the connection by which the room spoke last."""
        current = room.line is None or said.line == room.line
        if said.boot != (room.order.boot if room.order.boot is not None else said.boot) or not current:
            if not retained:
                self._refuse(Refused.REPLAYED, "health is the last will of a connection that is over", room)
            return None
        if room.gone_at is not None:
            return None
        if retained and room.heard_at is not None:  # It lived after that.
            return None
        room.gone_at, room.back_at = now, None
        return said

    def _of_a_station(self, where: Topic, payload: bytes, *, retained: bool, now: float) -> News | None:
        if where.who == self.station:
            return None
        said = codec.parse(Kind.STATION, payload)
        if not isinstance(said, Station):  # pragma: no cover - as above
            return None
        if said.station != where.who or said.ward != where.ward:
            self._refuse(Refused.FORGED, "state is not of the station of its topic")
            return None
        order = self._orders.setdefault(where.who, Order())
        # A last will is older than what its station said since, so it has a place of its own.
        verdict = order.judge("state" if said.alive else "will", said.boot, said.seq, retained=retained)
        if verdict is not Verdict.NEWS:
            if verdict is Verdict.REPLAYED:
                self._refuse(Refused.REPLAYED, "state of a station is not newer than what is known")
            return None
        self.others[where.who] = (said, now)
        return said

    def _refuse(self, why: Refused, sentence: str, room: Room | None = None) -> None:
        self.refused[why] += 1
        if room is not None:
            room.refused[why] += 1
        self.complaints.append(f"{why}: {'' if room is None else room.name + ': '}{sentence}")

    def silent(self, now: float) -> set[str]:
        """Rooms whose silence is an alarm: not while the station itself hears no broker."""
        if self.linked_at is None:
            return set()
        found = set()
        for room in self.rooms.values():
            last = self.linked_at if room.heard_at is None else max(room.heard_at, self.linked_at)
            if now - last >= SILENT_S or (room.gone_at is not None and now - max(room.gone_at, last) >= GRACE_S):
                found.add(room.name)
        return found

    def stations(self, now: float) -> dict[str, Station]:
        """The other stations of the ward that live."""
        return {name: said for name, (said, at) in self.others.items() if said.alive and now - at < SILENT_S}

    def settle(self, now: float, wall: float, only: Iterable[str] | None = None) -> set[str]:
        """Rank every room anew, or these `only`; returns those whose rank is another."""
        changed = set()
        for name in self.rooms if only is None else only:
            room = self.rooms[name]
            if room.settle(now, wall, self._began_at):
                changed.add(room.name)
        return changed
