"""Which station of a ward rings by its channels. Pure.

Every station shows the board, and its own page rings. The ward's channels (`[notify.NAME]`) are rung by one station,
or a phone would ring twice: of the stations that live, the one whose name comes first. When its word stops for
SILENT_S, or its last will is published, the next one rings for all that nobody has taken. A station that hears no
broker for AWAY_S rings by itself: two that ring are better than none. One that has just found a broker listens for
LEARN_S first, or it would ring for what another has in hand; its page does not wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitord.ward.board import Board

AWAY_S = 10.0
"""A station that hears no broker for so long says so; its board shows at once that it hears none."""
LEARN_S = 2.0
"""In this time after a broker is found, the other stations have been heard."""


def is_away(board: Board, now: float) -> bool:
    """Whether this station has heard no broker for so long that it is on its own."""
    return board.unlinked_at is not None and now - board.unlinked_at >= AWAY_S


def is_chosen(board: Board, now: float) -> bool | None:
    """Whether this station rings by the ward's channels; None: it is too early to tell, and stays as it is."""
    if board.linked_at is None:
        return True if is_away(board, now) else None
    if now - board.linked_at < LEARN_S:
        return None
    return all(board.station < name for name in board.stations(now))
