"""Further negatives, from a Debian package that anybody can install: the sounds of Tux Paint's stamps.

Some sixty animals and forty things, of which the recordings hold one or none (crows, lambs, foxes, seagulls), and names
of things spoken by volunteers in a few dozen languages. Needs Debian's tuxpaint-stamps-default; licences are the
package's own (GPL-2+ and public domain, per file).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.augment import through_codec
from training.clips import read_sound
from training.made_up import int16
from training.sources import Source

STAMPS = Path("/usr/share/tuxpaint/stamps")
NARRATIONS = 500
CREDIT = {
    "name": "Tux Paint stamps (Debian package tuxpaint-stamps-default)",
    "licence": "GPL-2+ and public domain, per file",
    "url": "https://tuxpaint.org/stamps/",
}


def load(seed: int) -> list[Source]:
    """The sounds, each with a version through a telephone codec.

    Raises:
        SystemExit: the package is not installed.
    """
    effects = [
        path for path in sorted(STAMPS.rglob("*.ogg")) if "_desc" not in path.name and "symbols" not in path.parts
    ]
    if not effects:
        raise SystemExit(f"{STAMPS} holds no sounds; install Debian's tuxpaint-stamps-default")
    rng = np.random.default_rng(seed)
    spoken = sorted(path for path in STAMPS.rglob("*_desc*.ogg") if "symbols" not in path.parts)
    chosen = [spoken[number] for number in np.sort(rng.choice(len(spoken), NARRATIONS, replace=False))]
    sources = []
    for paths, kinds in ((effects, None), (chosen, "narration")):
        sounds = [read_sound(path) for path in tqdm(paths, desc="further sounds", mininterval=2.0)]
        coded = [
            int16(heard) for heard in through_codec([sound.astype(np.float32) / 32768.0 for sound in sounds], "gsm")
        ]
        for path, sound, heard in zip(paths, sounds, coded, strict=True):
            kind = kinds or ("animal" if "animals" in path.parts else "thing")
            sources.append(Source(str(path.relative_to(STAMPS)), kind, sound, heard, None))
    return [source for source in sources if len(source.sound) > 1600 and np.abs(source.sound).max() > 300]
