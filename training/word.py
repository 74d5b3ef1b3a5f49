"""Any word or short phrase in any language that espeak-ng speaks -> a detector of it.

``python -m training.word --phrase "help" --language en --data ../shared/data --out models``

Writes WORD.tflite and WORD.toml. What the recordings are to every word is made once and kept in training/work.
"""

from __future__ import annotations

import argparse
import re
import resource
import time
import unicodedata
from pathlib import Path

from training.clips import read_manifest
from training.words import phonemes

SEED = 1
LETTERS = 40


def slug(phrase: str) -> str:
    """The name of the model of `phrase`: lower-case letters and digits, words joined by `_`.

    Raises:
        SystemExit: nothing is left, or it is too long for a phrase.
    """
    plain = unicodedata.normalize("NFKD", phrase.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if len(phrase) > LETTERS:
        raise SystemExit(f"--phrase: {len(phrase)} letters; a word or a phrase of at most {LETTERS} can be learned")
    if not name:
        raise SystemExit(f"--phrase {phrase!r}: no Latin letter in it; give the model a name with --name")
    return name


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and make the detector."""
    parser = argparse.ArgumentParser(prog="python -m training.word", description=__doc__.splitlines()[0])
    parser.add_argument("--phrase", required=True, help="what the detector is to hear")
    parser.add_argument("--language", required=True, help="espeak-ng's name of the language: en, de, fr ...")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of recordings")
    parser.add_argument("--out", type=Path, default=Path("models"), help="where WORD.tflite and WORD.toml go")
    parser.add_argument("--name", help="name of the model's files; default: the phrase")
    parser.add_argument("--seed", type=int, default=SEED, help="of voices, rooms, weights and batches")
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    name = given.name or slug(given.phrase)
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise SystemExit(f"--name {name!r}: a model's name is of lower-case letters, digits and _")
    phrase = " ".join(given.phrase.split())
    for accent in phonemes.accents(given.language):
        phonemes.ipa(phrase, accent)
    clips = read_manifest(given.data)
    from training.words import make  # noqa: PLC0415 - tensorflow takes seconds; bad input is told before

    given.out.mkdir(parents=True, exist_ok=True)
    make.word(make.Order(given.out / f"{name}.toml", phrase, given.language, given.seed), clips)
    minutes = (time.monotonic() - begun) / 60.0
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{given.out / name}.toml: made in {minutes:.1f} minutes with {gigabytes:.1f} GiB of memory")


if __name__ == "__main__":
    main()
