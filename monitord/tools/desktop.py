"""`monitord notify-desktop`: the running monitor's alerts as notifications of this desktop, acknowledged by a button.

For a monitor that runs as a service: only a program of the session reaches the session's bus. It reads the stream that
the page reads; it does not count as a screen that has shown an alert, because nobody may be sitting there.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
from typing import TYPE_CHECKING, Any

from monitord.notify import desktop
from monitord.notify.incident import State, Urgency
from monitord.notify.sinks import wording
from monitord.tools.status import AskError, ask, open_voice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitord.config import Config

SILENCE_S = 15.0
"""Seconds without a word from the monitor after which this desktop says so itself, as the page does."""
AGAIN_S = 3.0
_LOST = "monitord has not been heard for {seconds:g} s: nobody may be listening to the room."
_DONE = frozenset({State.ACKNOWLEDGED.value, State.CLEARED.value})


def notify_desktop(config: Config) -> int:
    """Run until Ctrl-C, or until the session ends; returns the exit code."""
    try:
        asyncio.run(_serve(config))
    except desktop.DesktopError as cause:
        print(cause, file=sys.stderr)
        return 1
    return 0


async def _serve(config: Config) -> None:
    async with desktop.connect() as screen:
        shown: dict[int, int] = {}  # Number of the incident -> of its notification.
        following = asyncio.create_task(_follow(config, screen, shown))
        pressing = asyncio.create_task(_pressed(config, screen, shown))
        try:
            done, _ = await asyncio.wait({following, pressing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            following.cancel()
            pressing.cancel()
        for task in done:
            task.result()


async def _follow(config: Config, screen: desktop.Desktop, shown: dict[int, int]) -> None:
    """Each event of the stream, for ever; a silence is told once, and that it is over."""
    lost = 0
    while True:
        events = _Events(config)
        try:
            while (event := await asyncio.to_thread(events.take)) is not None:
                if lost:
                    await screen.notify("monitord", "monitord is back.", None, replaces=lost)
                    lost = 0
                name, content = event
                if name == "alert":
                    await _show(config, screen, content["incident"], shown)
                elif name == "incident" and content["state"] in _DONE and content["id"] in shown:
                    await _over(screen, content, shown)
        finally:
            events.close()
        if not lost:
            lost = await screen.notify("monitord", _LOST.format(seconds=SILENCE_S), Urgency.FAULT)
        await asyncio.sleep(AGAIN_S)


async def _show(config: Config, screen: desktop.Desktop, incident: dict[str, Any], shown: dict[int, int]) -> None:
    text = f"{incident['text']} {incident['camera_text']}".strip()
    shown[incident["id"]] = await screen.notify(
        incident["room"],
        text,
        Urgency(incident["urgency"]),
        # A test alert (`monitord test-alert`) has no number: there is nothing to acknowledge.
        acknowledge=wording.ACKNOWLEDGE[config.room.language] if incident["id"] else "",
    )


async def _over(screen: desktop.Desktop, incident: dict[str, Any], shown: dict[int, int]) -> None:
    text = f"{incident['text']} {incident['state_text']}"
    await screen.notify(incident["room"], text, None, replaces=shown.pop(incident["id"]))


async def _pressed(config: Config, screen: desktop.Desktop, shown: dict[int, int]) -> None:
    async for number in screen.pressed():
        for incident in [each for each, mine in shown.items() if mine == number]:
            try:
                await asyncio.to_thread(ask, config, "POST", f"api/v1/incidents/{incident}/ack")
            except AskError as cause:
                await screen.notify("monitord", str(cause), Urgency.FAULT)


class _Events:
    """The voice's stream, read line by line (WHATWG HTML, server-sent events)."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._answer: Any = None
        self._lines: Iterator[bytes] = iter(())

    def take(self) -> tuple[str, dict[str, Any]] | None:
        """The next event; None: the voice is not heard any more."""
        name, data = "", ""
        try:
            if self._answer is None:
                self._answer = open_voice(self._config, "GET", "api/v1/stream", timeout_s=SILENCE_S)
                self._lines = iter(self._answer)
            for raw in self._lines:
                key, _, value = raw.decode("utf-8").rstrip("\r\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    data += value
                elif not key and data:
                    return name, json.loads(data)
        except (OSError, ValueError, AskError, urllib.error.HTTPError):
            pass
        return None

    def close(self) -> None:
        """Let go of the connection."""
        if self._answer is not None:
            self._answer.close()
