"""A whole house in one process, its time set by hand: the real receiver, voice, journal, outbox and record.

What is not real is the edge: datagrams lie in a list, channels are a list of what they hold, and clocks are numbers. It
may crash between any two steps, lose its power, have its clock set, its rules changed and its disk filled, and it keeps
books of its own, by which `check` holds the monitor to its promises. Used by the chaos test and by `bench/soak.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from monitord.config import LOG, PAGE, Config
from monitord.events import SEQUENCE_MODULUS, Fault, Frame, Kind, Life, Message, Role, Sound
from monitord.notify import delivery
from monitord.notify.clock import BOOT_ID, Clock
from monitord.notify.database import JournalError
from monitord.notify.inbox import Receiver
from monitord.notify.incident import State
from monitord.notify.journal import Journal
from monitord.notify.record import Record
from monitord.notify.timeline import tile
from monitord.notify.voice import Voice
from monitord.wire import decode, encode

if TYPE_CHECKING:
    from pathlib import Path

    from monitord.notify.delivery import Delivery
    from monitord.notify.incident import Incident
    from monitord.notify.sinks import Notice

EPOCH = 1_790_000_000.0
BEAT_S = 5.0
LOUD = (Kind.SOUND, Kind.SOUND_END)


@dataclass
class Books:
    """What the house itself knows, by which the monitor's own records are judged.

    Attributes:
        accepted: each frame of a sound that was taken in, as it travelled, and the incident it went to.
        confirmed: deliveries that a channel confirmed.
        acknowledged: incident -> channels that a person acknowledged it by.
        unreached: incidents that are known to have reached nobody, and were told so.
    """

    accepted: dict[bytes, int] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)
    acknowledged: dict[int, set[str]] = field(default_factory=dict)
    unreached: set[int] = field(default_factory=set)

    def accept(self, data: bytes, number: int) -> None:
        """A frame of a sound was taken in; 0: the end of what was never heard belongs to no incident."""
        self.accepted[data] = number

    def confirm(self, number: int) -> None:
        """A channel confirmed that delivery."""
        self.confirmed.add(number)

    def acknowledge(self, number: int, via: str) -> None:
        """A person acknowledged that incident by that channel."""
        self.acknowledged.setdefault(number, set()).add(via)

    def reach_nobody(self, numbers: set[int]) -> None:
        """These incidents have reached nobody as of now, and that is told."""
        self.unreached |= numbers


class ChaosHouse:
    """One machine under `folder`; time passes only by `pass_time`. Its books are `books`, where they are given."""

    journal_class = Journal
    skips_what_is_committed = True

    def __init__(
        self,
        folder: Path,
        config: Config | None = None,
        sinks: tuple[str, ...] = (PAGE, LOG),
        books: Books | None = None,
    ) -> None:
        self._folder, self._generation = folder, 0
        self._was_boot = os.environ.get(BOOT_ID)
        self.now, self.ahead, self._boots, self._booted = 0.0, EPOCH, 0, -60.0
        self.clock = Clock(self._since_boot, lambda: self.now + self.ahead, UTC, self._since_boot)
        self.config, self.sinks = config or Config(), sinks
        self.socket: list[bytes] = []
        self.held: dict[int, tuple[str, Notice]] = {}
        self.books = books or Books()
        self._sequences = dict.fromkeys(Role, 0)
        self._deaths: dict[int, float] = {}
        self.disk_fails = False
        self.run = folder / "run"
        self._boot()
        (folder / "state0").mkdir()
        self.start()

    # The life of the machine and of the voice.

    def _since_boot(self) -> float:
        return self.now - self._booted

    def _boot(self) -> None:
        self._boots += 1
        self._booted = self.now - 20.0
        os.environ[BOOT_ID] = f"boot{self._boots}"
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir()
        self.socket.clear()

    def start(self) -> None:
        """As `monitord.notify.process` starts it."""
        self.receiver = Receiver(frozenset({0}))
        self.journal = self.journal_class(self._folder / f"state{self._generation}" / "journal.sqlite3", self.clock)
        if self.skips_what_is_committed and self.socket and self.socket[0] == self.journal.last_frame():
            self.socket.pop(0)
        self.record = Record(
            self.config,
            self.journal,
            self.clock,
            self.run,
            fault=lambda fault: self.voice.fault(fault),  # noqa: PLW0108 - there is no voice yet
            tell=lambda notice: None,
        )
        self.voice = Voice(
            self.config,
            self.journal,
            self.sinks,
            self.clock,
            transmit=self._transmit,
            publish=lambda name, content: None,
            jitter=lambda: 1.0,
        )
        self.settle()

    def crash(self) -> None:
        """SIGKILL: what is on the disk stays, what is in the socket stays, all else is gone."""
        life = self.record._keeper.life.id
        self._deaths[life] = self._since_boot()
        before = self.journal._path.parent
        self._generation += 1
        self.copy_journal(self._folder / f"state{self._generation}")
        self.journal.close()
        shutil.rmtree(before)
        os.close(self.record._keeper._mark)
        self.held.clear()

    def copy_journal(self, folder: Path) -> Path:
        """What of the journal lies on the disk, in a new `folder`: all that was committed; returns the file."""
        folder.mkdir()
        for file in self.journal._path.parent.glob("journal.sqlite3*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder)
        return folder / self.journal._path.name

    def stop(self) -> None:
        """SIGTERM."""
        self._deaths[self.record._keeper.life.id] = self._since_boot()
        self.voice.flush()
        self.record.close()
        self.journal.close()
        self.held.clear()

    def power_cut(self, off_s: float) -> None:
        """The machine loses its power for a while; what lies in memory is gone."""
        self.crash()
        self.now += off_s
        self._boot()
        self.start()

    def close(self) -> None:
        """Leave nothing behind but the folder."""
        self.mend_the_disk()
        self.stop()
        os.environ.pop(BOOT_ID, None)
        if self._was_boot is not None:
            os.environ[BOOT_ID] = self._was_boot

    # The world.

    def say(self, message: Message, role: Role = Role.EAR) -> bytes:
        """A frame is put into the socket; returns it."""
        wraps, sequence = divmod(self._sequences[role], SEQUENCE_MODULUS)
        data = encode(Frame(message, role, 1 + wraps, sequence))  # No two are alike, in whatever number of days.
        self._sequences[role] += 1
        self.socket.append(data)
        return data

    def take_in(self, *, consume: bool = True) -> None:
        """Take in what lies in the socket; not `consume`: die before the last of it is taken away."""
        self.record.tick()
        while self.socket:
            received = self.receiver.judge(self.socket[0], 0, self._since_boot())
            self.voice.receive(received)
            if received.frame is not None:
                self.record.hear(received.frame)
                if received.frame.message.kind in LOUD:
                    self._book(received.data, received.frame.message)
            if not consume and len(self.socket) == 1:
                return
            self.socket.pop(0)
        self.settle()

    def settle(self) -> None:
        """Everything that is due now."""
        self.record.tick()
        self.voice.tick()
        self._note_who_is_told()

    def _note_who_is_told(self) -> None:
        """Whom an alarm of its own tells of now: somebody may take that alarm before `check` comes."""
        if Fault.ALERT_UNDELIVERED in {each.subject for each in self.voice._triage.live}:
            lost = set()
            for number, of in self.voice._outbox._of.items():
                last = {each.sink: each.state for each in of.values() if each.reason in delivery.RINGS}
                if {state for sink, state in last.items() if sink != LOG} == {delivery.State.FAILED}:
                    lost.add(number)
            self.books.reach_nobody(lost)

    def pass_time(self, seconds: float, *, beat: Message | None = None) -> None:
        """Let time pass, from one due thing to the next; the ear beats meanwhile if it has something to say."""
        end = self.now + seconds
        while self.now < end:
            until = min(end, self.now + BEAT_S)
            # A little later rather than a little early, as the process does it.
            while (due := self.voice.next_due()) is not None and due + self._booted + 0.001 <= until:
                self.now = max(self.now, due + self._booted + 0.001)
                self.settle()
            self.now = until
            if beat is not None:
                self.say(beat)
            self.take_in()
            self.voice.heal()
            self.settle()

    def answer(self, number: int, event: delivery.Event) -> None:
        """A channel says what became of what it holds."""
        if event is delivery.Event.CONFIRMED:
            self.books.confirm(number)
        self.held.pop(number)
        self.voice.report(number, event, "" if event is delivery.Event.CONFIRMED else "refused")
        self.settle()

    def acknowledge(self, number: int, via: str = PAGE) -> None:
        """A person takes an incident."""
        for shown in (via, PAGE):
            self.books.acknowledge(number, shown)
        answer = self.voice.acknowledge(number, "Anna", via)
        assert answer is not None, f"incident {number} is not known any more"
        assert answer["acked_at"] is not None
        self.settle()

    def fail_the_disk(self) -> None:
        """Nothing can be written."""
        self.disk_fails = True

        @contextlib.contextmanager
        def full() -> Any:
            raise JournalError("the journal cannot be written: the disk is full")
            yield

        self.journal.transaction = full

    def mend_the_disk(self) -> None:
        """There is room again."""
        if self.disk_fails:
            self.disk_fails = False
            del self.journal.transaction
            self.voice.heal()
            self.settle()

    def _transmit(self, sink: str, notice: Notice) -> None:
        self.held[notice.delivery] = (sink, notice)

    def _book(self, data: bytes, message: Message) -> None:
        subject = message.label
        found = [each for each in self.voice._triage.live if each.subject is subject]
        if message.kind is Kind.SOUND_END and not found:
            self.books.accept(data, 0)
            return
        assert len(found) == 1, f"{subject} is in {len(found)} incidents"
        self.books.accept(data, found[0].id)

    # The promises.

    def check(self) -> None:
        """All promises, as of now."""
        self.check_sounds()
        self.check_alerts()
        self.check_ledger()

    def incidents(self) -> dict[int, Incident]:
        """All there are, those that are not yet written too."""
        known = {each.id: each for each in self.journal.incidents(-1)}
        return known | self.voice._shown._of | self.voice._unwritten._incidents

    def check_sounds(self) -> None:
        """Every sound that was accepted is on record once, and in exactly one incident."""
        written = [encode(each.frame) for each in self.journal.frames_since("")]
        written += [data for data, _ in self.voice._unwritten._frames]
        loud = [data for data in written if decode(data).message.kind in LOUD]
        assert len(loud) == len(set(loud)), "a sound is on record twice"
        assert set(loud) == set(self.books.accepted), "a sound that was accepted is not on record, or the reverse"
        incidents = self.incidents()
        for data, number in self.books.accepted.items():
            message = decode(data).message
            if number:
                assert number in incidents, f"incident {number} is lost"
                assert incidents[number].subject is message.label
                assert message.kind is Kind.SOUND_END or incidents[number].score >= message.score
        live = [each.subject for each in self.voice._triage.live]
        assert len(live) == len(set(live)), "one thing is in two incidents"

    def deliveries(self) -> dict[int, Delivery]:
        """All there are."""
        known = {each.id: each for each in self.journal.deliveries(list(self.incidents()))}
        return known | {number: each for of in self.voice._outbox._of.values() for number, each in of.items()}

    def check_alerts(self) -> None:
        """Every alert is delivered, under way, or told to have reached nobody."""
        last: dict[int, dict[str, Delivery]] = {}
        for _, each in sorted(self.deliveries().items()):
            if each.reason in delivery.RINGS:
                last.setdefault(each.incident, {})[each.sink] = each
            if each.state is delivery.State.DELIVERED:
                shown = each.sink in self.books.acknowledged.get(each.incident, ())
                assert each.id in self.books.confirmed or shown, f"delivery {each.id} never arrived"
        for number, incident in self.incidents().items():
            if incident.alerted_at is None:
                continue
            assert number in last, f"the alert of incident {number} was given to nobody"
            people = [each.state for sink, each in last[number].items() if sink != LOG]
            assert people, f"the alert of incident {number} was given to the log only"
            if set(people) != {delivery.State.FAILED}:
                self.books.unreached.discard(number)
            elif incident.acked_at is None and incident.subject is not Fault.ALERT_UNDELIVERED:
                told = Fault.ALERT_UNDELIVERED in {each.subject for each in self.voice._triage.live}
                assert told or number in self.books.unreached, f"incident {number} reached nobody, and nobody is told"
                self.books.unreached.add(number)
        for sound in (each for each in self.incidents().values() if isinstance(each.subject, Sound)):
            assert sound.alerted_at is not None or sound.state in (State.OPEN, State.HELD, State.CLEARED)

    def check_ledger(self) -> None:
        """The spans of each life follow one another from its beginning, and the lives follow one another."""
        lives, spans = self.journal.lives(), dict(self.journal.spans())
        keeper = self.record._keeper
        for number, span in keeper._watch.unwritten.items():  # The disk is full.
            of = spans.setdefault(keeper.life.id, [])
            of[number - 1 :] = [span]
        assert keeper.life.id == lives[-1].id
        for life in lives:
            rows = spans.get(life.id, [])
            assert rows, f"nothing is known of life {life.id}"
            assert rows[0].began == life.began
            for one, other in pairwise(rows):
                assert one.ended == other.began, f"a gap or an overlap in life {life.id}: {one}, {other}"
            end = self._deaths.get(life.id, self._since_boot())
            assert all(each.began <= end and (each.ended is None or each.ended <= end) for each in rows)
            assert life.alive <= end, f"life {life.id} is said to have outlived itself"
        wall = self.clock.wall()
        tiles = tile(lives, spans, lives[-1].boot, wall)
        assert all(one.ended == other.began for one, other in pairwise(tiles))
        assert not tiles or tiles[-1].ended >= wall - 1e-3


HELLO = Message(Kind.HELLO, Life.STARTED)
