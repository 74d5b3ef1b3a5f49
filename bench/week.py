"""A week of a ward's life, made up from a seed, replayed through a real station's board, book, ledger and report.

    python bench/week.py --html week.html                       # 40 rooms, 7 days, German: --language de
    python bench/week.py --days 1 --rooms 8 --seed 3 --html day.html

Real: every message of the rooms as bytes in their topics, `Board` (which refuses what is not in order), `Desk`,
`WardTriage`, `Ledger` on disk, and the report. Made up: the residents, the staff and the network (`Story`); the clock,
which jumps from one sign of life of the rooms to the next; the voice that would ring and the broker in between.
What was planted is kept (`Story.planted`), so that the report can be held to it (tests/ward/test_week.py).
"""

from __future__ import annotations

import argparse
import heapq
import random
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from monitord.config.ward import WardFile
from monitord.events import Fault, Gate, Sight, Sound
from monitord.notify.clock import Clock
from monitord.notify.incident import State as Course
from monitord.notify.incident import Urgency
from monitord.notify.web.files import files
from monitord.ward.board import Board
from monitord.ward.desk import Desk
from monitord.ward.ledger import Ledger
from monitord.ward.report.page import page
from monitord.ward.triage import WardTriage
from monitord.wardtalk import codec
from monitord.wardtalk import message as talk
from monitord.wardtalk.topics import Kind, Topic

DAY_S = 86400.0
BEGIN = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
"""A Monday."""
BEAT_S = 20.0
"""Signs of life come every 10 s; every other one is left out here, which a station takes without a word (30 s)."""
A_DAY = {"fall": 0.04, "visit": 0.25, "fault": 0.05, "gone": 0.04}
"""How likely each is for a resident, a day."""
TELEVISION, PUMP = 3, 7
"""Of each ten rooms, the one in which a television says "help", and the one in which a pump beeps."""
MORNING = 6
SHIFTS = {"early": (6, 35.0), "late": (14, 45.0), "night": (22, 80.0)}
"""From which hour a shift has the ward, and how long it takes to answer, median in seconds: fewer hands at night."""


@dataclass
class Planted:
    """What was made up: alerts and answers by room, seconds unprotected by (room, cause), sounds that are false."""

    alerts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    waited: list[float] = field(default_factory=list)
    gaps: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    false: set[tuple[str, str]] = field(default_factory=set)


