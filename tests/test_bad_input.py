"""A corpus of broken files: each gets one clear sentence, no traceback, and an exit code that is not zero."""

from __future__ import annotations

import re
import struct

import pytest

from monitord import cli
from monitord.wire import FRAME_BYTES, WireError, decode


def wav(*, rate=16000, bits=16, channels=1, kind=1, data=b"\0\0" * 1600, riff=b"RIFF"):
    head = struct.pack("<IHHIIHH", 16, kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    return riff + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + head + b"data" + struct.pack("<I", len(data)) + data


TOML = {
    "an open section": b"[room",
    "UTF-16": "[room]".encode("utf-16"),
    "Latin-1": b'[room]\nname = "K\xfcche"',
    "zero bytes": b"\0\0",
    "a key twice": b"[page]\nport = 1\nport = 2",
    "a section twice": b"[page]\n[page]",
    "an unknown section": b"[rom]\n",
    "an unknown key": b'[room]\nnam = "a"',
    "a list for a section": b"room = [1]",
    "a number for a text": b"[room]\nname = 3",
    "a text for a number": b'[page]\nport = "80"',
    "a truth for a number": b"[page]\nport = true",
    "a date for a text": b"[room]\nname = 2026-01-01",
    "a section for a text": b"room.name.x = 1",
    "too large": b"[page]\nport = 70000",
    "too small": b"[page]\nport = -1",
    "no number": b"[video]\nlook_s = nan",
    "endless": b"[rules.cry]\nrepeat_s = inf",
    "thousands of digits": b"[page]\nport = " + b"9" * 5000,
    "an open text": b'[room]\nname = "a',
    "a wrong escape": b'[room]\nname = "\\q"',
    "nested without end": b"a = " + b"[" * 5000,
    "a group of nobody": b'[groups]\na = ["nobody"]',
    "an empty group": b"[groups]\na = []",
    "a rule for no group": b'[rules.cry]\nnotify = ["x"]',
    "a channel of no kind": b'[notify.a]\nurl = "x"',
    "a channel of an unknown kind": b'[notify.a]\nkind = "pigeon"',
    "kept for no day": b"[journal]\nkeep_days = 0",
}
SOUND = {
    "empty": b"",
    "a text": b"no sound here",
    "cut in its head": wav()[:20],
    "cut before its samples": wav()[:30],
    "no samples": wav(data=b""),
    "no rate": wav(rate=0),
    "a rate that no recording has": wav(rate=2**31 - 1),
    "a rate that is hardly one": wav(rate=1),
    "no channel": wav(channels=0),
    "samples of no bits": wav(bits=0),
    "an unknown coding": wav(kind=0x7777),
    "the other byte order": wav(riff=b"RIFX"),
    "values that are no numbers": wav(kind=3, bits=32, data=struct.pack("<f", float("nan")) * 1600),
    "FLAC of zeros": b"fLaC" + b"\0" * 50,
    "FLAC of anything": b"fLaC" + bytes(range(256)),
    "Ogg of zeros": b"OggS" + b"\0" * 60,
}
FRAMES = {
    "empty": b"",
    "a byte": b"\1",
    "one too short": b"\0" * (FRAME_BYTES - 1),
    "one too long": b"\0" * (FRAME_BYTES + 1),
    "zeros": b"\0" * FRAME_BYTES,
    "ones": b"\xff" * FRAME_BYTES,
    "a text": b"CRY CRY!",
}


def said(capsys):
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.startswith("INFO: ")]  # LiteRT's own greeting.
    assert out == ""
    assert "Traceback" not in err
    (sentence,) = lines
    return sentence


@pytest.mark.parametrize("content", TOML.values(), ids=TOML)
def test_a_broken_configuration_is_one_sentence(content, tmp_path, capsys):
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    assert cli.run(["notify", "--config", str(path)]) == 2
    assert re.match(re.escape(str(path)) + r"(:\d+)?: .{10,}", said(capsys))
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
def test_a_broken_recording_is_one_sentence(content, tmp_path, capsys):
    path = tmp_path / "my.wav"
    path.write_bytes(content)
    assert cli.run(["replay", "--audio", str(path)]) == 1
    assert re.match(f"monitord: {re.escape(str(path))}: .{{10,}}", said(capsys))
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", FRAMES.values(), ids=FRAMES)
def test_a_broken_frame_is_one_sentence(content):
    with pytest.raises(WireError) as caught:
        decode(content)
    assert re.fullmatch(r".{5,}", str(caught.value))


def test_what_is_whole_passes(tmp_path, capsys):
    # The control: it is not that everything is refused.
    path = tmp_path / "my.wav"
    path.write_bytes(wav())
    assert cli.run(["replay", "--audio", str(path)]) == 0


def test_the_corpus_is_counted(capsys):
    counts = {"TOML": len(TOML), "WAV and FLAC": len(SOUND), "frames": len(FRAMES)}
    with capsys.disabled():
        print(f"\nbad input: {', '.join(f'{count} {kind}' for kind, count in counts.items())}")  # noqa: T201
    assert sum(counts.values()) >= 49
