"""What calibration on the empty room is worth: fits [calibration] of the eye's card, and measures what it brings.

    python -m training.eye_room --data DATA/vision --models models [--grey] [--write]

DATA/vision holds manifest.csv, gmdcsa24 (frames of two bedrooms' cameras, one person at a time) and rooms (photographs
of empty rooms of other houses; those that the training did not see are used). The empty room is, for gmdcsa24, the
median over time of all frames of one camera position; for a photograph, itself. Calibration and look never have the
same light: each is seen under a light of its own (`lit`). So what is measured is another light and a sensor's noise;
what is not is a blanket that lies otherwise.

- fitted: the weights of the network's opinion and of the distance (logistic regression, L2), on one camera position
  and half of the houses; and how far the cells that changed least go before the camera counts as moved.
- measured: on the other camera position and the other houses, at the threshold that 3 % of those empty rooms reach,
  without calibration and with it. Then the positions change places; the card gets what is fitted on all.

`projection` makes the network's description of the room (its `describe` layer), before it is exported.
"""

from __future__ import annotations

import argparse
import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize
from tqdm import tqdm

from monitord.video.classifier import Classifier
from monitord.video.empty_room import CHANGED, STILL, distances
from monitord.video.opencv import fit
from training.person import data as data_of

POSITIONS = {
    "one": ("s3_adl_18", "s3_adl_19", "s3_adl_20", "s3_fall_19", "s3_fall_20"),
    "other": ("s3_adl_15", "s3_fall_15", "s3_fall_16"),
}
"""Camera positions of gmdcsa24 of which no frame was in training, by the beginnings of the files' names."""
HOUSES = 240
FALSE_ALARMS = 0.03
CELLS = 24
MOST = 6.0
"""Logits by which a comparison may change the network's opinion."""
SEED = 5

Floats = np.ndarray


def projection(by_people: Floats, by_light: Floats, mean: Floats, channels: int = 5) -> tuple[Floats, Floats]:
    """Kernel (channels, width) and bias (channels,) that answer to people and little to light.

    Linear discriminants (Fisher, 1936) of two kinds of change of a cell's features, the one by light made less sure of
    itself by a tenth of its mean variance.

    Args:
        by_people: changes of cells by somebody in them, (n, width).
        by_light: changes of cells by light alone, (m, width).
        mean: of the features, (width,): what the bias takes away.
        channels: how many.
    """
    light = by_light.T @ by_light / len(by_light)
    light += 0.1 * np.trace(light) / len(light) * np.eye(len(light))
    _, vectors = eigh(by_people.T @ by_people / len(by_people), light)
    kernel = vectors[:, ::-1][:, :channels].T
    kernel = kernel / np.linalg.norm(kernel, axis=1, keepdims=True)
    return kernel.astype(np.float32), (-kernel @ mean).astype(np.float32)


def read_rows(data: Path) -> list[dict[str, str]]:
    """The manifest."""
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bedrooms(rows: list[dict[str, str]], *, seen: bool) -> list[str]:
    """Paths of empty bedrooms of houses that the training has seen, or has not."""
    mine = [row for row in rows if row["path"].startswith("rooms/") and "bedroom" in row["path"]]
    split = data_of._by_hash  # noqa: SLF001 - the training's own split
    return [row["path"] for row in mine if (split(row["group"]) == "train") == seen]


def lit(picture: Floats, rng: np.random.Generator) -> Floats:
    """`picture` under another light: exposure, contrast, white balance, a lamp at one side, and a sensor's noise."""
    height, width = picture.shape[:2]
    light = (picture.astype(np.float32) / 255.0) ** rng.uniform(0.6, 1.6) * rng.uniform(0.6, 1.25)
    light *= rng.uniform(0.85, 1.15, 3)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    across, down = np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]
    light *= 1.0 + strength * (np.cos(angle) * across + np.sin(angle) * down)[..., None]
    light += rng.normal(0, rng.uniform(0.005, 0.03), light.shape)
    return (np.clip(light, 0, 1) * 255).astype(np.uint8)


