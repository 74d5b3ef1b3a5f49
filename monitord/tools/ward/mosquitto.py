"""What Mosquitto reads: a line of its password file, its access list, and the listener that uses both. Pure.

Formats: mosquitto_passwd(1), mosquitto.conf(5). A password is stored as ``$7$ITERATIONS$SALT$HASH``: PBKDF2 with
HMAC-SHA-512 (RFC 8018), salt and hash in base64, as mosquitto_passwd writes it.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from monitord.wardtalk.topics import Kind, Topic, of_room, of_stations, room_user, station_user

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.tools.ward.registry import Member, Site

SALT_BYTES = 12
"""As mosquitto_passwd takes; 2.0 refuses none of another length, but makes none either."""
_ITERATIONS = 101
"""Mosquitto's own number. It would be far too few for a word that a person thinks of; ours have 256 random bits."""
_HASH_BYTES = 64
_OURS = "# Made by monitord ward, which writes it anew: changes here are lost.\n"
_MESSAGE_MAX = 16384
"""Bytes of a packet that the broker takes; ours have hundreds."""
_WAITING_MAX = 50000
"""Messages that the broker keeps for a station that is away: the heartbeats of a hundred rooms, one in 10 s each, are
36,000 in the hour that a session lasts. Of what is more, the retained comes with the station's return all the same."""


def hashed(password: str, salt: bytes) -> str:
    """`password` as Mosquitto stores it."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, _HASH_BYTES)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def passwords(site: Site) -> str:
    """The password file."""
    rooms = [(room_user(site.site, each.name), each.hash) for each in site.rooms]
    stations = [(station_user(site.site, each.name), each.hash) for each in site.stations]
    return "".join(f"{user}:{hash_}\n" for user, hash_ in sorted(rooms + stations))


def access_list(site: Site) -> str:
    """The access list: what is not in it, nobody may.

    A room writes its own state and reads what is acknowledged; a station reads the rooms of its ward, one by one,
    writes their acknowledgements and its own state, and reads that of the other stations of its ward.
    """
    parts = [_OURS]
    parts += [_room(site.site, each.name) for each in site.rooms]
    for each in site.stations:
        rooms = [room.name for room in site.rooms if room.ward == each.ward]
        parts.append(_station(site.site, each, rooms))
    return "\n".join(parts)


def _room(site: str, room: str) -> str:
    lines = [f"user {room_user(site, room)}"]
    lines += [f"topic write {each}" for each in of_room(site, room)]
    return "\n".join([*lines, f"topic read {Topic(Kind.ACK, site, room)}", ""])


def _station(site: str, station: Member, rooms: list[str]) -> str:
    lines = [f"user {station_user(site, station.name)}", f"topic read {of_stations(site, station.ward)}"]
    lines.append(f"topic write {Topic(Kind.STATION, site, station.name, ward=station.ward)}")
    for room in rooms:
        lines += [f"topic read {each}" for each in of_room(site, room)]
        lines.append(f"topic write {Topic(Kind.ACK, site, room)}")
    return "\n".join([*lines, ""])


def listener(folder: Path, port: int) -> str:
    """The listener, for /etc/mosquitto/conf.d; whatever else the broker serves keeps its own users and rights.

    A client is called by its user name, so that none can take the place, and the waiting messages, of another.
    """
    return (
        f"{_OURS}"
        "per_listener_settings true\n"
        f"listener {port}\n"
        f"certfile {folder}/server.crt\n"
        f"keyfile {folder}/server.key\n"
        "allow_anonymous false\n"
        f"password_file {folder}/passwords\n"
        f"acl_file {folder}/acl\n"
        "use_username_as_clientid true\n"
        f"max_packet_size {_MESSAGE_MAX}\n"
        f"max_queued_messages {_WAITING_MAX}\n"
    )
