"""The server: one address, the page's files, the API, and what ntfy apps subscribe to.

Who may ask is `monitord.notify.web.gate`; what is answered, `monitord.notify.web.api`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

from aiohttp import web

from monitord.notify.web.answers import HEADERS, Answers, WardAnswers, error_answer
from monitord.notify.web.api import Api
from monitord.notify.web.doors import Doors
from monitord.notify.web.files import files
from monitord.notify.web.gate import is_this_machine
from monitord.notify.web.subscribe import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from monitord.config import PageConfig
    from monitord.notify.web.feed import Feed
    from monitord.notify.web.gate import Gate
    from monitord.notify.web.hub import Hub
    from monitord.notify.web.tls import Tls

log = logging.getLogger(__name__)

BODY_MAX = 1024
"""Bytes of a request's body; a code and a name need fewer."""


class ServerError(Exception):
    """The page cannot be served; the text says why in one sentence."""


class _Handler(web.RequestHandler):
    """aiohttp's, but that what is no HTTP is answered like every other mistake, and fills no log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """See aiohttp; the gate answers for what a handler raises, so this is for what comes before it."""
        del message
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        if status >= web.HTTPInternalServerError.status_code:
            log.error("a mistake of monitord's own", exc_info=exc)
        answer = error_answer(status, "this is no HTTP request that monitord understands")
        answer.force_close()
        return answer


class Server:
    """Serves one page at one address.

    Args:
        answers: the voice.
        hub: the live stream.
        feed: what ntfy apps are told.
        gate: who may ask.
        config: where.
        tls: None: plain HTTP.
        button: what the button on a notification of an ntfy app says.
        ward: the station, where this is one.
    """

    def __init__(
        self,
        answers: Answers,
        hub: Hub,
        feed: Feed,
        gate: Gate,
        *,
        config: PageConfig,
        tls: Tls | None,
        button: str,
        ward: WardAnswers | None = None,
    ) -> None:
        self._gate, self._hub, self._feed, self._config, self._tls = gate, hub, feed, config, tls
        self._button = button
        self._api = Api(answers, hub, gate, config.ntfy_topic, ward)

    async def start(self) -> str:
        """Listen; returns the URL of the page. Port 0 takes any free one.

        Raises:
            ServerError: the port is taken, or the address is not of this machine.
        """
        address, port = self._config.address, self._config.port
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
        self._gate.port = int(listener.getsockname()[1])
        application = web.Application(middlewares=[self._gate.guard], client_max_size=BODY_MAX)
        for path, (content, kind) in files().items():
            application.router.add_get(path, _static(content, kind))
        application.router.add_get("/ca.crt", self._authority)
        self._api.add_to(application)
        if self._config.ntfy_topic:
            Subscriptions(self._feed, self._gate, self._config.ntfy_topic, self._button).add_to(application)
        self._runner = web.AppRunner(application, shutdown_timeout=0.2)
        await self._runner.setup()
        shown = f"[{address}]" if family is socket.AF_INET6 else address
        url = f"{self._gate.scheme}://{shown}:{self._gate.port}/"
        context = None if self._tls is None else self._tls.context
        self._doors = Doors(listener, self._handler, is_this_machine, context, url)
        self._doors.start()
        return url

    async def stop(self) -> None:
        """Send every page away and stop listening."""
        self._hub.close()
        self._feed.close()
        await self._doors.stop()
        await self._runner.cleanup()

    def _handler(self) -> object:
        server = self._runner.server
        if server is None:  # pragma: no cover - doors open after the set-up only
            raise RuntimeError("the server is not set up")
        return _Handler(server, loop=asyncio.get_running_loop(), access_log=None)  # type: ignore[arg-type] # None is what its own runner passes for none

    async def _authority(self, _: web.Request) -> web.StreamResponse:
        """The certificate that phones are to trust. It is no secret."""
        if self._tls is None:
            return error_answer(404, "there is no certificate: the page is served without TLS")
        return web.Response(
            body=self._tls.certificates.authority.read_bytes(),
            content_type="application/x-x509-ca-cert",
            headers={**HEADERS, "Content-Disposition": 'attachment; filename="monitord-ca.crt"'},
        )


def _static(content: bytes, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    charset = None if kind == "image/png" else "utf-8"

    async def serve(_: web.Request) -> web.Response:
        return web.Response(
            body=content, content_type=kind, charset=charset, headers={**HEADERS, "Cache-Control": "no-cache"}
        )

    return serve
