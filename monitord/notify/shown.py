"""The incidents that pages show: all that are live, and of the others the newest; older ones stay in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from monitord.notify.incident import Incident
    from monitord.notify.journal import Journal

SHOWN = 50
"""Incidents that are over and are shown."""


class Shown:
    """What is shown.

    Args:
        journal: where older ones are.
        live: the incidents that are not over.
    """

    def __init__(self, journal: Journal, live: Iterable[Incident]) -> None:
        self._journal = journal
        known = sorted([*live, *journal.incidents(SHOWN)], key=lambda each: each.id)
        self._of = {each.id: each for each in known}

    def put(self, each: Incident) -> None:
        """Show it as it now is."""
        self._of[each.id] = each

    def get(self, number: int) -> Incident | None:
        """The incident of that number, if it is shown."""
        return self._of.get(number)

    def find(self, number: int) -> Incident | None:
        """The incident of that number: of those that are shown, else from the journal."""
        return self._of.get(number) or self._journal.incident(number)

    def newest_first(self) -> list[Incident]:
        """All of them."""
        return sorted(self._of.values(), key=lambda each: -each.id)

    def numbers(self) -> Collection[int]:
        """Theirs."""
        return self._of.keys()

    def forget_old(self, live: Collection[int]) -> None:
        """Show no more than the newest `SHOWN` beside the live ones, whose numbers are given."""
        for number in [number for number in self._of if number not in live][:-SHOWN]:
            del self._of[number]

    def drop_what_is_gone(self, live: Collection[int]) -> list[int]:
        """Show none but `live` that the journal does not have; returns the numbers of those that were dropped."""
        gone = [number for number in self._of if number not in live and self._journal.incident(number) is None]
        for number in gone:
            del self._of[number]
        return gone
