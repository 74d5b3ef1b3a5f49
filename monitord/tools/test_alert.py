"""`monitord test-alert`: one alert that is marked as a test, and what proves that it arrived."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from monitord.notify import delivery, trial
from monitord.notify.channels import channels, page_for_others
from monitord.notify.outlets import Outlets
from monitord.notify.sinks.log import LogSink
from monitord.tools.status import AskError, NotRunningError, ask

if TYPE_CHECKING:
    from monitord.config import Config

WRONG_USAGE = 2
_PATIENCE_S = delivery.CONFIRM_S + 5.0
_LATER = "monitord is not running; start it, open the page, and test again"


def test_alert(config: Config, sink: str) -> int:
    """Send it by `sink`, "" by all channels; through the running voice, or from here where none runs.

    Returns:
        0: all arrived; 1: at least one did not; 2: there is no such channel.
    """
    if sink and sink not in config.channels:
        print(f"SINK: {sink!r} is no channel; there are {', '.join(config.channels)}", file=sys.stderr)
        return WRONG_USAGE
    try:
        body = json.dumps({"sink": sink} if sink else {}).encode()
        results = ask(config, "POST", "api/v1/test-alert", body, _PATIENCE_S)["results"]
    except NotRunningError:
        print("monitord is not running: the test is sent from here", file=sys.stderr)
        results = asyncio.run(_directly(config, sink))
    except AskError as cause:
        print(cause, file=sys.stderr)
        return 1
    width = max(len(each["sink"]) for each in results)
    for each in results:
        print(f"{'ok   ' if each['arrived'] else 'FAULT'} {each['sink']:{width}}  {each['text']}")
    return 0 if all(each["arrived"] for each in results) else 1


async def _directly(config: Config, sink: str) -> list[dict[str, Any]]:
    outlets = Outlets([LogSink(), *channels(config, page_for_others(config))], lambda *_: None)
    if sink == "page":
        return [{"sink": "page", "arrived": False, "text": _LATER}]
    outlets.start(_Nobody(config.room.name))
    try:
        results = await trial.run(outlets, sink, config.room.name) or []
    finally:
        await outlets.stop()
    return results if sink else [{"sink": "page", "arrived": False, "text": _LATER}, *results]


class _Nobody:
    """The house while no voice runs: nothing is known, nothing can be acknowledged."""

    def __init__(self, room: str) -> None:
        self._room = room

    def state(self) -> dict[str, Any]:
        """A state of which nothing is known."""
        return {"room": self._room, "mood": "starting", "text": "", "level_dbfs": None, "camera": None,
                "camera_text": "", "channels": []}  # fmt: skip

    def incidents(self) -> list[dict[str, Any]]:
        """None."""
        return []

    def acknowledge(self, number: int, by: str, via: str) -> None:
        """There is nothing to acknowledge."""

    def mute(self, number: int, by: str, via: str) -> None:
        """There is nothing to mute."""

    def pause(self, minutes: int, by: str, via: str) -> dict[str, Any]:
        """Nobody listens anyway."""
        del minutes, by, via
        return self.state()

    def resume(self, by: str, via: str) -> dict[str, Any]:
        """Nobody listens."""
        del by, via
        return self.state()

    def channel(self, name: str, trouble: str) -> None:
        """The result says it."""
