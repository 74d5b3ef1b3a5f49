"""Notifications of a desktop over D-Bus (freedesktop.org, Desktop Notifications Specification 1.2). Imports jeepney.

A session's bus is a socket of the user who is logged in. A voice that runs as a service is another user's and outside
every session: it has no such bus and cannot have one. `monitord notify-desktop`, started in the session, does it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from html import escape
from typing import TYPE_CHECKING

from jeepney import DBusAddress, DBusErrorResponse, MatchRule, message_bus, new_method_call
from jeepney.io.asyncio import DBusRouter, Proxy, open_dbus_router
from jeepney.io.common import RouterClosed
from jeepney.wrappers import unwrap_msg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from monitord.notify.incident import Urgency

BUS = "DBUS_SESSION_BUS_ADDRESS"
ANSWER_S = 5.0
ACKNOWLEDGE = "acknowledge"
LOW, NORMAL, CRITICAL = 0, 1, 2
"""The specification's urgencies; a critical one stays until somebody closes it."""
URGENCY = {"high": CRITICAL, "medium": CRITICAL, "fault": NORMAL, "low": NORMAL, "": LOW}
NO_SESSION = (
    "there is no desktop session here: monitord runs outside of it, as services do; "
    "start `monitord notify-desktop` in the session instead"
)
_NOTIFICATIONS = DBusAddress(
    "/org/freedesktop/Notifications",
    bus_name="org.freedesktop.Notifications",
    interface="org.freedesktop.Notifications",
)


class DesktopError(Exception):
    """The desktop cannot be reached or did not take it; the text says why in one sentence."""


class Desktop:
    """A connection to the desktop of this session; `connect` makes it."""

    def __init__(self, router: DBusRouter) -> None:
        self._router = router

    async def notify(
        self, title: str, body: str, urgency: Urgency | None, *, replaces: int = 0, acknowledge: str = ""
    ) -> int:
        """Show it; returns its number, which the desktop gave.

        Args:
            title: plain text.
            body: plain text.
            urgency: None: quietly.
            replaces: number of an earlier one whose place it takes.
            acknowledge: label of the button; "": none.

        Raises:
            DesktopError: the desktop did not take it.
        """
        hints = {
            "urgency": ("y", URGENCY["" if urgency is None else urgency.value]),
            "category": ("s", "device"),
        }
        actions = [ACKNOWLEDGE, acknowledge] if acknowledge else []
        call = new_method_call(
            _NOTIFICATIONS,
            "Notify",
            "susssasa{sv}i",
            ("monitord", replaces, "audio-input-microphone", title, escape(body, quote=False), actions, hints, -1),
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                (number,) = unwrap_msg(await self._router.send_and_get_reply(call))
        except DBusErrorResponse as cause:
            raise DesktopError(f"this desktop shows no notifications ({cause.name})") from None
        except (RouterClosed, OSError, EOFError, TimeoutError):
            raise DesktopError("the desktop does not answer; has its session ended?") from None
        return int(number)

    async def pressed(self) -> AsyncIterator[int]:
        """Numbers of the notifications whose button is pressed.

        Raises:
            DesktopError: the session is over.
        """
        rule = MatchRule(
            type="signal", interface="org.freedesktop.Notifications", member="ActionInvoked",
            path="/org/freedesktop/Notifications",
        )  # fmt: skip
        gone = self._router._rcv_task  # noqa: SLF001 - nothing else says that the bus has gone
        with self._router.filter(rule, bufsize=16) as queue:
            await Proxy(message_bus, self._router).AddMatch(rule)
            while True:
                getting = asyncio.ensure_future(queue.get())
                await asyncio.wait({getting, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    getting.cancel()
                    raise DesktopError("the desktop has gone; has its session ended?")
                number, action = getting.result().body
                if action == ACKNOWLEDGE:
                    yield int(number)


@contextlib.asynccontextmanager
async def connect() -> AsyncIterator[Desktop]:
    """The desktop of this session.

    Raises:
        DesktopError: there is none.
    """
    if not os.environ.get(BUS):
        raise DesktopError(NO_SESSION)
    opening = open_dbus_router("SESSION")
    try:
        async with asyncio.timeout(ANSWER_S):
            router = await opening.__aenter__()
    except (OSError, EOFError, RuntimeError, ValueError, TimeoutError, DBusErrorResponse) as cause:
        raise DesktopError(f"the session's bus cannot be reached: {cause or 'it does not answer'}") from None
    try:
        yield Desktop(router)
    finally:
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await router.__aexit__(None, None, None)
        with contextlib.suppress(Exception, asyncio.CancelledError):  # Not left open by a bus that has gone.
            await opening.conn.close()
