"""Alerts as notifications of the desktop that the voice itself runs on.

It has arrived when the desktop gives the notification a number: it will show it. Whether anybody sits there, only the
button says.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from monitord.notify import desktop
from monitord.notify.delivery import Reason
from monitord.notify.sinks import SinkError, wording

if TYPE_CHECKING:
    from monitord.config import Language
    from monitord.notify.sinks import House, Notice

AGAIN_S = 30.0
_KEPT = 50


class DesktopSink:
    """The desktop of the session in which monitord was started."""

    confirms = True
    proof = "the desktop has it and gave it a number"
    follows = True

    def __init__(self, name: str, language: Language) -> None:
        self.name, self._language = name, language
        self._desktop: desktop.Desktop | None = None
        self._why = desktop.NO_SESSION
        self._ready = asyncio.Event()
        self._shown: dict[int, int] = {}  # Number of the incident -> of its notification.

    async def run(self, house: House) -> None:
        """Keep the connection until cancelled, and take what the button says."""
        while True:
            try:
                async with desktop.connect() as connected:
                    self._desktop = connected
                    self._ready.set()
                    house.channel(self.name, "")
                    async for number in connected.pressed():
                        for incident in [each for each, shown in self._shown.items() if shown == number]:
                            house.acknowledge(incident, "", self.name)
            except desktop.DesktopError as cause:
                self._why = str(cause)
                house.channel(self.name, self._why)
            finally:
                self._desktop = None
            self._ready.set()  # An alert need not wait: there is an answer, if not a good one.
            await asyncio.sleep(AGAIN_S)

    async def send(self, notice: Notice) -> None:
        """Show it.

        Raises:
            SinkError: the desktop has not taken it.
        """
        await self._ready.wait()
        if self._desktop is None:
            raise SinkError(self._why)
        incident = notice.incident.id
        button = wording.ACKNOWLEDGE[self._language] if notice.reason not in (Reason.TEST, Reason.SUMMARY) else ""
        try:
            self._shown[incident] = await self._desktop.notify(
                wording.title(notice),
                wording.body(notice, self._language),
                notice.urgency,
                # What rings is a notification of its own; what only follows takes the place of the last.
                replaces=self._shown.get(incident, 0) if notice.urgency is None else 0,
                acknowledge=button if notice.urgency is not None else "",
            )
        except desktop.DesktopError as cause:
            raise SinkError(str(cause)) from None
        while len(self._shown) > _KEPT:
            del self._shown[next(iter(self._shown))]
