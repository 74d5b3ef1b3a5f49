"""How cost grows: with the journal's past, with what waits to be told, with open pages, sinks and words.

    python bench/growth.py [--rows 10 1000 100000 1000000] [--picture FILE] [--json FILE]

Processor time, each the median of several calls in a process of its own, after one that is not counted; the memory is
what the process holds more than before (private, dirty). The journal is filled with incidents that are over, each with
two deliveries and two frames, one every 26 s of the past. `--rows` up to ten million: a gigabyte a million, on the disk
of the folder for temporary files.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import growth_picture
import measured

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from monitord.config import Config  # noqa: E402 - the checkout's own, whatever is installed
from monitord.events import Frame, Kind, Message, Role, Sound  # noqa: E402
from monitord.notify import delivery, rows  # noqa: E402
from monitord.notify.clock import Clock  # noqa: E402
from monitord.notify.delivery import Reason  # noqa: E402
from monitord.notify.inbox import Received  # noqa: E402
from monitord.notify.incident import State, begin  # noqa: E402
from monitord.notify.journal import Journal  # noqa: E402
from monitord.notify.outbox import Outbox  # noqa: E402
from monitord.notify.voice import Voice  # noqa: E402
from monitord.notify.web.hub import Hub  # noqa: E402
from monitord.wire import encode  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = (10, 1_000, 100_000, 1_000_000)
EVERY_S = 26.0
WAITING, PAGES, SINKS, WORDS = (1, 10, 100, 1_000, 10_000), (0, 1, 10, 50, 128), (2, 4, 8, 16), (1, 2, 4, 8)
PIECE = 50_000


def cost_ms(call: Callable[[], object], calls: int = 9) -> float:
    """Median milliseconds of this process's processor time."""
    call()
    took = []
    for _ in range(calls):
        began = time.process_time_ns()
        call()
        took.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(took)


def fill(path: Path, count: int) -> None:
    """A journal with `count` incidents that are over, the newest a minute ago."""
    clock = Clock()
    Journal(path, clock).close()
    one, _ = begin(1, Sound.CRY, clock.monotonic(), room="Room")
    over = rows.to_row(replace(one, state=State.CLEARED, cleared_at=one.opened_at), clock)
    told = rows.to_row(replace(delivery.begin(1, 1, "page", clock.monotonic()), state=delivery.State.DELIVERED), clock)
    frame = encode(Frame(Message(Kind.SOUND, Sound.CRY, 90, 40), Role.EAR, 1, 1))
    past, ends = rows.INCIDENT.index("opened_at"), rows.INCIDENT.index("cleared_at")
    begun = rows.DELIVERY.index("begun_at")
    now = clock.monotonic()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    for start in range(0, count, PIECE):
        numbers = range(start + 1, min(start + PIECE, count) + 1)
        at = {number: clock.to_utc(now - 60.0 - (count - number) * EVERY_S) for number in numbers}

        def incident(number: int, at: dict[int, str] = at) -> list[object]:
            row = [number, *over[1:]]
            row[past] = row[ends] = at[number]
            return row

        def delivered(number: int, sink: str, at: dict[int, str] = at) -> list[object]:
            row = [2 * number + (sink == "log"), number, sink, *told[3:]]
            row[begun] = at[number]
            return row

        marks = {names: ", ".join("?" * len(names)) for names in (rows.INCIDENT, rows.DELIVERY)}
        database.execute("BEGIN")
        database.executemany(
            f"INSERT INTO incidents ({', '.join(rows.INCIDENT)}) VALUES ({marks[rows.INCIDENT]})",  # noqa: S608 - the journal's own names
            map(incident, numbers),
        )
        for sink in ("page", "log"):
            database.executemany(
                f"INSERT INTO deliveries ({', '.join(rows.DELIVERY)}) VALUES ({marks[rows.DELIVERY]})",  # noqa: S608
                (delivered(number, sink) for number in numbers),
            )
        frames = ((at[number], frame) for number in numbers for _ in range(2))
        database.executemany("INSERT INTO frames (received_at, data) VALUES (?, ?)", frames)
        database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def a_voice(journal: Journal, clock: Clock, sinks: tuple[str, ...] = ("page", "log")) -> Voice:
    """A voice whose channels take everything and say nothing."""
    return Voice(
        Config(),
        journal,
        sinks,
        clock,
        transmit=lambda *_: None,
        publish=lambda *_: None,
        jitter=lambda: 0.5,
    )


