"""The proof on real voices: words that are in the recordings, learned from made-up speakers alone, measured on people.

``python -m training.words.prove --data ../shared/data`` makes each of `WORDS` with the recipe of training.word,
prints a table for docs/models-words.md and writes proxies.toml, whose figures stand on the cards of words that nobody
recorded.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.clips import read_manifest
from training.words import examples, learn, make, measure, recordings
from training.words.head import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.words.learn import Judged
    from training.words.measure import Rate

WORDS = ("alexa", "snowboy", "smart mirror", "view glass")
SEED = 1


def pooled(found: list[Judged], per_hour: float) -> Rate:
    """Share of all recordings of all words found, each word at its own threshold."""
    count = sum(len(one.found) for one in found)
    heard = sum(float(np.mean(one.found >= one.threshold(per_hour))) * len(one.found) for one in found)
    return measure.share(round(heard), count)


def table(word: str, one: Judged) -> str:
    """A row: word, recordings, hours, misses at four rates of false alarms."""
    cells = []
    for per_hour in (0.5, 1.0, 2.0, 5.0):
        missed = measure.share(round(one.missed(per_hour) * len(one.found)), len(one.found))
        cells.append(f"{100 * missed.value:.1f} % ({100 * missed.low:.1f}-{100 * missed.high:.1f})")
    return f"| {word} | {len(one.found)} | {one.hours:.2f} | " + " | ".join(cells) + " |"


def main(arguments: list[str] | None = None) -> None:
    """Make every word of the proof, measure it, print the table, write proxies.toml."""
    parser = argparse.ArgumentParser(prog="python -m training.words.prove", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--words", nargs="+", default=list(WORDS))
    given = parser.parse_args(arguments)
    clips = read_manifest(given.data)
    streams = recordings.streams(clips, SEED)
    results: dict[str, Mapping[str, Judged]] = {}
    for word in given.words:
        made = examples.examples(word, "en", make.noises(clips), SEED)
        heads = learn.learn(word, clips, streams, made, Recipe(), seed=SEED)
        results[word] = make.judge(word, clips, streams, heads)
        for profile, one in results[word].items():
            print(f"{profile}: {table(word, one)}", flush=True)
    names = ", ".join(f"{word!r}" for word in given.words)
    lines = [
        "# Written by training/words/prove.py: what the recipe finds of words in real voices, taught by made-up ones.",
        f'stands_for = "{names} in real voices; nobody\'s recording of this word itself was measured"',
    ]
    for profile in ("eco", "balanced"):
        lines += ["", f"[{profile}]"]
        for sensitivity, per_hour in make.PER_HOUR.items():
            share = pooled([result[profile] for result in results.values()], per_hour)
            lines.append(f"{sensitivity} = [{share.value:.3f}, {share.low:.3f}, {share.high:.3f}]")
    make.PROXIES.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
