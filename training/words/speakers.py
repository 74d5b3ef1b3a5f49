"""Made-up speakers: Kokoro's voices and their mixtures, espeak-ng with its variants, flite and festival for English."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from monitord.audio.features import RATE_HZ
from training.words import kokoro
from training.words.phonemes import accents

if TYPE_CHECKING:
    from collections.abc import Sequence

Sound = npt.NDArray[np.float32]

FLITE = ("awb", "rms", "slt", "kal16", "kal")
FESTIVAL = ("voice_cmu_us_slt_arctic_hts", "voice_kal_diphone", "voice_ked_diphone")
UNHUMAN = ("fast_test", "Tweaky", "Demonic", "robo", "Robo", "UniRobot", "announcer", "anikaRobot", "croak")
"""espeak-ng variants left out: no resident sounds like them."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One phrase spoken once.

    Attributes:
        sound: int16, 16 kHz, silence before and after cut off.
        engine: kokoro, espeak, flite, festival.
    """

    sound: npt.NDArray[np.int16]
    engine: str


@dataclass(frozen=True, slots=True)
class Text:
    """What to say: in letters for engines that read, in IPA for the one that does not."""

    letters: str
    ipa: str
    language: str


def trimmed(sound: Sound, below_db: float = 40.0) -> npt.NDArray[np.int16]:
    """`sound` without the silence around it (10 ms pieces `below_db` under the loudest), at -3 dBFS peak, int16."""
    piece = RATE_HZ // 100
    count = len(sound) // piece
    if count < 3:
        return np.zeros(0, np.int16)
    power = np.mean(np.square(sound[: count * piece].reshape(count, piece), dtype=np.float64), axis=1)
    loud = np.flatnonzero(power > power.max() * 10.0 ** (-below_db / 10.0))
    kept = sound[loud[0] * piece : (loud[-1] + 1) * piece]
    return np.rint(kept / (np.abs(kept).max() + 1e-9) * 23_000.0).astype(np.int16)


def by_kokoro(texts: Sequence[Text], voices: tuple[str, ...], seed: int) -> list[Utterance]:
    """Each of `texts` by another mixture of Kokoro's `voices`, at 0.7 to 1.4 times the usual pace."""
    engine = kokoro.Kokoro()
    rng = np.random.default_rng(seed)
    said = []
    for text in texts:
        spoken = kokoro.symbols_of(text.ipa, text.language) + str(rng.choice(["", ".", "!", "!", "?"]))
        style = engine.style(rng, len(spoken), voices)
        said.append(Utterance(trimmed(engine.say(spoken, style, rng.uniform(0.7, 1.4))), "kokoro"))
    return said


def variants() -> list[str]:
    """espeak-ng's voice variants that sound like people, as they are named after a `+`."""
    listed = subprocess.run(["espeak-ng", "--voices=variant"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    names = [line.split("!v/")[1].split()[0] for line in listed.splitlines() if "!v/" in line]
    return sorted(name for name in names if not any(word in name for word in UNHUMAN))


def by_espeak(texts: Sequence[Text], seed: int) -> list[Utterance]:
    """Each of `texts` by espeak-ng: another accent, variant, pitch, range and pace each time."""
    rng = np.random.default_rng(seed)
    kinds = variants()
    said = []
    for text in texts:
        voice = f"{rng.choice(accents(text.language))}+{rng.choice(kinds)}"
        pitch, pace = int(rng.integers(10, 95)), int(rng.integers(90, 230))
        mark = str(rng.choice(["", ".", "!", "?"]))
        line = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(pace), "--stdout", "--", text.letters + mark]
        done = subprocess.run(line, capture_output=True, check=True).stdout  # noqa: S603 - fixed arguments
        samples = np.frombuffer(done[44:], "<i2").astype(np.float32) / 32768.0  # After the WAV header.
        said.append(Utterance(trimmed(soxr.resample(samples, 22_050, RATE_HZ).astype(np.float32)), "espeak"))
    return said


def by_flite(texts: Sequence[Text], seed: int) -> list[Utterance]:
    """Each of `texts`, English, by one of flite's voices or one of festival's, at another pace and pitch."""
    rng = np.random.default_rng(seed)
    said = []
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "said.wav"
        for text in texts:
            stretch = rng.uniform(0.75, 1.5)
            if rng.random() < 0.6:
                settings = [
                    "--setf",
                    f"duration_stretch={stretch:.2f}",
                    "--setf",
                    f"int_f0_target_mean={rng.uniform(80, 230):.0f}",
                ]
                line = ["flite", "-voice", str(rng.choice(FLITE)), *settings, "-t", text.letters, "-o", str(wave)]
                subprocess.run(line, capture_output=True, check=True)  # noqa: S603 - fixed arguments
            else:
                quoted = text.letters.replace('"', "")
                scheme = (
                    f"({rng.choice(FESTIVAL)})(Parameter.set 'Duration_Stretch {stretch:.2f})"
                    f'(utt.save.wave (utt.synth (Utterance Text "{quoted}")) "{wave}")'
                )
                subprocess.run(["festival", "--pipe"], input=scheme, text=True, capture_output=True, check=True)  # noqa: S607
            sound, rate = soundfile.read(wave, dtype="float32")
            said.append(Utterance(trimmed(soxr.resample(sound, rate, RATE_HZ).astype(np.float32)), "flite"))
    return said