def with_past(count: int) -> dict[str, float]:
    """The voice on a journal of `count` incidents; in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path, clock = Path(folder, "journal.sqlite3"), Clock()
        fill(path, count)
        megabytes = path.stat().st_size / 2**20
        gc.collect()
        before = measured.private_mib(os.getpid())

        def start() -> None:
            journal = Journal(path, clock)
            a_voice(journal, clock)
            journal.close()

        started = cost_ms(start, 3)
        journal = Journal(path, clock)
        voice = a_voice(journal, clock)
        sequence = iter(range(65536))

        def alert() -> None:
            message = Message(Kind.SOUND, Sound.CRY, 90, 40)
            frame = Frame(message, Role.EAR, 1, next(sequence))
            voice.receive(Received(encode(frame), frame))
            voice.tick()

        found = {
            "rows": count,
            "file_mib": megabytes,
            "start_ms": started,
            "alert_ms": cost_ms(alert),
            "page_ms": cost_ms(voice.incidents),
            "history_ms": cost_ms(lambda: journal.incidents_since(clock.to_utc(clock.monotonic() - 86400.0)), 3),
            "forget_ms": cost_ms(lambda: journal.forget(30), 3),
            "memory_mib": measured.private_mib(os.getpid()) - before,
        }
        journal.close()
        return found


def with_waiting(count: int) -> float:
    """Milliseconds to ask what is due next, and to do one delivery, with `count` under way."""
    outbox = Outbox()
    for number in range(count):
        outbox.begin(number + 1, ["phone"], Reason.ALERT, 1000.0)

    def one() -> None:
        outbox.put(replace(outbox.begin(1, ["phone"], Reason.ALERT, 1000.0)[0], due_at=1001.0))
        outbox.next_due()

    return cost_ms(one)


def with_pages(count: int) -> float:
    """Milliseconds to publish a state to `count` open pages."""
    hub = Hub(dict)
    state = {"room": "Room", "channels": [{"name": "page", "trouble": ""}] * 4, "text": "x" * 800}
    clients = [hub.join("")[0] for _ in range(count)]

    def publish() -> None:
        hub.publish("state", state)
        for client in clients:
            client.queue.get_nowait()

    return cost_ms(publish, 99)


def with_sinks(count: int) -> float:
    """Milliseconds of one alert that goes to `count` sinks."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        journal = Journal(Path(folder, "journal.sqlite3"), clock)
        voice = a_voice(journal, clock, tuple(f"sink{number}" for number in range(count)))
        sounds = iter(list(Sound) * 4)
        sequence = iter(range(65536))

        def alert() -> None:
            sound = next(sounds)
            for kind in (Kind.SOUND, Kind.SOUND_END):
                frame = Frame(Message(kind, sound, 90 if kind is Kind.SOUND else 0, 40), Role.EAR, 1, next(sequence))
                voice.receive(Received(encode(frame), frame))
            voice.tick()

        took = cost_ms(alert, 3)
        journal.close()
        return took


def with_words(count: int) -> float:
    """Milliseconds for one hop in which stage one takes what it hears for speech, with `count` words loaded."""
    import numpy as np  # noqa: PLC0415 - the voice has none, and its memory is measured
    from listeners import word_cards  # noqa: PLC0415

    from monitord.audio.models import EarModels  # noqa: PLC0415
    from monitord.settings import Audio  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        os.environ["RUNTIME_DIRECTORY"] = folder
        detector = EarModels.load(Audio(words=word_cards(count))).detector()
        sound = np.random.default_rng(1).normal(0.0, 3000.0, 64 * 8000).astype(np.int16)
        detector._candidates = [0.0] * len(detector._candidates)  # noqa: SLF001 - so that each word looks in each hop
        at = iter(range(64))

        def hop() -> None:
            start = next(at) * 8000
            detector.feed(sound[start : start + 8000])

        for _ in range(20):
            hop()
        return cost_ms(hop, 39)


def child(what: str, size: int) -> Any:
    """One figure, measured in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__)), "--one", what, str(size)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{what} {size}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, print, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--picture", type=Path, help="write the curves there, SVG")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(globals()[options.one[0]](int(options.one[1]))))
        return
    past = [child("with_past", count) for count in options.rows]
    for row in past:
        print("  ".join(f"{name} {value:.6g}" for name, value in row.items()), flush=True)
    others: dict[str, dict[int, float]] = {}
    for what, sizes in (("with_waiting", WAITING), ("with_pages", PAGES), ("with_sinks", SINKS), ("with_words", WORDS)):
        others[what] = {size: child(what, size) for size in sizes}
        print(what, "  ".join(f"{size}: {value:.4g} ms" for size, value in others[what].items()), flush=True)
    if options.picture:
        options.picture.write_text(growth_picture.draw(past, others), "utf-8")
    if options.json:
        report = {"machine": measured.machine(), "past": past, **others}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
