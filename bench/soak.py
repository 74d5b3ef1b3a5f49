"""A day of the monitor: what it holds in memory, open and on the disk over time, and whether anything is missed.

    python bench/soak.py [--seed 1] [--hours 24] [--crashes 8] [--check 1] [--picture FILE] [--json FILE]
    python bench/soak.py --real 10 [--picture FILE] [--json FILE]

The first lives through 24 h of made-up time in one process, with the real receiver, voice, outbox, journal and ledger
(`tests/notify/chaos_house.py`): sounds, faults, looks, people and channels that answer or do not, pauses, full disks, a
clock that is set, and crashes, all drawn from the seed, so that the same seed lives the same day. It keeps its own list
of what was heard, and stops with the promise that was broken. `--crashes 0` is one single life. What the script itself
knows lies in files, and the looks at all promises are those of a child (`soak_books.py`): what is measured is the
monitor, and what it takes to run it.

The second starts the real processes on a PulseAudio null sink and plays them a cry every 100 s.
"""

from __future__ import annotations

import _sqlite3
import argparse
import ctypes
import gc
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import measured
import soak_books
import soak_picture

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "notify")]

from chaos_house import HELLO, ChaosHouse  # noqa: E402 - after the path to it

from monitord.config import LOG, PAGE, Config  # noqa: E402
from monitord.events import EAR_FAULTS, Fault, Gate, Kind, Look, Message, Role, Sight, Sound  # noqa: E402
from monitord.notify import delivery  # noqa: E402
from monitord.notify.journal import Journal  # noqa: E402
from monitord.notify.pause import PauseError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import TextIO

