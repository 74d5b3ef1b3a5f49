"""The ear's process: it loads, gives up what it does not need, and runs the loop until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitord import memory, model, paths, service
from monitord.audio.ear import GOODBYE, hello
from monitord.audio.loop import Loop, SourceHangs
from monitord.audio.masking import Masking
from monitord.audio.models import EarModels
from monitord.channel import Channel
from monitord.confine import REFUSED, Process, confine
from monitord.events import Fault, Kind, Message, Role, over_to_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitord.audio.features import Samples
    from monitord.audio.source import Source
    from monitord.settings import Hearing, Senses

log = logging.getLogger(__name__)

FILE = "file:"
CRY = Path(__file__).parents[1] / "scene" / "cry.wav"
"""Seconds 16.2 to 24.2 of the scene."""
FAILED = 1


def main(config: Senses, *, trace: bool = False, unconfined: bool = False) -> int:
    """Run the ear until SIGTERM or SIGINT; returns its exit code.

    Args:
        config: the configuration.
        trace: print each decision as one JSON object a line on stdout.
        unconfined: listen even where a mandatory measure of confinement does not hold, and say so.
    """
    try:
        open_source = opener(config.audio)
    except OSError as cause:
        return _failed(f"PortAudio cannot be loaded ({cause}); install Debian's libportaudio2")
    confinement = confine(Process.EAR)
    with Channel(paths.runtime_dir() / paths.EVENTS_SOCKET, Role.EAR) as channel:
        if not confinement.complete and not unconfined:
            channel.send(Message(Kind.FAULT, Fault.EAR_NOT_CONFINED))
            print(f"monitord: {confinement.refusal('microphone')}", file=sys.stderr)  # noqa: T201 - for the user
            return REFUSED
        if not confinement.complete:
            log.error("UNCONFINED, as the owner wants it: %s", confinement)
        channel.send(hello(confinement.held, confined=confinement.complete))
        try:
            models = EarModels.load(config.audio)
            for name, line in models.lines():
                log.info("model %s: %s", name, line)
            masking = None if config.audio.device.startswith(FILE) else Masking(reference_cry, models.detector)
            loop = Loop(config, channel, open_source, models.detector, trace=trace, masking=masking)
        except model.ModelError as cause:
            channel.send(Message(Kind.FAULT, Fault.DETECTOR_MODEL))
            return _failed(str(cause))
        # A former life may have died of it; what else that suffered from lapses by itself.
        channel.send(Message(Kind.FAULT, Fault.RECOVERED, level=over_to_level(Fault.DETECTOR_MODEL)))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        service.notify("READY=1")
        try:
            loop.run(memory.settle)
        except SourceHangs as cause:
            log.error("%s", cause)  # noqa: TRY400 - one line for the owner; a traceback tells nothing more
            channel.flush()
            logging.shutdown()
            os._exit(FAILED)  # PortAudio's own clean-up at exit would hang as well.
        service.notify("STOPPING=1")
        channel.send(GOODBYE)
    return 0


def reference_cry() -> Samples:
    """The cry of the bundled scene, a synthesised one: shape (n,), int16, 16 kHz; empty where it cannot be read.

    Read anew each time: it is asked for once in minutes, and most often never.
    """
    import wave  # noqa: PLC0415 - not at the start, which others wait for

    try:
        with wave.open(str(CRY)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (OSError, EOFError, wave.Error) as cause:
        log.warning("%s cannot be read (%s): nobody asks whether a cry would be heard over the noise", CRY, cause)
        return np.zeros(0, np.int16)


def opener(audio: Hearing) -> Callable[[], Source]:
    """What opens the configured source; it may raise MicrophoneError, now or while it is read.

    Only the library that the source needs is imported, and here rather than at the first opening: looking for
    PortAudio starts a program, which a confined process cannot.

    Raises:
        OSError: the library is not on this machine.
    """
    if audio.device.startswith(FILE):
        from monitord.audio.files import FileSource  # noqa: PLC0415 - see above

        return partial(FileSource, Path(audio.device.removeprefix(FILE)), audio.period_s)
    from monitord.audio.microphone import Microphone  # noqa: PLC0415 - see above

    return partial(Microphone, audio.device, audio.period_s)


def _failed(sentence: str) -> int:
    print(f"monitord: {sentence}", file=sys.stderr)  # noqa: T201 - the one sentence for the user
    return FAILED
