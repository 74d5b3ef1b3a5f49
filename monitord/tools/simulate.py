"""`monitord simulate`: a night that somebody wrote down, through the rules and the voice that would live through it.

Everything but the far ends is real: the voice, its journal (in memory), triage, incidents, the outbox. Time is that of
the written night; an ear that is alive sends its heartbeats in between. What is printed is what was written, what
became of each incident, and what rang where.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitord.events import Fault, Frame, Gate, Kind, Life, Look, Message, Role
from monitord.notify import delivery, texts
from monitord.notify.clock import Clock
from monitord.notify.database import NOWHERE
from monitord.notify.inbox import Received
from monitord.notify.incident import UNANSWERED
from monitord.notify.journal import Journal
from monitord.notify.voice import Voice
from monitord.tools import happenings as said
from monitord.tools.happenings import Trouble
from monitord.tools.night import NightError, read_night
from monitord.wire import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitord.config import Config
    from monitord.notify.sinks import Notice

WRONG_USAGE = 2
_BEAT_S, _RENEW_S = 5.0, 10.0
"""How often the ear says that it lives, and that a sound goes on (`monitord.audio.ear`)."""
_AFTER_S = 900.0
"""How long the timeline goes on after the last line, where it names no end."""
Entry = dict[str, Any]


def simulate(file: Path, config: Config, *, as_json: bool) -> int:
    """Print what becomes of the night in `file`; returns the exit code."""
    try:
        text = file.read_bytes().decode("utf-8")
        night = read_night(str(file), text, config.channels)
    except OSError as cause:
        return _wrong(f"{file}: cannot be read: {cause.strerror}")
    except UnicodeDecodeError as cause:
        return _wrong(f"{file}: is not UTF-8 text at byte {cause.start}; save it as UTF-8")
    except NightError as mistake:
        return _wrong(str(mistake))
    logging.disable()  # What the voice logs is on the timeline.
    try:
        with contextlib.closing(House(night, config)) as house:
            for entry in house.live():
                print(json.dumps(entry, ensure_ascii=False) if as_json else readable(entry))
    finally:
        logging.disable(logging.NOTSET)
    return 0


class House:
    """The voice of a house without devices, and what was written to happen there.

    Args:
        night: what happens.
        config: the owner's rules.
    """

    def __init__(self, night: said.Night, config: Config) -> None:
        self._night, self._config = night, config
        self._zone = night.zone or UTC
        self._now = 0.0
        self._began = night.start.replace(tzinfo=self._zone).timestamp()
        self._clock = Clock(lambda: self._now, lambda: self._began + self._now, self._zone)
        self._journal = Journal(NOWHERE, self._clock)
        self._trouble = dict.fromkeys(config.channels, Trouble.WORKS)
        self._outside: list[tuple[int, delivery.Event, str]] = []
        self._entries: list[Entry] = []
        self._known: dict[object, object] = {}
        self._future: list[tuple[float, int, Callable[[], None]]] = []
        self._order, self._sequence = itertools.count(), itertools.count()
        self._alive = True
        self._voice = self._start()
        self._hear(Message(Kind.HELLO, Life.STARTED))
        self._beat()

    def close(self) -> None:
        """The night is over, and its journal gone."""
        self._journal.close()

    def live(self) -> Iterator[Entry]:
        """Everything that is on the timeline, in order of time."""
        ended = False
        for line in self._night.lines:
            yield from self._wait_until(self._moment(line))
            self._note("written", text=line.text, line=line.number)
            self._do(line.what)
            self._note_changes()
            yield from self._settle()
            ended = isinstance(line.what, said.End)
            if ended:
                break
        if not ended:
            yield from self._wait_until(self._now + _AFTER_S)

    def _start(self) -> Voice:
        return Voice(
            self._config,
            self._journal,
            self._config.channels,
            self._clock,
            transmit=self._transmit,
            publish=lambda _, __: None,
            jitter=lambda: 0.5,
            followers=[name for name in self._config.channels if name not in ("page", "log")],
        )

    def _moment(self, line: said.Line) -> float:
        """When `line` happens, on the clock of this simulation."""
        if isinstance(line.when, float):
            return self._now + line.when
        here = self._clock.local()
        for days in range(3):
            day = here.date() + timedelta(days=days)
            wall = datetime.combine(day, line.when, self._zone).timestamp()
            if wall >= self._clock.wall() - 1e-6:
                return self._now + max(0.0, wall - self._clock.wall())
        raise AssertionError(line)  # Every time of day comes within two days.

    def _wait_until(self, end: float) -> Iterator[Entry]:
        """Let time pass up to `end`, from one thing that is due to the next."""
        while True:
            times = [self._voice.next_due(), self._future[0][0] if self._future else None, end]
            self._now = max(self._now, min(time for time in times if time is not None))
            while self._future and self._future[0][0] <= self._now:
                heapq.heappop(self._future)[2]()
            yield from self._settle()
            due = self._voice.next_due()
            if self._now >= end and (due is None or due > end):
                return

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._future, (self._now + seconds, next(self._order), call))

    def _settle(self) -> Iterator[Entry]:
        """Whatever follows at this moment: first what became of the incidents, then what rings because of it."""
        before = len(self._entries)
        self._voice.tick()
        rings, self._entries = self._entries[before:], self._entries[:before]
        self._note_changes()
        self._entries += rings
        while self._outside:
            self._voice.report(*self._outside.pop(0))
            self._voice.tick()
        self._note_changes()
        yield from self._entries
        self._entries.clear()

    def _transmit(self, sink: str, notice: Notice) -> None:
        urgency, each = notice.urgency, notice.incident
        if self._is_news(("notice", notice.delivery), None):  # Further attempts of the same are no news.
            self._note(
                "rings" if urgency else "tells",
                channel=sink,
                reason=notice.reason.value,
                urgency=urgency.value if urgency else None,
                incident=each.id,
                label=each.subject.name.lower(),
                text=f"{texts.text(each.subject)} {texts.camera(each.seen)}".strip(),
            )
        match self._trouble[sink]:
            case Trouble.WORKS:
                self._outside.append((notice.delivery, delivery.Event.CONFIRMED, ""))
            case Trouble.FAILS:
                self._outside.append((notice.delivery, delivery.Event.ERROR, "the channel fails, as you wrote"))
            case Trouble.UNSEEN:
                pass

    def _hear(self, message: Message, role: Role = Role.EAR) -> None:
        frame = Frame(message, role, 1, next(self._sequence) % 65536)
        self._voice.receive(Received(encode(frame), frame))

    def _beat(self) -> None:
        if self._alive:
            self._hear(Message(Kind.HEARTBEAT, Gate.IDLE, level=60))
        self._later(_BEAT_S, self._beat)

    def _do(self, what: said.Happening) -> None:  # noqa: C901, PLR0912 - one case for each thing that can happen
        match what:
            case said.Heard():
                self._hear(Message(Kind.SOUND, what.label, what.score, 30))
                if what.for_s:
                    self._later(min(_RENEW_S, what.for_s), lambda: self._go_on(what, self._now + what.for_s - _RENEW_S))
            case said.Ended():
                self._hear(Message(Kind.SOUND_END, what.label))
            case said.Seen(sight):
                kind = Kind.FAULT if isinstance(sight, Fault) else Kind.SIGHT
                for message in (Message(Kind.LOOK, Look.BEGAN), Message(kind, sight), Message(Kind.LOOK, Look.ENDED)):
                    self._hear(message, Role.EYE)
            case said.Broken():
                self._hear(Message(Kind.FAULT, what.fault), what.role)
            case said.Listening():
                self._alive = what.alive
                if what.alive:
                    self._hear(Message(Kind.HELLO, Life.STARTED))
            case said.Person():
                self._act(what)
            case said.Channel():
                self._trouble[what.name] = what.trouble
            case said.Set():
                here = self._clock.local()
                self._began += (datetime.combine(here.date(), what.to) - here).total_seconds()
            case said.Restart():
                self._outside.clear()
                self._voice = self._start()
            case said.End():
                pass

    def _go_on(self, what: said.Heard, end: float) -> None:
        if self._now >= end:
            self._hear(Message(Kind.SOUND_END, what.label))
        else:
            self._hear(Message(Kind.SOUND, what.label, what.score, 30))
            self._later(min(_RENEW_S, end - self._now), lambda: self._go_on(what, end))

    def _act(self, what: said.Person) -> None:
        incidents = self._voice.incidents()
        match what.which:
            case int():
                found = [each for each in incidents if each["id"] == what.which]
            case None:
                found = [each for each in incidents if each["state"] in UNANSWERED]
            case label:
                found = [each for each in incidents if each["label"] == label.name and each["state"] != "cleared"]
        if not found:
            self._note("nothing", text=f"there is nothing to {'mute' if what.mutes else 'acknowledge'}")
            return
        act = self._voice.mute if what.mutes else self._voice.acknowledge
        act(found[0]["id"], what.by, what.via)

    def _note(self, kind: str, **what: object) -> None:
        at = self._clock.local()
        self._entries.append({"t_s": round(self._now, 3), "at": at.isoformat(timespec="seconds"), "type": kind, **what})

    def _note_changes(self) -> None:
        """What became of incidents and deliveries since this was asked last."""
        for each in reversed(self._voice.incidents()):
            shown = {key: each[key] for key in ("state", "urgency", "level", "acked_by", "acked_via")}
            if self._is_news(("incident", each["id"]), shown):
                self._note("incident", incident=each["id"], label=each["label"].lower(), **shown)
            for one in each["deliveries"]:
                final = one["state"] if one["state"] in delivery.FINAL else ""
                result = {"state": final or "trying", "error": one["error"]}
                if (final or one["error"]) and self._is_news(("delivery", one["id"]), result):
                    self._note("delivery", incident=each["id"], channel=one["sink"], reason=one["reason"], **result)

    def _is_news(self, key: object, content: object) -> bool:
        if key in self._known and self._known[key] == content:
            return False
        self._known[key] = content
        return True


def readable(entry: Entry) -> str:
    """One line for a person."""
    at = entry["at"].replace("T", " ")
    match entry["type"]:
        case "written":
            return f"{at}  {entry['text']}"
        case "incident":
            who = " ".join(f"{word} {entry[f'acked_{word}']}" for word in ("by", "via") if entry[f"acked_{word}"])
            loud = entry["state"] not in ("acknowledged", "cleared")
            parts = [entry["urgency"], f"group {entry['level'] + 1}" if entry["level"] else ""] if loud else [who]
            parts = parts if entry["state"] != "cleared" else []
            what = ", ".join(filter(None, [entry["state"], *parts]))
            return f"{at}      {entry['label']} ({entry['incident']}) is {what}"
        case "rings":
            return f"{at}      {entry['channel']} RINGS, {entry['urgency']}, {entry['reason']}: {entry['text']}"
        case "tells":
            return f"{at}      {entry['channel']} is told quietly, {entry['reason']}: {entry['text']}"
        case "delivery":
            why = f": {entry['error']}" if entry["error"] else ""
            verb = {"delivered": "has it", "failed": "was NOT reached"}.get(entry["state"], "is tried again")
            return f"{at}      {entry['channel']} {verb}{why}"
        case _:
            return f"{at}      {entry['text']}"


def _wrong(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return WRONG_USAGE
