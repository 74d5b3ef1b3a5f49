"""The microphone, and the speaker of the self-test, through PortAudio. The only importer of sounddevice.

Everything that touches PortAudio happens in one thread of its own, because any of it may hang: a sound server that
stands still leaves the stream "active", without a block and without an error, and then even closing it does not
return. The ear waits for blocks with a limit, and so notices. The period of the device is the block, and reads block:
fewer wake-ups than a callback in small pieces, and no call into Python from a foreign thread.
"""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import sounddevice

from monitord.audio.features import RATE_HZ, Samples
from monitord.audio.resample import Resampler, for_speaker
from monitord.audio.source import MicrophoneError
from monitord.events import Fault

DEFAULT = "default"
OPEN_S = 10.0
"""Limit for opening the device and for its first block."""
STALL_BLOCKS, STALL_S = 3.0, 2.0
"""No block for so many block lengths and seconds more: the microphone has stalled."""
WAITING_MAX = 20
"""Blocks that may wait for the ear; more are lost and counted as overruns."""
CLOSE_S = 0.3
"""Beyond one block, the time that closing may take."""

_BUSY = "Device unavailable"


def inputs() -> list[tuple[str, str]]:
    """Name of each input that PortAudio finds, and what is wrong with it (or nothing); no sound is read."""
    found = []
    for number, each in enumerate(sounddevice.query_devices()):
        if each["max_input_channels"] < 1:
            continue
        try:
            _rate(number)
            wrong = ""
        except sounddevice.PortAudioError as cause:
            wrong = _first_line(cause)
        found.append((str(each["name"]), wrong))
    return found


def outputs() -> list[str]:
    """Name of each output that PortAudio finds."""
    return [str(each["name"]) for each in sounddevice.query_devices() if each["max_output_channels"] > 0]


class SpeakerError(Exception):
    """The speaker cannot be used; the text says why in one sentence."""


class Speaker:
    """One open speaker.

    Args:
        device: "default", or the name of a PortAudio output or a part of it that only one has.

    Raises:
        SpeakerError: it cannot be opened.
    """

    def __init__(self, device: str) -> None:
        self.name, self._device = device, device
        try:
            found = sounddevice.query_devices(None if device == DEFAULT else device, "output")
            self.name = str(found["name"])
            self._channels, self._rate_hz = _output_settings(int(found["index"]), found)
            self._stream = sounddevice.RawOutputStream(
                samplerate=self._rate_hz, device=int(found["index"]), channels=self._channels, dtype="int16"
            )
            self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as cause:
            raise SpeakerError(f"speaker {device!r}: {_first_line(cause)}") from None

    def play(self, sound: Samples) -> None:
        """Play `sound`, shape (n,), int16, 16 kHz, and return when the last of it has left.

        Raises:
            SpeakerError: the device does not take it.
        """
        samples = np.repeat(for_speaker(sound, self._rate_hz)[:, None], self._channels, axis=1)
        try:
            self._stream.write(np.ascontiguousarray(samples).tobytes())
            self._stream.stop()  # Waits for what is in the buffers.
        except sounddevice.PortAudioError as cause:
            raise SpeakerError(f"speaker {self._device!r}: {_first_line(cause)}") from None


def _output_settings(number: int, found: dict[str, Any]) -> tuple[int, float]:
    """Channels and rate that the output takes: one at 16 kHz if it can, else two and its own rate."""
    default_hz = float(found["default_samplerate"])
    for channels, rate_hz in ((1, float(RATE_HZ)), (2, float(RATE_HZ)), (1, default_hz), (2, default_hz)):
        try:
            sounddevice.check_output_settings(number, channels=channels, dtype="int16", samplerate=rate_hz)
        except sounddevice.PortAudioError as refused:
            if _BUSY in str(refused):
                raise
        else:
            return channels, rate_hz
    return 2, default_hz


