"""Makes both stages of the ear from the recordings, on two CPU cores: models/ear.* and models/cry.* with their cards.

    python -m training.cry --data ../shared/data --teacher ../shared/models/yamnet.tflite --out models

Folds a, b, c -> scenes -> networks -> int8, four times: once from all folds, and once from each two of them. What the
latter say of the fold that they have not heard decides how the stages are combined and where the thresholds lie (one
split alone has too few hours for a rate); recall and false alarms on the card are the test split's, which nothing
before that step has seen. Intermediate results are kept in training/work.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training import further, operating
from training.cache import WORK
from training.card import Point, sources, write
from training.cascade import BOTH, cascade_facts, stage_one_facts
from training.clips import CRY, FOLDS, Clip
from training.data import Corpus, open_corpus
from training.score import score_both

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from monitord.audio.soundcard import Combine

PROFILES = ("eco", "balanced")
SEED = 1


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.cry", description="Train both stages of the ear.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder for ear.* and cry.*")
    parser.add_argument("--keep", action="store_true", help="keep networks that are there already, train the others")
    parser.add_argument("--scenes", type=int, default=3200, help="ten-second scenes to compose of each fold")
    return parser.parse_args()


def judged(clips: list[Clip]) -> list[Clip]:
    """The clips that count: cries and negatives whose label somebody vouches for."""
    return [clip for clip in clips if clip.kind not in {"rejected", "unvetted"}]


@dataclass(frozen=True, slots=True)
class Measured:
    """Clips and what a cascade scored them at one hop: highest means over the long window and over the short one."""

    clips: list[Clip]
    scores: operating.Scores
    quick: operating.Scores

    @property
    def cry(self) -> np.ndarray:
        """Which clips are cries."""
        return operating.is_cry(self.clips)

    @property
    def hours(self) -> float:
        """Hours of negatives."""
        return operating.hours([clip for clip in self.clips if clip.kind != CRY])


def points(unseen: dict[str, Measured], test: dict[str, Measured]) -> list[Point]:
    """Operating points, both arguments by profile.

    Args:
        unseen: all folds, each scored by networks that had not heard it; thresholds come from these.
        test: figures come from these.
    """
    made = []
    rng = np.random.default_rng(SEED)
    for profile in PROFILES:
        folds, own = unseen[profile], test[profile]
        draws = [operating.resampled_groups(own.clips, rng) for _ in range(1000)]
        for sensitivity, wanted in operating.WANTED.items():
            threshold = operating.threshold_for(folds.scores[~folds.cry], folds.hours, wanted)
            steady, quick = folds.scores[~folds.cry], folds.quick[~folds.cry]
            at_once = operating.at_once_for(quick, steady, threshold, folds.hours, wanted)
            made.append(point(profile, sensitivity, threshold, at_once, own=own, draws=draws))
            print(f"folds {np.mean(folds.scores[folds.cry] >= threshold):.2f} by the long mean", flush=True)
    return made


def point(
    profile: str,
    sensitivity: str,
    threshold: float,
    at_once: float | None,
    *,
    own: Measured,
    draws: Sequence[npt.NDArray[np.int64]],
) -> Point:
    """What the two ways to begin do on `own`, the test split; `draws` are bootstrap samples of its groups."""
    found = own.scores >= threshold
    if at_once is not None:
        found |= own.quick >= at_once
    spread = np.percentile([found[draw][own.cry[draw]].mean() for draw in draws], [2.5, 97.5])
    recall = operating.Interval(float(found[own.cry].mean()), float(spread[0]), float(spread[1]))
    alarms = int(found[~own.cry].sum())
    print(f"{profile:9s}{sensitivity:9s} threshold {threshold:.4f} at once {at_once or 1.0:.4f} recall {recall}; "
          f"{alarms} false alarms in {own.hours:.2f} h", flush=True)  # fmt: skip
    return Point(profile, sensitivity, threshold, recall, alarms, alarms / own.hours, at_once)


def put(
    folder: Path,
    networks: tuple[bytes, bytes],
    corpus: Corpus,
    *,
    made: Sequence[Point] = (),
    facts: Mapping[str, object] | None = None,
    combine: Combine = BOTH,
    candidate: float | None = None,
) -> None:
    """Write both networks with their cards to `folder`.

    Args:
        folder: made where it is missing.
        networks: int8, stage one and verifier.
        corpus: for the sources.
        made: operating points; none: thresholds that stand in while the detector, which reads one, is measured.
        facts: what goes under [measured].
        combine: how the stages are combined.
        candidate: posterior of stage one from which stage two looks; None: the chosen ones.
    """
    learned = [clip for fold in FOLDS for clip in corpus.of(fold)]
    head, tables = stage_one_facts(candidate)
    write(folder / "ear.toml", networks[0], *head, tables | {"source": sources(learned, further.CREDIT)})
    head, tables = cascade_facts(combine)
    rows = {"measured": dict(facts or {}), "operating": [point.section() for point in made or UNMEASURED]}
    write(folder / "cry.toml", networks[1], *head, tables | rows | {"source": sources(learned, further.CREDIT, YAMNET)})


YAMNET = {"name": "YAMNet (starting weights of the first blocks, and teacher)", "licence": "Apache-2.0",
          "url": "https://github.com/tensorflow/models/tree/master/research/audioset/yamnet"}  # fmt: skip


def main() -> None:
    """Train, quantise, measure, write."""
    given, started = options(), time.monotonic()
    corpus = open_corpus(given.data, given.teacher)
    folders = {fold: WORK / f"fold-{fold}" for fold in FOLDS} | {"all": given.out}
    for name, folder in folders.items():
        kept = [folder / f"{model}.tflite" for model in ("ear", "cry")]
        if given.keep and all(path.is_file() for path in kept):
            networks = kept[0].read_bytes(), kept[1].read_bytes()
        else:
            from training.networks import train  # noqa: PLC0415 - tensorflow takes seconds and threads

            others = tuple(fold for fold in FOLDS if fold != name)
            floats = WORK / "float" / name
            networks = train(corpus, others, given.scenes, seed=SEED, teacher=given.teacher, floats=floats)
        put(folder, networks, corpus)
    unseen, test = {}, {}
    for profile in PROFILES:
        clips = {fold: judged(corpus.of(fold)) for fold in FOLDS}
        scores = [score_both(folders[fold], profile, own) for fold, own in clips.items()]
        unseen[profile] = Measured([clip for own in clips.values() for clip in own], *np.concatenate(scores).T)
        own = judged(corpus.of("test"))
        test[profile] = Measured(own, *score_both(folders["all"], profile, own).T)
    facts: dict[str, object] = {
        "thresholds_chosen_on": "negatives of three folds, each scored by networks trained on the other two",
        "threshold_negatives": int((~unseen["eco"].cry).sum()),
        "threshold_negative_hours": round(unseen["eco"].hours, 2),
        "test_cries": int(test["eco"].cry.sum()),
        "test_negatives": int((~test["eco"].cry).sum()),
        "test_negative_hours": round(test["eco"].hours, 2),
    }
    made = points(unseen, test)
    networks = (given.out / "ear.tflite").read_bytes(), (given.out / "cry.tflite").read_bytes()
    put(given.out, networks, corpus, made=made, facts=facts)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"made in {(time.monotonic() - started) / 60:.0f} minutes; at most {peak / 1024**2:.1f} GiB in one process")


_NONE = operating.Interval(0.0, 0.0, 0.0)
UNMEASURED = [Point(profile, name, 0.9, _NONE, 0, 0.0, 1.0) for profile in PROFILES for name in operating.WANTED]
"""Stand in on the card while the detector, which reads one, is measured; replaced at the end."""


if __name__ == "__main__":
    main()
