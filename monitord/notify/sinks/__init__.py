"""One small adapter per channel that an alert can leave by; what all of them have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from monitord.notify.delivery import RINGS, Reason

if TYPE_CHECKING:
    from monitord.notify.incident import Incident, Urgency


@dataclass(frozen=True, slots=True)
class Notice:
    """What a sink is to bring.

    Attributes:
        delivery: its number in the journal.
        incident: the incident as it is now.
        key: the same for every attempt of this delivery and never used for another: by it a receiver knows a double.
        reason: why it is brought.
        said: title and text where it is about no incident (SUMMARY); `incident` then stands for the room only.
    """

    delivery: int
    incident: Incident
    key: str = ""
    reason: Reason = Reason.ALERT
    said: tuple[str, str] | None = None

    @property
    def urgency(self) -> Urgency | None:
        """What it rings with; None: it comes quietly (an update, "it is over", an alert that somebody has taken)."""
        return self.incident.urgency if self.reason in RINGS and self.incident.acked_at is None else None


class SinkError(Exception):
    """This attempt failed; it is tried again later. The text says why in one sentence."""


class House(Protocol):
    """What a channel may tell the voice, and ask of it. Called from the voice's event loop."""

    def state(self) -> dict[str, Any]:
        """The state of the monitor, for JSON (`monitord.notify.view.state_json`)."""

    def incidents(self) -> list[dict[str, Any]]:
        """The newest incidents, newest first, for JSON."""

    def acknowledge(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """A person acknowledges an incident.

        Args:
            number: of the incident.
            by: who, as far as the channel knows ("" where it does not).
            via: name of the channel.

        Returns:
            The incident for JSON; None: there is none of that number.
        """

    def mute(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """A person mutes the tones of an incident for a while; it is no acknowledgement. As `acknowledge`."""

    def pause(self, minutes: int, by: str, via: str) -> dict[str, Any]:
        """A person closes the microphone for a while; it opens by itself again. Returns the state, for JSON.

        Raises:
            NotNowError: the microphone cannot be closed, or not for so long (`monitord.notify.web.answers`).
        """

    def resume(self, by: str, via: str) -> dict[str, Any]:
        """A person ends a pause. As `pause`."""

    def channel(self, name: str, trouble: str) -> None:
        """A channel works ("") or does not (one sentence: why); shown on the page and in `monitord status`."""


class Sink(Protocol):
    """One channel.

    Attributes:
        name: as deliveries and the configuration call it.
        confirms: whether `send` returning means that the alert has arrived; otherwise the far end confirms it later.
        proof: what it is that shows that, a few words.

    A channel that also has the attribute ``follows = True`` is brought what comes after an alert that it was given:
    what the camera said, who takes care, that it is over (`Reason.UPDATE`, `ACKNOWLEDGED`, `CLEARED`).
    """

    name: str
    confirms: bool
    proof: str

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
