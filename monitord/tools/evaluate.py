"""`monitord evaluate`: scores of the shipped models on recordings and pictures of one's own.

A manifest is a CSV file; paths in it are relative to it. What cannot be scored is one sentence with the manifest's
line on stderr, and makes the exit code 1; everything else is scored all the same.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from monitord import model, paths
from monitord.audio.files import SoundFileError, read_pieces
from monitord.audio.models import EarModels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitord.audio.detector import Detector
    from monitord.audio.features import Samples
    from monitord.config import Config

DONE, FAILED = 0, 1
Row = dict[str, str]
Scores = dict[str, float]


class EvaluateError(Exception):
    """Nothing can be evaluated, or one clip cannot; the text is one sentence."""


def audio(manifest: Path, scores: Path, config: Config) -> int:
    """Score the clips of `manifest` (path, label) into `scores`; returns the exit code.

    The score is the highest smoothed posterior of the model's first label, as the running ear would compute it; each
    further label of the model has a column of its own.
    """

    def prepare() -> tuple[list[str], Callable[[Path], Scores]]:
        models = EarModels.load(config.audio)
        first, *further = models.detector().labels

        def score(clip: Path) -> Scores:
            best = highest(read_pieces(clip), models.detector())
            return {"score": best[first], **{label: best[label] for label in further}}

        return ["score", *further], score

    return _evaluate(manifest, scores, ("path", "label"), ("path", "label"), prepare)


def highest(pieces: Iterable[Samples], detector: Detector) -> Scores:
    """The highest smoothed posterior of each label in a clip.

    After its end it is quiet, up to a whole hop and then for as long as the smoothing looks back.

    Args:
        pieces: 16 kHz, mono, int16, of any lengths.
        detector: a fresh one.
    """
    return highest_both(pieces, detector)[0]


def highest_both(pieces: Iterable[Samples], detector: Detector) -> tuple[Scores, Scores]:
    """As `highest`, and beside it the highest mean over the short window of each label that may begin at once."""
    best, at_once = dict.fromkeys(detector.labels, 0.0), dict[str, float]()
    samples = 0

    def take(piece: Samples) -> None:
        nonlocal samples
        samples += len(piece)
        for decision in detector.feed(piece):
            for label, value in decision.posteriors.items():
                best[label] = max(best[label], value)
            for label, value in decision.at_once.items():
                at_once[label] = max(at_once.get(label, 0.0), value)

    for piece in pieces:
        take(piece)
    take(np.zeros(-samples % detector.card.hop + detector.tail, np.int16))
    return best, at_once


def video(manifest: Path, scores: Path, config: Config) -> int:
    """Score the pictures, videos or folders of `manifest` (path, people, posture); returns the exit code.

    Columns of `scores`: path, and the probability of each verdict of the model; of several frames, their mean as a
    look computes it.
    """

    def prepare() -> tuple[list[str], Callable[[Path], Scores]]:
        # OpenCV is loaded only where pictures are read.
        from monitord.video.camera import CameraError, open_camera, read_picture  # noqa: PLC0415
        from monitord.video.classifier import LABELS, Classifier  # noqa: PLC0415
        from monitord.video.look import look  # noqa: PLC0415

        classifier = Classifier.load(paths.models_dir())

        def score(clip: Path) -> Scores:
            try:
                if clip.is_dir() or clip.suffix.lower() in VIDEOS:
                    verdict = look(open_camera(f"file:{clip}"), classifier, config.video.look_s)
                    if not verdict.probabilities:
                        raise EvaluateError(f"{clip}: no frame can be judged: {verdict.sight.name}")
                    return {label: verdict.probabilities[label] for label in LABELS}
                return classifier.probabilities(read_picture(clip))
            except CameraError as cause:
                raise EvaluateError(str(cause)) from None

        return list(LABELS), score

    return _evaluate(manifest, scores, ("path", "people", "posture"), ("path",), prepare)


VIDEOS = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".mpg", ".mpeg", ".m4v"})


def _evaluate(
    manifest: Path,
    scores: Path,
    needed: tuple[str, ...],
    copied: tuple[str, ...],
    prepare: Callable[[], tuple[list[str], Callable[[Path], Scores]]],
) -> int:
    """Score every line of `manifest` that has the columns `needed`; write those `copied`, and the scores."""
    mistakes = 0
    rows: list[dict[str, str]] = []
    try:
        lines = _read(manifest, needed)
        _check_target(scores)
        columns, score = prepare()
        for number, line in tqdm(lines, unit="clip", disable=not sys.stderr.isatty()):
            try:
                found = score(manifest.parent / line["path"])
            except (EvaluateError, SoundFileError) as cause:
                mistakes += 1
                tqdm.write(f"{manifest}:{number}: {cause}", file=sys.stderr)
                continue
            rows.append({name: line[name] for name in copied} | {name: f"{found[name]:.6f}" for name in columns})
        _write(scores, [*copied, *columns], rows)
    except (EvaluateError, model.ModelError) as cause:
        print(f"monitord: {cause}", file=sys.stderr)
        return FAILED
    return FAILED if mistakes else DONE


def _read(manifest: Path, needed: tuple[str, ...]) -> list[tuple[int, Row]]:
    """The lines of `manifest` with their numbers."""
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise EvaluateError(f"{manifest}:1: has no column {', '.join(missing)}; it needs {','.join(needed)}")
            rows = [(reader.line_num, row) for row in reader]
    except OSError as cause:
        raise EvaluateError(f"{manifest}: cannot be read: {cause.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as cause:
        raise EvaluateError(f"{manifest}: is no CSV file in UTF-8: {cause}") from None
    short = next((number for number, row in rows if any(row[name] is None for name in needed)), None)
    if short is not None:
        raise EvaluateError(f"{manifest}:{short}: has fewer fields than there are columns")
    return rows


def _check_target(scores: Path) -> None:
    """Say before the work, not after it, that its result has no place."""
    if scores.is_dir():
        raise EvaluateError(f"{scores}: is a folder; name a file for the scores")
    if not scores.parent.is_dir():
        raise EvaluateError(f"{scores.parent}: there is no such folder for the scores")
    if not os.access(scores.parent, os.W_OK):
        raise EvaluateError(f"{scores.parent}: the scores cannot be written there")


def _write(scores: Path, columns: list[str], rows: list[Row]) -> None:
    """Write all at once: whoever reads `scores` finds the old file or the whole new one."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", newline="", encoding="utf-8", dir=scores.parent, prefix=f".{scores.name}.", delete=False
        ) as file:
            try:
                table = csv.DictWriter(file, columns, lineterminator="\n")
                table.writeheader()
                table.writerows(rows)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                Path(file.name).replace(scores)
            except BaseException:
                Path(file.name).unlink()
                raise
    except OSError as cause:
        raise EvaluateError(f"{scores}: the scores cannot be written: {cause.strerror}") from None
