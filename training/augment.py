"""What rooms, telephones and microphones do to a sound. Every function takes the random generator it draws from.

Levels are in dBFS (root mean square, full scale is 1.0), sounds are float32 within -1..1, mono, 16 kHz.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.signal
import soundfile
import soxr

from monitord.audio.features import RATE_HZ

Sound = npt.NDArray[np.float32]

CODECS: dict[str, tuple[str, ...]] = {
    "gsm": ("-ar", "8000", "-c:a", "libgsm", "-f", "gsm"),
    "speex": ("-ar", "8000", "-c:a", "libspeex", "-b:a", "8000", "-f", "ogg"),
    "mulaw": ("-ar", "8000", "-c:a", "pcm_mulaw", "-f", "wav"),
    "g723": ("-ar", "8000", "-c:a", "g723_1", "-b:a", "6300", "-f", "matroska"),
    "opus8": ("-ar", "8000", "-c:a", "libopus", "-b:a", "8000", "-application", "voip", "-f", "ogg"),
    "opus16": ("-ar", "16000", "-c:a", "libopus", "-b:a", "16000", "-f", "ogg"),
    "mp3": ("-ar", "16000", "-c:a", "libmp3lame", "-b:a", "24000", "-f", "mp3"),
}
"""Speech codecs of the family the cries went through. AMR-NB itself (CELP, 8 kHz) has no free encoder in Debian's
ffmpeg; GSM, Speex and G.723.1 are its nearest relatives."""

_GAP = RATE_HZ // 2


def through_codec(sounds: list[Sound], codec: str) -> list[Sound]:
    """Each of `sounds` after one pass through `codec`, same lengths; all in one stream, with gaps, for speed.

    Raises:
        RuntimeError: ffmpeg failed; the text is its own.
    """
    gap = np.zeros(_GAP, np.float32)
    joined = np.concatenate([part for sound in sounds for part in (sound, gap)])
    with tempfile.TemporaryDirectory() as folder:
        plain, coded, back = (Path(folder) / name for name in ("plain.wav", "coded", "back.wav"))
        soundfile.write(plain, joined, RATE_HZ, subtype="PCM_16")
        for command in (["-i", plain, *CODECS[codec], coded], ["-i", coded, "-ar", str(RATE_HZ), back]):
            line = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *map(str, command)]
            done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
            if done.returncode:
                raise RuntimeError(f"ffmpeg could not run {codec}: {done.stderr.strip()}")
        heard, _ = soundfile.read(back, dtype="float32")
    heard = np.pad(heard, (0, max(0, len(joined) - len(heard))))
    starts = np.cumsum([0] + [len(sound) + _GAP for sound in sounds])
    return [heard[start : start + len(sound)] for start, sound in zip(starts, sounds, strict=False)]


def level_db(sound: Sound) -> float:
    """Level of `sound`, dBFS; -120 for silence."""
    return float(10.0 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-12)) if len(sound) else -120.0


def loud_level_db(sound: Sound) -> float:
    """Level of the loud parts: 90th percentile of 50 ms pieces, dBFS."""
    piece = RATE_HZ // 20
    count = len(sound) // piece
    if count < 1:
        return level_db(sound)
    power = np.mean(np.square(sound[: count * piece].reshape(count, piece)), axis=1)
    return float(10.0 * np.log10(np.percentile(power, 90) + 1e-12))


def scaled(sound: Sound, wanted_db: float) -> Sound:
    """`sound` with its loud parts at `wanted_db`."""
    return sound * np.float32(10.0 ** ((wanted_db - max(loud_level_db(sound), -90.0)) / 20.0))


def room(rng: np.random.Generator) -> Sound:
    """Impulse response of a made-up room: a direct sound, sparse early reflections, an exponential diffuse tail.

    Reverberation time 0.15 to 0.9 s and direct-to-reverberant ratio -6 to 12 dB span furnished homes
    (Traer and McDermott, PNAS 113(48), 2016).
    """
    seconds = rng.uniform(0.15, 0.9)
    length = int(seconds * RATE_HZ)
    when = np.arange(length) / RATE_HZ
    tail = rng.standard_normal(length) * 10.0 ** (-3.0 * when / seconds)
    tail[: int(0.003 * RATE_HZ)] = 0.0
    for _ in range(rng.integers(3, 9)):
        tail[rng.integers(int(0.002 * RATE_HZ), int(0.03 * RATE_HZ))] += rng.uniform(-1.0, 1.0) * 8.0
    # Walls and air take the treble first.
    tail = scipy.signal.lfilter([1.0 - (damp := rng.uniform(0.0, 0.7))], [1.0, -damp], tail)
    tail /= np.sqrt(np.sum(tail**2)) + 1e-9
    response = tail * 10.0 ** (-rng.uniform(-6.0, 12.0) / 20.0)
    response[0] += 1.0
    return response.astype(np.float32)


def reverberated(rng: np.random.Generator, sound: Sound) -> Sound:
    """`sound` in a random room, same length."""
    return scipy.signal.fftconvolve(sound, room(rng))[: len(sound)].astype(np.float32)


def coloured(rng: np.random.Generator, sound: Sound) -> Sound:
    """`sound` through a microphone of uneven response: a random curve of +-8 dB, sometimes a telephone's band edges."""
    hz = np.array([0.0, 150.0, 400.0, 1000.0, 2000.0, 3200.0, 4500.0, 8000.0])
    gain = 10.0 ** (rng.uniform(-8.0, 8.0, len(hz)) * rng.uniform(0.2, 1.0) / 20.0)
    grid = np.linspace(0.0, RATE_HZ / 2, 129)
    curve = np.interp(grid, hz, gain)
    if rng.random() < 0.5:
        top = rng.uniform(3100.0, 4300.0)
        curve *= 1.0 / (1.0 + np.exp(np.clip((grid - top) / 60.0, -50.0, 50.0)))
    if rng.random() < 0.4:
        bottom = rng.uniform(80.0, 350.0)
        curve *= 1.0 / (1.0 + np.exp(np.clip((bottom - grid) / 30.0, -50.0, 50.0)))
    taps = np.fft.fftshift(np.fft.irfft(curve)) * np.hanning(256)
    return scipy.signal.fftconvolve(sound, taps.astype(np.float32), mode="same").astype(np.float32)


