"""What the server asks the voice for, and how it answers the house."""

from __future__ import annotations

from typing import Any, Protocol

from aiohttp import web

HEADERS = {
    "Server": "monitord",  # No version of anything: that is for who may know it.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Json = dict[str, Any]


class Answers(Protocol):
    """The voice, as the server knows it."""

    def state(self) -> Json:
        """The state of the monitor."""

    def incidents(self) -> list[Json]:
        """The newest incidents."""

    def find(self, number: int) -> Json | None:
        """The incident of that number."""

    def acknowledge(self, number: int, by: str, via: str) -> Json | None:
        """A person acknowledges: who, and by which channel."""

    def mute(self, number: int, by: str, via: str) -> Json | None:
        """A person stops the tones of an incident."""

    def seen(self, number: int) -> Json | None:
        """A screen has shown an alert."""

    async def test_alert(self, sink: str) -> list[Json] | None:
        """Send a test by the channel `sink`, "" by all, and wait for what proves that it arrived."""

    def expect_test(self, seconds: int, *, quiet: bool) -> Json:
        """A self-test begins; returns `selftest`. Raises: NotNowError."""

    def selftest(self) -> Json:
        """What has become of the last self-test."""

    def tested(self, broken: str, *, nightly: bool) -> None:
        """The result of a self-test: the first link that is broken; "": none is."""

    def untested(self) -> None:
        """A self-test did not begin, because the voice would not have it."""

    def nights(self, days: int) -> list[Json]:
        """The last `days` nights, oldest first."""

    def pause(self, minutes: int, by: str, via: str) -> Json:
        """Close the microphone for a while; returns the state."""

    def resume(self, by: str, via: str) -> Json:
        """End a pause; returns the state."""


class WardAnswers(Protocol):
    """The station of a ward, beside what a room answers."""

    def board(self) -> Json:
        """All rooms, by urgency."""

    def report(self, days: int, language: str) -> str:
        """The report of the last `days` days as a page: "en", "de", or "" for the station's own language."""

    def take(self, room: str, number: int, act: str, by: str, via: str) -> Json | None:
        """A person acknowledges ("ack") or mutes ("mute") an incident of a room, 0: its silence; returns the room."""


class NotNowError(Exception):
    """The voice cannot do what was asked; the text says why in one sentence."""


def json_answer(content: Json, status: int = 200) -> web.Response:
    """JSON that no cache keeps."""
    return web.json_response(content, status=status, headers={**HEADERS, "Cache-Control": "no-store"})


def error_answer(status: int, sentence: str, *, retry_s: float = 0.0) -> web.Response:
    """A mistake as one sentence of JSON."""
    answer = json_answer({"error": sentence}, status)
    if status == web.HTTPUnauthorized.status_code:
        answer.headers["WWW-Authenticate"] = "Bearer"  # Not Basic: a browser would ask for a password that nobody has.
    if retry_s:
        answer.headers["Retry-After"] = str(int(retry_s) + 1)
    return answer
