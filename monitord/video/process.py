"""The eye: one process for one look.

It exists because somebody asked: its socket, with the waiting request in it, is handed over by systemd or by the
supervisor. It looks, says what it saw in one frame, and ends. It cannot outlive its time: a thread ends the process
when a driver hangs, an alarm of the kernel ends it when even that thread is stuck, and the supervisor kills it besides.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from monitord import confine, paths, service
from monitord.channel import Channel
from monitord.config import LOOK_GRACE_S
from monitord.events import Fault, Kind, Look, Message, Role, Sight
from monitord.model import ModelError
from monitord.wire import WireError, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitord.config import Config
    from monitord.video.look import Verdict

log = logging.getLogger("monitord.eye")

DONE, FAILED, WRONG_USAGE = 0, 1, 2
MARGIN_S = 2.0
"""Seconds before the supervisor's limit at which the eye ends itself, so that it can still say why."""
_LAST_RESORT_S = 1.0
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_REQUEST_BYTES = 64
"""More than a frame, so that a longer datagram is noticed and not cut to a valid one."""


def main(config: Config) -> int:
    """Run one look; returns the exit code."""
    began = time.monotonic()
    handed = service.listen_fds()
    if not handed:
        print(  # noqa: T201 - there is no log to read before a look
            "The eye is started by the gate through its socket, never otherwise.", file=sys.stderr
        )
        return WRONG_USAGE
    confine.confine(confine.Process.EYE)
    with socket.socket(fileno=handed[0]) as requests:
        asked = drain(requests)
    if not asked:
        log.warning("no valid request for a look was waiting; nothing is looked at")
        return DONE
    if config.video.off:
        log.warning("a look was asked for, but video.device is off; nothing is looked at")
        return DONE
    with Channel(paths.runtime_dir() / paths.EVENTS_SOCKET, Role.EYE) as channel:
        answer = Answer(channel)
        try:
            with _undisturbed():
                for number in _STOPPING:
                    signal.signal(number, _stop)
                answer.begin()
            with limit(config.video.look_s + LOOK_GRACE_S - MARGIN_S, answer):
                verdict = _look(config, answer)
        finally:
            answer.end()
        if verdict is not None:
            log.info(
                "saw %s (%d %%) in %d frames, %.2f s after the start",
                verdict.sight.name,
                verdict.score,
                verdict.frames,
                time.monotonic() - began,
            )
    return DONE


def drain(requests: socket.socket) -> int:
    """Read every waiting request, without blocking; returns how many were valid. Several are answered by one look."""
    requests.settimeout(0)
    valid = 0
    while True:
        try:
            data = requests.recv(_REQUEST_BYTES)
        except BlockingIOError:
            return valid
        try:
            frame = decode(data)
        except WireError as nonsense:
            log.warning("a request for a look was refused: %s", nonsense)
            continue
        if frame.role is Role.EAR and frame.message.kind is Kind.LOOK and frame.message.label is Look.ASKED:
            valid += 1
        else:
            log.warning("a request for a look was refused: %s is none", frame.message.label.name)


class Answer:
    """What the eye says: BEGAN, then once and only once a sight or a fault, then ENDED. Two threads may use it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._given = False

    def begin(self) -> None:
        """Send BEGAN."""
        self._channel.send(Message(Kind.LOOK, Look.BEGAN))

    def give(self, label: Sight | Fault, score: int = 0) -> bool:
        """Send `label` and ENDED, unless an answer was given before; returns whether this was it."""
        with _undisturbed(), self._lock:
            if self._given:
                return False
            self._given = True
            kind = Kind.SIGHT if isinstance(label, Sight) else Kind.FAULT
            self._channel.send(Message(kind, label, score))
            self._channel.send(Message(Kind.LOOK, Look.ENDED))
            return True

    def end(self) -> None:
        """Send ENDED alone, where the look was broken off before there was an answer."""
        with _undisturbed(), self._lock:
            if not self._given:
                self._given = True
                self._channel.send(Message(Kind.LOOK, Look.ENDED))


class limit:  # noqa: N801 - a context manager, used like a function
    """Ends the process with FAULT CAMERA_TIMEOUT unless the block ends within `seconds`.

    A hung driver sits in a system call, where Python's own signal handlers never run: hence a thread. The alarm, left
    to the kernel's default action, ends the process if the thread cannot run either.
    """

    def __init__(self, seconds: float, answer: Answer, end: Callable[[int], None] = os._exit) -> None:
        self._seconds = seconds
        self._answer = answer
        self._end = end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="limit", daemon=True)

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, self._seconds + _LAST_RESORT_S)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._thread.join()

    def _watch(self) -> None:
        if not self._over.wait(self._seconds) and self._answer.give(Fault.CAMERA_TIMEOUT):
            log.error("the camera did not answer in %.0f s; the look is given up", self._seconds)
            self._end(FAILED)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """SIGTERM and SIGINT wait until the block ends: what was begun to be said is said whole, and once."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(*_: object) -> NoReturn:
    sys.exit(DONE)  # As an exception, so that the frame in hand is wiped on the way out.


def _look(config: Config, answer: Answer) -> Verdict | None:
    # Loaded here, under the limit, and after the confinement: both take most of the time to the verdict.
    from monitord.video.camera import CameraError, open_camera  # noqa: PLC0415
    from monitord.video.classifier import Classifier  # noqa: PLC0415
    from monitord.video.look import look  # noqa: PLC0415

    try:
        camera = open_camera(config.video.device)
        verdict = look(camera, Classifier.load(paths.models_dir()), config.video.look_s)
    except CameraError as cause:
        log.error("%s", cause)  # noqa: TRY400 - one sentence, not a traceback
        answer.give(cause.fault)
    except ModelError as cause:
        log.error("%s", cause)  # noqa: TRY400 - one sentence, not a traceback
        answer.give(Fault.CLASSIFIER_MODEL)
    except Exception as cause:  # noqa: BLE001 - whatever breaks, the voice must be told that the eye saw nothing
        log.error("the look failed: %s: %s", type(cause).__name__, cause)  # noqa: TRY400
        answer.give(Fault.CAMERA_BROKEN)
    else:
        answer.give(verdict.sight, verdict.score)
        return verdict
    return None
