"""The corpus of bad input, group by group; test_bad_input.py and notify/test_bad_requests.py say what becomes of each.

A case of `MODELS` spoils a folder of models; the others are what is read: a file, a frame, a request, a payload.
"""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING

from monitord.wire import FRAME_BYTES

if TYPE_CHECKING:
    from pathlib import Path


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


def _replace(name: str, pattern: str, new: str):
    """Changes the first match in a card."""

    def spoil(folder: Path) -> None:
        card = folder / f"{name}.toml"
        text, count = re.subn(pattern, new, card.read_text("utf-8"), count=1, flags=re.MULTILINE)
        assert count == 1, pattern
        card.write_text(text, "utf-8")

    return spoil


def _model(name: str, content: bytes, *, vouched: bool = False):
    """Another content for a model; `vouched`: with its hash on the card."""

    def spoil(folder: Path) -> None:
        (folder / f"{name}.tflite").write_bytes(content)
        if vouched:
            _replace(name, '^sha256 = ".*"', f'sha256 = "{hashlib.sha256(content).hexdigest()}"')(folder)

    return spoil


def _card(name: str, content: bytes):
    return lambda folder: (folder / f"{name}.toml").write_bytes(content)


def _another(name: str, other: str):
    """The model of `other` under the name and the card of `name`, which vouches for it."""
    return lambda folder: _model(name, (folder / f"{other}.tflite").read_bytes(), vouched=True)(folder)


def _cut(name: str):
    return lambda folder: _model(name, (folder / f"{name}.tflite").read_bytes()[:5000], vouched=True)(folder)


def _one_bit(name: str):
    def spoil(folder: Path) -> None:
        content = bytearray((folder / f"{name}.tflite").read_bytes())
        content[1000] ^= 1
        (folder / f"{name}.tflite").write_bytes(content)

    return spoil


MODELS = {
    "no model": lambda folder: (folder / "cry.tflite").unlink(),
    "no card": lambda folder: (folder / "cry.toml").unlink(),
    "an empty model": _model("ear", b""),
    "an empty model that its card vouches for": _model("ear", b"", vouched=True),
    "a text for a model": _model("cry", b"no network here", vouched=True),
    "zeros for a model": _model("cry", bytes(4096), vouched=True),
    "the head of a model and nothing more": _model("person", b"\x1c\0\0\0TFL3" + bytes(64), vouched=True),
    "a model cut short": _cut("ear"),
    "one bit of a model": _one_bit("cry"),
    "one bit of the eye's model": _one_bit("person"),
    "the model of another sense": _another("ear", "person"),
    "stage two for stage one": _another("ear", "cry"),
    "an empty card": _card("ear", b""),
    "a card that is no TOML": _card("cry", b"name = ["),
    "a card in UTF-16": _card("cry", "name".encode("utf-16")),
    "a card of zeros": _card("person", bytes(100)),
    "a wrong hash": _replace("cry", '^sha256 = ".*"', 'sha256 = "00"'),
    "a hash that is a number": _replace("cry", '^sha256 = ".*"', "sha256 = 5"),
    "no name": _replace("ear", "^name = .*$", ""),
    "no labels": _replace("ear", "^labels = .*$", "labels = []"),
    "labels that are numbers": _replace("ear", "^labels = .*$", "labels = [1, 2]"),
    "one label too many": _replace("ear", "^labels = .*$", 'labels = ["cry", "voice", "more"]'),
    "a shape of no size": _replace("ear", "^input_shape = .*$", "input_shape = [0, 40]"),
    "a shape that is a text": _replace("ear", "^input_shape = .*$", 'input_shape = "80x40"'),
    "another shape": _replace("ear", "^input_shape = .*$", "input_shape = [81, 40]"),
    "no front end": _replace("ear", r"^\[front_end\]$", "[other]"),
    "a front end of other bins": _replace("ear", "^bins = .*$", "bins = 41"),
    "a front end that is a text": _replace("ear", "^window = .*$", 'window = "long"'),
    "no candidates": _replace("ear", r"^\[candidate\]$", "[candidates]"),
    "a candidate beyond certainty": _replace("ear", "^cry = 0.1$", "cry = 7.0"),
}


def _post(path: bytes, body: bytes, *, head: bytes = b"", length: bytes = b"") -> bytes:
    """The request, but for its Host line."""
    length = length or b"%d" % len(body)
    line = b"POST " + path + b" HTTP/1.1\r\n"
    return line + b"@HOST@Content-Type: application/json\r\n" + head + b"Content-Length: " + length + b"\r\n\r\n" + body