BEAT = Message(Kind.HEARTBEAT, Gate.IDLE)
FAULTS = sorted(EAR_FAULTS, key=lambda each: each.value)
SAMPLE_S, FORGET_S = 300.0, 6 * 3600.0
FULL = 0.98
"""Of the most that SQLite ever holds; the rest are statements, which come and go."""
CONFIG = Config.model_validate(
    {
        "groups": {"parents": ["page"], "neighbours": ["page", "log"]},
        "rules": {
            "cry": {"alert": "after_look", "notify": ["parents", "neighbours"]},
            **{sound.name.lower(): {"until": "quiet"} for sound in Sound if sound is not Sound.CRY},
        },
    }
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds at one time of the made-up day; `sqlite_mib` is a part of `rss_mib`."""

    at_h: float
    rss_mib: float
    sqlite_mib: float
    fds: int
    objects: int
    journal_mib: float
    incidents: int


class Day:
    """One day out of one seed."""

    def __init__(self, seed: int, folder: Path, crashes: float, check_h: float = 1.0) -> None:
        self.dice = random.Random(seed)
        self.books = soak_books.BooksOnDisk(folder / "books")
        self.house = ChaosHouse(folder, CONFIG, (PAGE, LOG, "phone"), self.books)
        self.counts: dict[str, int] = {}
        self._deaths, self._check_s = crashes, check_h * 3600.0
        self._works = True
        self._folder = folder

    def live(self, hours: float) -> list[Sample]:
        """Live through it; AssertionError: a promise was broken."""
        with (self._folder / "samples").open("w+", encoding="ascii") as samples:
            self._live(hours, samples)
            samples.seek(0)
            return [Sample(**json.loads(line)) for line in samples]

    def close(self) -> None:
        """It is over."""
        self.house.close()
        self.books.close()

    def _live(self, hours: float, samples: TextIO) -> None:
        house = self.house
        sample_at, check_at = 0.0, self._check_s
        forget_at = FORGET_S
        house.say(HELLO)
        while house.now < hours * 3600.0:
            self._step(hours)
            if house.now >= forget_at and not house.disk_fails:
                house.journal.forget(CONFIG.journal.keep_days)
                forget_at += FORGET_S
            if house.now >= sample_at:
                self._sample(samples)
                sample_at += SAMPLE_S
            if house.now >= check_at:
                self._check()
                check_at += self._check_s
        house.mend_the_disk()
        house.pass_time(delivery.EXPIRE_S + 60.0, beat=BEAT)  # What is under way comes to its end.
        self._sample(samples)
        if lost := self._check():
            self.counts["sounds lost with the power"] = lost

    def _step(self, hours: float) -> None:
        """One thing that happens, then some time."""
        house, dice = self.house, self.dice
        per_hour = 3600.0 / 12.0  # Steps, about: each lasts 12 s in the mean.
        happenings: list[tuple[float, str, Callable[[], object]]] = [
            (150.0, "sounds", self._sound),
            (30.0, "looks", self._look),
            (12.0, "faults of the ear", self._fault),
            (20.0, "acknowledgements", lambda: self._person(house.acknowledge)),
            (6.0, "mutes", lambda: self._person(lambda number: house.voice.mute(number, "Ben", PAGE))),
            (0.5, "pauses", self._pause),
            (1.0, "clocks set", self._set_clock),
            (0.5, "silent ears", lambda: house.pass_time(dice.uniform(16.0, 60.0))),
            (0.3, "full disks", house.fail_the_disk),
            (0.5, "channels away or back", self._channel),
        ]
        if not house.disk_fails:
            happenings.append((self._deaths / hours, "crashes", self._die))
        for often, name, happen in happenings:
            if dice.random() < often / per_hour:
                self.counts[name] = self.counts.get(name, 0) + 1
                happen()
        if house.disk_fails and dice.random() < 0.1:  # noqa: PLR2004 - two minutes, about
            house.mend_the_disk()
        self._answers()
        house.pass_time(dice.uniform(4.0, 20.0), beat=BEAT)

    def _sound(self) -> None:
        label = self.dice.choice(list(Sound))
        at, message = self.house.now, Message(Kind.SOUND, label, self.dice.randint(50, 100), 40)
        self.books.hear(at, self.house.say(message))
        self.house.take_in()
        if self.dice.random() < 0.7:  # noqa: PLR2004
            self.house.say(Message(Kind.SOUND_END, label, 0, 40))

    def _look(self) -> None:
        for what in (Look.ASKED, Look.BEGAN, self.dice.choice(list(Sight)), Look.ENDED):
            kind = Kind.LOOK if isinstance(what, Look) else Kind.SIGHT
            self.house.say(Message(kind, what), Role.EAR if what is Look.ASKED else Role.EYE)
            self.house.pass_time(1.0)

    def _fault(self) -> None:
        self.house.say(Message(Kind.FAULT, self.dice.choice(FAULTS)))
        self.house.pass_time(self.dice.uniform(1.0, 60.0), beat=BEAT)
        self.house.say(Message(Kind.FAULT, Fault.RECOVERED))

    def _person(self, act: Callable[[int], object]) -> None:
        live = [each.id for each in self.house.voice._triage.live]  # noqa: SLF001 - as the tests look inside
        if live:
            act(self.dice.choice(live))

    def _pause(self) -> None:
        try:
            self.house.record.pause(self.dice.randint(1, 20), "Anna", PAGE)
        except PauseError:
            self.house.record.resume("Anna", PAGE)

    def _set_clock(self) -> None:
        self.house.ahead += self.dice.choice([-3600.0, -30.0, -1.0, 1.0, 30.0, 3600.0])

    def _channel(self) -> None:
        self._works = not self._works

    def _die(self) -> None:
        if self.dice.random() < 0.3:  # noqa: PLR2004
            self.house.power_cut(self.dice.uniform(10.0, 600.0))
        else:
            self.house.crash()
            self.house.now += self.dice.uniform(0.0, 5.0)
            self.house.start()
        self.house.say(HELLO)

    def _answers(self) -> None:
        for number in sorted(self.house.held):
            sink, _ = self.house.held[number]
            works = sink == LOG or (self._works and self.dice.random() < 0.8)  # noqa: PLR2004
            self.house.answer(number, delivery.Event.CONFIRMED if works else delivery.Event.ERROR)

    def _check(self) -> int:
        """Look at all promises; returns how many sounds were lost with the power. The memory it takes is a child's."""
        lost = soak_books.apart(self._check_copy)
        self.books.say_again()
        return lost

    def _check_copy(self) -> int:
        """In the child: the same house, with the books in memory and what of the journal lies on the disk by now."""
        house = self.house
        house.books = self.books.read()
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            house.journal = Journal(house.copy_journal(Path(folder, "copy")), house.clock)
            if house.journal.set_aside is not None:
                raise AssertionError("the journal is damaged")
            house.check()
            lost = nothing_missed(house.books, house.incidents())
            house.journal.close()
        self.books.correct(house.books.unreached)
        return lost

    def _sample(self, samples: TextIO) -> None:
        gc.collect()
        journal = self.house.journal._path.parent  # noqa: SLF001
        size = sum(file.stat().st_size for file in journal.iterdir())
        incidents, _ = self.house.journal.next_ids()
        fds = len(list(Path("/proc/self/fd").iterdir()))
        sample = Sample(
            self.house.now / 3600.0, measured.memory_mib(os.getpid())[0], sqlite_mib(), fds, len(gc.get_objects()),
            size / 2**20, incidents - 1,
        )  # fmt: skip
        samples.write(json.dumps(asdict(sample)) + "\n")


def nothing_missed(books: soak_books.DayBooks, incidents: Collection[int]) -> int:
    """How many sounds were lost with the power; AssertionError: one was taken in, and is in no incident."""
    for at, data in books.heard:
        if data in books.accepted and books.accepted[data] not in incidents:
            raise AssertionError(f"the sound of {at:.0f} s is in no incident")
    return sum(data not in books.accepted for _, data in books.heard)


def sqlite_mib() -> float:
    """What SQLite holds of the heap: statements, and of the file's pages 2 MB at most; 0: it cannot be asked."""
    used = getattr(ctypes.CDLL(_sqlite3.__file__), "sqlite3_memory_used", None)
    if used is None:
        return 0.0
    used.restype = ctypes.c_int64
    return float(used()) / 2**20


def slope(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Least squares: slope, and the standard deviation of what it leaves."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs) or 1.0
    rise = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    left = sum((y - mean_y - rise * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True)) / len(xs)
    return rise, left**0.5


def say_slope(name: str, xs: Sequence[float], ys: Sequence[float], first: int | None = None) -> None:
    """One line, of what follows sample `first`; else the first quarter is left out: caches fill, models warm up."""
    first = len(xs) // 4 if first is None else first
    rise, noise = slope(xs[first:], ys[first:])
    print(f"{name}: {ys[first]:.1f} -> {ys[-1]:.1f}, slope {rise:+.3f} an hour, noise {noise:.3f}")


def filled(held: Sequence[float]) -> int | None:
    """From which sample on SQLite holds no more pages than before; None: for less than a quarter of the samples."""
    first = next(number for number, each in enumerate(held) if each >= FULL * max(held))
    return first if first <= len(held) * 3 // 4 else None


def simulated(options: argparse.Namespace) -> None:
    """The made-up day."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        day = Day(options.seed, Path(folder), options.crashes, options.check)
        samples = day.live(options.hours)
        day.close()
    last = samples[-1]
    print(f"seed {options.seed}: {last.at_h:.1f} h in {time.monotonic() - began:.0f} s, {last.incidents} incidents")
    print(", ".join(f"{count} {name}" for name, count in sorted(day.counts.items())))
    print(f"missed: none of {day.counts['sounds']} sounds")
    hours = [each.at_h for each in samples]
    rows = {
        "resident memory, MiB": [each.rss_mib for each in samples],
        "of it held by SQLite, MiB": [each.sqlite_mib for each in samples],
        "open files": [float(each.fds) for each in samples],
        "Python objects": [float(each.objects) for each in samples],
        "journal, MiB": [each.journal_mib for each in samples],
    }
    for name, values in rows.items():
        say_slope(name, hours, values)
    if full := filled(rows["of it held by SQLite, MiB"]):
        say_slope(f"resident memory since hour {hours[full]:.1f}, when SQLite held all that it keeps, MiB",
                  hours, rows["resident memory, MiB"], full)  # fmt: skip
    if options.picture:
        options.picture.write_text(soak_picture.draw("hours", hours, rows), "utf-8")
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in samples], indent=1) + "\n", "utf-8")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--crashes", type=float, default=8.0, help="in all, about")
    parser.add_argument("--check", type=float, default=1.0, metavar="HOURS", help="between two looks at all promises")
    parser.add_argument("--real", type=float, metavar="MINUTES")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.real is None:
        simulated(options)
    else:
        import soak_real  # noqa: PLC0415 - it needs a sound server

        soak_real.run(options, say_slope)


if __name__ == "__main__":
    main()
