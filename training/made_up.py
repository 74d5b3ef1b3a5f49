"""Sounds made for training, where recordings are few: speech by a synthesiser, music by a synthesiser of instruments.

Both are negatives. Voices reach up into the pitch of children, and tunes are played by everything that the General MIDI
set of instruments holds: choirs, violins, flutes and whistles sound more like a cry than what the recordings hold.
Needs Debian's espeak-ng, fluidsynth and fluid-soundfont-gm.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from monitord.audio.features import RATE_HZ

Samples = npt.NDArray[np.int16]

SENTENCES = 320
SONGS = 220
SONG_S = 9.0
SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")

WORDS = (
    "mama papa come here now what no yes where is the ball look daddy baby oh wow good night sleep well",
    "ich bin hier komm mal nein doch schau warte ja mein kleiner schatz wo bist du hallo",
    "help stop mine again please one two three four give me the red car aua hilfe noch mal da oben",
)
VOICES = ("en-gb+f2", "en-us+f4", "de+f3", "de", "fr+f2", "es+f5", "it+f1", "en-us+m3", "pl+f2", "tr+f4", "en-us+f1")
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10))
DRUMS, DRUM_CHANNEL = (35, 36, 38, 40, 42, 44, 46, 49, 51, 56, 70, 76, 81), 9
SPREAD = 1.7
"""Speech is sped up by as much, pitch and formants together: a grown-up's voice becomes a child's."""


def int16(sound: npt.NDArray[np.float32]) -> Samples:
    """`sound`, full scale -1..1, in 16-bit steps."""
    return np.clip(np.rint(sound * 32767.0), -32768, 32767).astype(np.int16)


def speech(rng: np.random.Generator) -> list[Samples]:
    """`SENTENCES` sentences or single words in random voices, a third of them as high as a child's; 16 kHz."""
    words = [word for line in WORDS for word in line.split()]
    sounds = []
    for _ in range(SENTENCES):
        sentence = " ".join(rng.choice(words, int(rng.choice([1, rng.integers(2, 12)]))))
        voice, pitch, pace = str(rng.choice(VOICES)), int(rng.integers(20, 100)), int(rng.integers(90, 220))
        line = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(pace), "--stdout", sentence]
        spoken = subprocess.run(line, capture_output=True, check=True).stdout  # noqa: S603 - our own words
        samples = np.frombuffer(spoken[44:], "<i2").astype(np.float32) / 32768.0  # After the WAV header.
        faster = rng.uniform(1.15, SPREAD) if rng.random() < 1 / 3 else 1.0
        sounds.append(int16(soxr.resample(samples, 22_050 * faster, RATE_HZ)))
    return sounds


def music(rng: np.random.Generator) -> list[Samples]:
    """`SONGS` pieces of `SONG_S` of one to four random instruments, some with drums; 16 kHz."""
    file = mido.MidiFile(ticks_per_beat=1000)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))  # A tick is a millisecond.
    events = [event for number in range(SONGS) for event in _song(rng, round(number * SONG_S * 1000))]
    now = 0
    for at, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=at - now))
        now = at
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder, "songs.mid"), Path(folder, "songs.wav")
        file.save(score)
        line = ["fluidsynth", "-niq", "-g", "0.5", "-r", "32000", "-F", wave, SOUND_FONT, score]
        subprocess.run([*map(str, line)], check=True, capture_output=True)  # noqa: S603 - fixed arguments
        stereo, rate = soundfile.read(wave, dtype="float32")
    heard = soxr.resample(stereo.mean(axis=1), rate, RATE_HZ)
    length = round(SONG_S * RATE_HZ)
    songs = [heard[number * length : (number + 1) * length] for number in range(SONGS)]
    return [int16(song) for song in songs if len(song) == length]


def _song(rng: np.random.Generator, start: int) -> list[tuple[int, mido.Message]]:
    """Messages of one piece, each with its time in milliseconds."""
    events: list[tuple[int, mido.Message]] = []
    scale, key = SCALES[rng.integers(len(SCALES))], int(rng.integers(-6, 6))
    beat = int(rng.uniform(180, 900))
    end = start + round(SONG_S * 1000) - 300
    for channel in range(int(rng.choice([1, 1, 2, 3, 4]))):
        events.append((start, mido.Message("program_change", channel=channel, program=int(rng.integers(128)))))
        bend = int(rng.integers(2)) * int(rng.integers(200, 3000))
        step, octave = int(rng.integers(-3, 4)), int(rng.integers(3, 7))
        at = start + int(rng.integers(0, beat))
        while at < end:
            length = int(beat * rng.choice([0.5, 1.0, 1.0, 2.0, 4.0]) * rng.uniform(0.6, 1.0))
            step = int(np.clip(step + rng.integers(-3, 4), -7, 8))
            notes = [step] if rng.random() < 0.7 else [step, step + 2, step + 4]
            for degree in notes:
                pitch = int(
                    np.clip(12 * octave + key + 12 * (degree // len(scale)) + scale[degree % len(scale)], 21, 108)
                )
                loud = int(rng.integers(50, 120))
                events.append((at, mido.Message("note_on", channel=channel, note=pitch, velocity=loud)))
                events.append((min(at + length, end), mido.Message("note_off", channel=channel, note=pitch)))
            if bend:  # A slide, as singers and strings do.
                events += [(at, mido.Message("pitchwheel", channel=channel, pitch=-bend)),
                           (at + length // 3, mido.Message("pitchwheel", channel=channel, pitch=0))]  # fmt: skip
            at += length + int(rng.exponential(beat / 4))
        events += [(end, mido.Message("pitchwheel", channel=channel, pitch=0)),
                   (end, mido.Message("control_change", channel=channel, control=120, value=0))]  # fmt: skip
    if rng.random() < 0.35:
        chosen = rng.choice(DRUMS, 3)
        for at in range(start, end, max(120, beat // 2)):
            note = int(rng.choice(chosen))
            events.append(
                (at, mido.Message("note_on", channel=DRUM_CHANNEL, note=note, velocity=int(rng.integers(40, 120))))
            )
    return events
