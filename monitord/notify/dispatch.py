"""The way of an alert to the channels of the house: who is told, what is sent again, whom nothing has reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitord.config import PAGE
from monitord.notify import delivery
from monitord.notify.delivery import Reason
from monitord.notify.incident import Action
from monitord.notify.sinks import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitord.notify.addressees import Addressees
    from monitord.notify.book import Change
    from monitord.notify.delivery import Delivery
    from monitord.notify.incident import Incident
    from monitord.notify.outbox import Outbox

_REASONS = {
    Action.ALERT: Reason.ALERT,
    Action.REPEAT: Reason.REPEAT,
    Action.ESCALATE: Reason.ESCALATED,
    Action.REMIND: Reason.STILL,
    Action.TELL_SEEN: Reason.UPDATE,
    Action.TELL_TAKEN: Reason.ACKNOWLEDGED,
    Action.TELL_OVER: Reason.CLEARED,
}


class Dispatch:
    """What goes out by the channels.

    Attributes:
        outbox: the deliveries.

    Args:
        outbox: as above.
        addressees: whom there is to tell.
        journal: its name; with the number of a delivery, the key by which a receiver knows a double.
        find: gives the incident of a number; None: there is none.
        transmit: called with the name of a sink and what it is to bring.
        keep: called with each delivery that has begun or changed: it is to be written.
        jitter: gives a number 0..1 for the back-off.
    """

    def __init__(
        self,
        outbox: Outbox,
        addressees: Addressees,
        journal: str,
        *,
        find: Callable[[int], Incident | None],
        transmit: Callable[[str, Notice], None],
        keep: Callable[[Delivery], None],
        jitter: Callable[[], float],
    ) -> None:
        self.outbox, self._addressees, self._journal = outbox, addressees, journal
        self._find, self._transmit, self._keep, self._jitter = find, transmit, keep, jitter

    def tell_by(self, sinks: Sequence[str]) -> None:
        """Alerts go out by these channels from now on; what is under way by another one stays so."""
        self._addressees = replace(self._addressees, sinks=tuple(sinks))

    def follow(self, groups: Mapping[str, Sequence[str]]) -> None:
        """The owner has other groups from now on."""
        self._addressees = replace(self._addressees, groups=groups)

    def begin(self, change: Change, notify: Sequence[str], now: float) -> None:
        """Bring what has happened to whom it concerns; `notify`: the groups of the incident's rule."""
        each = change.incident
        for reason in [_REASONS[action] for action in change.actions if action in _REASONS]:
            sinks = self._addressees.of(each, reason, notify, self.outbox.told(each.id))
            for begun in self.outbox.begin(each.id, sinks, reason, now):
                self._keep(begun)

    def step(self, each: Delivery, event: delivery.Event, now: float, error: str = "") -> Delivery:
        """What becomes of a delivery; an event that says nothing to it leaves it as it is."""
        if event not in delivery.TABLE[each.state]:
            return each
        after, actions = delivery.step(each, event, now, jitter=self._jitter(), error=error)
        if after == each:
            return each
        self.outbox.put(after)
        self._keep(after)
        known = self._find(after.incident)
        if known is not None and delivery.Action.TRANSMIT in actions:
            self._transmit(after.sink, Notice(after.id, known, f"{self._journal}-{after.id}", after.reason))
        return after

    def seen(self, incident: int, via: str, now: float) -> None:
        """Who acknowledges by the channel `via` has seen the alert there, and on the page."""
        for each in self.outbox.of(incident):
            if each.sink in (PAGE, via) and each.reason in delivery.RINGS:
                self.step(each, delivery.Event.CONFIRMED, now)

    def missed_the_group(self, each: Incident, notify: Sequence[str]) -> bool:
        """Whether no channel of the group that has the incident now could bring it."""
        return self.outbox.lost(each.id, self._addressees.in_charge(each, notify))

    def missed_everybody(self, each: Incident) -> bool:
        """Whether no channel that it was given to could bring it; the log is no person."""
        return self.outbox.lost(each.id, self._addressees.people())
