"""The process of a station: the voice without ear and eye, with a broker's rooms in their place.

It is confined as the voice is, serves the same page, keeps the same journal, and is watched by the same watchdog.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from typing import TYPE_CHECKING, Any

from monitord import paths, service
from monitord.confine import Process, confine
from monitord.events import Fault, Sound
from monitord.notify.channels import channel_kinds, channels, page_for_others
from monitord.notify.clock import Clock
from monitord.notify.database import JournalError
from monitord.notify.host import Host
from monitord.notify.incident import UNANSWERED
from monitord.notify.journal import Journal
from monitord.notify.keeper import ALIVE
from monitord.notify.mood import Mood
from monitord.notify.notifier import Notifier
from monitord.notify.openpage import open_page
from monitord.notify.outlets import Outlets
from monitord.notify.sinks.log import LogSink
from monitord.notify.sinks.page import PageSink
from monitord.notify.tally import Tally
from monitord.notify.web import scrape
from monitord.notify.web.feed import Feed
from monitord.notify.web.hub import Hub
from monitord.notify.web.server import ServerError
from monitord.notify.web.tls import TlsError
from monitord.ward.board import Board
from monitord.ward.desk import Desk
from monitord.ward.ledger import LEDGER, Ledger
from monitord.ward.no_room import NoRoom
from monitord.ward.report.page import page
from monitord.ward.station import StationLine
from monitord.ward.triage import WardTriage
from monitord.wardtalk.message import BOOT_MAX

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable
    from pathlib import Path

    from monitord.config.ward import WardFile
    from monitord.confine import Confinement
    from monitord.notify.incident import Incident

log = logging.getLogger(__name__)


BEAT_S = 5.0
"""Seconds between two states on the stream; a page that hears none for three of them says so."""
_TICK_S = 1.0
_WRITE_S = 0.5
_SOON_S = 0.05
_ALIVE_S = 60.0
_FORGET_S = 6 * 3600.0
_DAY_S = 86400.0


def main(config: WardFile) -> int:
    """Run the station until SIGTERM or SIGINT; returns the exit code."""
    confinement = confine(Process.VOICE)
    try:
        return asyncio.run(WardProcess(config, Clock(), confinement).run())
    except (JournalError, ServerError, TlsError) as cause:
        log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
        return 1


class WardProcess(NoRoom, Host):
    """One station.

    Args:
        config: its file.
        clock: both clocks.
        confinement: what holds of this process; None: nobody asked (tests).
    """

    _WHAT = "station"

    def __init__(self, config: WardFile, clock: Clock, confinement: Confinement | None = None) -> None:
        super().__init__(config.as_room(), clock)
        self._file, self._confinement = config, confinement
        self._soon: asyncio.TimerHandle | None = None
        self._boot = secrets.randbelow(BOOT_MAX) + 1

    async def _start(self, cleanup: contextlib.AsyncExitStack) -> None:
        state, runtime = paths.ward_dirs()
        ward = self._file.ward
        self._ledger = Ledger(state / LEDGER, ward.station)
        cleanup.callback(self._ledger.close)
        self._ledger.begin(self._clock.wall())
        self._journal = Journal(state / paths.JOURNAL, self._clock, or_in_memory=True)
        cleanup.callback(self._journal.close)
        self._hub = Hub(lambda: {"state": self.state(), "incidents": self.incidents(), "board": self.board()})
        self._feed = Feed(wall=self._clock.wall, monotonic=self._clock.monotonic)
        others = channels(self._config, page_for_others(self._config))
        self._outlets = Outlets((PageSink(self._push), LogSink(), *others), self._report)
        self._voice = Notifier(
            self._config,
            self._journal,
            self._outlets.names,
            self._clock,
            book=self._book,
            transmit=self._outlets.transmit,
            publish=self._publish,
            jitter=random.random,
            followers=self._outlets.followers,
        )
        cleanup.callback(self._voice.flush)
        if self._confinement is not None:
            self._voice.confined(self._confinement.held, complete=self._confinement.complete)
        board = Board(
            ward.site,
            ward.name,
            ward.station,
            rooms=ward.labels,
            now=self._clock.monotonic(),
            lives=self._ledger.lives(),
        )
        self._desk = Desk(
            self._file,
            board=board,
            triage=self._triage,
            voice=self._voice,
            ledger=self._ledger,
            clock=self._clock,
            boot=self._boot,
            sinks=self._outlets.names,
            say=lambda room, ack: self._line.say(room, ack),  # noqa: PLW0108 - there is no line yet
            publish=self._publish_board,
        )
        self._line = StationLine(self._file, self._desk, self._arm)
        cleanup.callback(self._write)
        self._doorkeeper, url = await open_page(
            self,
            self._hub,
            self._feed,
            config=self._file.page,
            language=ward.language,
            folders=(state, runtime),
            cleanup=cleanup,
            every=self._every,
            ward=self,
            metrics=self._metrics,
        )
        cleanup.push_async_callback(self._outlets.stop)
        self._outlets.start(self)
        line = asyncio.create_task(self._line.run())
        line.add_done_callback(self._line_ended)
        cleanup.push_async_callback(_ended, line)
        for seconds, call in (
            (BEAT_S, self._beat),
            (BEAT_S, lambda: _sign(runtime / ALIVE)),
            (_TICK_S, self._tick_the_desk),
            (_WRITE_S, self._write),
            (_ALIVE_S, lambda: self._ledger.alive(self._clock.wall())),
            (_FORGET_S, self._forget),
        ):
            self._every(seconds, call)
        watchdog_s = service.watchdog_s()
        if watchdog_s is not None:
            self._every(watchdog_s, self._feed_watchdog)
        self._tick()
        log.info("the page of the ward is at %s", url)
        service.notify(f"READY=1\nSTATUS=The page of the ward is at {url}")

    def _book(self, live: list[Incident], next_id: int, _: float) -> WardTriage:
        self._triage = WardTriage(
            self._config.room.name,
            self._file.ward.labels,
            self._config.rules,
            self._file.unseen(),
            live=live,
            mirrors=self._ledger.mirrors(),
            next_id=next_id,
        )
        return self._triage

    def _metrics(self) -> Callable[[], bytes]:
        """Begin to count; gives what Prometheus reads. Raises: ScrapeError."""
        ward = scrape.load().ward
        self._tally = Tally(channel_kinds(self._config))
        for each in self._voice.incidents():
            self._tally.know(each)
        counted: Callable[[], bytes] = ward(self.board, self._tally)
        return counted

    def board(self) -> dict[str, Any]:
        """For the server: all rooms."""
        return self._desk.json()

    def report(self, days: int, language: str) -> str:
        """For the server: the report of the last days."""
        self._write()
        end = self._clock.wall()
        return page(self._ledger, self._file, begin=end - days * _DAY_S, end=end, language=language)

    def take(self, room: str, number: int, act: str, by: str, via: str) -> dict[str, Any] | None:
        """For the server: a person takes, or mutes, an incident of a room."""
        before = self._triage.number((room, number)) if number else self._triage.silence(room)
        result = self._desk.take(room, number, act, by, via)
        if before is not None and result is not None:
            self._acted(before, act, by)
            return self._desk.room(room)
        return result

    def state(self) -> dict[str, Any]:
        """For the server: the state of the station, as a room's page knows one."""
        live = self._triage.live
        mood = Mood.CALM
        if live:
            mood = Mood.FAULT
        if any(isinstance(each.subject, Sound) and each.state in UNANSWERED for each in live):
            mood = Mood.ALERT
        return self._voice.state() | {"mood": mood.value, "ward": self._file.ward.name, "paused_until": None}

    def acknowledge(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """For the server and the channels: a person acknowledges."""
        result = self._voice.acknowledge(number, by, via)
        if result is not None:
            self._acted(number, "ack", by)
        return result

    def mute(self, number: int, by: str, via: str) -> dict[str, Any] | None:
        """For the server and the channels: a person mutes the tones."""
        result = self._voice.mute(number, by, via)
        if result is not None:
            self._acted(number, "mute", by)
        return result

    def _acted(self, number: int, act: str, by: str) -> None:
        self._desk.acted(number, act, by)
        self._line.changed()
        self._arm()

    def _tick_the_desk(self) -> None:
        self._desk.tick()
        self._line.changed()
        self._arm()

    def _tick(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._voice.tick()
        self._call_at(self._voice.next_due())

    def _arm(self) -> None:
        """Something may be due: look soon, and once for all that comes until then; a storm is many of these."""
        if self._soon is None:
            self._soon = self._loop.call_later(_SOON_S, self._tick)

    def _beat(self) -> None:
        self._recheck()
        self._publish("state", self.state())
        self._voice.heal()
        self._tick()

    def _write(self) -> None:
        try:
            self._ledger.flush()
        except JournalError as cause:
            log.error("%s", cause)  # noqa: TRY400 - a sentence for a person, not a traceback
            self._voice.fault(Fault.JOURNAL)

    def _forget(self) -> None:
        super()._forget()
        try:
            self._ledger.forget(self._clock.wall() - self._config.journal.keep_days * _DAY_S)
        except JournalError:
            self._voice.fault(Fault.JOURNAL)

    def _publish(self, name: str, content: dict[str, Any]) -> None:
        super()._publish(name, self.state() if name == "state" else content)

    def _publish_board(self, name: str, content: dict[str, Any]) -> None:
        self._hub.publish(name, content)

    def _line_ended(self, task: asyncio.Task[None]) -> None:
        cause = None if task.cancelled() else task.exception()
        if cause is not None:
            self._loop.call_exception_handler({"message": "the line to the broker ended", "exception": cause})


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _sign(path: Path) -> None:
    """The alarm of last resort looks how old it is."""
    try:
        path.touch(0o600)
    except OSError as cause:
        log.debug("%s: %s", path, cause)
