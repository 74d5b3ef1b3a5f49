"""The process that plays the cry of the self-test: it opens the speaker, waits for a word, plays, and ends.

It is started by `monitord selftest`, which has no sound card, and speaks with it by two pipes: a line of JSON each, of
which the first says that the speaker is open. It plays when a line comes, and nothing when its standard input ends
instead: whoever asked is gone. Confined as the ear is, and of the sound card it may open only what plays.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from monitord.audio.features import RATE_HZ, Samples
from monitord.audio.masking import at_level
from monitord.audio.process import reference_cry
from monitord.confine import REFUSED, Process, confine

CRY_S = 6.0
"""So much of the bundled cry is played: the ear knows it after two to three seconds."""
_FADE_S = 0.2
FAILED = 1


def main(device: str, level_dbfs: float) -> int:
    """Play the cry by `device`, as loud as `level_dbfs`; returns the exit code."""
    cry = test_cry()
    try:
        # Here, not at the top: looking for PortAudio starts a program, which a confined process cannot.
        from monitord.audio.microphone import Speaker, SpeakerError  # noqa: PLC0415
    except OSError as cause:
        return _failed(f"PortAudio cannot be loaded ({cause}); install Debian's libportaudio2")
    if not len(cry):
        return _failed("the cry that belongs to monitord cannot be read; install monitord again")
    confinement = confine(Process.SPEAKER)
    if not confinement.complete:
        _failed(confinement.refusal("speaker"))
        return REFUSED
    try:
        speaker = Speaker(device)
        _say({"open": speaker.name})
        if not sys.stdin.readline():
            return FAILED
        speaker.play(at_level(cry, level_dbfs))
    except SpeakerError as cause:
        return _failed(str(cause))
    _say({"played_s": round(len(cry) / RATE_HZ, 1)})
    return 0


def test_cry() -> Samples:
    """What is played: shape (n,), int16, 16 kHz, with a soft end; empty where it cannot be read."""
    cry = reference_cry()[: round(CRY_S * RATE_HZ)].copy()
    fade = min(len(cry), round(_FADE_S * RATE_HZ))
    if fade:
        cry[-fade:] = (cry[-fade:] * np.linspace(1.0, 0.0, fade)).astype(np.int16)
    return cry


def _say(told: dict[str, object]) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201 - to whoever started it


def _failed(sentence: str) -> int:
    _say({"error": sentence})
    return FAILED
