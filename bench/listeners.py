"""What is measured: programs that read sound, int16 mono 16 kHz, from standard input in real time.

Run by bench/ear.py, each as a process of its own: ``python listeners.py NAME --yamnet FILE --runtime DIR``. Every one
prints "ready" when it waits for its first block.

- read: reads blocks and does nothing: what any reader costs.
- monitord-eco, monitord-balanced: the ear's own loop with the shipped model: level gate, features, model, smoothing,
  gate, messages over a real socket. Only the microphone is the pipe, and the process is not confined.
- yamnet: the AudioSet tagger on each 0.975 s, as network video recorders run it.
- yamnet-gated: the same behind a volume gate at RMS 500, the default of Frigate (``min_volume``): quieter blocks are
  not listened to.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

RATE_HZ = 16_000
YAMNET_SAMPLES = 15_600
FRIGATE_MIN_VOLUME = 500.0

BLOCK_S = {"read": 0.5, "monitord-eco": 0.5, "monitord-balanced": 0.25, "yamnet": 0.975, "yamnet-gated": 0.975}
"""Each listener's own block; the source delivers in it, as a sound card's period would."""


def read_block(size: int) -> bytes:
    """`size` bytes of standard input; fewer only at its end."""
    parts = []
    while size and (part := os.read(0, size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class PipeSource:
    """Standard input as the ear's source."""

    silence_is_fault = False
    overruns = 0

    def __init__(self, block_s: float, ended: Callable[[], None]) -> None:
        self._bytes = 2 * round(block_s * RATE_HZ)
        self._ended = ended

    def read(self, _timeout_s: float) -> np.ndarray | None:
        """The next block; None at the end, which stops the loop."""
        block = read_block(self._bytes)
        if len(block) < self._bytes:
            self._ended()
            return None
        return np.frombuffer(block, np.int16)

    def wake(self) -> None:
        """A pipe's end wakes it."""

    def close(self) -> bool:
        """Nothing to close."""
        return True


def run_monitord(profile: str) -> None:
    """The ear's loop until the pipe ends."""
    from monitord import paths  # noqa: PLC0415 - a listener loads only what it needs: memory is measured
    from monitord.audio.loop import Loop  # noqa: PLC0415
    from monitord.audio.models import EarModels  # noqa: PLC0415
    from monitord.channel import Channel  # noqa: PLC0415
    from monitord.config import AudioConfig, Config  # noqa: PLC0415
    from monitord.events import Role  # noqa: PLC0415

    config = Config(audio=AudioConfig(profile=profile))
    models = EarModels.load(config.audio)
    with Channel(paths.runtime_dir() / paths.EVENTS_SOCKET, Role.EAR) as channel:
        loop = Loop(config, channel, lambda: PipeSource(config.audio.period_s, lambda: loop.stop()), models.detector)  # noqa: PLW0108 - loop is being made
        ready()
        loop.run()


def run_yamnet(path: Path, min_volume: float) -> None:
    """One call for each whole window that is loud enough, until the pipe ends."""
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415
    except ImportError:
        from tflite_runtime.interpreter import Interpreter  # noqa: PLC0415

    network = Interpreter(model_path=str(path), num_threads=1)
    network.allocate_tensors()
    given, scores = network.get_input_details()[0], network.get_output_details()[0]["index"]
    ready()
    while len(block := read_block(2 * YAMNET_SAMPLES)) == 2 * YAMNET_SAMPLES:
        wave = np.frombuffer(block, np.int16).astype(np.float32)
        if min_volume and np.sqrt(np.mean(wave * wave)) < min_volume:
            continue
        network.set_tensor(given["index"], (wave / np.float32(32768.0)).reshape(given["shape"]))
        network.invoke()
        network.get_tensor(scores)[0].argsort()[-20:]


def ready() -> None:
    """Tell the parent that the first block may come."""
    print("ready", flush=True)


def main() -> None:
    """Run one listener."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=BLOCK_S)
    parser.add_argument("--yamnet", type=Path)
    options = parser.parse_args()
    if options.name.startswith("monitord"):
        run_monitord(options.name.partition("-")[2])
    elif options.name.startswith("yamnet"):
        run_yamnet(options.yamnet, FRIGATE_MIN_VOLUME if options.name == "yamnet-gated" else 0.0)
    else:
        ready()
        while read_block(2 * round(BLOCK_S["read"] * RATE_HZ)):
            pass
    sys.stdout.flush()


if __name__ == "__main__":
    main()
