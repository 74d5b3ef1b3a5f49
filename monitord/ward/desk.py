"""What a station does with what it hears: board, ringing and ledger follow from it. No socket is held here.

News are gathered and settled together, so that a power failure in a hundred rooms is a few transactions. Nothing is
lost by that: what a room says is retained, and a station that dies before it wrote it down is told again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from monitord.config import BUILT_IN
from monitord.events import Fault
from monitord.notify.incident import State
from monitord.ward.board import Board, Forgotten
from monitord.ward.election import is_away, is_chosen
from monitord.ward.view import Json, board_json, room_json
from monitord.wardtalk.message import TAKEN_MAX, Ack, Act, Report, Station

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.config.ward import WardFile
    from monitord.notify.book import Change
    from monitord.notify.clock import Clock
    from monitord.notify.notifier import Notifier
    from monitord.ward.ledger import Ledger
    from monitord.ward.triage import WardTriage

log = logging.getLogger(__name__)

RESEND_S = 5.0
"""A room is told again of an acknowledgement that it has not shown to know."""
SETTLED_S = 30.0
"""A room that is back has said all its incidents within this time."""
COMPLAIN_S = 10.0


class Desk:
    """One station, between the broker and the page.

    Args:
        config: the station's file.
        board: what it knows.
        triage: its book of incidents.
        voice: what writes them down and tells them.
        ledger: of the ward.
        clock: both clocks.
        boot: of this life.
        sinks: names of all channels.
        say: sends an acknowledgement to a room.
        publish: sends an event to every page.
    """

    def __init__(
        self,
        config: WardFile,
        *,
        board: Board,
        triage: WardTriage,
        voice: Notifier,
        ledger: Ledger,
        clock: Clock,
        boot: int,
        sinks: tuple[str, ...],
        say: Callable[[str, Ack], None],
        publish: Callable[[str, Json], None],
    ) -> None:
        self._config, self._board, self._triage = config, board, triage
        self._voice, self._ledger, self._clock = voice, ledger, clock
        self._boot, self._sinks, self._say, self._publish = boot, sinks, say, publish
        self._seq = 0
        self._changes: list[Change] = []
        self._stirred: set[str] = set(board.rooms)
        self._silent: set[str] = set()
        self._told: dict[str, Json] = {}
        self._boots = {name: room.order.boot for name, room in board.rooms.items()}
        self._sent: dict[tuple[str, int], float] = {}
        self._refused: dict[str, int] = {}
        self._complained = -COMPLAIN_S
        self.rings = False
        voice.tell_by(self._own_channels)
        self.shift: int | None = None
        self._away = False
        self._whole = False

    def hear(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """A message came; `settle` follows soon."""
        now = self._clock.monotonic()
        news = self._board.take(topic, payload, retained=retained, now=now)
        match news:
            case None:
                return
            case Station():
                self._changes += self._triage.taken(news.taken, now)
                self._stirred |= set(news.taken) & set(self._board.rooms)
                self._whole = True
                return
            case Forgotten():
                self._changes += self._triage.forgotten((news.room, news.id), now)
            case Report():
                self._ledger.report(news, self._clock.wall())
                self._changes += self._triage.report(news, now)
                self._repeat_ack((news.room, news.id), now)
        self._stirred.add(news.room)

    def linked(self) -> None:
        """The station hears a broker."""
        self._board.linked(self._clock.monotonic())
        self._whole = True
        self._sent.clear()
        if self._away:
            self._away = False
            self._changes += self._triage.recovered(Fault.BROKER_AWAY, self._clock.monotonic())

    def unlinked(self) -> None:
        """It hears none any more."""
        self._board.unlinked(self._clock.monotonic())
        self._whole = True

    def missed(self) -> set[str]:
        """Rooms of which something was dropped on the way; each is named once."""
        missed, self._board.missed = self._board.missed, set()
        return missed

    def settle(self, *, everything: bool = False) -> None:
        """What follows from what was heard since the last time; `everything`: and from time that has passed."""
        changes, self._changes = self._changes, []
        if changes:
            self._voice.settle(changes)
        if self._triage.stirred:
            self._triage.stirred = False
            self._ledger.keep_mirrors(self._triage.mirrors)
        now, wall = self._clock.monotonic(), self._clock.wall()
        self._stirred |= self._board.settle(now, wall, None if everything else self._stirred)
        self._note(now, wall)
        self._show(now, wall)
        self._complain(now)

    def tick(self) -> None:
        """Do what is due; to be called every second."""
        now = self._clock.monotonic()
        silent = self._board.silent(now)
        self._stirred |= silent ^ self._silent  # A silence becomes an alarm later than the room becomes unseen.
        self._silent = silent
        self._changes += self._triage.silent(silent, now)
        if is_away(self._board, now) and not self._away:
            self._away = True
            self._changes += self._triage.fault(Fault.BROKER_AWAY, now)
        self._forget_what_rooms_do_not_know(now)
        for key in self._triage.unheeded():
            self._repeat_ack(key, now)
        self._mind_the_shift()
        self._mind_who_rings(now)
        self.settle(everything=True)

    def take(self, room: str, number: int, act: str, by: str, via: str) -> Json | None:
        """A person acknowledges or mutes an incident of a room, 0: its silence; None: there is none."""
        if room not in self._board.rooms:
            return None
        mine = self._triage.number((room, number)) if number else self._triage.silence(room)
        if mine is None:
            mine = self._settled_already(room, number)
            return None if mine is None else self.room(room)
        did = self._voice.acknowledge(mine, by, via) if act == "ack" else self._voice.mute(mine, by, via)
        return None if did is None else self.room(room)

    def acted(self, mine: int, act: str, by: str) -> None:
        """A person did something about the incident `mine` of the station, by whichever way: the room is to know."""
        now, key = self._clock.monotonic(), self._triage.mirrored(mine)
        if key is None:
            silent = next((room for room in self._board.rooms if self._triage.silence(room) == mine), None)
            if silent is not None:
                self._ledger.act(silent, 0, act, by, self._clock.wall())
                self._stirred.add(silent)
                self._whole = True
            return
        self._ledger.act(*key, act, by, self._clock.wall())
        self._stirred.add(key[0])
        if act == "ack":
            self._repeat_ack(key, now)
        else:
            self._send(key, Act.MUTE)
        self.settle()

    def message(self, *, alive: bool = True) -> Station:
        """What this station says of itself."""
        self._seq += 1
        return Station(
            self._config.ward.name,
            self._config.ward.station,
            self._boot,
            self._seq,
            round(self._clock.wall(), 3),
            alive=alive,
            rings=self.rings and alive,
            shift=self.shift,
            taken=self._triage.taken_here()[:TAKEN_MAX],
        )

    def json(self) -> Json:
        """The board, for JSON."""
        now = self._clock.monotonic()
        told = board_json(self._board, now, self._clock.wall())
        return self._framed({**told, "rooms": [self._with_silence(each) for each in told["rooms"]]})

    def _framed(self, told: Json) -> Json:
        shift = None if self.shift is None else self._config.shift[self.shift].name
        label = self._config.ward.label or self._config.ward.name
        return {**told, "label": label, "rings": self.rings, "shift": shift}

    def room(self, room: str) -> Json:
        """One room of the board, for JSON."""
        return self._with_silence(room_json(self._board.rooms[room], self._clock.monotonic()))

    def _with_silence(self, told: Json) -> Json:
        """Whether the silence of a room is an alarm, and whether somebody took it."""
        number = self._triage.silence(told["room"])
        taken = number is not None and told["room"] in self._triage.taken_here()
        return {**told, "silence": None if number is None else {"taken": taken}}

    def _settled_already(self, room: str, number: int) -> int | None:
        """A second person acknowledges what is taken or over: that is no mistake."""
        return number if number and number in self._board.rooms[room].incidents else None

    def _repeat_ack(self, key: tuple[str, int], now: float) -> None:
        if not self._triage.is_unheeded(key) or now - self._sent.get(key, -RESEND_S) < RESEND_S:
            return
        self._sent[key] = now
        self._send(key, Act.ACK)

    def _send(self, key: tuple[str, int], act: Act) -> None:
        room, number = key
        known = self._board.rooms[room].incidents.get(number)
        if known is None:
            return
        self._seq += 1
        at = round(self._clock.wall(), 3)
        self._say(room, Ack(self._config.ward.station, self._boot, self._seq, at, number, known.boot, act))

    def _forget_what_rooms_do_not_know(self, now: float) -> None:
        """A room that lost its journal will never say that an incident is over; who took it here has ended it."""
        for number, (room, of, _) in list(self._triage.mirrors.items()):
            there = self._board.rooms.get(room)
            if there is None or there.back_at is None or now - there.back_at < SETTLED_S:
                continue
            known = there.incidents.get(of)
            if known is not None and known.boot == there.order.boot:
                continue
            if any(each.id == number and each.state is State.ACKNOWLEDGED for each in self._triage.live):
                self._changes += self._triage.forgotten((room, of), now)
                there.incidents.pop(of, None)
                self._stirred.add(room)

    def _mind_the_shift(self) -> None:
        shift = self._config.shift_at(self._clock.local())
        if shift != self.shift:
            self.shift, self._whole = shift, True
            self._triage.call(None if shift is None else self._config.shift[shift].notify)
            name = "none" if shift is None else self._config.shift[shift].name
            log.info("the shift that has the ward now: %s", name)

    @property
    def _own_channels(self) -> tuple[str, ...]:
        """Those that ring whichever station rings by the others."""
        return tuple(each for each in self._sinks if each in BUILT_IN)

    def _mind_who_rings(self, now: float) -> None:
        rings = is_chosen(self._board, now)
        if rings is None or rings == self.rings:
            return
        self.rings, self._whole = rings, True
        self._voice.tell_by(self._sinks if rings else self._own_channels)
        log.info("this station %s by the ward's channels", "rings from now on" if rings else "does not ring any more")
        if rings:
            self._changes += self._triage.ring_again(now)

    def _note(self, now: float, wall: float) -> None:
        for name in self._stirred:
            room = self._board.rooms[name]
            if room.order.boot is not None and room.order.boot != self._boots.get(name):
                self._boots[name] = room.order.boot
                self._ledger.life(name, room.order.boot)
            self._ledger.guard(name, *room.guard(now, wall))

    def _show(self, now: float, wall: float) -> None:
        """Tell the pages the rooms that have changed."""
        stirred, self._stirred = self._stirred, set()
        changed = []
        for name in stirred:
            shown = self._with_silence(room_json(self._board.rooms[name], now))
            steady = {key: value for key, value in shown.items() if key != "heard_s"}
            if self._told.get(name) != steady:
                self._told[name] = steady
                changed.append(name)
        if changed or self._whole:
            told = board_json(self._board, now, wall, changed)
            told["rooms"] = [self._with_silence(each) for each in told["rooms"]]
            self._whole = False
            self._publish("board", self._framed(told))

    def _complain(self, now: float) -> None:
        """Bounded: whoever may publish there must not fill the disk with our log."""
        if self._board.complaints and now - self._complained >= COMPLAIN_S:
            self._complained = now
            log.warning(
                "refused: %s; so far %s",
                self._board.complaints[-1],
                ", ".join(f"{why} {count}" for why, count in sorted(self._board.refused.items())),
            )
            self._board.complaints.clear()
            self._whole = True
