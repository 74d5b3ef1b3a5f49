"""The ear's loop: blocks in, frames out; faults and the pause switch on the way.

It never waits anywhere but for the next block, and for that with a limit, so heartbeats go on whatever the microphone
does. The eye and the voice are told by datagrams that are sent or not, at once.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from monitord import paths, service
from monitord.audio import health
from monitord.audio.ear import ASK, Ear
from monitord.audio.source import MicrophoneError
from monitord.events import EAR_FAULTS, Fault, Frame, Gate, Message, Role
from monitord.settings import PAUSE_MAX_S
from monitord.wire import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitord.audio.detector import Decision, Detector, Stages
    from monitord.audio.features import Samples
    from monitord.audio.masking import Masking
    from monitord.audio.source import Source
    from monitord.channel import Channel
    from monitord.settings import Senses

log = logging.getLogger(__name__)

TICK_S = 1.0
"""Longest wait without a microphone before timers, heartbeats and the pause switch are looked at again."""
WAIT_S = 1.5
"""Longest wait for a block: more than the longest there is, so that a quiet second wakes this process once."""
BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pause before the first, second, ... reopening in a row."""
STEADY_S = 60.0
"""After so long without trouble, overruns are forgotten and the next reopening is a first one again."""
STALLS_MAX = 4
"""A stream that stalls after so many openings in a row may be this process's own fault, or its library's."""
PATIENCE_S = 60.0
"""The voice gets so long to end a pause before the ear does."""

OPENING_S = 4.0
"""An opening without a block after so long is told, a tick later at most, and goes on: the source itself gives it up.
Drivers that are slow (a network of sound servers, a card that wakes up) so cost one alarm and not their microphone."""

DEAF = (Fault.MICROPHONE_MISSING, Fault.MICROPHONE_BUSY, Fault.MICROPHONE_STALLED)
"""What the first block of a reopened microphone clears."""
UNHEARD = frozenset({*DEAF, Fault.MICROPHONE_SILENT, Fault.MICROPHONE_CONSTANT})
"""With one of these told, the owner knows that nothing is heard, and a restart would help no more than reopening."""
PROGRESS_S = 60.0
"""Without any sound that changes for so long, and nothing told that says why, this process is of no use any more."""
DROWNED = frozenset({Fault.ROOM_TOO_LOUD})


class SourceHangs(Exception):  # noqa: N818 - a state of affairs that only a new process ends
    """The sound system hangs, and only a new process may get free of it; the text says so."""