class Story:
    """What happens in `rooms` from BEGIN for `days`: a heap of (when, what to do), and what was planted."""

    def __init__(self, rooms: list[str], days: int, seed: int) -> None:
        self.rooms, self.end = rooms, BEGIN + days * DAY_S
        self._dice = random.Random(seed)
        self.events: list[tuple[float, int, str, str, dict]] = []
        self.planted = Planted()
        self._numbers: dict[str, int] = defaultdict(int)
        for place, room in enumerate(rooms):
            self._resident(room, place, days)
        cut = self._dice.uniform(0.2, 0.8) * days * DAY_S + BEGIN  # The switch of one corridor is started anew.
        for room in rooms[: len(rooms) // 4]:
            self._gone(room, cut, 240.0)

    def _resident(self, room: str, place: int, days: int) -> None:
        dice = self._dice
        for day in range(days):
            midnight = BEGIN + day * DAY_S
            for _ in range(dice.choice((0, 0, 1, 1, 2))):  # Needs help, mostly in the evening and at night.
                sound = dice.choice((Sound.HELP, Sound.HILFE, Sound.CRY))
                self._call(room, midnight + dice.choice((1, 3, 5, 7, 19, 21, 22)) * 3600 + dice.uniform(0, 3500), sound)
            if dice.random() < A_DAY["fall"]:
                self._call(room, midnight + dice.uniform(0, DAY_S - 3600), Sound.HELP, Sight.LYING)
            if dice.random() < A_DAY["visit"]:  # Somebody pauses the room.
                begin = midnight + dice.uniform(13, 17) * 3600
                self._state(room, begin, begin + dice.uniform(900, 3600), paused=True)
            if dice.random() < A_DAY["fault"]:
                fault = dice.choice((Fault.MICROPHONE_MISSING, Fault.MICROPHONE_SILENT, Fault.EAR_SILENT))
                self._broken(room, midnight + dice.uniform(8, 11) * 3600, dice.uniform(120, 5400), fault)
            if dice.random() < A_DAY["gone"]:
                self._gone(room, midnight + dice.uniform(9, 12) * 3600, dice.uniform(300, 4000))
            if place % 10 == TELEVISION:  # While the room is empty.
                self._false(room, midnight + 15.5 * 3600, Sound.HELP, Sight.NOBODY)
            if place % 10 == PUMP:  # For a moment.
                self._false(room, midnight + 10.2 * 3600, Sound.SMOKE_ALARM, None)

    def _put(self, when: float, room: str, what: str, **more: object) -> None:
        if when < self.end:
            heapq.heappush(self.events, (when, len(self.events), room, what, more))

    def _number(self, room: str) -> int:
        self._numbers[room] += 1
        return self._numbers[room]

    def _call(self, room: str, when: float, sound: Sound, sight: Sight | None = None) -> None:
        dice = self._dice
        hour = datetime.fromtimestamp(when, UTC).hour
        on = [median for begin, median in SHIFTS.values() if hour >= begin] if hour >= MORNING else [SHIFTS["night"][1]]
        waits = min(1500.0, on[-1] * dice.lognormvariate(0.0, 0.7))
        if when + waits + 700 > self.end:
            return
        sight = sight or dice.choice((Sight.LYING, Sight.UPRIGHT, Sight.SEVERAL, None))
        about = {"number": self._number(room), "subject": sound, "since": when}
        via = dice.choice((talk.Via.ROOM, talk.Via.WARD, talk.Via.WARD))
        self._put(when, room, "incident", **about, course=Course.ALERTING)
        self._put(when + 4, room, "incident", **about, course=Course.ALERTING, sight=sight)
        self._put(when + waits, room, "incident", **about, course=Course.ACKNOWLEDGED, sight=sight, taken=via)
        self._put(when + waits + 600, room, "incident", **about, course=Course.CLEARED, sight=sight, taken=via)
        self.planted.alerts[room] += 1
        self.planted.waited.append(waits)

    def _false(self, room: str, noon: float, sound: Sound, sight: Sight | None) -> None:
        when = noon + self._dice.uniform(0, 1800)
        about = {"number": self._number(room), "subject": sound, "since": when}
        lasts = 400.0 if sight else self._dice.uniform(10, 40)
        self._put(when, room, "incident", **about, course=Course.ALERTING)
        self._put(when + 4, room, "incident", **about, course=Course.ALERTING, sight=sight)
        self._put(when + lasts, room, "incident", **about, course=Course.CLEARED, sight=sight)
        self.planted.alerts[room] += 1
        self.planted.false.add((room, f"Sound.{sound.name}"))

    def _state(self, room: str, begin: float, end: float, **more: object) -> None:
        self._put(begin, room, "state", protected=False, until=end, **more)
        self._put(end, room, "state", protected=True, until=0.0)

    def _broken(self, room: str, begin: float, lasts: float, fault: Fault) -> None:
        end = min(begin + lasts, self.end)
        about = {"number": self._number(room), "subject": fault, "since": begin}
        self._put(begin, room, "incident", **about, course=Course.ALERTING)
        self._state(room, begin, end, fault=fault)
        self._put(end, room, "incident", **about, course=Course.CLEARED)
        self.planted.gaps[room, f"Fault.{fault.name}"] += end - begin

    def _gone(self, room: str, begin: float, lasts: float) -> None:
        end = min(begin + lasts, self.end)
        self._put(begin, room, "gone")
        self._put(end, room, "back")
        self.planted.gaps[room, "unseen"] += end - begin


class Rooms:
    """Speaks for the rooms, as bytes in topics, to a desk whose clock it turns."""

    def __init__(self, file: WardFile, ledger: Ledger) -> None:
        self.file, self.ledger, self.now, self.messages = file, ledger, BEGIN, 0
        clock = Clock(monotonic=lambda: self.now, wall=lambda: self.now, zone=UTC)
        labels, ward = file.ward.labels, file.ward
        board = Board(ward.site, ward.name, ward.station, rooms=labels, now=BEGIN, lives=ledger.lives())
        config = file.as_room()
        triage = WardTriage(config.room.name, labels, config.rules, file.unseen())
        self.desk = Desk(
            file, board=board, triage=triage, voice=_Nobody(), ledger=ledger, clock=clock, boot=1, sinks=(),
            say=lambda *_: None, publish=lambda *_: None,
        )  # fmt: skip
        self._seq = dict.fromkeys(labels, 0)
        self._away: set[str] = set()
        self._late: list[tuple[float, int, str, str, dict]] = []

    def play(self, story: Story) -> None:
        """The whole story."""
        self.ledger.begin(BEGIN)
        self.desk.linked()
        for room in self._seq:
            self._do(room, "state", {"protected": True, "until": 0.0})
        beat = BEGIN
        while beat < story.end:
            while story.events and story.events[0][0] <= beat:
                when, _, room, what, more = heapq.heappop(story.events)
                self.now = when
                self._do(room, what, more)
                self.desk.settle()
            self.now = beat
            for room in self._seq:
                if room not in self._away:
                    self._say(room, Kind.HEALTH, talk.Health(room, 1, self._next(room), beat, alive=True, line=1))
            self.desk.tick()
            beat += BEAT_S
            if int(beat - BEGIN) % 3600 < BEAT_S:
                self.ledger.alive(beat)
                self.ledger.flush()
        self.now = story.end
        self.desk.settle()
        self.ledger.flush()

    def _next(self, room: str) -> int:
        self._seq[room] += 1
        return self._seq[room]

    def _do(self, room: str, what: str, more: dict) -> None:
        if what == "gone":
            self._away.add(room)
            will = talk.Health(room, 1, 1, self.now, alive=False, line=1)  # As the broker publishes it for the room.
            self._say(room, Kind.HEALTH, will)
            return
        if what == "back":
            self._away.discard(room)
            self._say(room, Kind.HEALTH, talk.Health(room, 1, self._next(room), self.now, alive=True, line=1))
            waiting = [each for each in self._late if each[2] == room]
            self._late = [each for each in self._late if each[2] != room]
            for each in waiting:
                self._do(room, each[3], each[4])
            return
        if room in self._away:  # Its outbox keeps it.
            self._late.append((self.now, 0, room, what, more))
            return
        message = self._state(room, more) if what == "state" else self._report(room, more)
        self._say(room, Kind.STATE if what == "state" else Kind.INCIDENT, message, more.get("number", 0))

    def _state(self, room: str, more: dict) -> talk.State:
        fault, paused = more.get("fault"), more.get("paused", False)
        ear = talk.Microphone.PAUSED if paused else talk.Microphone.FAULTY if fault else talk.Microphone.LISTENING
        return talk.State(
            room, 1, self._next(room), self.now, Gate.PAUSED if paused else Gate.IDLE,
            more["until"] if paused else None, protected=more["protected"], microphone=ear, camera=talk.Camera.IDLE,
            faults=(fault,) if fault else (),
        )  # fmt: skip

    def _report(self, room: str, more: dict) -> talk.Report:
        urgency = Urgency.FAULT if isinstance(more["subject"], Fault) else Urgency.HIGH
        taken = talk.Acknowledged(self.now, more["taken"]) if "taken" in more else None
        return talk.Report(
            room, 1, self._next(room), self.now, more["number"], more["subject"], urgency, more["course"],
            0 if isinstance(more["subject"], Fault) else 88, more["since"], 0, more.get("sight"), taken,
        )  # fmt: skip

    def _say(self, room: str, kind: Kind, message: talk.Message, number: int = 0) -> None:
        self.messages += 1
        topic = str(Topic(kind, self.file.ward.site, room, number))
        self.desk.hear(topic, codec.format(message).encode(), retained=False)


class _Nobody:
    """In the place of the voice: nobody is called."""

    def settle(self, changes: object) -> None:
        """Called with every change."""

    def tell_by(self, sinks: object) -> None:
        """Called with the channels."""


def play(folder: Path, *, rooms: int = 40, days: int = 7, seed: int = 1) -> tuple[Story, Rooms]:
    """Make up a story and replay it; the ledger lies in `folder`."""
    names = [str(101 + number) for number in range(rooms)]
    ward = {"site": "home", "name": "west", "label": "West ward", "station": "desk", "rooms": names}
    file = WardFile.model_validate({"ward": ward, "broker": {"brokers": ["127.0.0.1:1883"]}})
    story = Story(names, days, seed)
    told = Rooms(file, Ledger(folder / "ward.sqlite3", "desk"))
    told.play(story)
    return story, told


def report(told: Rooms, story: Story, language: str = "", style: str = "") -> str:
    """The report of the whole story."""
    local = lambda when: datetime.fromtimestamp(when, UTC)  # noqa: E731
    return page(told.ledger, told.file, begin=BEGIN, end=story.end, language=language, style=style, local=local)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--language", choices=("en", "de"), default="en")
    parser.add_argument("--html", type=Path, required=True)
    options = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="monitord-week-") as folder:
        story, told = play(Path(folder), rooms=options.rooms, days=options.days, seed=options.seed)
        played = time.monotonic()
        html = report(told, story, options.language, files()["/report.css"][0].decode())
        options.html.write_text(html, "utf-8")
        size = (Path(folder) / "ward.sqlite3").stat().st_size
        told.ledger.close()
    print(f"{told.messages} messages, {sum(story.planted.alerts.values())} alerts: {played - begin:.1f} s")
    print(f"report: {time.monotonic() - played:.2f} s, {len(html) / 1e3:.0f} kB; ledger {size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
