"""The nights out of a journal: for the page, the channels and `monitord report`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitord.config import LOOK_GRACE_S
from monitord.notify import nights as ledger
from monitord.notify.keeper import ALIVE, outlive, runs
from monitord.notify.timeline import tile

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.notify.clock import Clock
    from monitord.notify.history import History
    from monitord.notify.nights import Night
    from monitord.notify.timeline import Life

DAYS_MAX = 400
"""Nights that are told at once, at most."""


def since_days(days: int, now: float) -> float:
    """When the last `days` nights began, the one that goes on included; UTC, seconds since 1970."""
    since = ledger.noon_before(now)
    for _ in range(max(1, min(days, DAYS_MAX)) - 1):
        since = ledger.noon_before(since - 1.0)
    return since


def nights(
    history: History, clock: Clock, boot: str, look_s: float, since: float, *, life: Life | None, running: bool
) -> list[Night]:
    """The nights from the one of `since` on, oldest first; the one that goes on is the last of them.

    Args:
        history: the journal.
        clock: of this machine.
        boot: which run of the machine this is.
        look_s: length of a look in seconds, as configured.
        since: UTC, seconds since 1970.
        life: the newest of the voice.
        running: whether it still goes on.

    Raises:
        JournalError: the journal cannot be read.
    """
    now, up = clock.wall(), clock.boottime()
    since = ledger.noon_before(since, clock.zone)
    utc = datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds")
    lives = {each.id: each for each in history.lives()}
    if life is not None:
        # Its beginning is the journal's to say: what came before may have been deleted.
        began = lives.get(life.id, life).began
        lives[life.id] = replace(life, began=began, ahead=now - up, alive=up) if running else life
    frames = ((datetime.fromisoformat(each.received_at).timestamp(), each.frame) for each in history.frames_since(utc))
    offset = now - clock.monotonic()
    return ledger.nights(
        tile([lives[number] for number in sorted(lives)], history.spans(), boot, now),
        ledger.looks_of(frames, look_s + LOOK_GRACE_S),
        [ledger.happened(each, offset) for each in history.incidents_since(utc)],
        since,
        now,
        zone=clock.zone,
    )


def last_life(history: History, clock: Clock, boot: str, folder: Path) -> tuple[Life | None, bool]:
    """The newest life of a voice, as its signs of life tell, and whether it goes on. None: there was none.

    Raises:
        JournalError: the journal cannot be read.
    """
    lives = history.lives()
    if not lives:
        return None, False
    life = outlive(lives[-1], folder / ALIVE)
    return life, runs(folder / ALIVE, life, boot, clock.boottime())
