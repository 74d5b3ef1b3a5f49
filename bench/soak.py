"""A day of the monitor: what it holds in memory, open and on the disk over time, and whether anything is missed.

    python bench/soak.py [--seed 1] [--hours 24] [--crashes 8] [--check 1] [--picture FILE] [--json FILE]
    python bench/soak.py --real 10 [--picture FILE] [--json FILE]

The first lives through 24 h of made-up time in one process, with the real receiver, voice, outbox, journal and ledger
(`tests/notify/chaos_house.py`): sounds, faults, looks, people and channels that answer or do not, pauses, full disks, a
clock that is set, and crashes, all drawn from the seed, so that the same seed lives the same day. It keeps its own list
of what was heard, and stops with the promise that was broken. `--crashes 0` is one single life.

The second starts the real processes on a PulseAudio null sink and plays them a cry every 100 s.
"""

from __future__ import annotations

import argparse
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
import soak_picture

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "notify")]

from chaos_house import HELLO, ChaosHouse  # noqa: E402 - after the path to it

from monitord.config import LOG, PAGE, Config  # noqa: E402
from monitord.events import EAR_FAULTS, Fault, Gate, Kind, Look, Message, Role, Sight, Sound  # noqa: E402
from monitord.notify import delivery  # noqa: E402
from monitord.notify.pause import PauseError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEAT = Message(Kind.HEARTBEAT, Gate.IDLE)
FAULTS = sorted(EAR_FAULTS, key=lambda each: each.value)
SAMPLE_S, FORGET_S = 300.0, 6 * 3600.0
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
    """What the process holds at one time of the made-up day."""

    at_h: float
    rss_mib: float
    fds: int
    objects: int
    journal_mib: float
    incidents: int


class Day:
    """One day out of one seed."""

    def __init__(self, seed: int, folder: Path, crashes: float, check_h: float = 1.0) -> None:
        self.dice = random.Random(seed)
        self.house = ChaosHouse(folder, CONFIG, (PAGE, LOG, "phone"))
        self.counts: dict[str, int] = {}
        self.heard: list[tuple[float, bytes]] = []
        self._deaths, self._check_s = crashes, check_h * 3600.0
        self._works = True

    def live(self, hours: float) -> list[Sample]:
        """Live through it; AssertionError: a promise was broken."""
        house, samples = self.house, []
        sample_at, check_at = 0.0, self._check_s
        forget_at = FORGET_S
        house.say(HELLO)
        while house.now < hours * 3600.0:
            self._step(hours)
            if house.now >= forget_at and not house.disk_fails:
                house.journal.forget(CONFIG.journal.keep_days)
                forget_at += FORGET_S
            if house.now >= sample_at:
                samples.append(self._sample())
                sample_at += SAMPLE_S
            if house.now >= check_at:
                house.check()
                check_at += self._check_s
        house.mend_the_disk()
        house.pass_time(delivery.EXPIRE_S + 60.0, beat=BEAT)  # What is under way comes to its end.
        house.check()
        self._nothing_missed()
        samples.append(self._sample())
        return samples

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
        self.heard.append((self.house.now, self.house.say(Message(Kind.SOUND, label, self.dice.randint(50, 100), 40))))
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

    def _nothing_missed(self) -> None:
        incidents = self.house.incidents()
        for at, data in self.heard:
            if data in self.house.books.accepted:
                if self.house.books.accepted[data] not in incidents:
                    raise AssertionError(f"the sound of {at:.0f} s is in no incident")
            else:
                self.counts["sounds lost with the power"] = self.counts.get("sounds lost with the power", 0) + 1

    def _sample(self) -> Sample:
        gc.collect()
        journal = self.house.journal._path.parent  # noqa: SLF001
        size = sum(file.stat().st_size for file in journal.iterdir())
        incidents, _ = self.house.journal.next_ids()
        fds = len(list(Path("/proc/self/fd").iterdir()))
        return Sample(
            self.house.now / 3600.0, measured.memory_mib(os.getpid())[0], fds, len(gc.get_objects()), size / 2**20,
            incidents - 1,
        )  # fmt: skip


def slope(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Least squares: slope, and the standard deviation of what it leaves."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs) or 1.0
    rise = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    left = sum((y - mean_y - rise * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True)) / len(xs)
    return rise, left**0.5


def say_slope(name: str, xs: Sequence[float], ys: Sequence[float]) -> None:
    """One line; the first quarter is left out: caches fill, models warm up."""
    first = len(xs) // 4
    rise, noise = slope(xs[first:], ys[first:])
    print(f"{name}: {ys[first]:.1f} -> {ys[-1]:.1f}, slope {rise:+.3f} an hour, noise {noise:.3f}")


def simulated(options: argparse.Namespace) -> None:
    """The made-up day."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        day = Day(options.seed, Path(folder), options.crashes, options.check)
        samples = day.live(options.hours)
        books = sum(sys.getsizeof(data) + 100 for data in day.house.books.accepted) / 2**20
        day.house.close()
    last = samples[-1]
    print(f"seed {options.seed}: {last.at_h:.1f} h in {time.monotonic() - began:.0f} s, {last.incidents} incidents")
    print(", ".join(f"{count} {name}" for name, count in sorted(day.counts.items())))
    print(f"missed: none of {len(day.heard)} sounds; this script's own books: about {books:.1f} MiB of the memory")
    hours = [each.at_h for each in samples]
    rows = {
        "resident memory, MiB": [each.rss_mib for each in samples],
        "open files": [float(each.fds) for each in samples],
        "Python objects": [float(each.objects) for each in samples],
        "journal, MiB": [each.journal_mib for each in samples],
    }
    for name, values in rows.items():
        say_slope(name, hours, values)
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