def _get(path: bytes, head: bytes = b"@HOST@", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + path + b" " + version + b"\r\n" + head + b"\r\n"


_PAUSE, _ACK = b"/api/v1/pause", b"/api/v1/incidents/%s/ack"
HTTP = {
    "a word": b"hello\r\n\r\n",
    "all bytes": bytes(range(256)) + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(32) + b"\r\n\r\n",
    "no method": b" / HTTP/1.1\r\n@HOST@\r\n",
    "another protocol": _get(b"/", version=b"SMTP/1.0"),
    "a version to come": _get(b"/", version=b"HTTP/9.9"),
    "an endless path": _get(b"/" + b"a" * 20000),
    "an endless header": _get(b"/", b"@HOST@X: " + b"a" * 20000 + b"\r\n"),
    "a header without a colon": _get(b"/", b"@HOST@nonsense\r\n"),
    "a header with a zero": _get(b"/", b"@HOST@X: a\0b\r\n"),
    "no host": _get(b"/", b""),
    "another host": _get(b"/api/v1/state", b"Host: evil.example\r\n"),
    "two hosts": _get(b"/api/v1/state", b"@HOST@Host: evil.example\r\n"),
    "a page that there is not": _get(b"/none/of/that"),
    "a path that leads out": _get(b"/../../etc/passwd"),
    "a path of odd bytes": _get(b"/%00%ff"),
    "a wrong method": b"DELETE /api/v1/incidents HTTP/1.1\r\n@HOST@\r\n",
    "a length that is no number": _post(_PAUSE, b"{}", length=b"abc"),
    "a length below nothing": _post(_PAUSE, b"{}", length=b"-1"),
    "two lengths": _post(_PAUSE, b"{}", head=b"Content-Length: 3\r\n"),
    "a chunk of no size": b"POST /api/v1/pause HTTP/1.1\r\n@HOST@Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no JSON": _post(_PAUSE, b"{"),
    "JSON in Latin-1": _post(_PAUSE, b'{"minutes": "\xff"}'),
    "a list": _post(_PAUSE, b"[]"),
    "nested without end": _post(_PAUSE, b"[" * 900),
    "too large": _post(_PAUSE, b'{"minutes": "' + b"x" * 100_000 + b'"}'),
    "an unknown key": _post(_PAUSE, b'{"minuten": 5}'),
    "a text for a number": _post(_PAUSE, b'{"minutes": "5"}'),
    "a truth for a number": _post(_PAUSE, b'{"minutes": true}'),
    "no number": _post(_PAUSE, b'{"minutes": NaN}'),
    "thousands of digits": _post(_PAUSE, b'{"minutes": 1' + b"0" * 800 + b"}"),
    "a pause of no length": _post(_PAUSE, b'{"minutes": 0}'),
    "a pause without end": _post(_PAUSE, b'{"minutes": 999999}'),
    "an incident that is no number": _post(_ACK % b"x", b"{}"),
    "an incident that there is not": _post(_ACK % b"77", b"{}"),
    "an incident beyond all numbers": _post(_ACK % (b"9" * 40), b"{}"),
    "a delivery that is no number": _post(b"/api/v1/deliveries/abc/seen", b""),
    "nights of the future": _get(b"/api/v1/nights?days=-4"),
    "nights that are no number": _get(b"/api/v1/nights?days=abc"),
    "another page": _post(_PAUSE, b'{"minutes": 5}', head=b"Origin: http://evil.example\r\n"),
}
"""`@HOST@` stands for the right Host line."""

MQTT = {
    "nothing": b"",
    "a zero": b"0",
    "a number below": b"-1",
    "half an incident": b"1.5",
    "a truth": b"true",
    "null": b"null",
    "no number": b"NaN",
    "endless": b"1e999",
    "a list": b"[5]",
    "a text": b'"5"',
    "a word": b"press",
    "two presses": b"PRESSPRESS",
    "an object of nothing": b"{}",
    "a truth for a number": b'{"incident": true}',
    "a text for a number": b'{"incident": "5"}',
    "an unknown key": b'{"incident": 5, "what": 1}',
    "a number for a name": b'{"incident": 5, "by": 3}',
    "a name with a bell": b'{"incident": 5, "by": "a\\u0007b"}',
    "a name with a line's end": b'{"incident": 5, "by": "a\\nb"}',
    "a name without end": b'{"incident": 5, "by": "' + b"x" * 41 + b'"}',
    "half an object": b'{"incident": 5',
    "nested without end": b"[" * 250,
    "too many digits": b"9" * 200,
    "beyond what JSON can say": b"9007199254740993",
    "longer than any": b" " * 257,
    "no UTF-8": b"\xff\xfe",
    "UTF-16": '{"incident": 5}'.encode("utf-16"),
    "a zero byte": b"5\0",
}
GROUPS = {"TOML": TOML, "WAV and FLAC": SOUND, "frames": FRAMES, "models and cards": MODELS, "HTTP": HTTP, "MQTT": MQTT}
