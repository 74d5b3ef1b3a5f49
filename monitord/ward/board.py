"""The board of a ward: what a station knows of its rooms. Pure: `now` in, values out.

A broker may drop what it cannot queue (Mosquitto keeps a thousand messages for a client): a gap in a room's numbers
tells it, and the station subscribes to that room anew, which brings all that is retained (`missed`).

Everything that a broker brings goes through `take`: it is read strictly, must be of the room in whose topic it lies,
and newer than what is known (`monitord.wardtalk.order`). What is not is refused, counted, and changes nothing.

A room is unseen when its last will was published, or nothing came of it live for SILENT_S. What a broker has kept is no
sign of life: it only says what was. While the station itself has no broker, every room becomes unseen, and that is one
alarm of the station's, not one for each room (`silent`).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum, unique
from typing import TYPE_CHECKING, Any

from monitord.events import Fault, Sight, Sound
from monitord.notify.incident import UNANSWERED
from monitord.notify.incident import State as Course
from monitord.wardtalk import message as talk
from monitord.wardtalk.message import Health, Report, State, Station
from monitord.wardtalk.order import Order, Verdict
from monitord.wardtalk.topics import Kind, TalkError, Topic, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SILENT_S = 30.0
"""Nothing of a room for so long (three signs of life) is an alarm."""
GRACE_S = 4.0
"""A last will is an alarm only when nothing follows it for so long: a room that changes its broker leaves one, too."""
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


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A room has taken away one of its incidents."""

    room: str
    id: int


News = State | Health | Report | Station | Forgotten


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


