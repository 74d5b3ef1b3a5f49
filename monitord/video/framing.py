"""Whether a stream without marks holds pictures of the expected size: it pauses between them, never within. Pure."""

from __future__ import annotations

ENOUGH = 3
"""Pauses within a picture that are no accident of a busy machine, if there was none between two."""


class Framing:
    """Counts where a stream pauses.

    Attributes:
        between: pauses between two pictures.
        within: pauses within a picture.
    """

    def __init__(self) -> None:
        self.between = 0
        self.within = 0
        self._flows = False

    def arrived(self) -> None:
        """Bytes came."""
        self._flows = True

    def paused(self, filled: int) -> None:
        """Nothing comes, `filled` bytes into the expected picture; while it lasts, saying so again changes nothing.

        Before the first byte there is no stream that could pause.
        """
        if not self._flows:
            return
        self._flows = False
        if filled:
            self.within += 1
        else:
            self.between += 1

    @property
    def wrong(self) -> bool:
        """Whether the pictures must be of another size."""
        return self.within >= ENOUGH and not self.between
