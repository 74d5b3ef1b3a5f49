"""The process that opens the microphone for `monitord enroll`: confined as the ear is, before it hears anything.

It asks for each utterance on the terminal and tells numbers to the process that started it, which has no microphone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import numpy as np

from monitord import confine, model
from monitord.audio import embedding
from monitord.audio.embedding import SpeechEmbedding
from monitord.audio.features import RATE_HZ
from monitord.audio.process import opener
from monitord.audio.source import MicrophoneError
from monitord.audio.utterance import Finder, Utterance, Verdict, room_level, template
from monitord.tools.enroll import FAILED, UTTERANCES, EnrollError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from monitord.audio.features import Samples
    from monitord.audio.source import Source
    from monitord.config import AudioConfig

ATTEMPTS = 4
"""For each utterance; who fails so often needs another place or microphone."""
SETTLE_S, ROOM_S = 0.5, 1.5
"""What a microphone gives first is no sound of the room; then the room is measured."""
BLOCK_S = 0.1
DOUBTFUL_DBFS = -35.0
"""A room as loud as that leaves a word little to stand out of."""


def main(label: str, folder: Path, audio: AudioConfig, answer: int, *, unconfined: bool) -> int:
    """Ask for `UTTERANCES` utterances of `label`; returns the exit code.

    Args:
        label: the word, as it is shown.
        folder: where the models are.
        audio: which microphone.
        answer: descriptor to write the utterances to, each (16, 96) float32 of this machine.
        unconfined: listen even where a mandatory measure of confinement does not hold.
    """
    try:
        open_source = opener(audio.model_copy(update={"block_s": BLOCK_S}))
    except OSError as cause:
        return _failed(f"PortAudio cannot be loaded ({cause}); install Debian's libportaudio2")
    held = confine.confine(confine.Process.EAR)
    if not held.complete and not unconfined:
        return _failed(held.refusal("microphone"), confine.REFUSED)
    try:
        network = SpeechEmbedding.load(folder / embedding.CARD)
        said = [template(network, each) for each in listen(label, open_source)]
    except (EnrollError, model.ModelError) as cause:
        return _failed(str(cause))
    with os.fdopen(answer, "wb") as parent:
        parent.write(np.stack(said).astype(np.float32).tobytes())
    return 0


def listen(label: str, open_source: Callable[[], Source]) -> list[Utterance]:
    """Open the microphone and ask for each utterance until it is good.

    Raises:
        EnrollError: there is no microphone, or nothing that can be used was heard.
    """
    try:
        with contextlib.closing(_blocks(open_source())) as blocks:
            return list(_five(label, blocks))
    except MicrophoneError as cause:
        raise EnrollError(f"{cause}; if the monitor is running, pause or stop it first") from None


def _blocks(source: Source) -> Generator[Samples, None, None]:
    try:
        while True:
            block = source.read(1.0)
            if block is not None:
                yield block
    finally:
        source.close()


def _five(label: str, blocks: Iterator[Samples]) -> Iterator[Utterance]:
    """Ask for each utterance until it is good."""
    print("Be quiet for two seconds: the room is measured.", flush=True)
    _take(blocks, SETTLE_S)
    room_dbfs = room_level(_take(blocks, ROOM_S))
    print(f"The room is at {room_dbfs:.0f} dBFS." + (" That is loud." if room_dbfs > DOUBTFUL_DBFS else ""))
    for number in range(1, UTTERANCES + 1):
        for _ in range(ATTEMPTS):
            print(f'{number} of {UTTERANCES}: say "{label}" now, as you would call it.', flush=True)
            said = _wait(Finder(room_dbfs), blocks)
            if said.verdict is Verdict.GOOD:
                print(f"   heard: {said.length_s:.1f} s at {said.level_dbfs:.0f} dBFS")
                yield said
                break
            print(f"   {said.verdict.value}. Once more.")
        else:
            raise EnrollError(f"utterance {number}: {ATTEMPTS} attempts and none that can be used; nothing was kept")


def _wait(finder: Finder, blocks: Iterator[Samples]) -> Utterance:
    for block in blocks:
        said = finder.feed(block)
        if said is not None:
            return said
    return finder.finish()


def _take(blocks: Iterator[Samples], seconds: float) -> Samples:
    taken: list[Samples] = []
    while sum(map(len, taken)) < seconds * RATE_HZ:
        taken.append(next(blocks))
    return np.concatenate(taken)


def _failed(sentence: str, code: int = FAILED) -> int:
    print(f"monitord: {sentence}", file=sys.stderr)
    return code