class Board:
    """All rooms of a ward, and its other stations.

    Args:
        site: as the topics call it.
        ward: likewise.
        station: this one's name.
        rooms: name -> label.
        now: when the station begins, monotonic.
        lives: what a former life of the station knew of the rooms' lives: those that are over, and the last.
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
        self._site, self._ward, self._station = site, ward, station
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
        own = where.ward == self._ward if where.kind is Kind.STATION else where.who in self.rooms
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
            self._count(room, said)
            self._heard(room, now)
        self._learn(room, said, retained=retained, now=now)
        return said

    def _count(self, room: Room, said: State | Health | Report) -> None:
        """A room numbers what it says without a gap; where there is one, a broker has dropped what it still retains."""
        begins = isinstance(said, Health) and said.seq == said.line + 1
        if room.seq is not None and said.seq > room.seq + 1 and not (begins and said.seq == room.seq + 2):
            self.missed.add(room.name)
        room.seq = said.seq if room.seq is None else max(room.seq, said.seq)

    def _read(self, room: Room, where: Topic, payload: bytes) -> State | Health | Report | None:
        """What a room says; None: it is refused."""
        try:
            said = talk.parse(where.kind, payload)
        except TalkError as cause:
            self._refuse(Refused.MALFORMED, f"{where.kind} {cause}", room)
            return None
        if not isinstance(said, State | Health | Report):  # pragma: no cover - `parse` gives what the kind says
            return None
        if said.room != room.name or (isinstance(said, Report) and said.id != where.number):
            self._refuse(Refused.FORGED, f"{where.kind} is not of the room, or the incident, of its topic", room)
            return None
        return said

    def _learn(self, room: Room, said: State | Health | Report, *, retained: bool, now: float) -> None:
        match said:
            case State():
                room.state = said
            case Health():
                room.line = said.line
                if not said.alive:
                    room.gone_at = room.gone_at if retained and room.gone_at is not None else now
                    room.back_at = None
            case Report():
                room.incidents[said.id] = said
                over = [each.id for each in room.incidents.values() if each.state is Course.CLEARED]
                for number in sorted(over)[: max(0, len(room.incidents) - INCIDENTS_MAX)]:
                    del room.incidents[number]

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

    def _heard(self, room: Room, now: float) -> None:
        if room.back_at is None or room.gone_at is not None or self._is_silent(room, now):
            room.back_at = now
        room.heard_at, room.gone_at = now, None

    def _of_a_station(self, where: Topic, payload: bytes, *, retained: bool, now: float) -> News | None:
        if where.who == self._station:
            return None
        said = talk.parse(Kind.STATION, payload)
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

    def is_unseen(self, room: Room, now: float) -> bool:
        """Whether nobody knows how the room is."""
        return room.gone_at is not None or self._is_silent(room, now)

    def _is_silent(self, room: Room, now: float) -> bool:
        return room.heard_at is None or now - room.heard_at >= SILENT_S

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
            rank = self._rank(room, now)
            if rank is not room.rank[0] or room.rank[1] == 0.0:
                room.rank = (rank, self._since(room, rank, now, wall))
                changed.add(room.name)
        return changed

    def _rank(self, room: Room, now: float) -> Rank:
        live = room.live
        if any(isinstance(each.subject, Sound) and each.state in UNANSWERED for each in live):
            return Rank.ALERT
        if self.is_unseen(room, now):
            return Rank.UNSEEN
        faulty = room.state is not None and bool(room.state.faults)
        if faulty or any(isinstance(each.subject, Fault) for each in live):
            return Rank.FAULT
        return Rank.CALM

    def _since(self, room: Room, rank: Rank, now: float, wall: float) -> float:
        match rank:
            case Rank.ALERT:
                return min(each.since for each in room.live if each.state in UNANSWERED)
            case Rank.UNSEEN:
                return wall - (now - (self._began_at if room.heard_at is None else room.heard_at))
        return wall

    def room_json(self, room: Room, now: float) -> dict[str, Any]:
        """One room, for JSON."""
        first = foremost(room)
        state, seen = room.state, not self.is_unseen(room, now)
        return {
            "room": room.name,
            "label": room.label,
            "rank": int(room.rank[0]),
            "since": round(room.rank[1], 3),
            "incident": None if first is None else incident_json(first),
            "acknowledged": None if first is None else _acknowledged(first),
            "live": [incident_json(each) for each in room.live],
            "protected": seen and state is not None and state.protected,
            "paused_until": None if state is None else state.paused_until,
            "gate": None if state is None or state.gate is None else state.gate.name,
            "microphone": None if state is None else state.microphone.value,
            "camera": None if state is None else state.camera.value,
            "faults": [] if state is None else [each.name for each in state.faults],
            "heard_s": None if room.heard_at is None else round(now - room.heard_at, 1),
            "refused": {each.value: room.refused[each] for each in Refused},
        }

    def json(self, now: float, wall: float, only: Iterable[str] | None = None) -> dict[str, Any]:
        """The board, rooms by urgency, for JSON; `only`: of these rooms."""
        names = self.rooms if only is None else only
        rooms = sorted((self.rooms[name] for name in names), key=lambda room: (room.rank[0], room.rank[1], room.label))
        return {
            "ward": self._ward,
            "at": round(wall, 3),
            "station": self._station,
            "linked": self.linked_at is not None,
            "others": [
                {
                    "station": name,
                    "alive": said.alive and now - at < SILENT_S,
                    "rings": said.rings,
                    "shift": said.shift,
                    "heard_s": round(now - at, 1),
                }
                for name, (said, at) in sorted(self.others.items())
            ],
            "rooms": [self.room_json(room, now) for room in rooms],
            "refused": {each.value: self.refused[each] for each in Refused},
        }


def foremost(room: Room) -> Report | None:
    """The incident that a room is shown with: what nobody has taken, else what somebody has; None: nothing goes on."""
    return next(iter(room.live), None)


def incident_json(each: Report) -> dict[str, Any]:
    """One incident, for JSON: codes, as the page's texts have them."""
    return {
        "id": each.id,
        "kind": "sound" if isinstance(each.subject, Sound) else "fault",
        "label": each.subject.name,
        "urgency": each.urgency.value,
        "state": each.state.value,
        "score": each.score,
        "since": each.since,
        "repeats": each.repeats,
        "sight": each.sight.name if isinstance(each.sight, Sight) else None,
        "acknowledged": _acknowledged(each),
    }


def _acknowledged(each: Report) -> dict[str, Any] | None:
    return None if each.acknowledged is None else {"at": each.acknowledged.at, "via": each.acknowledged.via.value}


def _urgency(each: Report) -> tuple[bool, bool, int, float, int]:
    answered = each.state not in UNANSWERED
    return answered, isinstance(each.subject, Fault), each.urgency.grade, each.since, each.id
