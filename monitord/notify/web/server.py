"""The page and the JSON API under /api/v1. The one place that speaks HTTP.

Who may ask: peers inside the house (`monitord.lan`), under a name of this machine (against DNS rebinding), and
from no page but our own (Origin). There is no user account: whoever is in the house may acknowledge.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from monitord.lan import is_local, is_our_host, is_our_origin
from monitord.notify.journal import JournalError
from monitord.notify.web.hub import TooManyPagesError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from monitord.notify.web.hub import Hub

BODY_MAX = 1024
"""Bytes of a request's body; no request needs any."""
_STATIC = Path(__file__).parent / "static"
_FILES = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/manifest.webmanifest": ("manifest.webmanifest", "application/manifest+json"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class ServerError(Exception):
    """The page cannot be served; the text says why in one sentence."""


class Answers(Protocol):
    """What the server asks the voice for."""

    def state(self) -> dict[str, Any]:
        """The state of the monitor."""

    def incidents(self) -> list[dict[str, Any]]:
        """The newest incidents."""

    def acknowledge(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """A person acknowledges: who, and by which channel."""

    def seen(self, number: int) -> dict[str, Any] | None:
        """A screen has shown an alert."""


class Server:
    """Serves one page at one address.

    Args:
        answers: the voice.
        hub: the live stream.
        cgnat: whether 100.64.0.0/10 counts as inside the house.
    """

    def __init__(self, answers: Answers, hub: Hub, *, cgnat: bool = False) -> None:
        self._cgnat = cgnat
        self._answers = answers
        self._hub = hub
        self._port = 0
        name = socket.gethostname().lower()
        self._names = frozenset({"localhost", name, f"{name.partition('.')[0]}.local"})

    async def start(self, address: str, port: int) -> str:
        """Listen; returns the URL of the page. Port 0 takes any free one.

        Raises:
            ServerError: the port is taken, or the address is not of this machine.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
        except OSError as cause:
            listener.close()
            raise ServerError(
                f"page: {address} port {port} cannot be used: {cause.strerror}; "
                "set page.address or page.port in the configuration, or stop the program that holds it"
            ) from None
        self._port = int(listener.getsockname()[1])
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_MAX)
        for path, (name, kind) in _FILES.items():
            application.router.add_get(path, _static(name, kind))
        application.router.add_get("/api/v1/state", self._state)
        application.router.add_get("/api/v1/incidents", self._incidents)
        application.router.add_get("/api/v1/stream", self._stream)
        application.router.add_post("/api/v1/incidents/{number}/ack", self._acknowledge)
        application.router.add_post("/api/v1/deliveries/{number}/seen", self._seen)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        shown = f"[{address}]" if family is socket.AF_INET6 else address
        return f"http://{shown}:{self._port}/"

    async def stop(self) -> None:
        """Send every page away and stop listening."""
        self._hub.close()
        await self._runner.cleanup()

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return _error(403, refusal)
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _error(error.status, error.reason)
        except JournalError as cause:
            return _error(503, str(cause))

    def _refusal(self, request: web.Request) -> str | None:
        if not is_local(request.remote or "", cgnat=self._cgnat):
            return "only addresses inside the house are served"
        if not is_our_host(request.headers.get("Host", ""), self._names, self._port, cgnat=self._cgnat):
            return "the Host header names another machine; use the address that monitord status shows"
        origin = request.headers.get("Origin")
        if origin is not None and not is_our_origin(origin, request.headers["Host"]):
            return "requests of other pages are refused"
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") and (
            request.path.startswith("/api/")
        ):
            return "requests of other pages are refused"
        return None

    async def _state(self, _: web.Request) -> web.Response:
        return _json({"state": self._answers.state(), "incidents": self._answers.incidents()})

    async def _incidents(self, _: web.Request) -> web.Response:
        return _json({"incidents": self._answers.incidents()})

    async def _acknowledge(self, request: web.Request) -> web.Response:
        return await self._change(request, lambda number: self._answers.acknowledge(number, "", "page"), "incident")

    async def _seen(self, request: web.Request) -> web.Response:
        return await self._change(request, self._answers.seen, "delivery")

    async def _change(
        self, request: web.Request, change: Callable[[int], dict[str, Any] | None], what: str
    ) -> web.Response:
        await request.read()  # Raises when the body is larger than BODY_MAX.
        text = request.match_info["number"]
        if not (text.isascii() and text.isdecimal() and len(text) <= 15):  # noqa: PLR2004 - SQLite's integers hold it
            return _error(400, f"{what} {text[:40]!r} is no number")
        result = change(int(text))
        return _error(404, f"there is no {what} {text}") if result is None else _json(result)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        try:
            client, first = self._hub.join(request.headers.get("Last-Event-ID", ""))
        except TooManyPagesError:
            return _error(503, "too many pages are open; close one")
        response = web.StreamResponse(
            headers={**_HEADERS, "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
        )
        try:
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                await response.write(b"retry: 2000\n\n" + b"".join(first))
                while (event := await client.queue.get()) is not None:
                    await response.write(event)
        finally:
            self._hub.leave(client)
        return response


def _static(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    content = (_STATIC / name).read_bytes()

    async def serve(_: web.Request) -> web.Response:
        return web.Response(
            body=content, content_type=kind, charset="utf-8", headers={**_HEADERS, "Cache-Control": "no-cache"}
        )

    return serve


def _json(content: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(content, status=status, headers={**_HEADERS, "Cache-Control": "no-store"})


def _error(status: int, sentence: str) -> web.Response:
    return _json({"error": sentence}, status)
