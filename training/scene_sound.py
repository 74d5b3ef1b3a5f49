"""Makes the sound of the demo's scene, monitord/scene/night.flac, and its cry alone: a made-up night, owned outright.

    python -m training.scene_sound --out monitord/scene/night.flac

36 s, 16 kHz, mono: room noise throughout; at 4 s a slammed door, at 6.5 s a spoken sentence (espeak-ng); from 16 s
ten seconds of a synthesised infant cry; then quiet. The shipped model, trained on recordings of cries only, judges it:
this cry is never trained on, and no threshold is set for it.

The cry is a source-filter model. Figures: expiratory cries of about 1 s with a rise-fall melody, f0 350 to 600 Hz, a
short voiced inspiration between them (Golub and Corwin in "Infant Crying", Plenum 1985); formants near 1.1, 3.3 and
5.5 kHz of a vocal tract of about 8 cm; jitter and subharmonic roughness as pain and hunger cries have them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.signal
import soundfile
import soxr

from training.augment import Sound, level_db, room, scaled

RATE = 16_000
SECONDS = 36.0
DOOR_AT, SPEECH_AT, CRY_AT, CRY_UNTIL = 4.0, 6.5, 16.0, 26.0
ALONE_S = (16.2, 24.2)
ROOM_DB, DOOR_DB, SPEECH_DB, CRY_DB = -62.0, -18.0, -26.0, -22.0
SENTENCE = "Good night. I will leave the door open a little."

Floats = npt.NDArray[np.float64]


def resonance(sound: Floats, hz: float, bandwidth: float) -> Floats:
    """`sound` through one formant of unit gain at its peak."""
    radius = np.exp(-np.pi * bandwidth / RATE)
    turn = 2 * np.pi * hz / RATE
    poles = [1.0, -2 * radius * np.cos(turn), radius**2]
    gain = abs(np.polyval(poles[::-1], np.exp(-1j * turn)))
    return np.asarray(scipy.signal.lfilter([gain], poles, sound))


def burst(rng: np.random.Generator, seconds: float, base: float, top: float) -> Floats:
    """One expiratory cry: f0 rises from `base` to `top` Hz and falls below `base`; its loudness swells and dies."""
    count = int(seconds * RATE)
    part = np.linspace(0.0, 1.0, count)
    melody = base + (top - base) * np.sin(np.pi * part**0.7) - 0.18 * base * part**3
    wander = scipy.signal.lfilter([0.002], [1.0, -0.998], rng.standard_normal(count)) * 2.2
    vibrato = 0.012 * np.sin(2 * np.pi * rng.uniform(5.0, 8.0) * part * seconds)
    f0 = melody * (1.0 + 0.02 * wander + vibrato)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    shimmer = 1.0 + 0.6 * scipy.signal.lfilter([0.02], [1.0, -0.98], rng.standard_normal(count))
    voice = np.zeros(count)
    for k in range(1, 20):
        voice += np.sin(k * phase + rng.uniform(0, 2 * np.pi)) / k**0.9 * (k * f0 < 0.47 * RATE)
    rough = 1.0 + rng.uniform(0.0, 0.35) * np.sin(phase / 2) * (part > rng.uniform(0.3, 0.6))
    breath = rng.standard_normal(count) * (0.10 + 0.25 * part**4)
    source = voice * shimmer * rough + breath
    opening = rng.uniform(0.92, 1.08)
    heard = (
        0.5 * source
        + resonance(source, 1100 * opening, 180)
        + 0.8 * resonance(source, 3300 * opening, 300)
        + 0.3 * resonance(source, 5500 * opening, 500)
    )
    swell = np.minimum(1.0, part / 0.08) * np.minimum(1.0, (1.0 - part) / 0.2) ** 0.8
    return heard * swell * (0.75 + 0.25 * np.sin(np.pi * part))


def gasp(rng: np.random.Generator, seconds: float) -> Floats:
    """The breath drawn between two cries: mostly noise, a little high voice."""
    count = int(seconds * RATE)
    part = np.linspace(0.0, 1.0, count)
    phase = 2 * np.pi * np.cumsum(600.0 + 250.0 * part) / RATE
    noise = resonance(rng.standard_normal(count), 1600, 900) + 0.3 * np.sin(phase)
    return noise * np.sin(np.pi * part) ** 2


def cry(rng: np.random.Generator, seconds: float) -> Floats:
    """A bout of crying of about `seconds`: bursts of 0.8 to 1.2 s with pauses of 0.2 to 0.4 s."""
    parts: list[Floats] = []
    length = 0.0
    while length < seconds - 0.8:
        voiced = min(rng.uniform(0.8, 1.2), seconds - length)
        base = rng.uniform(350.0, 430.0)
        parts.append(burst(rng, voiced, base, rng.uniform(470.0, 600.0)) * rng.uniform(0.8, 1.0))
        pause = rng.uniform(0.2, 0.4)
        parts += [np.zeros(int(0.06 * RATE)), 0.12 * gasp(rng, pause - 0.1), np.zeros(int(0.04 * RATE))]
        length += voiced + pause
    return np.concatenate(parts)


def door(rng: np.random.Generator) -> Floats:
    """A slammed door: a click, a thump of the leaf at 60 to 110 Hz, and a rattle that dies in a third of a second."""
    when = np.arange(int(0.7 * RATE)) / RATE
    thump = np.sin(2 * np.pi * (110.0 * when - 40.0 * when**2)) * np.exp(-when / 0.07)
    crack = scipy.signal.lfilter([0.25], [1.0, -0.75], rng.standard_normal(len(when))) * np.exp(-when / 0.035)
    late = when - 0.055  # The latch falls in after the leaf has struck.
    latch = np.where(late > 0, rng.standard_normal(len(when)) * np.exp(-late / 0.012), 0.0)
    return 1.2 * thump + crack + 0.25 * latch


def speech(sentence: str) -> Floats:
    """`sentence` spoken by espeak-ng.

    Raises:
        SystemExit: espeak-ng is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        try:
            subprocess.run(["espeak-ng", "-v", "en-gb", "-s", "150", "-w", str(spoken), sentence], check=True)  # noqa: S603, S607 - our own words
        except FileNotFoundError:
            raise SystemExit("espeak-ng is not installed; it speaks the sentence of the scene") from None
        samples, rate = soundfile.read(spoken, dtype="float64")
    return np.asarray(soxr.resample(samples, rate, RATE))


