"""The live stream: server-sent events to every open page, numbered so that a page that lost its line can resume.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.notify.web.access import Session

KEPT = 1024
"""Events that are kept for pages that resume."""
CLIENTS_MAX = 128
"""Pages at once; a ward has fewer screens."""
_BEHIND_MAX = 256
"""Events that a slow page may lag behind; then it is let go and comes back for what it missed."""


class TooManyPagesError(Exception):
    """CLIENTS_MAX pages are connected already."""


def encode(name: str, content: dict[str, Any], number: str) -> bytes:
    """One event as it travels; JSON has no raw line break, so one data line holds it."""
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n".encode()


@dataclass(eq=False)
class Client:
    """One open page: what it still has to be sent. None in the queue: the end. `session`: as which it is paired."""

    session: Session | None = None
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_BEHIND_MAX))


class Hub:
    """All open pages.

    Args:
        snapshot: gives everything a page shows, for one that is new or was away too long.
    """

    def __init__(self, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._snapshot = snapshot
        self._life = secrets.token_hex(4)
        self._number = 0
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._clients: set[Client] = set()

    @property
    def clients(self) -> int:
        """How many pages are connected."""
        return len(self._clients)

    def publish(self, name: str, content: dict[str, Any]) -> None:
        """Send an event to every page."""
        self._number += 1
        event = encode(name, content, f"{self._life}-{self._number}")
        self._kept.append((self._number, event))
        for client in list(self._clients):
            try:
                client.queue.put_nowait(event)
            except asyncio.QueueFull:
                self._let_go(client)

    def join(self, last_id: str, session: Session | None = None) -> tuple[Client, list[bytes]]:
        """A page connects; returns it and what it is to be sent first.

        Args:
            last_id: number of the last event it has (Last-Event-ID), or "".
            session: as which it is paired.

        Raises:
            TooManyPagesError: CLIENTS_MAX are connected.
        """
        if len(self._clients) >= CLIENTS_MAX:
            raise TooManyPagesError
        client = Client(session)
        self._clients.add(client)
        missed = self._missed(last_id)
        if missed is None:
            return client, [encode("snapshot", self._snapshot(), f"{self._life}-{self._number}")]
        return client, missed

    def leave(self, client: Client) -> None:
        """A page is gone."""
        self._clients.discard(client)

    def recheck(self, holds: Callable[[Session], bool]) -> None:
        """Send away the pages whose session is no longer paired."""
        for client in list(self._clients):
            if client.session is not None and not holds(client.session):
                self._let_go(client)

    def close(self) -> None:
        """Send every page away."""
        for client in list(self._clients):
            self._let_go(client)

    def _let_go(self, client: Client) -> None:
        self._clients.discard(client)
        while not client.queue.empty():
            client.queue.get_nowait()
        client.queue.put_nowait(None)

    def _missed(self, last_id: str) -> list[bytes] | None:
        """Events after `last_id`; None: it is of another life of the voice, or too long ago."""
        life, _, number = last_id.partition("-")
        if life != self._life or not (number.isascii() and number.isdecimal()) or int(number) > self._number:
            return None
        first = self._kept[0][0] if self._kept else self._number + 1
        if int(number) + 1 < first:
            return None
        return [event for kept, event in self._kept if kept > int(number)]
