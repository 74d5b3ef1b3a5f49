"""Running speech that holds the phrase: the detector must not fire on it.

English and German sentences are ours. In any other language the phrase stands between spoken numbers, which espeak-ng
reads in every language: running speech all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FRAMES: dict[str, tuple[str, ...]] = {
    "en": (
        "can you {} me with the dishes",
        "I think the {} we talked about was never here",
        "they said {} is what you need on a day like this",
        "with a little {} from the neighbours it went well",
        "she wrote {} on a piece of paper and left",
        "it does not {} to worry about the weather",
        "we could not find any {} in the whole town",
        "my brother called it {} and everybody laughed",
        "so the word {} was printed on every box",
        "do you know if {} comes before the summer",
        "there was some {} left in the kitchen yesterday",
        "{} was the only thing that he ever asked for",
    ),
    "de": (
        "mit {} von den Nachbarn ging es ganz gut",
        "wir haben ohne {} die ganze Wohnung gestrichen",
        "er sagt immer {} und dann lachen alle",
        "das war gestern mit der {} aus der Stadt noch anders",
        "ich glaube nicht dass {} auf dem Zettel stand",
        "sie hat um {} gebeten und ist dann gegangen",
        "die {} kommt erst am Montag wieder",
        "zum Glück war {} in der Nähe und alles wurde gut",
        "dank der {} meiner Schwester sind wir fertig geworden",
        "kannst du {} noch einmal auf die Liste schreiben",
        "es gab dort keine {} und auch kein Brot",
        "{} braucht man dabei eigentlich nie",
    ),
}
"""Frames the detector learns from. `{}` is the phrase."""

TEST_FRAMES: dict[str, tuple[str, ...]] = {
    "en": (
        "nobody could {} him find the keys before noon",
        "thanks for the {} you gave my mother last week",
        "I read about {} in the paper this morning",
        "our friends {} out at the school every Friday",
        "maybe some {} would make it easier for both of us",
        "the old man kept saying {} while he looked for his hat",
        "please {} yourself to another piece of cake",
        "what I like about {} is how quickly it is over",
    ),
    "de": (
        "die Maschine läuft mit {} eines kleinen Motors",
        "ohne deine {} hätte ich das nie geschafft",
        "in der Zeitung stand etwas über {} für ältere Leute",
        "vielleicht findet man {} auch im Internet",
        "der Verein bietet {} bei den Hausaufgaben an",
        "erste {} lernt man schon in der Schule",
        "sie liest gerade ein Buch über {} im Alltag",
        "mit etwas {} wird der Kuchen noch vor drei fertig",
    ),
}
"""Frames that test it, by voices it did not learn from."""


def around(phrase: str, language: str, rng: np.random.Generator, *, test: bool = False) -> str:
    """A sentence with `phrase` in it, in letters."""
    frames = (TEST_FRAMES if test else FRAMES).get(language.split("-", maxsplit=1)[0])
    if frames is not None:
        return str(rng.choice(frames)).format(phrase)
    before, after = (" ".join(str(n) for n in rng.integers(1, 100, int(rng.integers(1, 4)))) for _ in range(2))
    return f"{before} {phrase} {after}"
