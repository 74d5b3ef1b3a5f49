"""Who is enrolled at a site: the one file that the broker's password file and access list are made from.

Changes are pure and return a new `Site`; what the file looks like is here too, how it is kept is `folder`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

VERSION = 1
NAME = re.compile(r"[a-z0-9-]{1,32}")
"""Of sites, wards, rooms and stations: what needs no quoting in a topic, an access list or a file's name."""


class WardError(Exception):
    """It cannot be done; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Member:
    """A room or a station.

    Attributes:
        name: of the room or the station.
        ward: which one it belongs to.
        hash: of its password, as Mosquitto stores it.
        made_at: when its credentials were made, seconds since 1970.
    """

    name: str
    ward: str
    hash: str
    made_at: float


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that is kept of a site.

    Attributes:
        site: its name.
        brokers: "host:port", in the order in which they are tried.
        rooms: by name.
        stations: by name.
        version: of the file.
    """

    site: str
    brokers: tuple[str, ...]
    rooms: tuple[Member, ...] = ()
    stations: tuple[Member, ...] = ()
    version: int = VERSION

    def find(self, name: str) -> tuple[str, Member] | None:
        """Which room ("room") or station ("station") is called so; names are unique among both."""
        for kind, members in (("room", self.rooms), ("station", self.stations)):
            for each in members:
                if each.name == name:
                    return kind, each
        return None

    def rooms_of(self, ward: str) -> list[str]:
        """Names of the rooms of a ward."""
        return [each.name for each in self.rooms if each.ward == ward]


_STORED = TypeAdapter(Site)


def encode(site: Site) -> bytes:
    """The file."""
    return _STORED.dump_json(site, indent=1) + b"\n"


def decode(content: bytes) -> Site:
    """What a file holds.

    Raises:
        ValueError: it is damaged.
        WardError: another version wrote it.
    """
    site = _STORED.validate_json(content, strict=True)
    if site.version != VERSION:
        raise WardError("another version of monitord wrote it; use that one")
    for each in (site.site, *(part for member in (*site.rooms, *site.stations) for part in (member.name, member.ward))):
        checked(each, "name")
    return site


def checked(name: str, what: str) -> str:
    """`name`, if it is one.

    Raises:
        WardError: it has other letters than a name may have.
    """
    if not NAME.fullmatch(name):
        raise WardError(f"{name!r} is no {what}: 1 to 32 small letters, digits and hyphens")
    return name


def add(site: Site, kind: str, member: Member, *, again: bool) -> Site:
    """`site` with one more; `again`: it has been enrolled, and gets new credentials.

    Raises:
        WardError: the name is taken, or nobody's who could get new ones.
    """
    known = site.find(member.name)
    if known is not None and known[0] != kind:
        raise WardError(f"{member.name!r} is the name of a {known[0]}; rooms and stations cannot share one")
    if known is not None and not again:
        raise WardError(f"{member.name!r} is enrolled already; --again makes new credentials, and the old ones end")
    if known is None and again:
        raise WardError(f"{member.name!r} is not enrolled; leave out --again")
    bare = _without(site, member.name)
    if kind == "room":
        return replace(bare, rooms=_sorted((*bare.rooms, member)))
    return replace(bare, stations=_sorted((*bare.stations, member)))


def remove(site: Site, name: str) -> tuple[Site, str, Member]:
    """`site` without the room or station of that name, which it was, and what was kept of it.

    Raises:
        WardError: there is none.
    """
    known = site.find(name)
    if known is None:
        raise WardError(f"no room and no station is called {name!r}; monitord ward list shows them")
    return _without(site, name), *known


def _without(site: Site, name: str) -> Site:
    return replace(
        site,
        rooms=tuple(each for each in site.rooms if each.name != name),
        stations=tuple(each for each in site.stations if each.name != name),
    )


def _sorted(members: tuple[Member, ...]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda each: each.name))
