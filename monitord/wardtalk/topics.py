"""The topics of a site: what each is called, and whose it is. Pure.

Below ``monitord/v1/SITE/`` every room has a level of its own, and so has every ward (``_ward/WARD/STATION``). No name
of a room begins with an underscore, so the two never meet. Names are of small letters, digits and "-": nothing in them
means anything to any broker (no wildcard, no separator, no "." as NATS would turn it into one).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique

PREFIX = "monitord/v1"
NAME = "[a-z0-9-]{1,32}"
"""Of a site, a room, a ward, a station."""
NUMBER_MAX = 999_999_999_999_999
"""Numbers of incidents: SQLite's integers hold them, and JavaScript's."""


class TalkError(ValueError):
    """What came is none of ours, or not in order; the text says which part and why, and repeats nothing of it."""


@unique
class Kind(StrEnum):
    """What is said below a topic."""

    STATE = "state"
    INCIDENT = "incident"
    HEALTH = "health"
    ACK = "ack"
    STATION = "station"


@dataclass(frozen=True, slots=True)
class Topic:
    """Where something is said.

    Attributes:
        kind: what.
        site: the site's name.
        who: the room's name; of STATION: the station's.
        number: of the incident, with INCIDENT.
        ward: with STATION.
    """

    kind: Kind
    site: str
    who: str
    number: int = 0
    ward: str = ""

    def __str__(self) -> str:
        """As the broker knows it."""
        match self.kind:
            case Kind.STATION:
                return f"{PREFIX}/{self.site}/_ward/{self.ward}/{self.who}/state"
            case Kind.INCIDENT:
                return f"{PREFIX}/{self.site}/{self.who}/incident/{self.number}"
        return f"{PREFIX}/{self.site}/{self.who}/{self.kind}"


_ROOM = re.compile(rf"{PREFIX}/({NAME})/({NAME})/(state|health|ack|incident/([1-9][0-9]{{0,14}}))", re.ASCII)
_STATION = re.compile(rf"{PREFIX}/({NAME})/_ward/({NAME})/({NAME})/state", re.ASCII)


def parse(text: str) -> Topic:
    """The reverse of ``str(topic)``.

    Raises:
        TalkError: it is no topic of ours.
    """
    if (found := _ROOM.fullmatch(text)) is not None:
        site, who, rest, number = found.groups()
        return Topic(Kind.INCIDENT, site, who, int(number)) if number else Topic(Kind(rest), site, who)
    if (found := _STATION.fullmatch(text)) is not None:
        return Topic(Kind.STATION, found[1], found[3], ward=found[2])
    raise TalkError("the topic is none of monitord's")


def of_room(site: str, room: str) -> tuple[str, ...]:
    """What a station subscribes to, to hear `room`."""
    base = f"{PREFIX}/{site}/{room}"
    return f"{base}/state", f"{base}/health", f"{base}/incident/+"


def of_stations(site: str, ward: str) -> str:
    """What a station subscribes to, to hear the others of its ward."""
    return f"{PREFIX}/{site}/_ward/{ward}/+/state"


def room_user(site: str, room: str) -> str:
    """The user name and the client identifier of a room."""
    return f"{site}.{room}"


def station_user(site: str, station: str) -> str:
    """The user name and the client identifier of a station."""
    return f"{site}.ward.{station}"
