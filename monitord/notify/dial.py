"""How a sink reaches a machine in the house, and no other: checked as configured, as resolved, and as connected.

`connect` gives a plain TCP connection. `LocalConnector` does the same for aiohttp: every
request of a session that has it, redirects included, goes through the three checks; `request` is one such request. All
raise `monitord.lan.LanError` before a byte is sent:

1. the name as it is written: no public address, no odd spelling of one;
2. every address that it resolves to, each time (DNS rebinding: one public answer among them refuses all);
3. the peer that the kernel says the connection has.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractResolver

from monitord.lan import LanError, destination, local_address
from monitord.notify.tls import TlsError, context, distrust

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aiohttp.abc import ResolveResult

    Answers = Sequence[tuple[int, int, int, str, tuple[Any, ...]]]
    Resolve = Callable[[str, int], Awaitable[Answers]]


Resolver = AbstractResolver
"""What asks for the addresses of a name, as aiohttp has it."""
ANSWER_MAX = 1 << 16
"""Bytes of an answer that are read."""


class AnswerError(Exception):
    """No answer that can be read came back; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the HTTP status, and the body as JSON (None: it is none)."""

    status: int
    content: Any


async def connect(host: str, port: int, *, cgnat: bool = False, resolve: Resolve | None = None) -> socket.socket:
    """A non-blocking TCP socket that is connected to `host` (a name or an address) in the house.

    Args:
        host: as configured.
        port: TCP.
        cgnat: whether 100.64.0.0/10 counts as inside.
        resolve: what asks for the addresses, as `getaddrinfo` answers; None: the system.

    Raises:
        LanError: it leads out of the house.
        OSError: there is no such name, or nobody answers there.
    """
    name = destination(host, cgnat=cgnat)
    answers = await (resolve or _system)(name, port)
    for answer in answers:
        _require(str(answer[4][0]), name, cgnat=cgnat)
    loop = asyncio.get_running_loop()
    refused: OSError = OSError(f"{name}: has no address")
    for family, kind, protocol, _, address in answers:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)  # noqa: FBT003 - socket's own signature
            await loop.sock_connect(connection, address)
            _require(str(connection.getpeername()[0]), name, cgnat=cgnat)
        except OSError as cause:
            connection.close()
            refused = cause
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise refused


async def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    cgnat: bool = False,
    ca_file: str = "",
    timeout_s: float = 8.0,
    resolver: AbstractResolver | None = None,
) -> Answer:
    """One HTTP request to a machine in the house. No redirect is followed, no proxy used, no cookie kept.

    Raises:
        LanError: it leads out of the house.
        TlsError: the server is not whom we trust.
        AnswerError: nobody answers, or not in time.
    """
    trust = context(ca_file) if url.startswith("https:") else False
    try:
        async with (
            aiohttp.ClientSession(
                connector=LocalConnector(cgnat=cgnat, resolver=resolver),
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.request(
                method, url, headers=headers, data=body or None, allow_redirects=False, ssl=trust or True
            ) as answer,
        ):
            return Answer(answer.status, _json(await answer.content.read(ANSWER_MAX)))
    except aiohttp.ClientConnectorCertificateError as cause:
        raise TlsError(distrust(cause.certificate_error, cause.host)) from None  # type: ignore[arg-type] # it is ssl's
    except aiohttp.ClientSSLError as cause:
        error = cause.os_error
        raise TlsError(distrust(error if isinstance(error, ssl.SSLError) else ssl.SSLError(), cause.host)) from None
    except aiohttp.ClientConnectorError as cause:
        raise AnswerError(f"{cause.host} cannot be reached: {nobody(cause.os_error)}") from None
    except aiohttp.ClientError as cause:
        raise AnswerError(f"the answer cannot be read ({type(cause).__name__}); is this the right address?") from None
    except TimeoutError:
        raise AnswerError(f"there was no answer in {timeout_s:g} s") from None


def nobody(cause: OSError) -> str:
    """Why a connection did not come about, in a few words."""
    if isinstance(cause, socket.gaierror):
        return "no machine has that name"
    if isinstance(cause, ConnectionRefusedError):
        return "it is there, but nothing answers at that port"
    if isinstance(cause, TimeoutError):
        return "it does not answer"
    return (cause.strerror or str(cause) or type(cause).__name__).lower()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:  # UnicodeDecodeError is one, too.
        return None


class LocalConnector(aiohttp.TCPConnector):
    """The connector for a session of a sink: ``aiohttp.ClientSession(connector=LocalConnector())``.

    Args:
        cgnat: whether 100.64.0.0/10 counts as inside.
        resolver: what asks for the addresses; None: the system.
    """

    def __init__(self, *, cgnat: bool = False, resolver: AbstractResolver | None = None) -> None:
        super().__init__(resolver=_LocalResolver(resolver or aiohttp.ThreadedResolver(), cgnat=cgnat))
        self._cgnat = cgnat

    async def connect(self, req: Any, *arguments: Any, **options: Any) -> Any:
        """See `aiohttp.BaseConnector.connect`; also raises LanError."""
        host = req.connection_key.host
        destination(host, cgnat=self._cgnat)  # An address is not resolved: here is where it is looked at.
        connection = await super().connect(req, *arguments, **options)
        try:
            transport = connection.transport
            peer = (transport and transport.get_extra_info("peername")) or ("nobody",)
            _require(str(peer[0]), host, cgnat=self._cgnat)
        except LanError:
            connection.close()
            raise
        return connection


class _LocalResolver(AbstractResolver):
    def __init__(self, inner: AbstractResolver, *, cgnat: bool) -> None:
        self._inner = inner
        self._cgnat = cgnat

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        answers = await self._inner.resolve(destination(host, cgnat=self._cgnat), port, family)
        for answer in answers:
            _require(answer["host"], host, cgnat=self._cgnat)
        return answers

    async def close(self) -> None:
        await self._inner.close()


async def _system(name: str, port: int) -> Answers:
    return await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)


def _require(address: str, name: str, *, cgnat: bool) -> None:
    try:
        local_address(address, cgnat=cgnat)
    except LanError as cause:
        raise LanError(f"{name} leads out of the house: {cause}") from None
