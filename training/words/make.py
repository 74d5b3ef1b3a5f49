"""All steps from a phrase to its model and card."""

from __future__ import annotations

import hashlib
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitord.config import HOP_S
from monitord.model import Card, Model
from training import quantise
from training.clips import read_sound
from training.words import card, examples, head, learn, measure, recordings, strangers
from training.words.folds import holds
from training.words.head import Recipe, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from training.clips import Clip
    from training.words.examples import Examples
    from training.words.learn import Judged
    from training.words.recordings import Stream

Halves = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]

PER_HOUR = {"low": 0.5, "balanced": 1.0, "high": 2.0}
"""False alarms per hour of recordings that each sensitivity aims at."""
PROXIES = Path(__file__).with_name("proxies.toml")
RANGES = 1500
"""Examples that decide the ranges of the int8 network."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted: a detector of `phrase` at `path` (WORD.toml, and WORD.tflite beside it)."""

    path: Path
    phrase: str
    language: str
    seed: int


def word(order: Order, clips: Sequence[Clip]) -> dict[str, Judged]:
    """Make a detector; returns what was measured, by profile."""
    streams = recordings.streams(clips, order.seed)
    made = examples.examples(order.phrase, order.language, noises(clips), order.seed)
    heads = learn.learn(order.phrase, clips, streams, made, Recipe(), seed=order.seed)
    judged = judge(order.phrase, clips, streams, heads)
    whole = head.together(heads)
    model = quantise.to_int8(whole, ranges(made, streams, order.seed))
    notes = figures(order, model, whole, judged["eco"])
    others = [clip for clip in clips if not holds(clip, order.phrase)]
    card.write(
        order.path,
        model,
        phrase=order.phrase,
        language=order.language,
        points=points(judged),
        clips=others,
        notes=notes,
    )
    for profile, one in judged.items():
        print(f"{profile}: {describe(one)}")
    print(", ".join(f"{name} {value}" for name, value in notes.items()))
    return judged


def noises(clips: Sequence[Clip]) -> list[npt.NDArray[np.int16]]:
    """The recordings of noise, to put words in."""
    return [read_sound(clip.path) for clip in clips if clip.kind == "background noise"]


def judge(
    phrase: str, clips: Sequence[Clip], streams: Sequence[Stream], heads: Sequence[keras.Model]
) -> dict[str, Judged]:
    """What `heads` make of the recordings, each of those it had not heard, by profile."""
    measured = [stream for stream in streams if not stream.taught_only]
    by_head = [[one + card.BIAS for one in learn.scores(model, measured)] for model in heads]
    return {
        profile: learn.judge(phrase, clips, measured, by_head, hop_s=hop_s, smoothing_s=card.SMOOTHING_S)
        for profile, hop_s in HOP_S.items()
    }


def describe(one: Judged) -> str:
    """Misses at three rates of false alarms, in words."""
    if not len(one.found):
        return f"no recordings of the phrase; thresholds from {one.hours:.2f} h of recordings without it"
    missed = ", ".join(f"{100 * one.missed(rate):.1f} % at {rate:g}" for rate in (0.5, 1.0, 2.0, 5.0))
    return f"misses {missed} false alarms per hour ({len(one.found)} recordings, {one.hours:.2f} h without the phrase)"


def ranges(made: Examples, streams: Sequence[Stream], seed: int) -> Floats:
    """Examples of the phrase and of recordings, half and half, for quantisation."""
    rng = np.random.default_rng(seed)
    both = Windows.of(made.words), Windows.of([stream.rows for stream in streams])
    return np.concatenate([some.take(rng.integers(len(some.starts), size=RANGES // 2)) for some in both])


def points(judged: dict[str, Judged]) -> list[card.Point]:
    """Thresholds from recordings without the phrase, and what they find: real recordings of it, or of the proxies."""
    proxies = tomllib.loads(PROXIES.read_text("utf-8"))
    rows = []
    for profile, one in judged.items():
        for sensitivity, per_hour in PER_HOUR.items():
            threshold = one.threshold(per_hour)
            count = len(one.found)
            if count:
                recall = measure.share(round(float(np.mean(one.found >= threshold)) * count), count)
            else:
                recall = measure.Rate(*proxies[profile][sensitivity])
            alarms = int(np.sum(one.alarms >= threshold))
            posterior = 1.0 / (1.0 + np.exp(-threshold))
            rows.append(card.Point(profile, sensitivity, posterior, recall, alarms, alarms / one.hours))
    return rows


def figures(order: Order, content: bytes, whole: keras.Model, eco: Judged) -> dict[str, object]:
    """What else was measured, for the card: made-up strangers, sentences, int8 against float."""
    heard = strangers.strangers(order.phrase, order.language, order.seed)
    threshold, hops = eco.threshold(PER_HOUR["balanced"]), round(card.SMOOTHING_S / HOP_S["eco"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / order.path.name
        path.with_suffix(".tflite").write_bytes(content)
        small = Model(Card(path, path.stem, hashlib.sha256(content).hexdigest(), (path.stem,), (16, 96), {}))

    def logits_of(rows: Halves) -> Floats:
        windows = Windows.of([rows])
        taken = windows.take(np.arange(len(windows.starts)))
        return np.array([small.logits(one)[0] for one in taken], np.float32) + np.float32(card.BIAS)

    found = [strangers.fired(some, logits_of, HOP_S["eco"], hops, threshold) for some in (heard.alone, heard.sentences)]
    sample = Windows.of(heard.alone + heard.sentences)
    some = sample.take(np.random.default_rng(order.seed).permutation(len(sample.starts))[:RANGES])
    apart = np.abs(np.array([small.logits(one)[0] for one in some]) - whole(some).numpy()[:, 0])
    notes: dict[str, object] = {
        "thresholds_chosen_on": "recordings without the phrase, each scored by a head that had not heard its group",
        "threshold_negative_hours": round(eco.hours, 2),
        "recordings_of_the_phrase": len(eco.found),
        "held_out_made_up_voices_found": [round(x, 3) for x in (found[0].value, found[0].low, found[0].high)],
        "sentences_with_the_phrase_that_fired": [round(x, 3) for x in (found[1].value, found[1].low, found[1].high)],
        "made_up_calls_and_sentences": [len(heard.alone), len(heard.sentences)],
        "int8_apart_from_float_p95": round(float(np.percentile(apart, 95)), 3),
    }
    if not len(eco.found):
        notes["stands_for"] = tomllib.loads(PROXIES.read_text("utf-8"))["stands_for"]
    return notes
