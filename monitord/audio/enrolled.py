"""How like a resident's own enrolled utterances a sound is: what is added to a word detector's logit.

A detector learned from made-up speakers. Five utterances of one resident, kept as embeddings and nothing else, tell it
how this voice says the word. The comparison is query by example: the enrolled word slides over the example, and the
best match counts (cosine similarity of the centred embeddings, as in template matching for spoken-term detection).

Pure: no file, no clock, no device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SHIFTS = 7
"""How many embeddings (80 ms each) the word may lie earlier or later than in the template: the hop's half second."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What a similarity is worth, from the [enrolment] section of a word's card.

    Attributes:
        gain: logits per unit of similarity above `offset`.
        offset: similarity from which on the sound is more likely the word than not; below it nothing is added.
        most: the most that is ever added, logits.
    """

    gain: float
    offset: float
    most: float


def similarity(example: Floats, templates: Floats) -> float:
    """Best match of `example` with any template at any shift, -1..1; -1 where there are no templates.

    Args:
        example: newest embeddings, shape (n, 96).
        templates: enrolled examples, shape (count, n, 96).

    Raises:
        ValueError: the shapes do not fit each other.
    """
    if templates.ndim != 3 or example.shape != templates.shape[1:]:  # noqa: PLR2004 - (count, n, 96)
        raise ValueError(f"an example of shape {example.shape} cannot be compared with templates {templates.shape}")
    if not len(templates):
        return -1.0
    # What all enrolled examples have in common over their whole length is the room and the voice, not the word.
    centre = templates.mean(axis=(0, 1), dtype=np.float64)
    heard, known = example - centre, templates - centre
    length = len(heard)
    best = -1.0
    for shift in range(-SHIFTS, SHIFTS + 1):
        ours = heard[max(0, shift) : length + min(0, shift)]
        theirs = known[:, max(0, -shift) : length + min(0, -shift)]
        size = np.sqrt(np.sum(ours**2) * np.sum(theirs**2, axis=(1, 2))) + 1e-9
        best = max(best, float(np.max(np.einsum("ne,cne->c", ours, theirs) / size)))
    return best


def boost(example: Floats, templates: Floats, worth: Gain) -> float:
    """Logits to add to the word's verifier for `example`: 0 for a strange sound, up to `worth.most` for the resident's.

    Never negative: who has not enrolled is heard as well as before.

    Args:
        example: newest embeddings, shape (16, 96).
        templates: enrolled examples, shape (count, 16, 96).
        worth: from the word's card.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    return float(np.clip(worth.gain * (similarity(example, templates) - worth.offset), 0.0, worth.most))
