"""Makes models/cry.tflite and its card from the recordings, on two CPU cores.

    python -m training.cry --data ../shared/data --teacher ../shared/models/yamnet.tflite --out models

Folds a, b, c -> scenes -> network -> int8. Thresholds from the negatives of each fold as scored by a network that
learned from the other two (one split alone has too few hours for a rate); recall and false alarms on the card from the
test split, which nothing before that step has seen. Intermediate results are kept in training/work.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitord.audio.features import FrontEnd
from training import operating
from training.cache import WORK
from training.card import Point, write
from training.clips import FOLDS
from training.data import open_corpus, scenes_of
from training.score import score_clips
from training.windows import WINDOW_FRAMES, window_labels

if TYPE_CHECKING:
    from training.clips import Clip
    from training.scenes import Scenes

HOPS = {"eco": 0.5, "balanced": 0.25}
SEED = 1
SHAPE = (WINDOW_FRAMES, FrontEnd().bins)
_NONE = operating.Interval(0.0, 0.0, 0.0)
UNMEASURED = [Point(profile, name, 0.9, _NONE, 0, 0.0) for profile in HOPS for name in operating.WANTED]
"""Stand in on the card while the detector, which reads one, is measured; replaced at once."""


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the cry detector and write its card.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder for cry.tflite and cry.toml")
    parser.add_argument("--keep", action="store_true", help="keep networks that are there already, train the others")
    parser.add_argument("--scenes", type=int, default=2800, help="ten-second scenes to compose of each fold")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batches", type=int, default=400, help="batches of 64 windows an epoch")
    return parser.parse_args()


def judged(clips: list[Clip]) -> list[Clip]:
    """The clips that count: cries and negatives whose label somebody vouches for."""
    return [clip for clip in clips if clip.kind not in {"rejected", "unvetted"}]


def train(scenes: Scenes, epochs: int, batches: int, seed: int) -> bytes:
    """Train and quantise on `scenes`; returns the int8 model."""
    from training.fit import Cutter, fit  # noqa: PLC0415 - tensorflow takes seconds and threads: after the workers
    from training.quantise import to_int8  # noqa: PLC0415

    model = fit(scenes, epochs, batches, seed)
    rng = np.random.default_rng(seed)
    places = np.argwhere(window_labels(scenes.marks) >= 0)
    return to_int8(model, Cutter(scenes, seed).cut(places[rng.integers(len(places), size=500)]))


def measured(
    path: Path, unseen: list[tuple[Path, list[Clip]]], test: list[Clip]
) -> tuple[list[Point], dict[str, object]]:
    """Operating points of the model at `path`.

    Args:
        path: card of the network that ships.
        unseen: cards of the fold networks, each with negatives it has not learned from: thresholds come from these.
        test: cries and negatives: figures come from these.
    """
    points = []
    rng = np.random.default_rng(SEED)
    cry = operating.is_cry(test)
    test_hours = operating.hours([clip for clip in test if clip.kind != "cry"])
    negatives = [clip for _, clips in unseen for clip in clips]
    for profile, hop_s in HOPS.items():
        chosen_on = np.concatenate([score_clips(fold_card, hop_s, clips) for fold_card, clips in unseen])
        scores = score_clips(path, hop_s, test)
        draws = [operating.resampled_groups(test, rng) for _ in range(1000)]
        for sensitivity, wanted in operating.WANTED.items():
            threshold = operating.threshold_for(chosen_on, operating.hours(negatives), wanted)
            found = scores >= threshold
            spread = np.percentile([found[draw][cry[draw]].mean() for draw in draws], [2.5, 97.5])
            recall = operating.Interval(float(found[cry].mean()), float(spread[0]), float(spread[1]))
            alarms = int(found[~cry].sum())
            points.append(Point(profile, sensitivity, threshold, recall, alarms, alarms / test_hours))
            print(f"{profile:9s}{sensitivity:9s} threshold {threshold:.4f} recall {recall} "
                  f"{alarms} false alarms in {test_hours:.2f} h", flush=True)  # fmt: skip
    notes: dict[str, object] = {
        "thresholds_chosen_on": "negatives of three folds, each scored by a network trained on the other two",
        "threshold_negatives": len(negatives),
        "threshold_negative_hours": round(operating.hours(negatives), 2),
        "test_cries": int(cry.sum()),
        "test_negatives": int((~cry).sum()),
        "test_negative_hours": round(test_hours, 2),
    }
    return points, notes


def main() -> None:
    """Train, quantise, measure, write."""
    given = options()
    corpus = open_corpus(given.data, given.teacher)
    learned = [clip for fold in FOLDS for clip in corpus.of(fold)]

    def make(path: Path, folds: tuple[str, ...]) -> Path:
        if not (given.keep and path.with_suffix(".tflite").is_file()):
            model = train(scenes_of(corpus, folds, given.scenes, SEED), given.epochs, given.batches, SEED)
        else:
            model = path.with_suffix(".tflite").read_bytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, model, SHAPE, points=UNMEASURED, clips=learned, notes={})
        return path

    unseen = []
    for fold in FOLDS:
        card = make(WORK / f"fold-{fold}.toml", tuple(other for other in FOLDS if other != fold))
        unseen.append((card, [clip for clip in judged(corpus.of(fold)) if clip.kind != "cry"]))
    path = make(given.out / "cry.toml", FOLDS)
    points, notes = measured(path, unseen, judged(corpus.of("test")))
    write(path, path.with_suffix(".tflite").read_bytes(), SHAPE, points=points, clips=learned, notes=notes)


if __name__ == "__main__":
    main()
