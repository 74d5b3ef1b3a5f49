"""Which addresses the voice may serve and reach: loopback, private, link-local, unique-local. Pure.

Everything else is refused, whatever it is spelled like. An IPv4 address inside an IPv6 one (``::ffff:a.b.c.d``)
counts as the IPv4 address; other embeddings (6to4, NAT64, Teredo) lead out of the house and are not on the list.
Spellings that libraries read differently (leading zeros, hexadecimal, fewer than four numbers) are no addresses here.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOCAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",  # Loopback, RFC 1122.
        "10.0.0.0/8",  # Private, RFC 1918.
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # Link-local, RFC 3927.
        "::1/128",  # Loopback, RFC 4291.
        "fe80::/10",  # Link-local, RFC 4291.
        "fc00::/7",  # Unique-local, RFC 4193.
    )
)
_ZONE = re.compile(r"[0-9A-Za-z_.-]{1,15}")  # Names of interfaces, as Linux bounds them (IFNAMSIZ).
_LINK_LOCAL = ipaddress.ip_network("fe80::/10")


class LanError(ValueError):
    """An address that is none, or that lies outside the house; the text says which."""


def local_address(text: str) -> Address:
    """The address that `text` spells, if it lies inside the house.

    Raises:
        LanError: it is no address, or not a local one.
    """
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        raise LanError(f"{text!r} is no IP address") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None and (not _ZONE.fullmatch(address.scope_id) or address not in _LINK_LOCAL):
            raise LanError(f"{text!r} has a zone that does not fit it; only link-local addresses have one")
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
    if not any(address in network for network in _LOCAL if network.version == address.version):
        raise LanError(f"{text!r} is no loopback, private, link-local or unique-local address")
    return address


def is_local(text: str) -> bool:
    """Whether `text` spells an address inside the house."""
    try:
        local_address(text)
    except LanError:
        return False
    return True


def is_our_host(header: str, names: frozenset[str], port: int) -> bool:
    """Whether a Host header names this server: a local address or one of `names` (small letters), and `port`.

    This is what stops DNS rebinding: a page of a stranger whose name resolves to an address of this house still sends
    the stranger's name.
    """
    try:
        parts = urlsplit(f"//{header}")
        name, given = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or parts.netloc != header or "@" in header or header.endswith(":"):
        return False
    return (80 if given is None else given) == port and (name in names or is_local(name))


def is_our_origin(origin: str, host: str) -> bool:
    """Whether an Origin header is this server, which the request itself called `host`."""
    return origin.lower() == f"http://{host.lower()}"
