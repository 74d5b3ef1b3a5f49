"""What 8 bits cost: the shipped networks beside what they were before quantisation, through the daemon's own detector.

    python -m training.quantised --data ../shared/data --teacher ../shared/models/yamnet.tflite

Needs the float networks that `python -m training.cry` leaves in training/work/float/all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from monitord import model
from monitord.audio.models import EarModels
from monitord.tools.evaluate import highest
from training.cache import WORK
from training.clips import CRY, Clip, read_sound
from training.cry import judged
from training.data import open_corpus
from training.score import listening


class FloatModel:
    """A network before quantisation, behind the card of the one after."""

    def __init__(self, card: model.Card, network: Path) -> None:
        self.card = card
        self._network = keras.models.load_model(network)

    def logits(self, example: np.ndarray) -> np.ndarray:
        """Logits, shape (labels,), of one example."""
        return np.asarray(self._network(example[None].astype(np.float32), training=False))[0]


def scores(models: EarModels, clips: list[Clip], name: str) -> np.ndarray:
    """The score of each clip."""
    bar = tqdm(clips, desc=name, mininterval=2.0)
    return np.array([highest([read_sound(clip.path)], models.detector())[CRY] for clip in bar])


def main() -> None:
    """Score the cries of the test split twice and print recall at each threshold of the card."""
    parser = argparse.ArgumentParser(prog="python -m training.quantised", description="Measure what int8 costs.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of ear.* and cry.*")
    given = parser.parse_args()
    clips = [clip for clip in judged(open_corpus(given.data, given.teacher).of("test")) if clip.kind == CRY]
    quantised = EarModels.load(listening("eco"), given.models)
    cards = [model.Card.read(given.models / f"{name}.toml") for name in ("ear", "cry")]
    first, second = (FloatModel(card, WORK / "float" / "all" / f"{card.name}.keras") for card in cards)
    before = EarModels(first, [second], None, listening("eco"), given.models)  # type: ignore[arg-type]  # Alike.
    columns = {"float": scores(before, clips, "float"), "int8": scores(quantised, clips, "int8")}
    print(f"{len(clips)} cries of the test split, eco")
    for row in cards[1].extra["operating"]:
        if row["profile"] == "eco":
            recalls = "  ".join(f"{name} {np.mean(own >= row['threshold']):.4f}" for name, own in columns.items())
            print(f"{row['sensitivity']:9s} threshold {row['threshold']:.4f}  recall: {recalls}")
    print(f"largest difference of a clip's score: {np.abs(columns['float'] - columns['int8']).max():.4f}")


if __name__ == "__main__":
    main()
