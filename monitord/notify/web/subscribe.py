"""The endpoints that ntfy apps use: /TOPIC/json, sse, raw, ws and auth, and /v1/health.

A message that was written to an app's line is no proof that it rang: the line may be dead for minutes before anybody
knows. So nothing here counts as delivered; an acknowledgement does, by the message's own button or elsewhere, and a
screen of the page that says `seen`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, web

from monitord.notify.web import ntfy
from monitord.notify.web.access import Role
from monitord.notify.web.answers import HEADERS, json_answer
from monitord.notify.web.api import WRITE_S, write
from monitord.notify.web.feed import TooManyError
from monitord.notify.web.gate import BadTokenError, Gate, Visitor
from monitord.notify.web.ntfy import Kind, Query, QueryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from monitord.notify.web.feed import Feed, Subscriber
    from monitord.notify.web.ntfy import Json, Message

_WS_FRAME_MAX = 4096
"""Bytes of a frame of an app; it has nothing to say."""
_FORMATS: dict[str, tuple[str, Callable[[Json], str]]] = {
    "json": ("application/x-ndjson", lambda told: f"{_spelled(told)}\n"),
    "sse": (
        "text/event-stream",
        lambda told: (
            ("" if told["event"] == Kind.MESSAGE else f"event: {told['event']}\n") + f"data: {_spelled(told)}\n\n"
        ),
    ),
    "raw": ("text/plain", lambda told: str(told.get("message", "")).replace("\n", " ") + "\n"),
}


class RefusedError(Exception):
    """What an app is told instead.

    Attributes:
        code: ntfy's number; its first three digits are HTTP's.
    """

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Subscriptions:
    """The endpoints.

    Args:
        feed: messages and subscribers.
        gate: who may ask.
        topic: the one that is served.
        label: of the acknowledge button.
    """

    def __init__(self, feed: Feed, gate: Gate, topic: str, label: str) -> None:
        self._feed, self._gate, self._topic, self._label = feed, gate, topic, label

    def add_to(self, application: web.Application) -> None:
        """Register every endpoint."""
        topics = f"/{{topics:{ntfy.TOPICS}}}"
        router = application.router
        router.add_get("/v1/health", self._health)
        for name in _FORMATS:
            router.add_get(f"{topics}/{name}", self._refusing(self._stream))
        router.add_get(f"{topics}/ws", self._refusing(self._websocket))
        router.add_get(f"{topics}/auth", self._refusing(self._auth))
        for path in ("/", topics):
            for method in ("PUT", "POST"):
                router.add_route(method, path, self._refusing(self._publish))
        for name in ("publish", "send", "trigger"):
            router.add_get(f"{topics}/{name}", self._refusing(self._publish))

    def _refusing(self, handler: Any) -> Any:
        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                response: web.StreamResponse = await handler(request)
            except RefusedError as refusal:
                return _refused(refusal.code, str(refusal))
            except QueryError as mistake:
                return _refused(mistake.code, str(mistake))
            except TooManyError:
                return _refused(42905, "too many apps are subscribed; remove one with: monitord pair --revoke NAME")
            return response

        return answered

    async def _health(self, _: web.Request) -> web.Response:
        return json_answer({"healthy": True})

    async def _auth(self, request: web.Request) -> web.Response:
        self._admit(request)
        return json_answer({"success": True})

    async def _publish(self, request: web.Request) -> web.Response:
        raise RefusedError(40301, f"nothing can be published at {request.path[:80]}: monitord itself is the publisher")

    def _admit(self, request: web.Request) -> Visitor:
        try:
            visitor = self._gate.visitor(request)
        except BadTokenError:
            raise RefusedError(
                40101, "unauthorized: this password is nobody's; monitord pair --ntfy makes one"
            ) from None
        if visitor.role is None:
            raise RefusedError(40101, "unauthorized: add a user to the app; monitord pair --ntfy shows which")
        if any(topic != self._topic for topic in request.match_info["topics"].split(",")):
            raise RefusedError(40301, f"forbidden: the only topic here is {self._topic}")
        return visitor

    def _join(self, query: Query, visitor: Visitor) -> tuple[list[Message], Subscriber | None]:
        """What there is, and who waits for more: at one instant, so that nothing is missed or told twice."""
        return self._feed.past(query), None if query.poll else self._feed.join(query, visitor.session)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        visitor = self._admit(request)
        query = ntfy.parse_query(request.query, request.headers, time.time())
        kind, spell = _FORMATS[request.path.rpartition("/")[2]]
        past, subscriber = self._join(query, visitor)
        try:
            response = web.StreamResponse(
                headers={**HEADERS, "Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "no-store"}
            )
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                async for told in self._tell(request, visitor, past, subscriber):
                    await write(request, response, spell(told).encode())
            return response
        finally:
            if subscriber is not None:
                self._feed.leave(subscriber)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        visitor = self._admit(request)
        query = ntfy.parse_query(request.query, request.headers, time.time())
        socket = web.WebSocketResponse(heartbeat=ntfy.KEEPALIVE_S, max_msg_size=_WS_FRAME_MAX)
        if not socket.can_prepare(request).ok:
            raise RefusedError(40016, "this endpoint speaks WebSocket; use /json or /sse without it")
        past, subscriber = self._join(query, visitor)
        sending: asyncio.Task[None] | None = None
        try:
            await socket.prepare(request)
            sending = asyncio.create_task(self._send(request, socket, self._tell(request, visitor, past, subscriber)))
            async for _ in socket:  # What the app says is not for us; that it goes away is.
                pass
        finally:
            if subscriber is not None:
                self._feed.leave(subscriber)
            if sending is not None:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await sending
        return socket

    async def _send(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        telling: AsyncIterator[Json],
    ) -> None:
        try:
            async for told in telling:
                async with asyncio.timeout(WRITE_S):
                    await socket.send_str(_spelled(told))
            await socket.close(code=WSCloseCode.GOING_AWAY)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()

    async def _tell(
        self, request: web.Request, visitor: Visitor, past: list[Message], subscriber: Subscriber | None
    ) -> AsyncIterator[Json]:
        """Everything that one subscriber is told, as JSON objects, until it is let go."""
        topics = request.match_info["topics"]
        base = f"{self._gate.scheme}://{request.host}/"
        if subscriber is not None:
            yield ntfy.event(Kind.OPEN, _event_id(), int(time.time()), topics)
        for message in past:
            yield self._rendered(message, visitor, base)
        while subscriber is not None:
            try:
                async with asyncio.timeout(ntfy.KEEPALIVE_S):
                    next_message = await subscriber.queue.get()
            except TimeoutError:
                yield ntfy.event(Kind.KEEPALIVE, _event_id(), int(time.time()), topics)
                continue
            if next_message is None:
                return
            yield self._rendered(next_message, visitor, base)

    def _rendered(self, message: Message, visitor: Visitor, base: str) -> Json:
        token: str | None = None
        if visitor.role is Role.ACKNOWLEDGE:
            session = visitor.session
            token = "" if session is None else self._gate.doorkeeper.button(session, message.incident)
        return ntfy.render(message, self._topic, base, self._label, token)


def _event_id() -> str:
    return secrets.token_hex(6)


def _spelled(told: Json) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _refused(code: int, sentence: str) -> web.Response:
    status = code // 100
    answer = json_answer({"code": code, "http": status, "error": sentence}, status)
    if status == web.HTTPUnauthorized.status_code:
        answer.headers["WWW-Authenticate"] = 'Basic realm="monitord"'
    return answer
