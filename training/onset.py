"""How soon a cry is told: from its onset to the decision, for every cry of the test split, beside YAMNet.

    python -m training.onset --data ../shared/data --teacher ../shared/models/yamnet.tflite

Each cry begins after eight to twelve seconds of a quiet room, at any time within the blocks. Its onset is the first
frame that `activity.py` marks as cry. "Mean alone" is the decision without the further way to begin that the card may
have. YAMNet decides as `bench/onset.py` has it: with its first window of 0.975 s in which one of its classes 19 to 22
reaches 0.3, a threshold that nobody chose for few false alarms. A cry that is not told counts as told never.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from tqdm import tqdm

from monitord.audio.features import RATE_HZ
from monitord.audio.models import EarModels
from monitord.audio.soundcard import operating_row
from monitord.settings import HOP_S, PERIOD_S, Profile, Sensitivity
from training.activity import IS_CRY, mark
from training.cache import WORK
from training.clips import CRY, Clip, read_manifest, read_sound, split_groups
from training.pages import put_between
from training.score import listening
from training.teacher import WINDOW, teach

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

ROOM_RMS = 20.0
QUIET_S, PHASE_S, AFTER_S = 8.0, 4.0, 3.0
FRAME_S = 0.025
CRYING, YAMNET_SAYS = slice(19, 23), 0.3
WITHIN_S = (1.0, 1.5, 2.0, 3.0)


def scene(clip: Clip, marks: npt.NDArray[np.uint8]) -> tuple[float, Samples] | None:
    """The onset (seconds) and the sound of one cry in a quiet room; None where no frame is marked."""
    cry, marked = read_sound(clip.path), np.flatnonzero(marks == IS_CRY)
    if not len(marked):
        return None
    rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
    lead = round((QUIET_S + rng.uniform(0.0, PHASE_S)) * RATE_HZ)
    sound = rng.standard_normal(lead + len(cry) + round(AFTER_S * RATE_HZ)) * ROOM_RMS
    sound[lead : lead + len(cry)] += cry
    return lead / RATE_HZ + marked[0] * FRAME_S, np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def of_monitord(models: EarModels, profile: Profile, onset: float, sound: Samples) -> tuple[float, float]:
    """Seconds from the onset until the cry is told, and until the mean alone would tell it; a block has to be full."""
    detector, block = models.detector(), round(PERIOD_S[profile] * RATE_HZ)
    row = operating_row(models.verifiers[0].card, CRY, HOP_S[profile], Sensitivity.BALANCED)
    threshold = float(row["threshold"])
    told = mean = np.inf
    for end in range(block, len(sound) + 1, block):
        for decision in detector.feed(sound[end - block : end]):
            delay = end / RATE_HZ - onset
            if delay > 0.0 and CRY in decision.heard:
                told = min(told, delay)
            if delay > 0.0 and decision.posteriors[CRY] >= threshold:
                mean = min(mean, delay)
    return told, mean


def yamnet(path: Path) -> Callable[[float, Samples], float]:
    """What tells after how many seconds YAMNet decides."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def decides(onset: float, sound: Samples) -> float:
        for end in range(WINDOW, len(sound) + 1, WINDOW):
            interpreter.set_tensor(into, sound[end - WINDOW : end].astype(np.float32) / 32768.0)
            interpreter.invoke()
            said = interpreter.get_tensor(out)[0, CRYING].max()
            if end / RATE_HZ > onset and said >= YAMNET_SAYS:
                return end / RATE_HZ - onset
        return np.inf

    return decides


def table(delays: dict[str, list[float]]) -> list[str]:
    """The Markdown table of `delays`, seconds, by listener."""
    count = len(next(iter(delays.values())))
    within = " | ".join(f"{limit:g} s" for limit in WITHIN_S)
    lines = [f"{count} cries of the test split; one that is not told counts as told never.", ""]
    lines += [f"| told within | {within} | told | p25 | p50 | p75 |", "|---|" + "---|" * (len(WITHIN_S) + 4)]
    for name, own in delays.items():
        seconds = np.array(own)
        shares = " | ".join(f"{np.mean(seconds <= limit):.2f}" for limit in WITHIN_S)
        # By rank, not between two: a cry that is never told has no place between.
        ranks = [np.sort(seconds)[int(np.ceil(share * count)) - 1] for share in (0.25, 0.5, 0.75)]
        marks = " | ".join(f"{rank:.2f} s" if np.isfinite(rank) else "never" for rank in ranks)
        lines.append(f"| {name} | {shares} | {np.mean(np.isfinite(seconds)):.2f} | {marks} |")
    return lines


def main() -> None:
    """Measure, print, and write the table between the markers of the document."""
    parser = argparse.ArgumentParser(prog="python -m training.onset", description="Measure how soon a cry is told.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of ear.* and cry.*")
    parser.add_argument("--document", type=Path, default=Path("docs/models-cry.md"), help="where the table goes")
    given = parser.parse_args()
    clips = read_manifest(given.data)
    splits = split_groups(clips)
    cries = [clip for clip in clips if clip.kind == CRY and splits[clip.group] == "test"]
    taught = teach(cries, given.teacher, WORK / "yamnet-test-cries.npz")
    models = {profile: EarModels.load(listening(profile), given.models) for profile in Profile}
    decides = yamnet(given.teacher)
    delays: dict[str, list[float]] = {}
    for clip in tqdm(cries, desc="cries", mininterval=2.0):
        made = scene(clip, mark(read_sound(clip.path), clip.kind, taught[clip.name]))
        if made is None:
            continue
        for profile in Profile:
            told, mean = of_monitord(models[profile], profile, *made)
            delays.setdefault(f"{profile}", []).append(told)
            delays.setdefault(f"{profile}, mean alone", []).append(mean)
        delays.setdefault("YAMNet, 0.975 s", []).append(decides(*made))
    text = "\n".join(table(delays))
    print(text)
    put_between(given.document, "onset", text)


if __name__ == "__main__":
    main()
