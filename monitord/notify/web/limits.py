"""How often one peer may ask, and how often it may guess. Pure: it takes `now` (seconds, monotonic).

A peer is an IPv4 address or an IPv6 network of 64 bits: who has one address of such a network has all of them
(RFC 4291, section 2.5.1). The tables are bounded; what was least recently asked about is forgotten first.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

PEERS_MAX = 1024
RATE_PER_S = 20.0
"""Requests a second that one peer may make for long; a page needs far less, its alerts 10 a second included."""
BURST = 100.0
"""Requests that it may make at once."""
GUESSES_PER_PEER = 5
"""Wrong codes from one peer before it is locked out."""
LOCKED_S = 600.0


def peer_key(address: str) -> str:
    """What counts as one peer."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)


class Rate:
    """A token bucket for each peer (https://en.wikipedia.org/wiki/Token_bucket).

    Args:
        per_s: how fast it fills.
        burst: how much it holds.
    """

    def __init__(self, per_s: float = RATE_PER_S, burst: float = BURST) -> None:
        self._per_s, self._burst = per_s, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, peer: str, now: float) -> float:
        """Take one; returns 0.0, or the seconds until there is one again."""
        left, at = self._left.pop(peer, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_s
        self._left[peer] = (left if wait else left - 1.0, now)
        while len(self._left) > PEERS_MAX:
            self._left.popitem(last=False)
        return wait


class Guesses:
    """Who is locked out for guessing codes."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def locked_s(self, peer: str, now: float) -> float:
        """Seconds until `peer` may try again; 0.0: at once."""
        wrong, at = self._wrong.get(peer, (0, now))
        return max(0.0, at + LOCKED_S - now) if wrong >= GUESSES_PER_PEER else 0.0

    def wrong(self, peer: str, now: float) -> None:
        """`peer` has guessed wrong."""
        count, at = self._wrong.pop(peer, (0, now))
        self._wrong[peer] = (1 if now - at >= LOCKED_S else count + 1, now)
        while len(self._wrong) > PEERS_MAX:
            self._wrong.popitem(last=False)

    def right(self, peer: str) -> None:
        """`peer` has guessed right."""
        self._wrong.pop(peer, None)
