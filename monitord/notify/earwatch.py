"""The voice's watch over the ear: whether it is silent, and whether it dies again and again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitord.events import Kind
from monitord.steadiness import Steadiness

if TYPE_CHECKING:
    from monitord.events import Message

EAR_SILENT_S = 15.0
"""No frame of the ear for so long (three heartbeats) is an alarm of its own, and takes the protection away."""


class EarWatch:
    """The watch over one ear.

    Attributes:
        silent_at: when it will be silent, unless it speaks; None: it is, and that was told, or nobody watches it.

    Args:
        now: when the watch begins; None: nobody watches it (replay).
        unsteady: whether it was known to die too often when the watch began.
    """

    def __init__(self, now: float | None, *, unsteady: bool) -> None:
        self.silent_at = None if now is None else now + EAR_SILENT_S
        self._watched = now is not None
        self._lives = False
        self._steadiness = Steadiness([now or 0.0] if unsteady else ())

    def spoke(self, now: float) -> bool:
        """A frame of it came; returns whether it is watched."""
        if self._watched:
            self.silent_at = now + EAR_SILENT_S
        return self._watched

    def is_silent(self, now: float) -> bool:
        """Whether it has just become silent; that is said once."""
        if self.silent_at is None or now < self.silent_at:
            return False
        self.silent_at = None
        return True

    def dies_too_often(self, message: Message, now: float) -> bool:
        """Whether it says with `message` that it has died once more: it begins anew, and never said goodbye."""
        died, self._lives = message.kind is Kind.HELLO and self._lives, message.kind is not Kind.GOODBYE
        return died and self._steadiness.died(now)

    @property
    def steady_at(self) -> float | None:
        """When it will have lived for long enough in one piece; None: it never died."""
        return self._steadiness.steady_at
