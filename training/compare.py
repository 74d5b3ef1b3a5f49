"""Ours beside YAMNet on the same clips: recall at 0.5, 1 and 2 false alarms per hour, with intervals by group.

    python -m training.compare --data ../shared/data --teacher ../shared/models/yamnet.tflite

Needs models/ear.* and models/cry.*, and the fold networks that `python -m training.cry` leaves in training/work. Two
tables: the test split, judged by the shipped networks, and all recordings, each judged by networks that have not
learned from its group (the test split has too few hours to resolve half an alarm per hour). Each detector's threshold
is the one that its own scores on the same negatives allow, so the tables compare how well they tell sounds apart, not
their thresholds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training import operating
from training.cache import WORK
from training.cascade import ALONE
from training.clips import FOLDS, Clip
from training.cry import PROFILES, SEED, put
from training.data import Corpus, open_corpus
from training.operating import Interval, Scores
from training.pages import put_between
from training.score import score_clips

DRAWS = 500
RATES = (0.5, 1.0, 2.0)
Columns = dict[str, Scores]


def yamnet_scores(corpus: Corpus, clips: list[Clip], step: int) -> Scores:
    """YAMNet's best score of each clip; `step` 1 is a hop of 0.4875 s, 2 its own 0.975 s."""
    return np.array([float(corpus.teacher[clip.name][::step].max()) for clip in clips])


def with_interval(value: float, draws: list[float]) -> Interval:
    """`value` with the 95 % interval of its bootstrap `draws`."""
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def row(name: str, clips: list[Clip], scores: Scores, part: npt.NDArray[np.bool_]) -> str:
    """One line of the table: AUC and recall of `part` of the cries at each rate, thresholds from all negatives."""
    cry = operating.is_cry(clips)
    seconds = np.array([clip.seconds for clip in clips])
    rng = np.random.default_rng(SEED)

    def figures(index: npt.NDArray[np.int64]) -> list[float]:
        found, negative = scores[index][cry[index] & part[index]], scores[index][~cry[index]]
        hours = seconds[index][~cry[index]].sum() / 3600.0
        recalls = [operating.recall_at(found, negative, hours, rate) for rate in RATES]
        return [operating.area_under_curve(found, negative), *recalls]

    draws = [figures(operating.resampled_groups(clips, rng)) for _ in range(DRAWS)]
    values = figures(np.arange(len(clips)))
    spread = [with_interval(value, [draw[number] for draw in draws]) for number, value in enumerate(values)]
    return f"| {name} | {values[0]:.4f} | {' | '.join(map(str, spread[1:]))} |"


