"""One small adapter per channel that an alert can leave by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from monitord.notify.incident import Incident


@dataclass(frozen=True, slots=True)
class Notice:
    """What a sink is to bring: the number of the delivery, and the incident as it is now."""

    delivery: int
    incident: Incident


class SinkError(Exception):
    """This attempt failed; it is tried again later."""


class Sink(Protocol):
    """One channel.

    Attributes:
        name: as deliveries and the configuration call it.
        confirms: whether `send` returning means that the alert has arrived; otherwise the far end confirms it later.
    """

    name: str
    confirms: bool

    async def send(self, notice: Notice) -> None:
        """Hand `notice` over.

        Raises:
            SinkError: it could not be handed over.
        """
