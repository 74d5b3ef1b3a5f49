"""Which addresses the voice may serve and reach: loopback, private, link-local, unique-local. Pure.

Addresses of carrier-grade NAT (RFC 6598) are somebody's choice: a VPN of one's own may use them, and so does a provider
for its customers; they are refused unless `cgnat` says otherwise. `monitord.notify.dial` is how a sink reaches a host:
it asks here for the name as configured, again for each address it resolves to, and again for the connected peer.

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
CGNAT = ipaddress.IPv4Network("100.64.0.0/10")
"""Carrier-grade NAT, RFC 6598."""
_NUMERIC = re.compile(r"(\d+|0x[0-9a-f]*)", re.ASCII | re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)  # RFC 1123; underscores are seen in practice.
_NAME_MAX = 253
_ZONE = re.compile(r"[0-9A-Za-z_.-]{1,15}")  # Names of interfaces, as Linux bounds them (IFNAMSIZ).
_LINK_LOCAL = ipaddress.ip_network("fe80::/10")


class LanError(ValueError):
    """An address that is none, or that lies outside the house; the text says which."""


def local_address(text: str, *, cgnat: bool = False) -> Address:
    """The address that `text` spells, if it lies inside the house.

    Args:
        text: four decimal numbers, or IPv6 without brackets; a link-local one may have a zone.
        cgnat: whether 100.64.0.0/10 counts as inside.

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
    allowed = (*_LOCAL, CGNAT) if cgnat else _LOCAL
    if not any(address in network for network in allowed if network.version == address.version):
        raise LanError(f"{text!r} is no loopback, private, link-local or unique-local address")
    return address


def destination(host: str, *, cgnat: bool = False) -> str:
    """`host` as somebody configured it, or as a redirect names it: a local address, or a name that may lead to one.

    What a name resolves to is asked later, each time; here only what can never be right is refused.

    Raises:
        LanError: a public address, or a spelling that libraries read differently ("0x7f.1", "2130706433", "127.1").
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare or _NUMERIC.fullmatch(bare.rstrip(".").rpartition(".")[2]):  # The URL standard's "ends in a number".
        return str(local_address(bare, cgnat=cgnat))
    labels = bare.removesuffix(".").split(".")
    if len(bare) > _NAME_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise LanError(f"{host!r} is no name of a machine and no address")
    return bare.lower()


def is_local(text: str, *, cgnat: bool = False) -> bool:
    """Whether `text` spells an address inside the house."""
    try:
        local_address(text, cgnat=cgnat)
    except LanError:
        return False
    return True


def is_our_host(header: str, names: frozenset[str], port: int, *, cgnat: bool = False) -> bool:
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
    return (80 if given is None else given) == port and (name in names or is_local(name, cgnat=cgnat))


def is_our_origin(origin: str, host: str) -> bool:
    """Whether an Origin header is this server, which the request itself called `host`."""
    return origin.lower() == f"http://{host.lower()}"