def moved(picture: Floats, rng: np.random.Generator) -> Floats:
    """`picture` from a camera that was pushed: 6 to 20 % of the picture aside, turned by up to 10 degrees."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-10, 10), rng.uniform(1.0, 1.15))
    matrix[:, 2] += rng.uniform(0.06, 0.2, 2) * rng.choice([-1, 1], 2) * (width, height)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


@dataclass(frozen=True)
class Looks:
    """Looks of one kind: the network's opinion (logits), and distances to the calibrated room.

    Attributes:
        own: (n,) logits.
        distance: (n,) of the cells that changed most.
        still: (n,) of the cells that changed least.
        lying: (n,) whether somebody lies.
    """

    own: Floats
    distance: Floats
    still: Floats
    lying: Floats

    @classmethod
    def joined(cls, parts: list[Looks]) -> Looks:
        """All of them."""
        return cls(*(np.concatenate([getattr(each, name) for each in parts]) for name in cls.__annotations__))


class Eye:
    """Compares pictures with rooms through the exported network."""

    def __init__(self, models: Path, *, grey: bool = False) -> None:
        self._network = Classifier.load(models)
        self._grey = grey
        self.rng = np.random.default_rng(SEED)
        if not self._network.feature_count:
            raise SystemExit(f"{models}: this network does not describe the room")

    def features(self, picture: Floats) -> tuple[float, Floats]:
        """The logit of somebody's presence, of the picture as it is and in a mirror, and the description."""
        if self._grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        fitted_in = fit(np.ascontiguousarray(picture))
        said, mirrored = (self._network.classify(each) for each in (fitted_in, fitted_in[:, ::-1]))
        held = min(1 - 1e-6, max(1e-6, (said.presence + mirrored.presence) / 2))
        return float(np.log(held / (1 - held))), said.features

    def looks(self, pictures: list[Floats], room: Floats, lying: list[bool] | None = None) -> Looks:
        """Looks at `pictures`, each under a light of its own, beside `room` under yet another."""
        rows = []
        for picture in pictures:
            _, empty = self.features(lit(room, self.rng))
            own, here = self.features(lit(picture, self.rng))
            cells = distances(here, empty, CELLS)
            rows.append((own, np.sort(cells)[-max(1, CELLS // CHANGED) :].mean(), np.quantile(cells, STILL)))
        own, distance, still = np.array(rows, np.float64).T
        return Looks(own, distance, still, np.array(lying or [False] * len(pictures)))


def fitted(empty: Looks, people: Looks) -> tuple[float, float, float]:
    """Weights of opinion and distance, and the bias: both kinds of look count the same (Platt, 1999)."""
    own, distance = (np.concatenate([getattr(empty, n), getattr(people, n)]) for n in ("own", "distance"))
    truth = np.r_[np.zeros(len(empty.own)), np.ones(len(people.own))]
    share = np.where(truth > 0, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())

    def loss(weights: Floats) -> float:
        logit = weights[0] * own + weights[1] * distance + weights[2]
        return float(
            (share * np.logaddexp(0, np.where(truth > 0, -logit, logit))).sum() + 1e-4 * (weights[:2] ** 2).sum()
        )

    found = minimize(loss, np.array([0.5, 5.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, None), (0, None), (None, None)])
    return tuple(float(each) for each in found.x)


def with_calibration(looks: Looks, weights: tuple[float, float, float]) -> Floats:
    """Logits with the comparison taken into account, as `monitord.video.empty_room.adjusted` does."""
    both = weights[0] * looks.own + weights[1] * looks.distance + weights[2]
    return np.clip(both, looks.own - MOST, looks.own + MOST)


def where_moved(people: Looks) -> float:
    """The distance of the cells that changed least which all but 1 % of looks with somebody in them stay below."""
    return float(np.quantile(people.still, 0.99))


def main() -> None:
    """Fit, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument(
        "--describe", metavar="MAP", help="give the network a description of the room, from its map MAP"
    )
    parser.add_argument("--write", action="store_true", help="put what is fitted on all into the card")
    parser.add_argument("--grey", action="store_true", help="measure without colour, as infrared cameras see")
    options = parser.parse_args()
    if options.grey and options.write:
        parser.error("--grey is to measure; the card gets what is fitted on pictures as they are")
    eye = Eye(options.models, grey=options.grey)
    people, empty, pushed = measured(eye, options.data)
    houses = empty.pop("houses")
    half = np.arange(len(houses.own)) % 2 == 0
    split = [Looks(*(getattr(houses, n)[mask] for n in Looks.__annotations__)) for mask in (half, ~half)]
    print("| measured on | lying, alone | lying, calibrated | all, alone | calibrated | moved noticed | wrongly |")
    print("|---|---|---|---|---|---|---|")
    for number, (here, there) in enumerate((("one", "other"), ("other", "one"))):
        weights = fitted(Looks.joined([split[number], empty[here]]), people[here])
        row = table(people[there], Looks.joined([split[1 - number], empty[there]]), weights)
        limit = where_moved(people[here])
        noticed, wrongly = ((each.still >= limit).mean() for each in (pushed[there], people[there]))
        print(f"| position {there} | {' | '.join(row)} | {noticed:.2f} of {len(pushed[there].own)} | {wrongly:.3f} |")
    everybody = Looks.joined(list(people.values()))
    weights = fitted(Looks.joined([houses, *empty.values()]), everybody)
    names = ("presence", "distance", "bias")
    section = {name: round(value, 3) for name, value in zip(names, weights, strict=True)}
    section |= {"most": MOST, "moved": round(where_moved(everybody), 3), "cells": CELLS}
    print(section)
    for name, looks in pushed.items():
        print(f"position {name}: {(looks.still >= section['moved']).sum()} of {len(looks.own)} pushes noticed")
    if options.write:
        write(options.models / "person.toml", "calibration", section)


def measured(eye: Eye, data: Path) -> tuple[dict[str, Looks], dict[str, Looks], dict[str, Looks]]:
    """Looks with somebody, without, and through a camera that was pushed, by position; and "houses" without."""
    rows = read_rows(data)
    people, empty, pushed = {}, {}, {}
    for name, begins in POSITIONS.items():
        mine = [row for row in rows if row["path"].startswith(tuple(f"gmdcsa24/{each}" for each in begins))]
        frames = [cv2.imread(str(data / row["path"]))[:, :, ::-1] for row in mine]
        room = np.median(np.stack(frames), axis=0).astype(np.uint8)
        inhabited = [
            (frame, row["posture"] == "lying") for frame, row in zip(frames, mine, strict=True) if row["people"] == "1"
        ]
        people[name] = eye.looks([frame for frame, _ in inhabited], room, [lies for _, lies in inhabited])
        empty[name] = eye.looks([room] * 40, room)
        pushed[name] = eye.looks([moved(room, eye.rng) for _ in range(40)], room)
    chosen = eye.rng.permutation(bedrooms(rows, seen=False))[:HOUSES]
    parts = []
    for path in tqdm(chosen, unit="house"):
        room = cv2.imread(str(data / path))[:, :, ::-1]
        parts.append(eye.looks([room], room))
    empty["houses"] = Looks.joined(parts)
    return people, empty, pushed


def table(people: Looks, empty: Looks, weights: tuple[float, float, float]) -> list[str]:
    """Shares found at `FALSE_ALARMS` of the empty rooms: lying and all, alone and calibrated."""
    cells = []
    for who in (people.lying, np.ones(len(people.own), bool)):
        for score, negatives in (
            (people.own, empty.own),
            (with_calibration(people, weights), with_calibration(empty, weights)),
        ):
            threshold = np.quantile(negatives, 1 - FALSE_ALARMS)
            found = int((score[who] > threshold).sum())
            cells.append(f"{found / max(1, who.sum()):.2f} ({found} of {int(who.sum())})")
    return cells


def write(card: Path, name: str, section: dict[str, Any]) -> None:
    """Put `section` into `card` in the place of the one before, ahead of its tables of sources."""
    head = f"# [{name}]: by `python -m training.eye_room`; see docs/cameras.md.\n[{name}]\n"
    text = re.sub(re.escape(head) + r"(?:[^\[\n][^\n]*\n)*\n*", "", card.read_text("utf-8"))
    lines = "".join(f"{key} = {value}\n" for key, value in section.items())
    before, mark, after = text.partition("[[source]]")
    card.write_text(f"{before.rstrip()}\n\n{head}{lines}\n{mark}{after}".rstrip() + "\n", "utf-8")


if __name__ == "__main__":
    main()
