"""Does enrolment help, and what does it cost? Real speakers enrol five utterances of a digit.

``python -m training.words.enrolling --data ../shared/data --word seven`` makes the digit's detector from made-up
speakers, as training.word does. Then each of fsdd's six speakers enrols with the first five recordings; misses are
counted on all of that speaker's others, false alarms in all recordings without the word, with and without the boost.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitord.audio import enrolled
from monitord.config import HOP_S
from training.clips import read_manifest
from training.words import card, examples, folds, learn, make, measure, recordings
from training.words.head import Recipe
from training.words.recordings import EXAMPLE

if TYPE_CHECKING:
    import numpy.typing as npt

    from training.words.learn import Floats
    from training.words.recordings import Stream

UTTERANCES = 5
SEED = 1
WORTH = enrolled.Gain(**card.ENROLMENT)


def example(stream: Stream, number: int) -> npt.NDArray[np.float32]:
    """Example `number` of a stream, (16, 96)."""
    return stream.rows[number : number + EXAMPLE].astype(np.float32)


def boosted(stream: Stream, logits: Floats, templates: npt.NDArray[np.float32], above: float) -> Floats:
    """`logits` with what the templates add; examples that could not reach `above` even so stay as they are."""
    found = logits.copy()
    for number in np.flatnonzero(logits > above - WORTH.most):
        found[number] += enrolled.boost(example(stream, int(number)), templates, WORTH)
    return found


def highest(logits: Floats, number: int) -> float:
    """Highest smoothed logit of a stream at the eco profile, looks falling as in `learn.judge`."""
    hop_s = HOP_S["eco"]
    looks = measure.per_hop(logits, hop_s, number * 1731 % 8000)
    return float(measure.smoothed(looks, round(card.SMOOTHING_S / hop_s)).max())


def main(arguments: list[str] | None = None) -> None:
    """Learn the digit, enrol every speaker, print misses and false alarms before and after."""
    parser = argparse.ArgumentParser(prog="python -m training.words.enrolling", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--word", default="seven", choices=folds.DIGITS)
    given = parser.parse_args(arguments)
    clips = read_manifest(given.data)
    streams = recordings.streams(clips, SEED)
    made = examples.examples(given.word, "en", make.noises(clips), SEED)
    heads = learn.learn(given.word, clips, streams, made, Recipe(), seed=SEED)
    judged = make.judge(given.word, clips, streams, heads)["eco"]
    measured = [stream for stream in streams if not stream.taught_only]
    scored = [[one + np.float32(card.BIAS) for one in learn.scores(model, measured)] for model in heads]
    fold = folds.folds(clips)
    of_word = [k for k, stream in enumerate(measured) if folds.holds(clips[stream.clip], given.word)]
    for per_hour in (0.5, 1.0):
        at = judged.threshold(per_hour)
        alarms_before = int(np.sum(judged.alarms >= at))
        print(f"{given.word}, threshold for {per_hour:g} per hour, {judged.hours:.2f} h without the word")
        for speaker in sorted({clips[measured[k].clip].group for k in of_word}):
            own = [k for k in of_word if clips[measured[k].clip].group == speaker]
            # The speaker's own fold has heard other digits of this voice; so have the other heads not: theirs counts.
            head = fold[measured[own[0]].clip]
            first, rest = own[:UTTERANCES], own[UTTERANCES:]
            templates = np.stack([example(measured[k], int(np.argmax(scored[head][k]))) for k in first])
            before = [highest(scored[head][k], k) for k in rest]
            after = [highest(boosted(measured[k], scored[head][k], templates, at), k) for k in rest]
            alarms = 0
            for k, stream in enumerate(measured):
                if k not in of_word:
                    logits = scored[fold[stream.clip]][k]
                    alarms += highest(boosted(stream, logits, templates, at), k) >= at
            missed = [int(np.sum(np.array(some) < at)) for some in (before, after)]
            print(
                f"  {speaker}: missed {missed[0]} then {missed[1]} of {len(rest)}; alarms {alarms_before} then {alarms}"
            )


if __name__ == "__main__":
    main()
