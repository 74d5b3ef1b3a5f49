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
from typing import TYPE_CHECKING

from monitord import confine, paths, service
from monitord.channel import Channel
from monitord.events import Calibration, Fault, Kind, Look, Measure, Message, Role, Sight, measures_to_level
from monitord.model import ModelError
from monitord.settings import LOOK_GRACE_S
from monitord.video.v4l2 import CameraError, csi_number
from monitord.wire import WireError, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitord.settings import Senses
    from monitord.video.rpicam import Rpicam

log = logging.getLogger("monitord.eye")

DONE, FAILED, WRONG_USAGE = 0, 1, 2
MARGIN_S = 2.0
"""Seconds before the supervisor's limit at which the eye ends itself, so that it can still say why."""
_ANSWERING_S = 1.0
"""Before that limit the look comes to its verdict, however few frames a slow machine has judged by then."""
_LAST_RESORT_S = 1.0
_REQUEST_BYTES = 64
"""More than a frame, so that a longer datagram is noticed and not cut to a valid one."""


def main(config: Senses, *, unconfined: bool = False) -> int:
    """Run one look; returns the exit code.

    Args:
        config: the configuration.
        unconfined: look even where a mandatory measure of confinement does not hold, and say so.
    """
    began = time.monotonic()
    handed = service.listen_fds()
    if not handed:
        print(  # noqa: T201 - there is no log to read before a look
            "The eye is started by the gate through its socket, never otherwise.", file=sys.stderr
        )
        return WRONG_USAGE
    number = csi_number(config.video.device)
    confinement = confine.confine(confine.Process.EYE, helper=number is not None)
    with socket.socket(fileno=handed[0]) as requests:
        asked = drain(requests)
    if not asked:
        log.warning("no valid request for a look was waiting; nothing is looked at")
        return DONE
    if config.video.off:
        log.warning("a look was asked for, but video.device is off; nothing is looked at")
        return DONE
    with Channel(paths.runtime_dir() / paths.EVENTS_SOCKET, Role.EYE) as channel:
        if not confinement.complete and not unconfined:
            channel.send(Message(Kind.FAULT, Fault.EYE_NOT_CONFINED))
            print(f"monitord: {confinement.refusal('camera')}", file=sys.stderr)  # noqa: T201 - for the user
            return confine.REFUSED
        if not confinement.complete:
            log.error("UNCONFINED, as the owner wants it: %s", confinement)
            channel.send(Message(Kind.FAULT, Fault.UNCONFINED))
        answer = Answer(channel, confinement.held)
        stop = _Stop()
        try:
            with stop.later():
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, stop.asked)
                answer.begin()
                program = start(number)
            allowed_s = config.video.look_s + LOOK_GRACE_S - MARGIN_S
            until = time.monotonic() + allowed_s - _ANSWERING_S
            with limit(allowed_s, answer), closing(program):
                label, score, calibration = _look(config, program, until)
                with stop.later():
                    answer.give(label, score, calibration)
        finally:
            # The look is over: a stop has nothing more to stop, and must not cut short what is said of it.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            answer.end()
        log.info("%s, score %d %%, %.2f s after the start", label.name, score, time.monotonic() - began)
    return DONE


def start(number: int | None) -> Rpicam | CameraError | None:
    """Start the program of a CSI camera, if this is one, and no other from here on; what cannot be is told later."""
    if number is None:
        return None
    from monitord.video.rpicam import Rpicam  # noqa: PLC0415 - no other camera needs a program started

    try:
        return Rpicam(number)
    except CameraError as cause:
        return cause
    finally:
        confine.no_more_programs()


@contextmanager
def closing(program: Rpicam | CameraError | None) -> Iterator[None]:
    """End `program`, if it runs, after the block."""
    try:
        yield
    finally:
        if program is not None and not isinstance(program, CameraError):
            program.close()


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

    def __init__(self, channel: Channel, measures: frozenset[Measure] = frozenset()) -> None:
        self._channel = channel
        self._measures = measures
        self._lock = threading.Lock()
        self._given = False

    def begin(self) -> None:
        """Send BEGAN, and what confines this process."""
        self._channel.send(Message(Kind.LOOK, Look.BEGAN, level=measures_to_level(self._measures)))

    def give(self, label: Sight | Fault, score: int = 0, calibration: Calibration = Calibration.NOT_TOLD) -> bool:
        """Send `label` and ENDED, unless an answer was given before; returns whether this was it."""
        with self._lock:
            if self._given:
                return False
            self._given = True
            kind = Kind.SIGHT if isinstance(label, Sight) else Kind.FAULT
            self._channel.send(Message(kind, label, score, calibration.value))
            self._channel.send(Message(Kind.LOOK, Look.ENDED))
            return True

    def end(self) -> None:
        """Send ENDED alone, where the look was broken off before there was an answer."""
        with self._lock:
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


class _Stop:
    """SIGTERM and SIGINT as an exception, so that the frame in hand is wiped on the way out; never in mid-sentence.

    A mask of signals would not do: libraries have threads of their own, and when one of those takes the signal, Python
    runs the handler in the main thread all the same.
    """

    def __init__(self) -> None:
        self._speaking = 0
        self._asked = False

    def asked(self, *_: object) -> None:
        """The handler of both signals."""
        self._asked = True
        if not self._speaking:
            sys.exit(DONE)

    @contextmanager
    def later(self) -> Iterator[None]:
        """A stop that is asked for in the block comes at its end."""
        self._speaking += 1
        try:
            yield
        finally:
            self._speaking -= 1
        if self._asked and not self._speaking:
            sys.exit(DONE)


def _look(config: Senses, program: Rpicam | CameraError | None, until: float) -> tuple[Sight | Fault, int, Calibration]:
    """Look once; returns what is to be told, its score in percent, and how the look compares with the empty room.

    The look ends by `until`, seconds, monotonic.
    """
    # Loaded here, under the limit, and after the confinement: both take most of the time to the verdict.
    from monitord.video import calibration  # noqa: PLC0415
    from monitord.video.camera import open_camera  # noqa: PLC0415
    from monitord.video.classifier import Classifier  # noqa: PLC0415
    from monitord.video.look import look  # noqa: PLC0415

    try:
        camera = open_camera(config.video.device, program=program)
        network = Classifier.load(paths.models_dir())
        known, trouble = calibration.known(network, paths.models_dir(), paths.eye_state_dir())
        if trouble:
            log.warning("%s", trouble)
        verdict = look(camera, network, config.video.look_s, known, until=until)
    except CameraError as cause:
        log.error("%s", cause)  # noqa: TRY400 - one sentence, not a traceback
        return cause.fault, 0, Calibration.NOT_TOLD
    except ModelError as cause:
        log.error("%s", cause)  # noqa: TRY400 - one sentence, not a traceback
        return Fault.CLASSIFIER_MODEL, 0, Calibration.NOT_TOLD
    except Exception as cause:  # noqa: BLE001 - whatever breaks, the voice must be told that the eye saw nothing
        log.error("the look failed: %s: %s", type(cause).__name__, cause)  # noqa: TRY400
        return Fault.CAMERA_BROKEN, 0, Calibration.NOT_TOLD
    state = verdict.comparison.state
    log.info("%d frames; calibration: %s", verdict.frames, state.name.lower().replace("_", " "))
    return verdict.sight, verdict.score, state
