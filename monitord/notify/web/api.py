"""The handlers of /api/v1, by the names that `monitord.notify.web.routes` gives them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitord.notify import delivery
from monitord.notify.expected import WINDOW_MAX_S
from monitord.notify.web.access import Role, Session, clean_name
from monitord.notify.web.answers import HEADERS, Answers, WardAnswers, error_answer, json_answer
from monitord.notify.web.doorkeeper import GuessError, LockedError
from monitord.notify.web.gate import VISITOR, BadInputError, BadTokenError, Gate
from monitord.notify.web.hub import TooManyPagesError
from monitord.notify.web.limits import peer_key
from monitord.notify.web.openapi import document
from monitord.notify.web.routes import API, LINKS, NUMBER_MAX, WARD
from monitord.wardtalk.topics import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.notify.web.hub import Hub

Json = dict[str, Any]

BODY_S = 10.0
"""Seconds in which a request's body must have come."""
WRITE_S = 20.0
"""Seconds that a page may take to accept what is written to it, before its line counts as dead."""
_COOKIE_S = 400 * 24 * 3600
"""The longest that browsers keep one (RFC 6265bis, section 5.5); the session itself ends sooner."""


_KINDS: dict[type, str] = {str: "a text", int: "a whole number", bool: "true or false"}


class Api:
    """The handlers.

    Args:
        answers: the voice.
        hub: the live stream.
        gate: who may ask.
        topic: of ntfy; "" where it is not served.
        ward: the station, where this is one.
    """

    def __init__(self, answers: Answers, hub: Hub, gate: Gate, topic: str, ward: WardAnswers | None = None) -> None:
        self._answers, self._hub, self._gate, self._topic, self._ward = answers, hub, gate, topic, ward
        self._routes = API if ward is None else (*API, *WARD)
        self._document = document(self._routes)
        self._testing = asyncio.Lock()

    def add_to(self, application: web.Application) -> None:
        """Register every route."""
        for route in self._routes:
            handler = getattr(self, route.name)
            guarded = handler if route.needs is None else self._gate.only(route.needs, handler)
            application.router.add_route(route.method, route.path, guarded)

    async def session(self, request: web.Request) -> web.Response:
        """What this phone may do."""
        try:
            visitor = self._gate.visitor(request)
        except BadTokenError:
            return error_answer(401, "this token is not valid here; pair again with: monitord pair")
        return json_answer(self._session_json(visitor.role, visitor.session))

    async def pair(self, request: web.Request) -> web.Response:
        """Present a code."""
        body = await _body(request, {"code": str, "name": str})
        code = body.get("code")
        if not code:
            raise BadInputError('code: give the one that `monitord pair` shows: {"code": "123456"}')
        name = clean_name(body["name"]) if "name" in body else ""
        try:
            admitted = self._gate.doorkeeper.pair(code, name, peer_key(request.remote or ""))
        except LockedError as cause:
            return error_answer(429, str(cause), retry_s=cause.retry_s)
        except GuessError as cause:
            return error_answer(403, str(cause))
        answer = json_answer(self._session_json(admitted.session.role, admitted.session))
        answer.set_cookie(
            self._gate.cookie,
            admitted.token,
            max_age=_COOKIE_S,
            path="/",
            secure=self._gate.scheme == "https",
            httponly=True,
            samesite="Strict",
        )
        return answer

    async def logout(self, request: web.Request) -> web.Response:
        """Forget this phone's session."""
        try:
            session = self._gate.visitor(request).session
        except BadTokenError:
            session = None
        if session is not None:
            self._gate.doorkeeper.logout(session)
            self._hub.recheck(self._gate.doorkeeper.holds)
        role = Role.ACKNOWLEDGE if self._gate.is_here(request) else None
        answer = json_answer(self._session_json(role, None))
        answer.del_cookie(self._gate.cookie, path="/", secure=self._gate.scheme == "https", httponly=True)
        return answer

    async def ntfy_token(self, request: web.Request) -> web.Response:
        """Make a user and password for the ntfy app."""
        if not self._topic:
            return error_answer(404, "ntfy apps are not served here: page.ntfy_topic is empty")
        visitor = VISITOR.get()
        body = await _body(request, {"name": str})
        name = clean_name(body.get("name", f"{visitor.name or 'phone'} (ntfy)"[:40]))
        admitted = self._gate.doorkeeper.for_ntfy(name, visitor.role or Role.WATCH, visitor.session)
        return json_answer(
            {
                "server": f"{self._gate.scheme}://{request.host}",
                "topic": self._topic,
                "user": "monitord",
                "password": admitted.token,
                "link": ntfy_link(self._gate.scheme, request.host, self._topic),
            }
        )

    async def state(self, _: web.Request) -> web.Response:
        """The state of the monitor and its newest incidents."""
        return json_answer({"state": self._answers.state(), "incidents": self._answers.incidents()})

    async def incidents(self, _: web.Request) -> web.Response:
        """The newest incidents."""
        return json_answer({"incidents": self._answers.incidents()})

    async def incident(self, request: web.Request) -> web.Response:
        """One incident."""
        return await _numbered(request, self._answers.find, "incident")

    async def acknowledge(self, request: web.Request) -> web.Response:
        """A person takes an incident."""
        by, via = VISITOR.get().name, _via()
        return await _numbered(request, lambda number: self._answers.acknowledge(number, by, via), "incident")

    async def mute(self, request: web.Request) -> web.Response:
        """Stop the tones of an incident."""
        by, via = VISITOR.get().name, _via()
        return await _numbered(request, lambda number: self._answers.mute(number, by, via), "incident")

    async def seen(self, request: web.Request) -> web.Response:
        """A screen has shown an alert."""
        return await _numbered(request, self._answers.seen, "delivery")

    async def seen_many(self, request: web.Request) -> web.Response:
        """A screen has shown these alerts: in a storm one request for each would be too many."""
        texts = (await _body(request, {"numbers": str})).get("numbers", "").split()
        if not texts:
            raise BadInputError('numbers: give those of the deliveries: {"numbers": "17 18"}')
        numbers = [_whole(text, "numbers", 0, NUMBER_MAX) for text in texts]
        return json_answer({"seen": [each for each in numbers if self._answers.seen(each) is not None]})

    async def test_alert(self, request: web.Request) -> web.Response:
        """Send a test and wait for what proves that it arrived."""
        if self._testing.locked():
            return error_answer(429, "a test is under way; wait for it to end", retry_s=delivery.CONFIRM_S)
        async with self._testing:
            sink = (await _body(request, {"sink": str})).get("sink", "")
            results = await self._answers.test_alert(sink)
        if results is None:
            return error_answer(404, f"there is no channel {sink[:40]!r}")
        return json_answer({"results": results})

    async def selftest(self, _: web.Request) -> web.Response:
        """What has become of the last self-test."""
        return json_answer(self._answers.selftest())

    async def expect_test(self, request: web.Request) -> web.Response:
        """Begin a self-test."""
        body = await _body(request, {"seconds": int, "quiet": bool})
        seconds = body.get("seconds")
        if seconds is None or not 1 <= seconds <= WINDOW_MAX_S:
            raise BadInputError(f'seconds: give a whole number from 1 to {WINDOW_MAX_S:g}: {{"seconds": 8}}')
        return json_answer(self._answers.expect_test(seconds, quiet=body.get("quiet", False)))

    async def tested(self, request: web.Request) -> web.Response:
        """The result of a self-test."""
        body = await _body(request, {"broken": str, "nightly": bool, "refused": bool})
        broken = body.get("broken", "")
        if broken not in LINKS:
            raise BadInputError(f"broken: {broken[:40]!r} is no link; there are {', '.join(LINKS[1:])}")
        if body.get("refused", False) and not broken:
            self._answers.untested()
        else:
            self._answers.tested(broken, nightly=body.get("nightly", False))
        return json_answer(self._answers.selftest())

    async def nights(self, request: web.Request) -> web.Response:
        """The last nights."""
        text = request.query.get("days", "7")
        return json_answer({"nights": self._answers.nights(_whole(text, "days", 1, 31))})

    async def pause(self, request: web.Request) -> web.Response:
        """Close the microphone for a while."""
        minutes = (await _body(request, {"minutes": int})).get("minutes")
        if minutes is None or not 1 <= minutes <= 720:  # noqa: PLR2004 - twelve hours, as a pause may last
            raise BadInputError('minutes: give a whole number from 1 to 720: {"minutes": 30}')
        return json_answer({"state": self._answers.pause(minutes, VISITOR.get().name, _via())})

    async def resume(self, request: web.Request) -> web.Response:
        """End a pause."""
        await _body(request, {})
        return json_answer({"state": self._answers.resume(VISITOR.get().name, _via())})

    async def board(self, _: web.Request) -> web.Response:
        """The board of the ward."""
        return json_answer(self._station.board())

    async def report(self, request: web.Request) -> web.Response:
        """The report of the ward, as a page."""
        days = _whole(request.query.get("days", "7"), "days", 1, 31)
        language = request.query.get("language", "")
        if language not in ("", "en", "de"):
            raise BadInputError(f'language: {language[:40]!r} is neither "en" nor "de"')
        page = self._station.report(days, language)
        headers = {**HEADERS, "Cache-Control": "no-store"}
        return web.Response(text=page, content_type="text/html", charset="utf-8", headers=headers)

    async def room_ack(self, request: web.Request) -> web.Response:
        """A person takes an incident of a room."""
        return await self._of_a_room(request, "ack")

    async def room_mute(self, request: web.Request) -> web.Response:
        """Stop the tones of an incident of a room."""
        return await self._of_a_room(request, "mute")

    async def _of_a_room(self, request: web.Request, act: str) -> web.Response:
        room, by, via = request.match_info["room"], VISITOR.get().name, _via()
        if not re.fullmatch(NAME, room, re.ASCII):
            raise BadInputError(f"room {room[:40]!r} is no name")
        return await _numbered(request, lambda number: self._station.take(room, number, act, by, via), "incident")

    @property
    def _station(self) -> WardAnswers:
        if self._ward is None:  # pragma: no cover - its routes are there with a station only
            raise RuntimeError("this is no station")
        return self._ward

    async def openapi(self, _: web.Request) -> web.Response:
        """The description of all this."""
        return json_answer(self._document)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events."""
        try:
            client, first = self._hub.join(request.headers.get("Last-Event-ID", ""), VISITOR.get().session)
        except TooManyPagesError:
            return error_answer(503, "too many pages are open; close one")
        response = web.StreamResponse(
            headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
        )
        try:
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                await write(request, response, b"retry: 2000\n\n" + b"".join(first))
                while (event := await client.queue.get()) is not None:
                    await write(request, response, event)
        finally:
            self._hub.leave(client)
        return response

    def _session_json(self, role: Role | None, session: Session | None) -> Json:
        return {
            "role": role,
            "name": None if session is None else session.name,
            "paired": session is not None,
            "ntfy_topic": self._topic or None,
        }


async def write(request: web.Request, response: web.StreamResponse, content: bytes) -> None:
    """Write to one that listens; who does not take it for WRITE_S is cut off.

    Raises:
        ConnectionError: the line is gone.
    """
    try:
        async with asyncio.timeout(WRITE_S):
            await response.write(content)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from None


def ntfy_link(scheme: str, host: str, topic: str) -> str:
    """The link that the ntfy app subscribes by (https://docs.ntfy.sh/subscribe/phone/#ntfy-links)."""
    return f"ntfy://{host}/{topic}" + ("" if scheme == "https" else "?secure=false")


def _via() -> str:
    session = VISITOR.get().session
    return "page" if session is None else str(session.use)


async def _read(request: web.Request) -> bytes:
    async with asyncio.timeout(BODY_S):
        return await request.read()  # Raises when the body is larger than BODY_MAX.


async def _body(request: web.Request, kinds: dict[str, type]) -> Json:
    """The JSON object that a request brings; every key is optional here.

    Raises:
        BadInputError: it is no such object.
    """
    data = await _read(request)
    if not data:
        return {}
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInputError("the body is no JSON") from None
    if not isinstance(content, dict):
        raise BadInputError("the body is no JSON object")
    for key, value in content.items():
        if key not in kinds:
            raise BadInputError(f"{key[:40]!r} is no key of this request")
        if type(value) is not kinds[key]:
            raise BadInputError(f"{key}: {_KINDS[kinds[key]]} is wanted")
    return content


def _whole(text: str, name: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(high)) and low <= int(text) <= high):
        raise BadInputError(f"{name}: {text[:40]!r} is no whole number from {low} to {high}")
    return int(text)


async def _numbered(request: web.Request, change: Callable[[int], Json | None], what: str) -> web.Response:
    await _read(request)
    text = request.match_info["number"]
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(NUMBER_MAX))):
        raise BadInputError(f"{what} {text[:40]!r} is no number")
    result = change(int(text))
    return error_answer(404, f"there is no {what} {text}") if result is None else json_answer(result)
