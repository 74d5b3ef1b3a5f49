"""`monitord enroll WORD`: a resident says the word five times, and what is kept makes this voice easier to hear.

Kept are embeddings (``monitord.audio.templates``), never sound: it is held in memory while a word is waited for, and no
longer. Nothing is kept before all five are good.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import numpy as np

from monitord import model, paths
from monitord.audio import embedding, templates
from monitord.audio.embedding import SpeechEmbedding
from monitord.audio.features import RATE_HZ
from monitord.audio.files import SoundFileError, read_pieces
from monitord.audio.models import load_word
from monitord.audio.process import opener
from monitord.audio.soundcard import VerifierCard
from monitord.audio.source import MicrophoneError
from monitord.audio.utterance import Finder, Utterance, Verdict, find, room_level, template

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from monitord.audio.features import Samples
    from monitord.audio.source import Source
    from monitord.config import AudioConfig, Config

DONE, FAILED, WRONG_USAGE = 0, 1, 2
UTTERANCES = 5
ATTEMPTS = 4
"""For each utterance; who fails so often needs another place or microphone."""
SETTLE_S, ROOM_S = 0.5, 1.5
"""What a microphone gives first is no sound of the room; then the room is measured."""
BLOCK_S = 0.1
DOUBTFUL_DBFS = -35.0
"""A room as loud as that leaves a word little to stand out of."""


class EnrollError(Exception):
    """It cannot go on; the text is one sentence."""


def show(word: str | None) -> int:
    """List the words that somebody has enrolled, or whether `word` is among them."""
    folder = _folder()
    words = [name for name in templates.enrolled(folder) if word in {None, name}]
    for name in words:
        print(name)
    if not words:
        print(f"nobody has enrolled {word or 'a word'}; {folder} is where it would be kept")
    return DONE


def forget(word: str) -> int:
    """Delete what is kept of `word`."""
    try:
        there = templates.forget(_folder(), word)
    except templates.TemplatesError as cause:
        return _failed(cause)
    print(f"{word}: the enrolled utterances are deleted" if there else f"{word}: nobody has enrolled it")
    return DONE


def enroll(word: str, recordings: Sequence[Path], config: Config) -> int:
    """Enroll `word` at the microphone of `config`, or from `recordings`, one utterance each."""
    if recordings and len(recordings) != UTTERANCES:
        print(f"monitord: {UTTERANCES} recordings are needed, each of one utterance", file=sys.stderr)
        return WRONG_USAGE
    try:
        folder = paths.models_dir()
        loaded = load_word(word, folder)
        card = VerifierCard.read(loaded.card, config.audio.hop_s, config.audio.sensitivity)
        if card.enrolment is None:
            raise EnrollError(f"{loaded.card.path}: this word's model knows no enrolment")  # noqa: TRY301
        label = card.labels[0]
        network = SpeechEmbedding.load(folder / embedding.CARD)
        said = [_recorded(path) for path in recordings] if recordings else _at_the_microphone(label, config.audio)
        kept = templates.add(_folder(), label, network.identity, [template(network, each) for each in said])
    except (EnrollError, SoundFileError, MicrophoneError, model.ModelError, templates.TemplatesError) as cause:
        return _failed(cause)
    print(f"{label}: {kept} utterances are kept in {_folder()}, as numbers; no sound was kept.")
    print(f'The monitor knows them when it is started again. "monitord enroll {label} --forget" deletes them.')
    if word not in config.audio.words:
        print(f'The monitor does not listen for this word yet: add "{word}" to audio.words of its configuration.')
    return DONE


def _recorded(path: Path) -> Utterance:
    said = find(np.concatenate(list(read_pieces(path))))
    if said.verdict is not Verdict.GOOD:
        raise EnrollError(f"{path}: {said.verdict.value}")
    return said


def _at_the_microphone(label: str, audio: AudioConfig) -> list[Utterance]:
    try:
        open_source = opener(audio.model_copy(update={"block_s": BLOCK_S}))
    except OSError as cause:
        raise EnrollError(f"PortAudio cannot be loaded ({cause}); install Debian's libportaudio2") from None
    try:
        source = open_source()
        with contextlib.closing(_blocks(source)) as blocks:
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


def _folder() -> Path:
    return paths.state_dir() / paths.ENROLLED


def _failed(cause: Exception) -> int:
    print(f"monitord: {cause}", file=sys.stderr)
    return FAILED
