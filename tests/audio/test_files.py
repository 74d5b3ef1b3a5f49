from itertools import pairwise

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from monitord.audio.files import FileSource, SoundFileError, blocks, read_pieces
from monitord.audio.source import MicrophoneError
from monitord.events import Fault


def read(path):
    return np.concatenate(list(read_pieces(path)))


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_16_khz_mono_16_bit_comes_through_unchanged(tmp_path, sound, kind):
    given_samples = sound.noise(2.3, -20)
    soundfile.write(tmp_path / f"a.{kind}", given_samples, 16000)
    np.testing.assert_array_equal(read(tmp_path / f"a.{kind}"), given_samples)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_any_channels_become_16_khz_mono(tmp_path, rate, channels):
    wave = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate * 2) / rate)
    soundfile.write(tmp_path / "a.wav", np.repeat(wave[:, None], channels, axis=1), rate, subtype="FLOAT")
    samples = read(tmp_path / "a.wav")
    assert len(samples) == pytest.approx(32000, abs=1)
    spectrum = np.abs(np.fft.rfft(samples[8000:24000]))
    assert spectrum.argmax() == 1000
    assert np.sqrt(np.mean(samples[8000:24000].astype(float) ** 2)) == pytest.approx(0.5 / np.sqrt(2) * 32768, rel=0.01)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_any_sample_format(tmp_path, sound, subtype):
    samples = sound.tone(0.5, -12)
    soundfile.write(tmp_path / "a.wav", samples / 32768, 16000, subtype=subtype)
    assert np.abs(read(tmp_path / "a.wav").astype(int) - samples).max() < 700


def test_values_over_full_scale_are_clipped(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([2.0, -2.0, 0.0]), 16000, subtype="FLOAT")
    assert read(tmp_path / "a.wav").tolist() == [32767, -32768, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_with_the_place(tmp_path, value):
    wave = np.zeros(48000)
    wave[33000] = value
    soundfile.write(tmp_path / "a.wav", wave, 16000, subtype="FLOAT")
    with pytest.raises(SoundFileError, match=r"a\.wav: .*no numbers near 2\.0 s"):
        read(tmp_path / "a.wav")


def test_what_is_no_sound_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "nothing.flac").touch()
    (tmp_path / "a.raw").write_bytes(bytes(100))
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    for name, says in (
        ("text.wav", "cannot be read as sound"),
        ("nothing.flac", "cannot be read as sound"),
        ("a.raw", "cannot be read as sound"),
        ("empty.wav", "holds no sound"),
        ("missing.wav", "no such file"),
        (".", "is a folder"),
    ):
        with pytest.raises(SoundFileError, match=says) as refusal:
            read(tmp_path / name)
        assert "\n" not in str(refusal.value)
        assert str(tmp_path) in str(refusal.value)


def test_a_file_that_breaks_off_is_refused_or_read_to_there(tmp_path, sound):
    soundfile.write(tmp_path / "a.flac", sound.noise(5, -20), 16000)
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) // 2])
    try:
        samples = read(tmp_path / "a.flac")
    except SoundFileError:
        return
    assert len(samples) < 5 * 16000


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 40))
def test_blocks_are_the_same_sound_cut_anew(lengths, size):
    whole = np.arange(sum(lengths), dtype=np.int16)
    cuts = np.cumsum([0, *lengths])
    made = list(blocks((whole[a:b] for a, b in pairwise(cuts)), size))
    assert [len(block) for block in made[:-1]] == [size] * max(0, len(made) - 1)
    assert np.array_equal(np.concatenate([np.empty(0, np.int16), *made]), whole)


class Clock:
    """Time that only passes when somebody lets it."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_file_plays_in_real_time_and_then_it_is_quiet_for_ever(tmp_path, sound):
    samples = sound.noise(1.2, -20)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    clock = Clock()
    source = FileSource(tmp_path / "a.wav", 0.5, clock)
    assert source.read(0.0) is None
    heard = []
    for _ in range(5):
        clock.now += 0.5
        heard.append(source.read(0.0))
        assert source.read(0.0) is None
    np.testing.assert_array_equal(np.concatenate(heard)[: len(samples)], samples)
    assert not np.concatenate(heard)[len(samples) :].any()
    assert {len(block) for block in heard} == {8000}
    assert not source.silence_is_fault


def test_a_reader_that_was_late_gets_what_it_missed(tmp_path, sound):
    soundfile.write(tmp_path / "a.wav", sound.noise(2, -20), 16000)
    clock = Clock()
    source = FileSource(tmp_path / "a.wav", 0.5, clock)
    clock.now += 1.0
    assert [source.read(0.0) is None for _ in range(3)] == [False, False, True]


def test_a_waiting_read_can_be_woken(tmp_path, sound):
    soundfile.write(tmp_path / "a.wav", sound.noise(2, -20), 16000)
    source = FileSource(tmp_path / "a.wav", 1.0, Clock())
    source.wake()
    assert source.read(3600.0) is None
    assert source.close()


def test_a_file_that_cannot_be_read_is_a_missing_microphone(tmp_path):
    with pytest.raises(MicrophoneError, match="no such file") as missing:
        FileSource(tmp_path / "a.wav", 0.5)
    assert missing.value.fault is Fault.MICROPHONE_MISSING
