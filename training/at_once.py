"""Sets on a card that is there when a cry may begin at once, from sounds that its networks have not heard.

    python -m training.at_once --data ../shared/data --sounds FOLDER [FOLDER ...] [--write]

`python -m training.cry` chooses this along with the thresholds, on what the networks of the folds have not heard. Where
those are gone, this asks the shipped ones about sounds from elsewhere, in pieces of ten seconds, and about the folds'
negatives, which they have learned from: of neither may any begin at once that the long mean would not tell. So the new
way adds no false alarm there, whatever the rate that a sensitivity aims at. The test split is only measured.
"""

from __future__ import annotations

import argparse
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from tqdm import tqdm

from monitord.audio.features import RATE_HZ
from monitord.audio.models import EarModels
from monitord.tools.evaluate import highest_both
from training import operating
from training.card import write
from training.cascade import SMOOTHING
from training.clips import CRY, FOLDS, read_manifest, read_sound, split_groups
from training.cry import PROFILES, SEED, Measured, judged, point
from training.score import listening, score_both

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

PIECE_S, SHORTEST_S, MOST_PIECES = 10.0, 0.3, 60
"""Of one file; music that goes on for long is no more surprising for it."""


def pieces(folders: list[Path]) -> Iterator[npt.NDArray[np.int16]]:
    """The sounds below `folders`, cut; what is no sound file is passed over."""
    length = round(PIECE_S * RATE_HZ)
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in tqdm([path for path in files if not path.is_symlink()], desc="sounds", mininterval=2.0):
        try:
            sound = read_sound(path)
        except soundfile.LibsndfileError:
            continue
        if len(sound) <= 1.5 * length:
            cut = [sound]
        else:
            cut = [sound[at : at + length] for at in range(0, min(len(sound), MOST_PIECES * length), length)]
        yield from (piece for piece in cut if len(piece) >= SHORTEST_S * RATE_HZ)


def score_pieces(models: Path, folders: list[Path]) -> tuple[dict[str, npt.NDArray[np.float64]], float]:
    """Highest means over the long and the short window of each piece, (pieces, 2), by profile; and the hours."""
    loaded = {profile: EarModels.load(listening(profile), models) for profile in PROFILES}
    scores: dict[str, list[tuple[float, float]]] = {profile: [] for profile in PROFILES}
    samples = 0
    for piece in pieces(folders):
        samples += len(piece)
        for profile, ear in loaded.items():
            steady, quick = highest_both([piece], ear.detector())
            scores[profile].append((steady[CRY], quick[CRY]))
    return {profile: np.array(rows) for profile, rows in scores.items()}, samples / RATE_HZ / 3600.0


def rewrite(card: Mapping[str, Any], folder: Path, model: bytes) -> None:
    """Write `card`, a table of TOML, with its network to `folder`."""
    facts = {key: value for key, value in card.items() if key not in {"name", "sha256", "labels", "input_shape"}}
    write(folder / f"{card['name']}.toml", model, card["labels"], tuple(card["input_shape"]), facts)


def stand_in(card: Mapping[str, Any], models: Path, folder: Path) -> None:
    """Both models in `folder`, the short mean computed and nothing begun by it."""
    for name in ("ear.toml", "ear.tflite"):
        (folder / name).write_bytes((models / name).read_bytes())
    rows = [dict(row) | {"at_once": 1.0} for row in card["operating"]]
    changed = dict(card) | {"smoothing": dict(card["smoothing"]) | SMOOTHING, "operating": rows}
    rewrite(changed, folder, (models / "cry.tflite").read_bytes())


def main() -> None:
    """Measure, choose, and with --write put it on the card."""
    parser = argparse.ArgumentParser(prog="python -m training.at_once", description="Choose when a cry begins at once.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--sounds", type=Path, nargs="+", required=True, help="folders of sounds, no cry among them")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of ear.* and cry.*")
    parser.add_argument("--write", action="store_true", help="change the card")
    given = parser.parse_args()
    card = tomllib.loads((given.models / "cry.toml").read_text("utf-8"))
    clips = judged(read_manifest(given.data))
    splits = split_groups(read_manifest(given.data))
    own = [clip for clip in clips if splits[clip.group] == "test"]
    heard = [clip for clip in clips if splits[clip.group] in FOLDS and clip.kind != CRY]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        stand_in(card, given.models, Path(folder))
        unheard, hours = score_pieces(Path(folder), given.sounds)
        rng = np.random.default_rng(SEED)
        for profile in PROFILES:
            negatives = np.concatenate([unheard[profile], score_both(Path(folder), profile, heard)])
            test = Measured(own, *score_both(Path(folder), profile, own).T)
            draws = [operating.resampled_groups(own, rng) for _ in range(1000)]
            for row in (row for row in card["operating"] if row["profile"] == profile):
                threshold = row["threshold"]
                at_once = operating.at_once_for(negatives[:, 1], negatives[:, 0], threshold, 1.0, 0.0)
                told = int((unheard[profile][:, 0] >= threshold).sum())
                print(f"{told} of {len(unheard[profile])} pieces unheard before reach the long mean's threshold")
                rows.append(point(profile, row["sensitivity"], threshold, at_once, own=test, draws=draws).section())
    measured = dict(card["measured"]) | {
        "at_once_chosen_on": "sounds that the networks have not heard, and the folds' negatives, which they have",
        "at_once_pieces": len(unheard[PROFILES[0]]),
        "at_once_hours": round(hours, 2),
    }
    if given.write:
        changed = {"smoothing": SMOOTHING, "measured": measured, "operating": rows}
        rewrite(card | changed, given.models, (given.models / "cry.tflite").read_bytes())


if __name__ == "__main__":
    main()
