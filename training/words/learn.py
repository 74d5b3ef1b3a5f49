"""One head for each fold of the recordings, each deaf to its own fold; and what they make of all recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitord.audio.features import RATE_HZ
from training.words import head, measure
from training.words.folds import FOLDS, folds, holds
from training.words.head import Recipe, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from training.clips import Clip
    from training.words.examples import Examples
    from training.words.recordings import Stream

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judged:
    """What heads that had not heard a recording say of it, at one time between looks.

    Attributes:
        alarms: highest smoothed logit in each ten seconds of recordings without the phrase.
        sources: clip of each of these.
        hours: of recordings without the phrase.
        found: highest smoothed logit of each recording of the phrase, by each head, shape (recordings, heads).
        spoken: clip of each of these.
    """

    alarms: npt.NDArray[np.float64]
    sources: npt.NDArray[np.int64]
    hours: float
    found: npt.NDArray[np.float64]
    spoken: npt.NDArray[np.int64]

    def threshold(self, per_hour: float) -> float:
        """Logit at which heads alarm at most `per_hour` times an hour in recordings they had not heard."""
        return measure.threshold(list(self.alarms), self.hours, per_hour)

    def missed(self, per_hour: float) -> float:
        """Share of recordings of the phrase missed at that threshold, mean over the heads."""
        return float(np.mean(self.found < self.threshold(per_hour)))


def learn(
    phrase: str, clips: Sequence[Clip], streams: Sequence[Stream], made: Examples, recipe: Recipe, *, seed: int
) -> list[keras.Model]:
    """A head for each fold, taught by made-up speakers and by the recordings of the other folds without the phrase."""
    words, near, around = (Windows.of(runs) for runs in (made.words, made.near, made.around))
    real = Windows.of([stream.rows for stream in streams])
    fold = np.array(folds(clips))
    of_stream = np.array([stream.clip for stream in streams])
    without = ~np.array([holds(clips[k], phrase) for k in of_stream])
    heads = []
    for number in range(FOLDS):
        taught = real.only(without & (fold[of_stream] != number))
        name = f"head {number + 1} of {FOLDS}"
        heads.append(head.fit((words, near, around, taught), recipe, seed=seed + number, name=name))
    return heads


def scores(model: keras.Model, streams: Sequence[Stream]) -> list[Floats]:
    """Logit of every example of every stream."""
    windows = Windows.of([stream.rows for stream in streams])
    found = head.logits(model, windows)
    bounds = np.searchsorted(windows.owners, np.arange(1, len(streams)))
    return np.split(found, bounds)


def judge(
    phrase: str,
    clips: Sequence[Clip],
    streams: Sequence[Stream],
    by_head: Sequence[Sequence[Floats]],
    *,
    hop_s: float,
    smoothing_s: float,
) -> Judged:
    """See `Judged`; `by_head` are the `scores` of each head, `streams` those that are not `taught_only`."""
    fold = folds(clips)
    alarms, sources, found, spoken, hours = [], [], [], [], 0.0
    for number, stream in enumerate(streams):
        # Looks fall anywhere in a recording: each begins at another phase of the hop.
        phase = number * 1731 % round(hop_s * RATE_HZ)

        def heard(logits: Floats, phase: int = phase) -> npt.NDArray[np.float64]:
            return measure.smoothed(measure.per_hop(logits, hop_s, phase), round(smoothing_s / hop_s))

        if holds(clips[stream.clip], phrase):
            found.append([float(heard(scored[number]).max()) for scored in by_head])
            spoken.append(stream.clip)
        else:
            highest = measure.peaks(heard(by_head[fold[stream.clip]][number]), hop_s)
            alarms += highest
            sources += [stream.clip] * len(highest)
            hours += clips[stream.clip].seconds / 3600.0
    return Judged(
        np.array(alarms),
        np.array(sources, np.int64),
        hours,
        np.array(found).reshape(-1, len(by_head)),
        np.array(spoken, np.int64),
    )
