"""The voice of one room without its sockets: what is received becomes incidents, which are the notifier's to tell.

One frame, one transaction, which also holds all that follows from it.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from monitord.config import LOOK_GRACE_S
from monitord.events import SELFTEST_FAULTS, Fault, Sound
from monitord.notify.incident import UNANSWERED
from monitord.notify.notifier import Notifier
from monitord.notify.sensing import give_up_looking, says_nothing_new, sense
from monitord.notify.tally import Reading
from monitord.notify.triage import Triage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from monitord.config import Config
    from monitord.notify.book import Change
    from monitord.notify.clock import Clock
    from monitord.notify.inbox import Received
    from monitord.notify.incident import Incident
    from monitord.notify.journal import Journal
    from monitord.notify.ledger import Guard
    from monitord.notify.sinks import Notice
    from monitord.notify.view import Json

log = logging.getLogger(__name__)


class Voice(Notifier):
    """Everything between the inbox and the sinks: a `Notifier`, made like one, whose book is a room's own.

    See `Notifier` for the arguments.
    """

    def __init__(
        self,
        config: Config,
        journal: Journal,
        sinks: Sequence[str],
        clock: Clock,
        *,
        transmit: Callable[[str, Notice], None],
        publish: Callable[[str, Json], None],
        jitter: Callable[[], float],
        followers: Collection[str] = (),
    ) -> None:
        self._wait_s = config.video.look_s + LOOK_GRACE_S
        super().__init__(
            config,
            journal,
            sinks,
            clock,
            book=self._open_book,
            transmit=transmit,
            publish=publish,
            jitter=jitter,
            followers=followers,
        )

    def _open_book(self, live: list[Incident], next_id: int, now: float) -> Triage:
        config = self._config
        self._triage = Triage(
            config.room.name,
            config.rules,
            self._wait_s,
            quiet=config.quiet_hours,
            camera=not config.video.off,
            live=live,
            next_id=next_id,
            now=now,
        )
        return self._triage

    def receive(self, received: Received) -> None:
        """Take in one datagram; when this returns, it is in the journal, or kept for it, and may be consumed."""
        now = self._clock.monotonic()
        self._tell_time(now)
        changes: list[Change] = []
        if received.fault is not None and self._may_report(received.fault, now):
            log.warning("events socket: %s", received.reason)
            changes += self._triage.fault(received.fault, now)
        frame = received.frame
        if frame is None:
            self.settle(changes)
            return
        dull = says_nothing_new(self.senses, frame)
        sense(self.senses, frame, now)
        changes += self._triage.take(frame.message, frame.role, now, frame.age_s)
        self.settle(changes, None if dull else received.data)
        self._mind_the_disk()

    def tick(self) -> None:
        """Do what is due: looks and sounds that are over, ringing again, a silent ear, deliveries."""
        give_up_looking(self.senses, self._clock.monotonic(), self._wait_s)
        super().tick()

    def expect_test(self, seconds: float, *, quiet: bool) -> Json:
        """A self-test begins, and its sound is to come within `seconds`; returns `selftest`.

        Raises:
            WindowError: not now, or not for so long.
        """
        window = self._triage.expect_test(seconds, self._clock.monotonic(), quiet=quiet)
        log.warning("a self-test: for %g s a cry is taken for its sound", window.until - window.begin)
        return self.selftest()

    def selftest(self) -> Json:
        """What has become of the last self-test, for JSON."""
        window = self._triage.window
        if window is None:
            return {"until": None, "incident": None, "written": False}
        on_disk = not self._journal.in_memory and self._journal.incident(window.incident or 0) is not None
        return {
            "until": self._clock.to_utc(window.until),
            "incident": None if window.incident is None else self.find(window.incident),
            "written": on_disk,
        }

    def tested(self, found: Fault | None) -> None:
        """A self-test is over: what it found; None: everything is as it should be."""
        now = self._clock.monotonic()
        over = [each for fault in sorted(SELFTEST_FAULTS - {found}, key=lambda each: each.value)
                for each in self._triage.recovered(fault, now)]  # fmt: skip
        self.settle([*over, *(() if found is None else self._triage.fault(found, now))])

    def follow(self, config: Config) -> None:
        """The owner has other rules, groups and quiet hours from now on."""
        self._config = config
        self._dispatch.follow(config.groups)
        self._triage.follow(config.rules, config.quiet_hours)

    def configured(self, *, right: bool) -> None:
        """Whether the file is right: what is started anew would not start with a wrong one."""
        self.stands(Fault.CONFIGURATION, holds=not right)

    def reading(self, kinds: Mapping[str, str], protection: Mapping[Guard, float]) -> Reading:
        """What holds now, for the metrics.

        Args:
            kinds: name of each channel -> its kind.
            protection: seconds by guard, as the ledger has them.
        """
        live, ear_at = self._triage.live, self.senses.ear_at
        unanswered = (each for each in live if isinstance(each.subject, Sound) and each.state in UNANSWERED)
        return Reading(
            ear_age_s=None if ear_at is None else max(0.0, self._clock.monotonic() - ear_at),
            level_dbfs=self.senses.level_dbfs,
            faults=frozenset(each.subject for each in live if isinstance(each.subject, Fault)),
            unanswered=Counter(each.urgency.value for each in unanswered),
            outbox=self._outbox.under_way(),
            troubled=Counter(kinds[name] for name, trouble in self._channels.items() if trouble),
            protection=protection,
        )
