"""How a phrase sounds: espeak-ng's IPA in each accent of its language, and words that sound nearly the same."""

from __future__ import annotations

import functools
import subprocess
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ACCENTS: dict[str, tuple[str, ...]] = {
    "en": ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc", "en-029"),
    "fr": ("fr-fr", "fr-be", "fr-ch"),
    "es": ("es", "es-419"),
    "pt": ("pt", "pt-br"),
    "vi": ("vi", "vi-vn-x-central", "vi-vn-x-south"),
}
"""espeak-ng's accents of a language; any other language has the one of its own name."""

VOWELS = "aeiouyæɐɑɒɔəɚɛɜɝɪʊʌøœɵʉɨʏɯɤ"
_LIKE: tuple[str, ...] = (
    # Sounds that one mishears for each other: same manner, near place or voicing.
    "pbtdkɡ", "fvθðsz", "ʃʒsz", "mnŋ", "lɹrɾwj", "hfxç", "iɪeɛy", "ɛæaɜə", "ɑɒɔʌoa", "uʊoʉ", "əɐʌɜ",
)  # fmt: skip


@functools.cache
def ipa(phrase: str, voice: str) -> str:
    """`phrase` in IPA as espeak-ng's `voice` reads it, words parted by blanks.

    Raises:
        SystemExit: espeak-ng is not installed, or knows no such voice.
    """
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["espeak-ng", "-q", "--ipa", "-v", voice, "--", phrase],  # noqa: S607 - wherever Debian puts it
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise SystemExit("espeak-ng: not found; install it with: apt install espeak-ng") from None
    spoken = " ".join(done.stdout.split())
    if done.returncode or not spoken:
        raise SystemExit(f"espeak-ng cannot read {phrase!r} as {voice!r}; see: espeak-ng --voices")
    plain = unicodedata.normalize("NFC", spoken).replace(":", "ː").replace("g", "ɡ")
    return "".join(c for c in plain if not unicodedata.combining(c) and c not in "_-()")


def accents(language: str) -> tuple[str, ...]:
    """espeak-ng's voices for `language` (`en`), or the one named in full (`en-gb`)."""
    return ACCENTS.get(language, (language,))


def ways(phrase: str, language: str) -> list[str]:
    """Every distinct IPA reading of `phrase` over the accents of `language`, commonest accent first."""
    return list(dict.fromkeys(ipa(phrase, accent) for accent in accents(language)))


def near(spoken: str, rng: np.random.Generator) -> str:
    """A word that sounds like `spoken` (IPA) but is not: one or two sounds changed, dropped, added or exchanged.

    A single vowel changed for its neighbour may be the same word in another accent, so one edit always hits a
    consonant or drops or adds a sound.
    """
    sounds = list(spoken)
    letters = [k for k, c in enumerate(sounds) if c.isalpha()]
    hard = [k for k in letters if sounds[k] not in VOWELS] or letters
    kind = rng.choice(["change", "change", "drop", "add", "cut", "other end"])
    where = int(rng.choice(hard))
    if kind == "change":
        sounds[where] = _unlike(sounds[where], rng)
    elif kind == "drop" and len(letters) > 2:
        del sounds[where]
    elif kind == "add":
        sounds.insert(where, str(rng.choice(list("ptkbdɡmnszfl"))))
    elif kind == "cut" and len(letters) > 3:
        half = letters[len(letters) // 2]
        sounds = sounds[:half] if rng.random() < 0.5 else sounds[half:]
    else:
        edge = letters[0] if rng.random() < 0.5 else letters[-1]
        sounds[edge : edge + 1] = list(rng.choice(["st", "pl", "ɡɹ", "k", "m", "ns", "t", "ʃ", "ɛk", "ʌm"]))
    if rng.random() < 0.5:
        letters = [k for k, c in enumerate(sounds) if c.isalpha()]
        if letters:
            where = int(rng.choice(letters))
            sounds[where] = _unlike(sounds[where], rng)
    edited = "".join(sounds)
    return edited if edited != spoken else spoken + "s"


def _unlike(sound: str, rng: np.random.Generator) -> str:
    """Another sound that could be misheard for `sound`; any consonant where none is listed."""
    family = "".join(kin for kin in _LIKE if sound in kin).replace(sound, "") or "ptksmnl"
    return str(rng.choice(list(family)))
