"""The nights out of a journal: for the page, the channels and `monitord report`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitord.config import LOOK_GRACE_S
from monitord.notify import nights as ledger
from monitord.notify.keeper import ALIVE, outlive, runs

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.notify.clock import Clock
    from monitord.notify.journal import History
    from monitord.notify.nights import Life, Night

DAYS_MAX = 400
"""Nights that are told at once, at most."""


def nights(
    history: History, clock: Clock, boot: str, look_s: float, days: int, *, life: Life | None = None
) -> list[Night]:
    """The last `days` nights, oldest first; the one that goes on is the last of them.

    Args:
        history: the journal.
        clock: of this machine.
        boot: which run of the machine this is.
        look_s: length of a look in seconds, as configured.
        days: how many nights, 1 to `DAYS_MAX`.
        life: the voice that runs now; None: as the journal knows it.

    Raises:
        JournalError: the journal cannot be read.
    """
    now = clock.wall()
    since = now
    for _ in range(max(1, min(days, DAYS_MAX))):
        since = ledger.noon_before(since) - 1.0
    since += 1.0
    utc = datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds")
    lives = history.lives()
    if life is not None:
        known = {each.id: each for each in lives}
        # Its beginning is the journal's to say: what came before may have been deleted.
        known[life.id] = replace(life, began=known.get(life.id, life).began)
        lives = [known[number] for number in sorted(known)]
    frames = ((datetime.fromisoformat(each.received_at).timestamp(), each.frame) for each in history.frames_since(utc))
    offset = now - clock.monotonic()
    return ledger.nights(
        ledger.tile(lives, history.spans(), boot, now),
        ledger.looks_of(frames, look_s + LOOK_GRACE_S),
        [ledger.happened(each, offset) for each in history.incidents_since(utc)],
        since,
        now,
    )


def last_life(history: History, clock: Clock, boot: str, folder: Path) -> Life | None:
    """The newest life of a voice, as its signs of life tell; alive now where it still runs. None: there was none.

    Raises:
        JournalError: the journal cannot be read.
    """
    lives = history.lives()
    if not lives:
        return None
    life, now = outlive(lives[-1], folder / ALIVE), clock.boottime()
    if not runs(folder / ALIVE, life, boot, now):
        return life
    return ledger.Life(life.id, life.boot, clock.wall() - now, life.began, now)
