"""Seconds from the onset of a cry to the decision, beside YAMNet at the hop that Frigate uses.

    python bench/onset.py --yamnet yamnet.tflite [--trials 60] [--json FILE]

The cry is that of the bundled scene, which no model was trained on, at RMS 1500 (-27 dBFS) in a room at RMS 20; its
onset falls anywhere within the blocks. monitord decides as its ear does, stage two and smoothing included. YAMNet
decides with the first window in which one of its classes 19 to 22 (crying, baby cry, whimper, wail) reaches 0.3, a
threshold that nobody chose for few false alarms, and without any smoothing; the row "not smoothed" is monitord's first
hop over its own threshold, for that comparison. Counted is the time of the sound until the
block that decides is there, and the processor time of that block.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import measured
import numpy as np
from listeners import RATE_HZ, YAMNET_SAMPLES, yamnet

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from monitord.audio.models import EarModels  # noqa: E402 - the checkout's own, whatever is installed
from monitord.audio.process import reference_cry  # noqa: E402
from monitord.audio.smoothing import Smoothing  # noqa: E402
from monitord.settings import HOP_S, PERIOD_S, Audio, Profile  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

LEAD_S, ROOM_RMS, CRY_RMS = 8.0, 20.0, 1500.0
CRYING = slice(19, 23)
THRESHOLD = 0.3


def scenes(trials: int) -> list[tuple[float, np.ndarray]]:
    """(onset in seconds, sound), the same each time."""
    chance, noise = random.Random(1), np.random.default_rng(1)
    cry = reference_cry().astype(np.float64)
    loud = np.abs(cry) > np.abs(cry).max() / 10
    began = int(np.argmax(loud))
    cry = cry[began:] * CRY_RMS / np.sqrt(np.mean(cry[loud] ** 2))
    made = []
    for _ in range(trials):
        onset = round((LEAD_S + chance.uniform(0.0, 4.0)) * RATE_HZ)
        sound = noise.standard_normal(onset + len(cry)) * ROOM_RMS
        sound[onset:] += cry
        made.append((onset / RATE_HZ, np.clip(np.rint(sound), -32768, 32767).astype(np.int16)))
    return made


def first(sound: np.ndarray, size: int, decides: Callable[[np.ndarray], bool]) -> float | None:
    """Seconds of sound until the block with which `decides` says yes, and of the processor for that block."""
    for end in range(size, len(sound) + 1, size):
        began = time.process_time()
        if decides(sound[end - size : end]):
            return end / RATE_HZ + time.process_time() - began
    return None


def of_monitord(profile: Profile, *, smoothing: bool = True) -> Callable[[], tuple[int, Callable[[np.ndarray], bool]]]:
    """What starts a stream of the ear."""
    audio = Audio(profile=profile, hop_s=HOP_S[profile], period_s=PERIOD_S[profile])
    models = EarModels.load(audio)

    def begin() -> tuple[int, Callable[[np.ndarray], bool]]:
        detector = models.detector()
        if not smoothing:
            detector._smoothings = [Smoothing(1) for _ in detector._smoothings]  # noqa: SLF001 - for this row alone
        return round(audio.period_s * RATE_HZ), lambda block: any("cry" in one.heard for one in detector.feed(block))

    return begin


def of_yamnet(path: Path) -> Callable[[], tuple[int, Callable[[np.ndarray], bool]]]:
    """What starts a stream of YAMNet."""
    take = yamnet(path)

    def decides(block: np.ndarray) -> bool:
        scores = take(block.tobytes())
        return scores is not None and bool(scores[CRYING].max() >= THRESHOLD)

    return lambda: (YAMNET_SAMPLES, decides)


def measure(trials: int, path: Path | None) -> list[dict[str, object]]:
    """One row a listener."""
    listeners = {f"monitord-{profile}": of_monitord(profile) for profile in Profile}
    listeners["monitord-balanced, not smoothed"] = of_monitord(Profile.BALANCED, smoothing=False)
    if path is not None:
        listeners["yamnet"] = of_yamnet(path)
    rows = []
    for name, begin in listeners.items():
        took: list[float] = []
        early = 0
        for onset, sound in scenes(trials):
            size, decides = begin()
            at = first(sound, size, decides)
            early += at is not None and at < onset
            took += [at - onset] if at is not None and at >= onset else []
        row: dict[str, object] = {"listener": name, "trials": trials, "found": len(took), "early": early}
        if len(took) > 1:
            row |= {"p50_s": statistics.median(took), "p95_s": statistics.quantiles(took, n=20)[-1]}
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print the table, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--yamnet", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = measure(options.trials, options.yamnet)
    for row in rows:
        said = f"p50 {row['p50_s']:.2f} s, p95 {row['p95_s']:.2f} s" if "p50_s" in row else "never"
        print(f"{row['listener']:34s}{said}; {row['found']} of {row['trials']} found, {row['early']} before the onset")
    if options.json:
        options.json.write_text(json.dumps({"machine": measured.machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
