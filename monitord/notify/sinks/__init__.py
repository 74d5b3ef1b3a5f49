"""One small adapter per channel that an alert can leave by; what all of them have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from monitord.notify.incident import Incident


@dataclass(frozen=True, slots=True)
class Notice:
    """What a sink is to bring.

    Attributes:
        delivery: its number in the journal.
        incident: the incident as it is now.
        key: the same for every attempt of this delivery and never used for another: by it a receiver knows a double.
    """

    delivery: int
    incident: Incident
    key: str = ""


class SinkError(Exception):
    """This attempt failed; it is tried again later. The text says why in one sentence."""


class House(Protocol):
    """What a channel may tell the voice, and ask of it. Called from the voice's event loop."""

    def state(self) -> dict[str, Any]:
        """The state of the monitor, for JSON (`monitord.notify.view.state_json`)."""

    def acknowledge(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """A person acknowledges an incident.

        Args:
            number: of the incident.
            by: who, as far as the channel knows ("" where it does not).
            via: name of the channel.

        Returns:
            The incident for JSON; None: there is none of that number.
        """

    def channel(self, name: str, trouble: str) -> None:
        """A channel works ("") or does not (one sentence: why); shown on the page and in `monitord status`."""


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


class Lasting(Sink, Protocol):
    """A channel with a connection of its own, or one that shows more than alerts."""

    async def run(self, house: House) -> None:
        """Keep the connection until cancelled; must survive every trouble of the far end, and say it by `channel`."""

    def show(self, name: str, content: dict[str, Any]) -> None:
        """Everything that open pages learn ("state", "incident"); called often, returns at once, raises nothing."""
