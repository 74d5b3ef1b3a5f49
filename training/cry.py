"""Makes models/cry.tflite and its card from the recordings, on two CPU cores.

    python -m training.cry --data ../shared/data --teacher ../shared/models/yamnet.tflite --out models

Train split -> scenes -> network -> int8. Thresholds from the validation split's negatives; recall and false alarms on
the card from the test split, which nothing before that step has seen. Intermediate results are kept in training/work.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training import card, operating
from training.data import open_corpus, scenes_of
from training.score import score_clips

if TYPE_CHECKING:
    from training.clips import Clip
    from training.scenes import Scenes

HOPS = {"eco": 0.5, "balanced": 0.25}
SEED = 1
_NONE = operating.Interval(0.0, 0.0, 0.0)
UNMEASURED = [card.Point(profile, name, 0.9, _NONE, 0, 0.0) for profile in HOPS for name in operating.WANTED]
"""Stand in on the card while the detector, which reads one, is measured; replaced at once."""


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the cry detector and write its card.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder for cry.tflite and cry.toml")
    parser.add_argument("--measure-only", action="store_true", help="keep OUT/cry.tflite, write its card anew")
    parser.add_argument("--scenes", type=int, default=7000, help="ten-second scenes to compose")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batches", type=int, default=300, help="batches of 128 windows an epoch")
    return parser.parse_args()


def judged(clips: list[Clip]) -> list[Clip]:
    """The clips that count: cries and negatives whose label somebody vouches for."""
    return [clip for clip in clips if clip.kind not in {"rejected", "unvetted"}]


def train(scenes: Scenes, epochs: int, batches: int, seed: int) -> bytes:
    """Train and quantise on `scenes`; returns the int8 model."""
    from training.fit import Cutter, fit  # noqa: PLC0415 - tensorflow takes seconds and threads: after the workers
    from training.quantise import to_int8  # noqa: PLC0415
    from training.scenes import window_labels  # noqa: PLC0415

    model = fit(scenes, epochs, batches, seed)
    rng = np.random.default_rng(seed)
    places = np.argwhere(window_labels(scenes.marks) >= 0)
    return to_int8(model, Cutter(scenes, seed).cut(places[rng.integers(len(places), size=400)]))


def measured(path: Path, choose: list[Clip], test: list[Clip]) -> tuple[list[card.Point], dict[str, object]]:
    """Operating points of the model at `path`: thresholds from `choose`, figures from `test`."""
    points = []
    rng = np.random.default_rng(SEED)
    negatives = [clip for clip in choose if clip.kind != "cry"]
    cry = operating.is_cry(test)
    test_hours = operating.hours([clip for clip in test if clip.kind != "cry"])
    for profile, hop_s in HOPS.items():
        chosen_on, scores = score_clips(path, hop_s, negatives), score_clips(path, hop_s, test)
        draws = [operating.resampled_groups(test, rng) for _ in range(1000)]
        for sensitivity, wanted in operating.WANTED.items():
            threshold = operating.threshold_for(chosen_on, operating.hours(negatives), wanted)
            found = scores >= threshold
            spread = np.percentile([found[draw][cry[draw]].mean() for draw in draws], [2.5, 97.5])
            recall = operating.Interval(float(found[cry].mean()), float(spread[0]), float(spread[1]))
            alarms = int(found[~cry].sum())
            points.append(card.Point(profile, sensitivity, threshold, recall, alarms, alarms / test_hours))
            print(f"{profile:9s}{sensitivity:9s} threshold {threshold:.4f} recall {recall} "
                  f"{alarms} false alarms in {test_hours:.2f} h", flush=True)  # fmt: skip
    notes: dict[str, object] = {
        "thresholds_chosen_on": f"validation split, {len(negatives)} negatives, {operating.hours(negatives):.2f} h",
        "test_cries": int(cry.sum()),
        "test_negatives": int((~cry).sum()),
        "test_negative_hours": round(test_hours, 2),
    }
    return points, notes


def main() -> None:
    """Train, quantise, measure, write."""
    given = options()
    corpus = open_corpus(given.data, given.teacher)
    path = given.out / "cry.toml"
    if given.measure_only:
        model = path.with_suffix(".tflite").read_bytes()
    else:
        model = train(scenes_of(corpus, corpus.of("train"), given.scenes, SEED), given.epochs, given.batches, SEED)
    given.out.mkdir(parents=True, exist_ok=True)
    card.write(path, model, (80, 40), UNMEASURED, corpus.of("train"), {})
    points, notes = measured(path, judged(corpus.of("validation")), judged(corpus.of("test")))
    card.write(path, model, (80, 40), points, corpus.of("train"), notes)


if __name__ == "__main__":
    main()
