"""What the page of a room can ask of its voice and a station has none of: it listens to no room of its own."""

from __future__ import annotations

from typing import Any

from monitord.notify.web.answers import NotNowError


class NoRoom:
    """The part of `monitord.notify.web.answers.Answers` that a station refuses, or has nothing to say to."""

    def pause(self, minutes: int, by: str, via: str) -> dict[str, Any]:  # noqa: ARG002 - a room's
        """For the server: raises NotNowError; a station has no microphone."""
        raise NotNowError("a ward has no microphone; pause a room at the room")

    def resume(self, by: str, via: str) -> dict[str, Any]:  # noqa: ARG002 - a room's
        """For the server: as `pause`."""
        raise NotNowError("a ward has no microphone; pause a room at the room")

    def expect_test(self, seconds: int, *, quiet: bool) -> dict[str, Any]:  # noqa: ARG002 - a room's
        """For the server: as `pause`."""
        raise NotNowError("a ward has no microphone; test a room at the room")

    def selftest(self) -> dict[str, Any]:
        """For the server: there never was one."""
        return {"until": None, "incident": None, "written": False}

    def tested(self, broken: str, *, nightly: bool) -> None:  # noqa: ARG002 - a room's
        """For the server: as `expect_test`."""
        raise NotNowError("a ward has no microphone; test a room at the room")

    def untested(self) -> None:
        """For the server: as `expect_test`."""
        raise NotNowError("a ward has no microphone; test a room at the room")

    def nights(self, days: int) -> list[dict[str, Any]]:  # noqa: ARG002 - a room's
        """For the server: a station has none; its ledger is of the ward."""
        return []
