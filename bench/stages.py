"""What each stage of the ear costs per call, beside YAMNet, and how much of it falls to stage two in an hour of yours.

    python bench/stages.py [--yamnet yamnet.tflite] [--recording hour.flac ...] [--words help ...] [--json FILE]

Rows: bytes and multiply-accumulates of each network, and microseconds of processor time per call on the installed
runtime, features included; medians over calls, back to back ("warm") and each after a pause ("cold"), as in a house.
A call of stage one is one hop. A word's first look computes two seconds of embeddings, the next one only a hop's more.

With recordings, the ear itself hears them, and the table says how often each verifier looked in an hour of such sound,
and what share of the rest of the ear's processor time its looks were.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import measured
import numpy as np
from listeners import RATE_HZ, YAMNET_SAMPLES, interpreter

from monitord import model, paths
from monitord.audio import embedding
from monitord.audio.cadence import Alarms
from monitord.audio.embedding import Embeddings, SpeechEmbedding
from monitord.audio.features import LogMel
from monitord.audio.files import blocks, read_pieces
from monitord.audio.level import LevelGate, dbfs, piece_energies
from monitord.audio.models import CRY, EAR, EarModels
from monitord.audio.soundcard import SoundCard, VerifierCard
from monitord.audio.verifier import MelVerifier, WordVerifier
from monitord.config import AudioConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNTIMES = ("ai-edge-litert", "tflite-runtime")
SOUND_S = 4


@dataclass
class Row:
    """One line of the table."""

    what: str
    size_bytes: int | None
    macs: int | None
    warm_us: float
    cold_us: float


def multiply_accumulates(content: bytes, shape: tuple[int, ...] | None = None) -> int:
    """Multiply-accumulates of one call of a TFLite network, of its convolutions and matrix products.

    Args:
        content: the file.
        shape: of its input, where the file leaves it open.
    """
    network = interpreter(model_content=content, num_threads=1)
    if shape is not None:
        network.resize_tensor_input(network.get_input_details()[0]["index"], shape)
    network.allocate_tensors()
    shapes = {tensor["index"]: [int(side) for side in tensor["shape"]] for tensor in network.get_tensor_details()}
    total = 0
    for operator in network._get_ops_details():  # noqa: SLF001 - there is no public name for it
        kind, given = operator["op_name"], [int(index) for index in operator["inputs"]]
        if kind not in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
            continue
        weights, out = shapes[given[1]], shapes[int(operator["outputs"][0])]
        per_output = weights[1] * weights[2] if kind == "DEPTHWISE_CONV_2D" else int(np.prod(weights[1:]))
        total += int(np.prod(out)) * per_output
    return total


def cost(call: Callable[[], object], calls: int, pause_s: float) -> float:
    """Median microseconds of processor time of this thread for one `call`, each after `pause_s`."""
    call()
    took = []
    for _ in range(calls):
        if pause_s:
            time.sleep(pause_s)
        began = time.thread_time_ns()
        call()
        took.append((time.thread_time_ns() - began) / 1000.0)
    return statistics.median(took)


class Table:
    """Measures and collects rows."""

    def __init__(self, calls: int) -> None:
        self.rows: list[Row] = []
        self._calls = calls

    def add(self, what: str, content: bytes | None, macs: int | None, call: Callable[[], object]) -> None:
        """Measure `call`."""
        size = None if content is None else len(content)
        warm, cold = cost(call, self._calls, 0.0), cost(call, max(5, self._calls // 4), 0.05)
        self.rows.append(Row(what, size, macs, warm, cold))


def made_up() -> np.ndarray:
    """`SOUND_S` seconds of noise, int16: the cost does not depend on what is heard."""
    return np.random.default_rng(1).normal(0.0, 500.0, SOUND_S * RATE_HZ).astype(np.int16)


def ear_rows(table: Table, audio: AudioConfig, folder: Path) -> None:
    """Level gate, stage one and each verifier."""
    sound, gate = made_up(), LevelGate()
    alone = not (folder / f"{EAR}.toml").exists()
    first = model.load(folder / f"{CRY if alone else EAR}.toml")
    card = SoundCard.read(first.card, audio.hop_s, audio.sensitivity)
    log_mel = LogMel(card.front)
    window = sound[-(card.frames * card.front.hop + card.front.window - card.front.hop) :]
    frames, newest = log_mel.frames(window), sound[-(card.hop + card.front.window - card.front.hop) :]

    def one_hop() -> None:
        log_mel.frames(newest)
        first.logits(frames)

    table.add(
        "level gate, one hop",
        None,
        None,
        lambda: gate.update([dbfs(each) for each in piece_energies(sound[-card.hop :])], hearing=False),
    )
    content = first.card.path.with_suffix(".tflite").read_bytes()
    table.add(
        f"{'one stage' if alone else 'stage one'}: {first.card.name}", content, multiply_accumulates(content), one_hop
    )
    if alone:
        return
    cries = model.load(folder / f"{CRY}.toml")
    content = cries.card.path.with_suffix(".tflite").read_bytes()
    verifier = MelVerifier(cries, VerifierCard.read(cries.card, audio.hop_s, audio.sensitivity))
    macs = multiply_accumulates(content)
    table.add(f"stage two: {cries.card.name}, a look", content, macs, lambda: verifier.look(sound, len(sound)))
    word_rows(table, audio, folder, sound)


def word_rows(table: Table, audio: AudioConfig, folder: Path, sound: np.ndarray) -> None:
    """The speech embedding's first and next look, and each word's head."""
    if not audio.words:
        return
    backbone = SpeechEmbedding.load(folder / embedding.CARD)
    parts = model.read_toml(folder / embedding.CARD)
    package = metadata.distribution(parts["package"])
    mel, numbers = (Path(str(package.locate_file(parts[part]["file"]))).read_bytes() for part in ("mel", "embedding"))
    grid = backbone.grid
    once = multiply_accumulates(mel, (1, grid.samples))
    each = multiply_accumulates(numbers, (1, grid.window, grid.bins, 1))
    steps = audio.hop_s * RATE_HZ / grid.step
    first = round((embedding.EXAMPLE + grid.steps - 1) * once + embedding.EXAMPLE * each)
    both = mel + numbers
    table.add("speech embedding, first look", both, first, lambda: Embeddings(backbone).newest(sound, len(sound)))
    running = Embeddings(backbone)
    at = [len(sound)]

    def next_look() -> None:
        at[0] += round(audio.hop_s * RATE_HZ)
        running.newest(sound, at[0])

    table.add("speech embedding, next look", both, round(steps * (once + each)), next_look)
    example = np.zeros((embedding.EXAMPLE, grid.numbers), np.float32)
    for word in audio.words:
        head = model.load(folder / f"{word}.toml" if not word.endswith(".toml") else Path(word))
        content = head.card.path.with_suffix(".tflite").read_bytes()
        macs = multiply_accumulates(content)
        table.add(f"stage two: {head.card.name}, its head", content, macs, lambda head=head: head.logits(example))


def yamnet_row(table: Table, path: Path) -> None:
    """One call of YAMNet, 0.975 s of sound, its own features included."""
    content = path.read_bytes()
    network = interpreter(model_content=content, num_threads=1)
    network.allocate_tensors()
    given = network.get_input_details()[0]
    wave = (made_up()[:YAMNET_SAMPLES] / np.float32(32768.0)).astype(np.float32).reshape(given["shape"])

    def call() -> None:
        network.set_tensor(given["index"], wave)
        network.invoke()

    table.add("yamnet, each 0.975 s", content, multiply_accumulates(content), call)


class Clock:
    """Processor time and calls of a method, whoever calls it."""

    def __init__(self, of: type, name: str) -> None:
        self.calls, self.spent_ns = 0, 0
        inner = getattr(of, name)

        def timed(itself: object, *arguments: object) -> object:
            began = time.thread_time_ns()
            try:
                return inner(itself, *arguments)
            finally:
                self.spent_ns += time.thread_time_ns() - began
                self.calls += 1

        setattr(of, name, timed)


def hear(recordings: list[Path], audio: AudioConfig, folder: Path) -> dict[str, float]:
    """What the stages spend on `recordings`, heard by the ear itself one after the other."""
    models = EarModels.load(audio, folder)
    size = round(audio.hop_s * RATE_HZ)
    cries, words, alarms = Clock(MelVerifier, "look"), Clock(WordVerifier, "look"), Clock(Alarms, "feed")
    ear_ns = hops = opened = looked = 0
    for path in recordings:
        detector = models.detector()
        for block in whole(path, size):
            began = time.thread_time_ns()
            decisions = detector.feed(block)
            ear_ns += time.thread_time_ns() - began
            hops += len(decisions)
            opened += sum(decision.open for decision in decisions)
            looked += sum(any(said.looked for said in decision.stages.values()) for decision in decisions)
    hours = hops * audio.hop_s / 3600
    rest_ns = ear_ns - cries.spent_ns - words.spent_ns - alarms.spent_ns
    return {
        "hours": hours,
        "open_share": opened / hops,
        "stage_one_calls_per_hour": opened / hours,
        "looked_hops_per_hour": looked / hours,
        "cry_looks_per_hour": cries.calls / hours,
        "word_looks_per_hour": words.calls / hours,
        "stage_one_ms_per_hour": rest_ns / 1e6 / hours,
        "cry_ms_per_hour": cries.spent_ns / 1e6 / hours,
        "word_ms_per_hour": words.spent_ns / 1e6 / hours,
        "alarms_ms_per_hour": alarms.spent_ns / 1e6 / hours,
        "stage_two_share": (cries.spent_ns + words.spent_ns) / rest_ns,
    }


def whole(path: Path, size: int) -> Iterator[np.ndarray]:
    """The sound of `path` in blocks of `size`; what is left at the end is left out."""
    return (block for block in blocks(read_pieces(path), size) if len(block) == size)


def runtime() -> str:
    """The TFLite runtime in use, and its version."""
    for name in RUNTIMES:
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return "none"


def main() -> None:
    """Measure, print the tables, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", type=Path, default=paths.models_dir(), help="folder of the models (the shipped ones)"
    )
    parser.add_argument("--profile", choices=("eco", "balanced"), default="eco")
    parser.add_argument("--words", nargs="*", default=[], metavar="WORD", help="as in audio.words")
    parser.add_argument("--yamnet", type=Path, help="yamnet.tflite with waveform input; without it, it is left out")
    parser.add_argument(
        "--recording", type=Path, nargs="*", default=[], metavar="FILE", help="an ordinary hour of yours"
    )
    parser.add_argument("--calls", type=int, default=200, help="calls of each (default 200)")
    parser.add_argument("--json", type=Path, help="write machine and rows there")
    options = parser.parse_args()
    audio = AudioConfig(profile=options.profile, words=tuple(options.words))
    machine = measured.machine() | {"runtime": runtime(), "numpy": np.__version__}
    table = Table(options.calls)
    ear_rows(table, audio, options.models)
    if options.yamnet:
        yamnet_row(table, options.yamnet)
    print(f"# {machine}")
    print(f"{'':34s}{'bytes':>10s}{'1000 MAC':>10s}{'warm us':>10s}{'cold us':>10s}")
    for row in table.rows:
        size = "" if row.size_bytes is None else str(row.size_bytes)
        macs = "" if row.macs is None else f"{row.macs / 1000:.0f}"
        print(f"{row.what:34s}{size:>10s}{macs:>10s}{row.warm_us:10.0f}{row.cold_us:10.0f}")
    heard = hear(options.recording, audio, options.models) if options.recording else {}
    if heard:
        print(f"\n{heard['hours']:.2f} h heard; the level gate was open for {heard['open_share']:.1%}. In an hour:")
        print(f"  stage one (with gate and smoothing) {heard['stage_one_ms_per_hour']:10.0f} ms")
        for name, looks in (("cry", "cries"), ("word", "words")):
            ms, number = heard[f"{name}_ms_per_hour"], heard[f"{name}_looks_per_hour"]
            print(f"  stage two, {looks:25s}{ms:10.0f} ms in {number:.0f} looks")
        print(f"  alarms                              {heard['alarms_ms_per_hour']:10.0f} ms")
        print(f"  stage two is {heard['stage_two_share']:.1%} of stage one")
    if options.json:
        rows = [asdict(row) for row in table.rows]
        options.json.write_text(json.dumps({"machine": machine, "rows": rows, "heard": heard}, indent=1) + "\n")


if __name__ == "__main__":
    main()