def sped(rng: np.random.Generator, sound: Sound, most: float = 0.1) -> Sound:
    """`sound` played up to `most` faster or slower: pitch, formants and tempo move together."""
    factor = rng.uniform(1.0 - most, 1.0 + most)
    return soxr.resample(sound, RATE_HZ * factor, RATE_HZ, quality="QQ").astype(np.float32)


def hiss(rng: np.random.Generator, length: int) -> Sound:
    """Steady noise of a random slope, 0 (white) to -9 dB per octave (deep rumble): fans, rain, white-noise machines."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hz = np.maximum(np.fft.rfftfreq(length, 1 / RATE_HZ), 50.0)
    noise = np.fft.irfft(spectrum * hz ** -rng.uniform(0.0, 1.5), length)
    return (noise / (np.std(noise) + 1e-9)).astype(np.float32)


def tones(rng: np.random.Generator, length: int) -> Sound:
    """A made-up harmonic negative: beeps, sirens, held notes or a whistled tune, 200 to 3000 Hz.

    Harmonic and tonal like a cry, but without a cry's melody, roughness and breath; the recordings hold few of these.
    """
    when = np.arange(length) / RATE_HZ
    style = rng.choice(["beep", "siren", "notes", "chirp"])
    base = 200.0 * 15.0 ** rng.random()
    if style == "beep":
        pitch = np.full(length, base)
        loud = ((when * rng.uniform(0.5, 5.0)) % 1.0 < rng.uniform(0.2, 0.9)).astype(float)
    elif style == "siren":
        wave = rng.choice([0, 1])
        phase = when * rng.uniform(0.15, 4.0)
        sweep = np.sin(2 * np.pi * phase) if wave else 2.0 * (phase % 1.0) - 1.0
        pitch, loud = base * 2.0 ** (sweep * rng.uniform(0.1, 0.9)), np.ones(length)
    elif style == "notes":
        rate = rng.uniform(1.0, 6.0)
        steps = base * 2.0 ** (rng.integers(-7, 8, int(length / RATE_HZ * rate) + 2) / 12.0)
        index = (when * rate).astype(int)
        pitch, loud = steps[index], np.exp(-((when * rate) % 1.0) * rng.uniform(0.2, 4.0))
    else:
        rate = rng.uniform(2.0, 8.0)
        pitch = base * 2.0 ** (((when * rate) % 1.0) * rng.uniform(-1.5, 1.5))
        loud = np.sin(np.pi * ((when * rate) % 1.0)) ** 2
    loud = scipy.signal.lfilter([0.01], [1.0, -0.99], loud)
    turn = 2 * np.pi * np.cumsum(np.clip(pitch, 50.0, 3500.0)) / RATE_HZ
    slope = rng.uniform(0.5, 3.0)
    sound = sum(np.sin(turn * k) / k**slope * (pitch * k < RATE_HZ / 2) for k in range(1, rng.integers(2, 14)))
    return (loud * sound * 0.3).astype(np.float32)