class Microphone:
    """One open microphone; see `Source`.

    Args:
        device: "default", or the name of a PortAudio input or a part of it that only one has.
        period_s: seconds of sound per block.
    """

    silence_is_fault = True

    def __init__(self, device: str, period_s: float) -> None:
        self.overruns = 0
        self._device = device
        self._period_s = period_s
        self._closing = threading.Event()
        self._arrived: SimpleQueue[Samples | MicrophoneError | None] = SimpleQueue()
        self._deadline = time.monotonic() + OPEN_S
        self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)
        self._thread.start()

    def read(self, timeout_s: float) -> Samples | None:
        """See `Source.read`."""
        left_s = self._deadline - time.monotonic()
        try:
            item = self._arrived.get(timeout=max(0.0, min(timeout_s, left_s)))
        except Empty:
            if time.monotonic() < self._deadline:
                return None
            raise MicrophoneError(
                Fault.MICROPHONE_STALLED, f"microphone {self._device!r}: no sound arrives, and no error either"
            ) from None
        if isinstance(item, MicrophoneError):
            raise item
        if item is not None:
            self._deadline = time.monotonic() + STALL_BLOCKS * self._period_s + STALL_S
        return item

    def wake(self) -> None:
        """See `Source.wake`."""
        self._arrived.put(None)

    def close(self) -> bool:
        """See `Source.close`."""
        self._closing.set()
        self._thread.join(self._period_s + CLOSE_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._record()
        except MicrophoneError as cause:
            self._arrived.put(cause)
        except sounddevice.PortAudioError as cause:
            fault = Fault.MICROPHONE_BUSY if _BUSY in str(cause) else Fault.MICROPHONE_MISSING
            self._arrived.put(MicrophoneError(fault, f"microphone {self._device!r}: {_first_line(cause)}"))

    def _record(self) -> None:
        # PortAudio lists the devices once, when it starts: a card that was plugged in since needs it started again.
        sounddevice._terminate()  # noqa: SLF001 - there is no public name for it
        sounddevice._initialize()  # noqa: SLF001
        number = _find(self._device)
        rate_hz = _rate(number)
        frames = round(self._period_s * rate_hz)
        # Work that would delay the next read is left to the reader of the queue, but for a card's odd rate.
        resampler = None if rate_hz == RATE_HZ else Resampler(rate_hz)
        with sounddevice.RawInputStream(
            samplerate=rate_hz, blocksize=frames, device=number, channels=1, dtype="int16", latency="low"
        ) as stream:
            while not self._closing.is_set():
                data, overflowed = stream.read(frames)
                self.overruns += bool(overflowed)
                samples = np.frombuffer(data, np.int16)
                if resampler is not None:
                    samples = resampler.take(samples.astype(np.float32) / np.float32(32768.0))
                if self._arrived.qsize() < WAITING_MAX:
                    self._arrived.put(samples)
                else:
                    self.overruns += 1


def _find(device: str) -> int | None:
    """PortAudio's number of the input named `device`; None for the default one."""
    try:
        found = sounddevice.query_devices(None if device == DEFAULT else device, "input")
    except ValueError as cause:  # None has this name, or several.
        raise MicrophoneError(Fault.MICROPHONE_MISSING, f"microphone {device!r}: {_first_line(cause)}") from None
    except sounddevice.PortAudioError:
        raise MicrophoneError(Fault.MICROPHONE_MISSING, "there is no microphone on this machine") from None
    return int(found["index"])


def _rate(number: int | None) -> float:
    """16 kHz where the card has it, else the card's own rate."""
    try:
        sounddevice.check_input_settings(number, channels=1, dtype="int16", samplerate=RATE_HZ)
    except sounddevice.PortAudioError as refused:
        if _BUSY in str(refused):
            raise
        return float(sounddevice.query_devices(number, "input")["default_samplerate"])
    return float(RATE_HZ)


def _first_line(cause: Exception) -> str:
    return str(cause).partition("\n")[0].rstrip(". ")