class Loop:
    """Runs one source, detector and ear.

    Args:
        config: the configuration.
        channel: where messages go.
        open_source: opens the source anew; may raise MicrophoneError.
        make_detector: a fresh detector, for a stream that begins.
        trace: print each decision as one JSON object a line on stdout.
        masking: asks now and then whether a cry would be heard over the noise; None: nobody does.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        config: Senses,
        channel: Channel,
        open_source: Callable[[], Source],
        make_detector: Callable[[], Detector],
        *,
        trace: bool = False,
        masking: Masking | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._open_source = open_source
        self._make_detector = make_detector
        self._detector = make_detector()
        self._trace = trace
        self._masking = masking
        self._clock = clock
        self._ear = Ear(config, clock())
        self._paused_switch = str(paths.runtime_dir() / paths.PAUSED)
        self._switch_at = clock()
        self._switched_at: float | None = None
        self._look_path = str(paths.runtime_dir() / paths.LOOK_SOCKET)
        self._look_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._source: Source | None = None
        self._opened_at: float | None = None
        self._health = health.Health()
        self._woken: SimpleQueue[None] = SimpleQueue()
        self._stopping = False
        self._failures = self._stalls = 0
        self._retry_at = self._trouble_at = clock()
        self._overruns = 0
        self._watchdog_s = service.watchdog_s()
        self._watchdog_at = self._progress_at = clock()

    def stop(self) -> None:
        """Make `run` return soon; callable from a signal handler."""
        self._stopping = True
        self._woken.put(None)
        if self._source is not None:
            self._source.wake()

    def run(self, begun: Callable[[], object] = lambda: None) -> None:
        """Run until `stop`.

        Args:
            begun: called once, after the first turn: what need not delay the first decision.

        Raises:
            SourceHangs: the source could not be closed, or opening it anew does not help.
        """
        with self._look_socket:
            if not self._stopping:
                self.turn()
                begun()
            while not self._stopping:
                self.turn()
            self._close()

    def turn(self) -> None:
        """Wait for one block, or a tick, and do what follows from it."""
        now = self._clock()
        if self._watchdog_s is not None and now >= self._watchdog_at and self._alive(now):
            self._watchdog_at = now + self._watchdog_s
            service.notify("WATCHDOG=1")
        if now >= self._switch_at:
            self._mind_the_switch(now)
        try:
            block = self._next_block(now)
        except MicrophoneError as cause:
            self._lost(cause)
            return
        now = self._clock()
        decisions = self._take(block, now) if block is not None else self._nothing_came(now)
        for decision in decisions:
            if messages := self._ear.hear(decision, now):
                self._say(messages, now)
            if self._trace:
                self._print(decision, messages)
        if not decisions:
            self._say(self._ear.tick(now), now)
            self._channel.flush()  # What a voice that was away has missed need not wait for the next message.

    def _take(self, block: Samples, now: float) -> list[Decision]:
        """What follows from a block before anything is said on the sound in it; most often nothing does."""
        decisions = self._detector.feed(block)
        self._going_well(block, now)
        if decisions and (self._health.changes or not self._ear.silence_is_fault):
            self._progress_at = now
        if self._masking is not None:
            drowned = self._masking.take(block, decisions[-1] if decisions else None)
            if drowned or self._ear.faults:
                self._say(self._ear.found(DROWNED if drowned else frozenset(), DROWNED, now), now)
        return decisions

    def _nothing_came(self, now: float) -> list[Decision]:
        if self._opened_at is not None and now - self._opened_at >= OPENING_S:
            log.warning("no sound %g s after the microphone was to be opened; it is waited for", now - self._opened_at)
            self._opened_at = None
            self._say(self._ear.fault(Fault.MICROPHONE_STALLED, now), now)
        return []

    def _alive(self, now: float) -> bool:
        """Whether sound that changes went through the detector of late, or the owner knows why not."""
        explained = self._ear.gate is Gate.PAUSED or bool(self._ear.faults & UNHEARD)
        return explained or now - self._progress_at < PROGRESS_S

    def _mind_the_switch(self, now: float) -> None:
        self._switch_at = now + TICK_S
        wanted = self._wanted_closed(now)
        if wanted == (self._ear.gate is Gate.PAUSED):
            return
        log.info("the microphone is %s by the owner", "closed" if wanted else "opened again")
        if wanted:
            self._close()
            self._say(self._ear.clear(*EAR_FAULTS), now)
            self._say(self._ear.pause(now), now)
        else:
            self._failures, self._retry_at = 0, now
            self._say(self._ear.resume(now), now)

    def _wanted_closed(self, now: float) -> bool:
        """Whether the switch is there; one that nobody removes is no longer minded after the longest pause there is."""
        if not os.access(self._paused_switch, os.F_OK):
            self._switched_at = None
            return False
        if self._switched_at is None:
            self._switched_at = now
        return now - self._switched_at < PAUSE_MAX_S + PATIENCE_S

    def _next_block(self, now: float) -> Samples | None:
        if self._source is None and self._ear.gate is not Gate.PAUSED and now >= self._retry_at:
            self._source, self._opened_at = self._open_source(), now
            self._ear.silence_is_fault = self._source.silence_is_fault
            self._detector = self._make_detector()
            self._health = health.Health()
            if self._masking is not None:
                self._masking.begin()
            self._overruns = 0
        if self._source is not None:
            return self._source.read(WAIT_S)
        wait_s = TICK_S if self._ear.gate is Gate.PAUSED else min(TICK_S, self._retry_at - now)
        with suppress(Empty):
            self._woken.get(timeout=max(0.0, wait_s))
        return None

    def _lost(self, cause: MicrophoneError) -> None:
        now = self._clock()
        back_off_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        self._trouble_at = now
        self._retry_at = now + back_off_s
        log.warning("%s; it is tried again in %g s", cause, back_off_s)
        self._say(self._ear.fault(cause.fault, now), now)
        self._close()
        self._stalls = self._stalls + 1 if cause.fault is Fault.MICROPHONE_STALLED else 0
        if self._stalls >= STALLS_MAX:
            raise SourceHangs("opening the microphone anew does not help; a new ear tries")

    def _going_well(self, block: Samples, now: float) -> None:
        """A block came: what kept the ear from hearing is over; what may come again is over after a while."""
        assert self._source is not None  # noqa: S101 - a block came from it
        self._stalls, self._opened_at = 0, None
        messages = self._ear.clear(*DEAF) if self._ear.faults else []
        if self._source.overruns > self._overruns:
            self._overruns, self._trouble_at = self._source.overruns, now
            messages += self._ear.fault(Fault.MICROPHONE_OVERRUN, now)
        elif now - self._trouble_at >= STEADY_S:
            self._failures = 0
            messages += self._ear.clear(Fault.MICROPHONE_OVERRUN)
        if self._source.silence_is_fault:  # A file may be what it likes.
            ill = self._health.take(block)
            if ill or self._ear.faults:
                messages += self._ear.found(ill, health.FAULTS, now)
        if messages:
            self._say(messages, now)

    def _close(self) -> None:
        source, self._source, self._opened_at = self._source, None, None
        if source is not None and not source.close():
            raise SourceHangs("the sound system hangs and keeps the microphone; only a new ear gets free of it")

    def _say(self, messages: Iterable[Message], now: float) -> None:
        for message in messages:
            self._channel.send(message)
            if message == ASK:
                self._ask_eye(now)

    def _ask_eye(self, now: float) -> None:
        try:
            self._look_socket.sendto(encode(Frame(ASK, Role.EAR, boot=0, sequence=0)), self._look_path)
        except OSError as cause:
            log.warning("the eye cannot be asked to look: %s", cause.strerror)
            self._say(self._ear.look_failed(now), now)
        else:
            self._say(self._ear.clear(Fault.EYE_UNREACHABLE), now)

    def _print(self, decision: Decision, messages: list[Message]) -> None:
        try:
            print(json.dumps(trace_line(decision, self._ear.gate, messages)), flush=True)  # noqa: T201 - the trace
        except OSError:  # Its reader went away; hearing goes on.
            self._trace = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Else the exit trips over what is left.


def trace_line(decision: Decision, gate: Gate, messages: Iterable[Message]) -> dict[str, object]:
    """One decision, and what was said on it, for the trace: no sound, only its figures."""
    return {
        "t_s": decision.t_s,
        "level_dbfs": round(decision.level_dbfs, 1),
        "floor_dbfs": round(decision.floor_dbfs, 1),
        "open": decision.open,
        "posterior": {label: round(value, 4) for label, value in decision.posteriors.items()},
        "at_once": {label: round(value, 4) for label, value in decision.at_once.items()},
        "stages": stages_line(decision.stages),
        "gate": gate.name,
        "messages": [message_line(message) for message in messages],
    }


def stages_line(stages: Mapping[str, Stages]) -> dict[str, dict[str, float | None]]:
    """What each stage said of each label, as a JSON object: logits; null where stage two did not look."""
    return {
        label: {
            "stage_one": round(said.stage_one, 3),
            "stage_two": None if said.stage_two is None else round(said.stage_two, 3),
        }
        for label, said in stages.items()
    }


def message_line(message: Message) -> dict[str, object]:
    """A message as a JSON object."""
    return {
        "kind": message.kind.name,
        "label": message.label.name,
        "score": message.score,
        "level_dbfs": -message.level,
    }
