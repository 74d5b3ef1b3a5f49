"""``/metrics``: who may read it, and where it comes from.

Who may is who may watch: a paired phone's session or token, and this machine itself where it need not be paired.
Prometheus, which can do nothing with the rest of the API and should not be able to, has a token of its own: the first
line of `page.metrics_token_file`, sent as ``Authorization: Bearer``; it opens nothing else.
"""

from __future__ import annotations

import hmac
import importlib
import importlib.util
import logging
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import SecretStr

from monitord.notify.secret import SecretError, reveal
from monitord.notify.web.access import Role
from monitord.notify.web.answers import HEADERS
from monitord.notify.web.gate import token_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from monitord.notify.web.gate import Gate

log = logging.getLogger(__name__)

PATH = "/metrics"
TOKEN_MIN = 16
"""Characters of a token; it is no word that a person thinks of."""
TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus's text format; the newer 1.0.0 differs in names with other letters than ours only."""
MISSING = (
    "page.metrics needs the Python package prometheus_client; "
    "pip install 'monitord[metrics]', or set page.metrics = false"
)


class ScrapeError(Exception):
    """The metrics cannot be served; the text says why in one sentence."""


class Scrape:
    """The route.

    Args:
        gate: who may ask.
        text: gives the metrics.
        token_file: path of the file with Prometheus' token; "": it has none.

    Raises:
        ScrapeError: the file cannot be used.
    """

    def __init__(self, gate: Gate, text: Callable[[], bytes], token_file: str) -> None:
        self._gate, self._text, self._token_file = gate, text, token_file
        if token_file:
            token(token_file)

    def add_to(self, application: web.Application) -> None:
        """Register it."""
        application.router.add_get(PATH, self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self._is_prometheus(request):
            return await self._answer(request)
        return await self._gate.only(Role.WATCH, self._answer)(request)

    def _is_prometheus(self, request: web.Request) -> bool:
        presented = token_of(request.headers.get("Authorization", ""))
        if not presented or not self._token_file:
            return False
        try:
            return hmac.compare_digest(presented.encode(), token(self._token_file).encode())
        except ScrapeError as cause:
            log.warning("%s", cause)
            return False

    async def _answer(self, _: web.Request) -> web.StreamResponse:
        headers = {**HEADERS, "Content-Type": TYPE, "Cache-Control": "no-store"}
        return web.Response(body=self._text(), headers=headers)


def load() -> ModuleType:
    """`monitord.notify.web.metrics`, which only those load who count.

    Raises:
        ScrapeError: what it stands on is not installed.
    """
    try:
        return importlib.import_module("monitord.notify.web.metrics")
    except ImportError:
        raise ScrapeError(MISSING) from None


def ready(token_file: str) -> None:
    """Raises ScrapeError: what /metrics needs is missing."""
    if importlib.util.find_spec("prometheus_client") is None:
        raise ScrapeError(MISSING)
    if token_file:
        token(token_file)


def token(path: str) -> str:
    """Prometheus' token.

    Raises:
        ScrapeError: it cannot be read, or is too short.
    """
    try:
        found = reveal(SecretStr(""), path)
    except SecretError as cause:
        raise ScrapeError(f"page.metrics_token_file: {cause}") from None
    if len(found) < TOKEN_MIN:
        raise ScrapeError(
            f"page.metrics_token_file: {path}: needs {TOKEN_MIN} characters or more; openssl rand -hex 32"
        )
    return found
