"""What the voice's process asks of the ledger, the owner's pause, the nightly self-test and the morning's summary."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from monitord import paths
from monitord.events import Fault
from monitord.notify import lookback, morning
from monitord.notify.clock import boot_id
from monitord.notify.database import JournalError
from monitord.notify.delivery import Reason
from monitord.notify.incident import Incident, State, Urgency
from monitord.notify.keeper import Keeper
from monitord.notify.nightly import Nightly
from monitord.notify.nights import night_json
from monitord.notify.pause import PauseError, Switch
from monitord.notify.sinks import Notice
from monitord.notify.summary import summary
from monitord.steadiness import Steadiness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitord.config import Config
    from monitord.events import Frame
    from monitord.notify.clock import Clock
    from monitord.notify.journal import Journal
    from monitord.notify.ledger import Guard
    from monitord.notify.nights import Night

log = logging.getLogger(__name__)

_LAST_NIGHT = timedelta(hours=12)


class Record:
    """What is kept of one life of the voice, beside its incidents.

    Args:
        config: the configuration.
        journal: opened for writing.
        clock: all clocks of this machine.
        folder: of the sockets.
        fault: told when a pause is over or cannot be ended, and when the nightly self-test has not run.
        tell: told the summary in the morning.
    """

    def __init__(
        self,
        config: Config,
        journal: Journal,
        clock: Clock,
        folder: Path,
        *,
        fault: Callable[[Fault], None],
        tell: Callable[[Notice], None],
    ) -> None:
        self._config, self._journal, self._clock = config, journal, clock
        self._fault, self._tell = fault, tell
        boot = boot_id()
        self._switch = Switch(folder / paths.PAUSED, boot, clock.boottime())
        self._keeper = Keeper(journal, clock, boot, folder, paused=self._paused)
        self._steadiness = Steadiness(deaths(journal, boot))
        before = self._keeper.before
        seen = None if before is None else datetime.fromtimestamp(before.alive + before.ahead, clock.zone)
        seen = None if seen is None else seen.replace(tzinfo=None)
        self._morning = morning.Morning(config.report.morning, seen)
        self._nightly = Nightly(folder / paths.SELFTEST, config.selftest.nightly, seen)

    @property
    def _paused(self) -> bool:
        return self._switch.pause is not None

    def hear(self, frame: Frame) -> None:
        """A frame came."""
        self._keeper.hear(frame, paused=self._paused)

    def tick(self) -> None:
        """Do what is due; to be called every few seconds, and before the frames that wait are taken in."""
        self._mind_the_pause()
        self._keeper.tick(paused=self._paused)
        local = self._clock.local()
        if self._nightly.tick(local, self._clock.monotonic(), paused=self._paused):
            self._fault(Fault.SELFTEST_NOT_RUN)
        if self._morning.due(local):
            self._good_morning()

    def tested(self) -> None:
        """A self-test has told its result."""
        self._nightly.told()

    def spent(self) -> dict[Guard, float]:
        """Seconds that the room was protected, paused, unprotected in this life."""
        return self._keeper.spent()

    def close(self) -> None:
        """The voice ends as it should."""
        self._keeper.close()

    def state(self) -> dict[str, str | None]:
        """What it adds to the state of the monitor."""
        pause, until = self._switch.pause, None
        if pause is not None:
            until = self._clock.to_utc(self._clock.monotonic() + pause.until - self._clock.boottime())
        return {"paused_until": until}

    @property
    def unsteady(self) -> bool:
        """Whether the voice has died too often of late, this life's predecessors."""
        return self._steadiness.unsteady(self._clock.boottime())

    def pause(self, minutes: float, by: str, via: str) -> None:
        """Close the microphone for a while.

        Raises:
            PauseError: for too short or too long, or it cannot be closed.
        """
        self._switch.begin(minutes * 60.0, self._clock.boottime())
        log.warning("paused for %g minutes%s", minutes, _from(by, via))
        self.tick()

    def resume(self, by: str, via: str) -> None:
        """Open the microphone again.

        Raises:
            PauseError: somebody else has closed it.
        """
        self._switch.end()
        log.warning("the pause is ended%s", _from(by, via))
        self.tick()

    def nights(self, days: int) -> list[dict[str, object]]:
        """The last nights, oldest first.

        Raises:
            JournalError: the journal cannot be read.
        """
        return [night_json(each) for each in self._nights(lookback.since_days(days, self._clock.wall()))]

    def _nights(self, since: float) -> list[Night]:
        life, look_s = self._keeper.life, self._config.video.look_s
        return lookback.nights(self._journal, self._clock, life.boot, look_s, since, life=life, running=True)

    def _mind_the_pause(self) -> None:
        try:
            over = self._switch.over(self._clock.boottime())
        except PauseError as cause:
            log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
            self._fault(Fault.PAUSE_STUCK)
        else:
            if over:
                log.warning("the pause is over")
                self._fault(Fault.PAUSE_OVER)

    def _good_morning(self) -> None:
        try:
            night = self._nights(self._clock.wall() - _LAST_NIGHT.total_seconds())[0]
        except (JournalError, IndexError) as cause:
            log.error("no summary of the night: %s", cause)  # noqa: TRY400 - as above
            return
        title, text = summary(night, self._config.room.name, self._config.room.language, self._clock.zone)
        key = f"summary-{self._clock.local().date().isoformat()}"
        at = self._clock.monotonic()
        stands_for = Incident(0, Fault.RECOVERED, self._config.room.name, Urgency.LOW, State.CLEARED, at, at)
        self._tell(Notice(0, stands_for, key, Reason.SUMMARY, (title, text)))


def deaths(journal: Journal, boot: str) -> list[float]:
    """When lives of the voice ended that did not end as they should, in this run of the machine; oldest first.

    As far as is known: when the next one began, seconds since the machine started.
    """
    try:
        lives = [each for each in journal.lives() if each.boot == boot]
    except JournalError:
        return []
    return [after.began for before, after in pairwise(lives) if not before.stopped]


def _from(by: str, via: str) -> str:
    return "".join(f", {each}" for each in (by, via) if each)
