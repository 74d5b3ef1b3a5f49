"""`rpicam-vid` as a child process: what it is told, its stream of pictures, and what is wrong with it.

It writes pictures of YUV 4:2:0 one after the other to a pipe, without a header or a mark between them: the way to a
CSI camera that works on bookworm and trixie without Python bindings. So a stream of another size must be noticed by
other means: by what libcamera says on stderr ("configuring streams: (0) 640x480-YUV420"), and by where the stream
pauses, which it does between pictures and never within one.

The child inherits what its parent gave up (``monitord.confine``) and is killed with it, however it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import time
from fcntl import fcntl
from typing import TYPE_CHECKING, Self

from monitord.events import Fault
from monitord.video.framing import Framing
from monitord.video.v4l2 import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

WIDTH, HEIGHT, RATE_HZ = 640, 480, 10
"""A width of a multiple of 64, so that no row of any Pi is padded."""
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2

PROGRAMS = ("rpicam-vid", "libcamera-vid")
"""Its name since 2024, and the one before."""
START_S = 6.0
"""Limit for the first bytes: libcamera takes 1 to 2 s on the smallest Pi."""
FRAME_S = 3.0
"""Limit for each further picture."""
PAUSE_S = 0.02
"""A fifth of the time between two pictures: the stream pauses when nothing comes for so long."""
END_S = 1.0
_F_SETPIPE_SZ = 1031
_PIPE_BYTES = 1 << 20
"""Two pictures, so that one is written at once and pauses lie between them."""
_SAID_BYTES = 8192
_PR_SET_PDEATHSIG = 1
_CONFIGURED = re.compile(rb"configuring streams: \(0\) (\d+)x(\d+)-(\w+)")


def command(program: str, number: int) -> list[str]:
    """What is started: no preview, no end of its own, each picture written at once.

    Options: ``rpicam-vid --help`` (rpicam-apps 1.5 of bookworm and later; the same in libcamera-apps).
    """
    return [
        *(program, "--camera", str(number), "--nopreview", "--timeout", "0", "--codec", "yuv420"),
        *("--width", str(WIDTH), "--height", str(HEIGHT), "--framerate", str(RATE_HZ), "--flush", "--output", "-"),
    ]


def find() -> str | None:
    """Path of the program, if it is installed."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Rpicam:
    """The running program. Use it as a context manager: at the end it is gone.

    Start it in a process of one thread, and before that process gives up starting programs.

    Args:
        number: which camera, 0 for the first.
        clock: seconds, monotonic.

    Raises:
        CameraError: CAMERA_MISSING or CAMERA_BROKEN: the program is not installed, or does not start.
    """

    def __init__(self, number: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._number = number
        self._said = b""
        program = find()
        if program is None:
            raise CameraError(
                Fault.CAMERA_MISSING,
                "rpicam-vid is not installed, and only it reaches a CSI camera: sudo apt install rpicam-apps-lite",
            )
        libc, parent = ctypes.CDLL(None), os.getpid()

        def prepare() -> None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # It died before the line above.
                os._exit(1)
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        try:
            self._child = subprocess.Popen(  # noqa: S603 - a fixed command
                command(program, number),
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=prepare,  # noqa: PLW1509 - this process has one thread, see above
            )
        except (OSError, subprocess.SubprocessError) as cause:
            raise CameraError(Fault.CAMERA_BROKEN, f"{program} cannot be started: {cause}") from None
        for stream in (self._child.stdout, self._child.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        if self._child.stdout is not None:
            with contextlib.suppress(OSError):  # Beyond the user's share of pipes: then pauses tell less.
                fcntl(self._child.stdout.fileno(), _F_SETPIPE_SZ, _PIPE_BYTES)

    def frames(self) -> Generator[memoryview]:
        """One picture after the other, `FRAME_BYTES` each, always in the same memory, which is zeroed at the end.

        Raises:
            CameraError: the program ended, hangs, or delivers something else.
        """
        buffer = bytearray(FRAME_BYTES)
        view = memoryview(buffer)
        framing = Framing()
        limit_s = START_S
        try:
            while True:
                self._fill(view, framing, limit_s)
                limit_s = FRAME_S
                yield view
        finally:
            buffer[:] = bytes(FRAME_BYTES)

    def _fill(self, view: memoryview, framing: Framing, limit_s: float) -> None:
        stdout = self._child.stdout
        if stdout is None:
            raise ValueError("started without a pipe")
        deadline = self._clock() + limit_s
        filled = 0
        while filled < FRAME_BYTES:
            if not self._wait(PAUSE_S):
                framing.paused(filled)
                self._check_size(framing)
                if self._clock() >= deadline:
                    raise CameraError(
                        Fault.CAMERA_TIMEOUT, "rpicam-vid delivers no picture; check the camera's ribbon cable"
                    )
                continue
            count = os.readv(stdout.fileno(), [view[filled:]])
            if count == 0:
                raise self._ended(filled)
            framing.arrived()
            filled += count
        self._check_size(framing)

    def _wait(self, limit_s: float) -> bool:
        """Whether a picture's bytes, or their end, wait to be read; what is said on stderr is taken meanwhile."""
        stdout, stderr = self._child.stdout, self._child.stderr
        wanted = [stream for stream in (stdout, stderr) if stream is not None and not stream.closed]
        ready, _, _ = select.select(wanted, [], [], limit_s)
        if stderr in ready and stderr is not None:
            more = os.read(stderr.fileno(), _SAID_BYTES)
            self._said = (self._said + more)[-_SAID_BYTES:]
            if not more:
                stderr.close()
        return stdout in ready

    def _check_size(self, framing: Framing) -> None:
        configured = next(reversed(list(_CONFIGURED.finditer(self._said))), None)
        if configured and configured.groups() != (b"%d" % WIDTH, b"%d" % HEIGHT, b"YUV420"):
            delivers = b"%sx%s-%s" % configured.groups()
            raise _wrong_size(f" ({delivers.decode('ascii', 'replace')})")
        if framing.wrong:
            raise _wrong_size("")

    def _ended(self, filled: int) -> CameraError:
        """Why the stream ended, from what the program said last."""
        while self._child.stderr is not None and not self._child.stderr.closed:
            ready, _, _ = select.select([self._child.stderr], [], [], END_S)
            if not ready:
                break
            self._wait(0.0)
        said = self._said.decode("utf-8", "replace")
        for words, fault, text in _REASONS:
            if any(each in said for each in words):
                return CameraError(fault, text.format(self._number))
        if filled:
            return CameraError(Fault.CAMERA_BROKEN, "rpicam-vid stopped in the middle of a picture")
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
        return CameraError(Fault.CAMERA_BROKEN, f"rpicam-vid stopped: {last[:200]}")

    def close(self) -> None:
        """End the program, by force if it must be."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is None:
                self._child.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._child.wait(END_S)
        for stream in (self._child.stdout, self._child.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _wrong_size(what: str) -> CameraError:
    return CameraError(
        Fault.CAMERA_BROKEN, f"rpicam-vid delivers pictures of another size{what} than {WIDTH}x{HEIGHT}-YUV420"
    )


_REASONS = (
    (
        ("no cameras available", "selected camera is not available"),
        Fault.CAMERA_MISSING,
        "the Pi finds no CSI camera {}; check its ribbon cable, and what rpicam-hello --list-cameras says",
    ),
    (
        ("in use by another process", "failed to acquire camera", "Device or resource busy"),
        Fault.CAMERA_BUSY,
        "another program uses the CSI camera {}; close it",
    ),
    (
        ("Permission denied", "Operation not permitted"),
        Fault.CAMERA_MISSING,
        "this user may not use the CSI camera {}; add the user to the group video",
    ),
)
"""What rpicam-apps and libcamera say (``core/rpicam_app.cpp``, ``pipeline_handler.cpp``), and what it means."""
