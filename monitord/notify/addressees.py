"""Which channels an alert goes to: the owner's groups, in the order in which they are called. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitord.config import LOG
from monitord.events import Fault
from monitord.notify.delivery import RINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from monitord.notify.delivery import Reason
    from monitord.notify.incident import Incident


@dataclass(frozen=True, slots=True)
class Addressees:
    """The channels of the house.

    Attributes:
        sinks: names of all of them, in the order in which they are told.
        groups: name of a group -> its channels; a group that is not named here is everybody.
        followers: those that are also brought what comes after an alert.
    """

    sinks: tuple[str, ...]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    followers: Collection[str] = ()

    def of(self, each: Incident, reason: Reason, notify: Sequence[str], told: Collection[str]) -> list[str]:
        """Those that `reason` of `each` goes to.

        Args:
            each: the incident.
            reason: why it is brought.
            notify: the groups of its rule.
            told: those that an alert of it was given to before.
        """
        if reason not in RINGS:
            return [sink for sink in self.sinks if sink in told and sink in self.followers]
        if each.subject is Fault.ALERT_UNDELIVERED:
            return list(self.sinks)
        wanted = {sink for group in notify[: each.level + 1] for sink in self._group(group)}
        return [sink for sink in self.sinks if sink in wanted] or list(self.sinks)

    def in_charge(self, each: Incident, notify: Sequence[str]) -> set[str]:
        """Those of the group that has the incident now; the log is no person."""
        return set(self._group(notify[min(each.level, len(notify) - 1)])) - {LOG}

    def people(self) -> set[str]:
        """All but the log."""
        return set(self.sinks) - {LOG}

    def _group(self, name: str) -> Sequence[str]:
        return self.groups.get(name, self.sinks)
