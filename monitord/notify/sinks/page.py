"""The alert on the page: pushed to every open page; one of them confirms that it was on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.notify.sinks import Notice

NAME = "page"


class PageSink:
    """Pushes the alert to the pages.

    Args:
        push: sends a notice to all that are connected.
    """

    name = NAME
    confirms = False
    proof = "a page has shown it"

    def __init__(self, push: Callable[[Notice], None]) -> None:
        self._push = push

    async def send(self, notice: Notice) -> None:
        """Push it; a page that opens later finds it in the state."""
        self._push(notice)
