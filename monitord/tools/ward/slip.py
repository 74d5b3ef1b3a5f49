"""The slip that is carried from the broker to a room or a station: one line of text, as a file or as a QR code. Pure.

``MONITORD-WARD:1:`` and base32 (RFC 4648) of compressed JSON: capitals and digits are what a QR code holds most of, and
no letter of it changes on its way through a clipboard. It holds a password, so it is kept like one.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

from pydantic import TypeAdapter

from monitord.tools.ward.registry import WardError, checked

PREFIX = "MONITORD-WARD:1:"
SIZE_MAX = 8192
"""Bytes of a slip, and of what is in it; one has a thousand."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What a room or a station needs.

    Attributes:
        kind: "room" or "station".
        site: of the house.
        ward: it belongs to.
        name: of the room or the station.
        brokers: "host:port", in the order in which they are tried.
        username: at the broker.
        password: at the broker.
        authority: the certificate that signs the broker's, PEM.
        rooms: of the ward, for a station.
    """

    kind: str
    site: str
    ward: str
    name: str
    brokers: tuple[str, ...]
    username: str
    password: str
    authority: str
    rooms: tuple[str, ...] = ()


_SLIP = TypeAdapter(Slip)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----\n")


def encode(slip: Slip) -> str:
    """The line."""
    packed = zlib.compress(_SLIP.dump_json(slip), 9)
    return PREFIX + base64.b32encode(packed).decode().rstrip("=")


def decode(text: str) -> Slip:
    """What a line says; lines that begin with "#" before it do not count, nor do breaks that a terminal put into it.

    Raises:
        WardError: it is no slip, or a part of it is missing.
    """
    bare = "".join("".join(line.split()) for line in text.splitlines() if not line.lstrip().startswith("#"))
    if not bare.startswith(PREFIX) or len(bare) > SIZE_MAX:
        raise WardError(f'is no slip of monitord ward enroll: one begins with "{PREFIX}"')
    bare = bare.removeprefix(PREFIX)
    try:
        packed = base64.b32decode(bare + "=" * (-len(bare) % 8))
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, SIZE_MAX)
        if not unpacking.eof:
            raise WardError("is cut off, or mistyped; carry the whole slip")
        slip = _SLIP.validate_json(content, strict=True)
    except (binascii.Error, zlib.error):
        raise WardError("is cut off, or mistyped; carry the whole slip") from None
    except ValueError:
        raise WardError("is of another version of monitord; enroll with the version that the room has") from None
    if slip.kind not in ("room", "station") or not slip.brokers or not _PEM.fullmatch(slip.authority):
        raise WardError("is of another version of monitord; enroll with the version that the room has")
    for name, what in (
        (slip.site, "site"),
        (slip.ward, "ward"),
        (slip.name, slip.kind),
        *((r, "room") for r in slip.rooms),
    ):
        checked(name, what)
    return slip
