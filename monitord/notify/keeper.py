"""Keeps the ledger: what the watch finds goes into the journal, and signs of life to where the next life finds them.

There are two signs of life. A file beside the sockets, written every few seconds into memory, tells a voice that was
killed how long the one before lived. It does not outlive the machine, so a row in the journal follows it every
`ALIVE_S`: seldom, since each write wears the card, and a power cut costs the ledger no more than that much certainty.
Where the sockets do not lie in memory either, the file says nothing but that its writer lives: it is locked.
"""

from __future__ import annotations

import fcntl
import logging
import os
from typing import TYPE_CHECKING

from monitord.notify.database import JournalError
from monitord.notify.ledger import DEAFENING, STOOD_STILL_S, Watch
from monitord.notify.timeline import Life

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.events import Frame
    from monitord.notify.clock import Clock
    from monitord.notify.journal import Journal
    from monitord.notify.ledger import Guard

log = logging.getLogger(__name__)

ALIVE_S = 900.0
"""Seconds between two signs of life in the journal."""
CLOCK_STEP_S = 2.0
"""So far the clock must have been set for the journal to be told at once; less waits for the next sign of life."""
ALIVE = "alive"
"""Name of the file."""
LOCKED = "-"
"""What stands in it for the time where it does not lie in memory."""
_LINE = 96


class Keeper:
    """The ledger of this life of the voice.

    Args:
        journal: opened for writing.
        clock: all clocks of this machine.
        boot: which run of the machine this is.
        folder: the sockets'.
        paused: whether the owner's pause is in force.

    Attributes:
        before: the life of the voice before this one; None: there was none.
    """

    def __init__(self, journal: Journal, clock: Clock, boot: str, folder: Path, *, paused: bool) -> None:
        self._journal, self._clock = journal, clock
        self._path = folder / ALIVE
        self._mark: int | None = None
        self._in_memory = True
        now = clock.boottime()
        faults = {each.subject for each in journal.live_incidents()} & DEAFENING
        self._watch = Watch(now, faults=faults, paused=paused)  # type: ignore[arg-type] # DEAFENING has faults only.
        before = journal.lives()
        self._outlived = [outlive(before[-1], self._path)] if before else []
        self.before = self._outlived[0] if before else None
        number = before[-1].id + 1 if before else 1
        if journal.in_memory:  # What lies on the disk may have more lives than can be read now.
            number = max(number, int(clock.wall()))
        self._life = Life(number, boot, clock.wall() - now, now, now)
        self._trouble = ""
        self._write(now)

    @property
    def trouble(self) -> str:
        """Why the journal does not take the ledger; it is kept in memory until it does."""
        return self._trouble

    def hear(self, frame: Frame, *, paused: bool) -> None:
        """A frame came."""
        now = self._clock.boottime()
        self._watch.pause(paused=paused, now=now)  # First: the frame may say that the ear listens again.
        self._watch.hear(frame.message, frame.role, now, frame.age_s)

    def tick(self, *, paused: bool) -> None:
        """Look what time it is, and write what is to be written."""
        now = self._clock.boottime()
        self._watch.pause(paused=paused, now=now)
        self._watch.tick(now)
        stepped = abs(self._clock.wall() - now - self._life.ahead) >= CLOCK_STEP_S
        if self._watch.unwritten or stepped or now - self._life.alive >= ALIVE_S:
            self._write(now)
        self._sign(now)

    @property
    def life(self) -> Life:
        """This life."""
        return self._life

    def spent(self) -> dict[Guard, float]:
        """Seconds that the room was protected, paused, unprotected in this life."""
        return self._watch.spent(self._clock.boottime())

    def close(self) -> None:
        """The voice ends as it should."""
        now = self._clock.boottime()
        self._watch.end(now)
        self._write(now, stopped=True)
        if self._mark is not None:
            os.close(self._mark)
            if not self._trouble:
                self._path.unlink(missing_ok=True)

    def _write(self, now: float, *, stopped: bool = False) -> None:
        life = Life(self._life.id, self._life.boot, self._clock.wall() - now, self._life.began, now, stopped)
        try:
            with self._journal.transaction():
                for each in (*self._outlived, life):
                    self._journal.save_life(each)
                for number, span in self._watch.unwritten.items():
                    self._journal.save_span(life.id, number, span)
        except JournalError as cause:
            if not self._trouble:
                log.error("the ledger waits in memory: %s", cause)  # noqa: TRY400 - a sentence for a person
            self._trouble = str(cause)
        else:
            self._life, self._outlived, self._trouble = life, [], ""
            self._watch.written()

    def _sign(self, now: float) -> None:
        """One write of fixed length, so that a voice that is killed leaves a whole line."""
        if self._mark is not None and not self._in_memory:
            return
        try:
            if self._mark is None:
                self._in_memory = self._path.parent.stat().st_dev != self._journal.device
                self._mark = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            at = f"{now:.3f}" if self._in_memory else LOCKED
            os.pwrite(self._mark, f"{self._life.boot} {self._life.id} {at}".ljust(_LINE - 1).encode() + b"\n", 0)
        except OSError as cause:
            log.debug("%s: %s", self._path, cause)


def outlive(life: Life, path: Path) -> Life:
    """`life`, with the sign of life in the file at `path` if that is of it and newer."""
    try:
        boot, number, alive = path.read_text("ascii").split()
        if (boot, int(number)) == (life.boot, life.id) and not life.stopped and float(alive) > life.alive:
            return Life(life.id, life.boot, life.ahead, life.began, float(alive))
    except (OSError, ValueError):
        pass
    return life


def runs(path: Path, life: Life, boot: str, now: float) -> bool:
    """Whether the voice of `life` runs at `now` (seconds since the machine started), as the file at `path` tells."""
    try:
        with path.open("rb") as file:
            found, number, alive = file.read(_LINE).decode("ascii").split()
            if (found, int(number)) != (boot, life.id):
                return False
            if alive != LOCKED:
                return now - float(alive) < STOOD_STILL_S
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, ValueError):
        return False
    return False