def night(seed: int = 7) -> npt.NDArray[np.int16]:
    """The whole scene, int16."""
    rng = np.random.default_rng(seed)
    response = room(np.random.default_rng(seed + 1))
    sound: Sound = np.zeros(int(SECONDS * RATE), np.float32)
    for at, piece, wanted_db in (
        (DOOR_AT, door(rng), DOOR_DB),
        (SPEECH_AT, speech(SENTENCE), SPEECH_DB),
        (CRY_AT, cry(rng, CRY_UNTIL - CRY_AT), CRY_DB),
    ):
        heard = scaled(scipy.signal.fftconvolve(piece, response).astype(np.float32), wanted_db)
        start = int(at * RATE)
        sound[start : start + len(heard)] += heard[: len(sound) - start]
    noise = np.asarray(scipy.signal.lfilter([0.1], [1.0, -0.9], rng.standard_normal(len(sound))), np.float32)
    sound += noise * np.float32(10.0 ** ((ROOM_DB - level_db(noise)) / 20.0))
    return np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16)


def main() -> None:
    """Write the scene."""
    parser = argparse.ArgumentParser(description="Make the sound of the demo's scene.")
    parser.add_argument("--out", type=Path, default=Path("monitord/scene/night.flac"))
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    samples = night()
    soundfile.write(out, samples, RATE, subtype="PCM_16")
    # What the ear mixes into a loud room, for a process that has no decoder.
    begin, end = (round(seconds * RATE) for seconds in ALONE_S)
    soundfile.write(out.with_name("cry.wav"), samples[begin:end], RATE, subtype="PCM_16")
    peak = np.abs(samples.astype(np.int32)).max() / 32768
    print(f"{out}: {len(samples) / RATE:.1f} s, {out.stat().st_size} bytes, peak {20 * np.log10(peak):.1f} dBFS")


if __name__ == "__main__":
    main()
