"""`monitord enroll WORD`: a resident says the word five times, and what is kept makes this voice easier to hear.

Kept are embeddings (``monitord.audio.templates``), never sound: it is held in memory while a word is waited for, and no
longer. Nothing is kept before all five are good.

The process that opens the microphone (``monitord.tools.enroll_ear``) is confined as the ear is: it can write no file
and reach no network. What it hears becomes numbers in it; this process, which keeps them, never has a sound.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np

from monitord import model, paths, service
from monitord.audio import embedding, templates
from monitord.audio.embedding import EXAMPLE, SpeechEmbedding
from monitord.audio.files import SoundFileError, read_pieces
from monitord.audio.models import load_word
from monitord.audio.soundcard import VerifierCard
from monitord.audio.utterance import Utterance, Verdict, find, template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitord.audio.embedding import Floats
    from monitord.config import AudioConfig, Config

DONE, FAILED, WRONG_USAGE = 0, 1, 2
UTTERANCES = 5


class EnrollError(Exception):
    """It cannot go on; the text is one sentence."""


class _Said(Exception):  # noqa: N818 - an end like any other
    """The ear of the enrolment could not go on, and has said why; `args` has its exit code."""


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


def enroll(word: str, recordings: Sequence[Path], config: Config, *, unconfined: bool = False) -> int:
    """Enroll `word` at the microphone of `config`, or from `recordings`, one utterance each.

    Args:
        word: as in audio.words.
        recordings: files with one utterance each; none: the microphone is opened.
        config: the configuration.
        unconfined: open the microphone even where a mandatory measure of confinement does not hold.
    """
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
        if recordings:
            said = [template(network, _recorded(path)) for path in recordings]
        else:
            said = _at_the_microphone(label, config.audio, unconfined=unconfined)
        kept = templates.add(_folder(), label, network.identity, said)
    except (EnrollError, SoundFileError, model.ModelError, templates.TemplatesError) as cause:
        return _failed(cause)
    except _Said as cause:
        return int(cause.args[0])
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


def _at_the_microphone(label: str, audio: AudioConfig, *, unconfined: bool) -> list[Floats]:
    """What the ear of the enrolment tells: the numbers of `UTTERANCES` utterances. This process hears nothing."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "monitord", "enroll-ear", label, str(paths.models_dir()), audio.model_dump_json()]
    with os.fdopen(reading, "rb") as ear:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, str(writing), *(["--unconfined"] if unconfined else [])],
            stdin=subprocess.DEVNULL,
            env={**os.environ, service.SUPERVISOR_PID: str(os.getpid()), "OPENBLAS_NUM_THREADS": "1"},
            pass_fds=(writing,),
        )
        os.close(writing)
        try:
            told = np.frombuffer(ear.read(), np.float32)
        finally:
            code = process.wait()
    if code:
        raise _Said(code)
    return list(told.reshape(UTTERANCES, EXAMPLE, -1))


def _folder() -> Path:
    return paths.state_dir() / paths.ENROLLED


def _failed(cause: Exception) -> int:
    print(f"monitord: {cause}", file=sys.stderr)
    return FAILED
