"""The listening socket: takes connections, bounds them, speaks TLS, and closes what only sits there.

aiohttp bounds bodies and headers; it does not bound how many connections there are, nor how long one may take over
its first headers ("slowloris"). Here a connection counts from the moment that it is taken, before its TLS handshake;
one that has no request under way for IDLE_S is closed.

Who speaks plain HTTP to the port of TLS is sent to the right address. Nothing secret is in such a request: the
session's cookie is for TLS only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from typing import TYPE_CHECKING, Any

from monitord.notify.web.limits import peer_key

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 400
"""Of all peers; each takes a file descriptor, of which the unit has 1024 (packaging/systemd/monitord.service)."""
CONNECTIONS_PER_PEER = 40
"""Of one peer that is not this machine: a browser has six a tab."""
IDLE_S = 20.0
"""Seconds without a request under way, the first one's headers included, after which a connection is closed."""
HANDSHAKE_S = 10.0
_TLS_HANDSHAKE = b"\x16"
"""First byte of a TLS record that carries a handshake (RFC 8446, section 5.1)."""
_PAUSE_S = 0.5
"""After a connection could not be taken (out of descriptors)."""


class Doorway(asyncio.Protocol):
    """One connection: hands everything to `inner` and watches the clock.

    Args:
        inner: aiohttp's handler.
        ended: called when the connection is gone.
    """

    def __init__(self, inner: Any, ended: Callable[[], None]) -> None:
        self._inner, self._ended = inner, ended
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._requests = 0

    def began(self) -> None:
        """A request is under way: its headers are complete."""
        self._requests += 1
        self._stop_clock()

    def finished(self) -> None:
        """The request has been answered."""
        self._requests -= 1
        if not self._requests:
            self._start_clock()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`; so for what follows."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._start_clock()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:  # noqa: D102 - see `asyncio.Protocol`
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:  # noqa: D102 - see `asyncio.Protocol`
        kept: bool | None = self._inner.eof_received()
        return kept

    def pause_writing(self) -> None:  # noqa: D102 - see `asyncio.Protocol`
        self._inner.pause_writing()

    def resume_writing(self) -> None:  # noqa: D102 - see `asyncio.Protocol`
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102 - see `asyncio.Protocol`
        self._stop_clock()
        self._transport = None
        self._ended()
        self._inner.connection_lost(exc)

    def _start_clock(self) -> None:
        self._stop_clock()
        if self._transport is not None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_S, self._transport.abort)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Doors:
    """The listening socket.

    Args:
        listener: bound, not yet listening.
        factory: makes aiohttp's handler of one connection.
        here: whether a peer's address is this machine's, which is not bounded.
        context: of TLS; None: plain HTTP.
        url: where the page is, for who comes without TLS.
    """

    def __init__(
        self,
        listener: socket.socket,
        factory: Callable[[], Any],
        here: Callable[[str, str], bool],
        context: ssl.SSLContext | None,
        url: str,
    ) -> None:
        self._listener, self._factory, self._here, self._context, self._url = listener, factory, here, context, url
        self._open: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen."""
        self._listener.setblocking(False)  # noqa: FBT003 - socket's own signature
        self._listener.listen(128)
        self._begin(self._take())

    async def stop(self) -> None:
        """Take no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()

    @property
    def connections(self) -> int:
        """How many there are."""
        return self._open.total()

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except OSError as cause:
                log.warning("the page: a connection could not be taken: %s", cause.strerror)
                await asyncio.sleep(_PAUSE_S)
                continue
            peer = peer_key(str(address[0]))
            of_one = 0 if self._here(str(address[0]), str(connection.getsockname()[0])) else self._open[peer]
            if self.connections >= CONNECTIONS_MAX or of_one >= CONNECTIONS_PER_PEER:
                connection.close()
                continue
            self._open[peer] += 1
            self._begin(self._serve(connection, peer))

    async def _serve(self, connection: socket.socket, peer: str) -> None:
        counted = True

        def ended() -> None:
            nonlocal counted
            if counted:
                counted = False
                self._open[peer] -= 1
                if not self._open[peer]:
                    del self._open[peer]

        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if self._context is not None:
            options = {"ssl": self._context, "ssl_handshake_timeout": HANDSHAKE_S}
        try:
            if self._context is not None and not await _speaks_tls(connection):
                await self._send_to_tls(connection)
                connection.close()
                ended()
                return
            await loop.connect_accepted_socket(lambda: Doorway(self._factory(), ended), connection, **options)
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError: a phone that does not trust the certificate.
            connection.close()
            ended()
        except BaseException:
            connection.close()
            ended()
            raise

    async def _send_to_tls(self, connection: socket.socket) -> None:
        headers = f"Location: {self._url}\r\nContent-Length: 0\r\nConnection: close\r\n"
        answer = f"HTTP/1.1 307 Temporary Redirect\r\n{headers}\r\n"
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(HANDSHAKE_S):
                await loop.sock_recv(connection, 4096)
                await loop.sock_sendall(connection, answer.encode("ascii"))


async def _speaks_tls(connection: socket.socket) -> bool:
    """Look at the first byte without taking it."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection.fileno(), readable.set)
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            await readable.wait()
    finally:
        loop.remove_reader(connection.fileno())
    return connection.recv(1, socket.MSG_PEEK) in (_TLS_HANDSHAKE, b"")