def area_by_family(clips: list[Clip], columns: Columns) -> list[str]:
    """Area under the curve of telephone / wideband cries against each family of negatives."""
    cry, narrow = operating.is_cry(clips), np.array([clip.narrow for clip in clips])
    families = {
        "household, animals, street": lambda kind: not kind.startswith(("speech", "music", "rejected", "cry")),
        "speech": lambda kind: kind.startswith("speech"),
        "music": lambda kind: kind == "music",
        "curators' rejects": lambda kind: kind == "rejected",
    }
    lines = [f"| against | clips | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for family, belongs in families.items():
        own = np.array([belongs(clip.kind) for clip in clips])
        areas = [
            " / ".join(
                f"{operating.area_under_curve(scores[cry & part], scores[own]):.4f}" for part in (narrow, ~narrow)
            )
            for scores in columns.values()
        ]
        lines.append(f"| {family} | {int(own.sum())} | {' | '.join(areas)} |")
    return lines


def alarms_by_kind(clips: list[Clip], columns: Columns) -> list[str]:
    """Clips of each negative kind that alarm at each detector's threshold for two false alarms per hour."""
    cry = operating.is_cry(clips)
    trusted = ~cry & np.array([clip.kind != "rejected" for clip in clips])
    hours = operating.hours([clip for clip, is_in in zip(clips, trusted, strict=True) if is_in])
    limits = {name: operating.threshold_for(scores[trusted], hours, 2.0) for name, scores in columns.items()}
    lines = [f"| kind | clips | minutes | {' | '.join(columns)} |", "|---|---|---|" + "---|" * len(columns)]
    for kind in sorted({clip.kind for clip in clips} - {"cry"}):
        own = np.array([clip.kind == kind for clip in clips])
        minutes = 60.0 * operating.hours([clip for clip in clips if clip.kind == kind])
        counts = " | ".join(str(int((scores[own] >= limits[name]).sum())) for name, scores in columns.items())
        lines.append(f"| {kind} | {int(own.sum())} | {minutes:.1f} | {counts} |")
    return lines


def report(title: str, clips: list[Clip], columns: Columns) -> list[str]:
    """All tables for `clips`; `columns` has the scores of each detector."""
    trusted = np.array([clip.kind != "rejected" for clip in clips])
    judged = [clip for clip in clips if clip.kind != "rejected"]
    cry = operating.is_cry(judged)
    hours = operating.hours([clip for clip in judged if clip.kind != "cry"])
    narrow = np.array([clip.narrow for clip in judged])
    groups = len({clip.group for clip in judged if clip.kind == "cry"})
    size = (
        f"{int(cry.sum())} cries of {groups} groups ({int((cry & narrow).sum())} through telephones, "
        f"{int((cry & ~narrow).sum())} wideband); {int((~cry).sum())} negatives, {hours:.2f} hours."
    )
    lines = [f"### {title}", "", size, ""]
    for part_title, part in (("all cries", np.ones(len(judged), bool)), ("telephone", narrow), ("wideband", ~narrow)):
        lines += [f"| {part_title} | AUC | recall at 0.5 /h | at 1 /h | at 2 /h |", "|---|---|---|---|---|"]
        lines += [row(name, judged, scores[trusted], part) for name, scores in columns.items()]
        lines.append("")
    lines += ["Area under the curve by family of negatives, telephone / wideband cries:", ""]
    lines += [*area_by_family(clips, columns), ""]
    heading = (
        "Negatives that alarm at the threshold for 2 per hour (`rejected` is not among those that set it: nobody "
        "vouches that its clips hold no cry):"
    )
    return [*lines, heading, "", *alarms_by_kind(clips, columns), ""]


def plot(clips: list[Clip], columns: Columns, path: Path) -> None:
    """Detection-error trade-off: missed cries against false alarms per hour, to `path`."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the picture

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    judged = np.array([clip.kind != "rejected" for clip in clips])
    cry = operating.is_cry(clips)
    hours = operating.hours([clip for clip in clips if clip.kind not in {"rejected", "cry"}])
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for name, scores in columns.items():
        negatives, cries = np.sort(scores[judged & ~cry])[::-1], np.sort(scores[cry])
        limits = negatives[: max(1, int(20 * hours))]
        missed = np.searchsorted(cries, limits, "right") / len(cries)
        axes.step(np.arange(len(limits)) / hours, missed, where="post", label=name)
    axes.set(xlim=(0, 20), ylim=(0, 0.6), ylabel="share of cries missed")
    axes.set(xlabel="false alarms per hour of hard negatives")
    axes.set(title=f"{int(cry.sum())} cries, {hours:.1f} hours, unseen groups")
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xticks([0, 0.5, 1, 2, 5, 10, 20], ["0", "0.5", "1", "2", "5", "10", "20"])
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def scored(corpus: Corpus, models: Path) -> tuple[dict[str, list[Clip]], dict[str, Columns]]:
    """Clips and columns of scores, both by split."""
    parts = {name: [c for c in corpus.of(name) if c.kind != "unvetted"] for name in ("test", *FOLDS)}
    folders = {"test": models} | {fold: WORK / f"fold-{fold}" for fold in FOLDS}
    columns: dict[str, Columns] = {name: {} for name in parts}
    for name, clips in parts.items():
        networks = (folders[name] / "ear.tflite").read_bytes(), (folders[name] / "cry.tflite").read_bytes()
        for alone, (combine, candidate) in ALONE.items():
            variant = WORK / "alone" / name
            put(variant, networks, corpus, combine=combine, candidate=candidate)
            columns[name][alone] = score_clips(variant, "eco", clips)
        for profile in PROFILES:
            columns[name][f"both, {profile}"] = score_clips(folders[name], profile, clips)
        columns[name]["YAMNet, 0.4875 s"] = yamnet_scores(corpus, clips, 1)
        columns[name]["YAMNet, 0.975 s"] = yamnet_scores(corpus, clips, 2)
    return parts, columns


def main() -> None:
    """Score, print, and write the tables between the markers of the document."""
    parser = argparse.ArgumentParser(prog="python -m training.compare", description="Compare the ear with YAMNet.")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds audio/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="yamnet.tflite")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of ear.* and cry.*")
    parser.add_argument("--document", type=Path, default=Path("docs/models-cry.md"), help="where the tables go")
    given = parser.parse_args()
    parts, columns = scored(open_corpus(given.data, given.teacher), given.models)
    lines = report("Test split, the shipped networks", parts["test"], columns["test"])
    everything = [clip for clips in parts.values() for clip in clips]
    pooled = {name: np.concatenate([columns[part][name] for part in parts]) for name in columns["test"]}
    lines += report("All recordings, each by networks that have not learned from its group", everything, pooled)
    plot(everything, pooled, given.document.with_name("models-cry.svg"))
    text = "\n".join(lines)
    print(text)
    put_between(given.document, "compare", text)


if __name__ == "__main__":
    main()
