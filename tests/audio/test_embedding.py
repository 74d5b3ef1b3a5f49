"""The speech embedding out of the installed package: the same numbers in a stream as for the whole, or a refusal."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sounds import noise, together, tone

from monitord import paths
from monitord.audio.embedding import CARD, EXAMPLE, Embeddings, SpeechEmbedding
from monitord.model import ModelError

PACKAGE = "pyopen-wakeword"


def installed():
    try:
        return bool(metadata.distribution(PACKAGE))
    except metadata.PackageNotFoundError:
        return False


needs_the_package = pytest.mark.skipif(not installed(), reason=f"{PACKAGE} is not installed (32-bit systems)")


@pytest.fixture(scope="module")
def network():
    return SpeechEmbedding.load(paths.models_dir() / CARD)


@pytest.fixture(scope="module")
def stream():
    """5 s: a room, then something in it."""
    return np.concatenate([noise(1.3, -55), together(noise(2.5, -50, seed=2), tone(2.5, -25, 700.0)), noise(1.2, -60)])


@pytest.fixture(scope="module")
def whole(network, stream):
    return network.embed(stream)


def looks(network, stream, ends):
    """What a stream's `newest` gives at each of `ends`, from no more samples than it says it needs."""
    embeddings = Embeddings(network)
    padded = np.concatenate([np.zeros(network.needs, np.int16), stream])
    return [embeddings.newest(padded[end : end + network.needs], end).copy() for end in ends]


def expected(whole, end):
    """The newest rows of `whole` at sample `end`, where it has so many."""
    return whole[: end // 1280][-EXAMPLE:]


@needs_the_package
def test_there_is_one_embedding_for_each_80_ms(network, stream, whole):
    assert whole.shape == (len(stream) // 1280, 96)
    assert whole.dtype == np.float32
    assert network.embed(stream[:1279]).shape == (0, 96)


@needs_the_package
def test_the_numbers_are_those_of_the_packages_own_code(stream, whole, tmp_path):
    """Which runs its own native library, so in a process of its own.

    Its frames begin with a step where ours end with one, and its windows leave out the newest four frames of a step
    where ours leave out the oldest: 1120 samples more at the start bring the two together.
    """
    (tmp_path / "stream").write_bytes(np.concatenate([np.zeros(1120, np.int16), stream]).tobytes())
    program = (
        "import sys, numpy, pathlib; from pyopen_wakeword import OpenWakeWordFeatures;"
        "sound = pathlib.Path(sys.argv[1], 'stream').read_bytes(); features = OpenWakeWordFeatures.from_builtin();"
        "found = [f.reshape(96) for at in range(0, len(sound) // 2560 * 2560, 2560)"
        " for f in features.process_streaming(sound[at : at + 2560])];"
        "numpy.save(pathlib.Path(sys.argv[1], 'found.npy'), numpy.array(found))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    found = np.load(tmp_path / "found.npy")
    # What reaches back before the stream differs: it begins with a noise floor of its own.
    np.testing.assert_allclose(found[-len(whole) + 1 :][12:], whole[12:-1], atol=1e-2)


@needs_the_package
@settings(max_examples=12, deadline=None)
@given(ends=st.lists(st.integers(0, 80000), min_size=1, max_size=6).map(sorted))
def test_looks_at_any_time_equal_the_whole(network, stream, whole, ends):
    for end, got in zip(ends, looks(network, stream, ends), strict=True):
        wanted = expected(whole, end)
        assert np.array_equal(got[EXAMPLE - len(wanted) :], wanted)


@needs_the_package
@pytest.mark.parametrize("hop", [4000, 8000])
def test_looks_at_every_hop_equal_the_whole_and_compute_each_embedding_once(network, stream, whole, hop, monkeypatch):
    asked = []
    embedding = network.embedding
    monkeypatch.setattr(network, "embedding", lambda mels: asked.append(1) or embedding(mels))
    ends = range(hop, len(stream) + 1, hop)
    for end, got in zip(ends, looks(network, stream, ends), strict=True):
        wanted = expected(whole, end)
        assert np.array_equal(got[EXAMPLE - len(wanted) :], wanted)
    # The first look also computes those before the stream.
    assert len(asked) == len(stream) // 1280 + EXAMPLE - hop // 1280


@needs_the_package
def test_before_the_stream_there_was_silence(network, stream):
    first = looks(network, stream, [8000])[0]
    after_silence = network.embed(np.concatenate([np.zeros(30 * 1280, np.int16), stream[:8000]]))
    assert np.array_equal(first, after_silence[-EXAMPLE:])


@needs_the_package
def test_the_packages_code_is_never_loaded():
    program = (
        "import sys; from monitord import paths; from monitord.audio.embedding import CARD, SpeechEmbedding;"
        "SpeechEmbedding.load(paths.models_dir() / CARD);"
        "print('pyopen_wakeword' in sys.modules, 'tensorflowlite_c' in open('/proc/self/maps').read())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.fixture
def card(tmp_path):
    """A copy of the card that a test may spoil."""
    shutil.copy(paths.models_dir() / CARD, tmp_path)
    return tmp_path / CARD


def edit(card, pattern, replacement):
    text, count = re.subn(pattern, replacement, card.read_text("utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1
    card.write_text(text, "utf-8")


def refusal(card):
    with pytest.raises(ModelError) as refused:
        SpeechEmbedding.load(card)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_missing_package_is_one_sentence_with_the_remedy(card):
    edit(card, f'package = "{PACKAGE}"', 'package = "monitord-no-such-package"')
    said = refusal(card)
    assert said.startswith(f"{card}: the Python package monitord-no-such-package 1.1.0, which words need, is not")
    assert "run ./monitord.sh again" in said
    assert "audio.words = []" in said


@needs_the_package
@pytest.mark.parametrize("part", ["melspectrogram", "embedding_model"])
def test_another_file_than_the_cards_is_one_sentence_with_the_remedy(card, part, tmp_path, monkeypatch):
    whole = metadata.distribution(PACKAGE)
    for name in ("melspectrogram", "embedding_model"):
        shutil.copy(whole.locate_file(f"pyopen_wakeword/models/{name}.tflite"), tmp_path)
    content = bytearray((tmp_path / f"{part}.tflite").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / f"{part}.tflite").write_bytes(content)

    class Changed:
        def locate_file(self, file):
            return tmp_path / Path(file).name

    monkeypatch.setattr(metadata, "distribution", lambda _: Changed())
    assert refusal(card) == (
        f"{tmp_path / part}.tflite: the model is not the one its card describes (SHA-256 differs); "
        f"reinstall the Python package {PACKAGE} 1.1.0"
    )


@needs_the_package
@pytest.mark.parametrize("field", ["step", "frames", "bins", "file", "sha256", "package", "version", "scale"])
def test_a_card_that_lacks_a_field(card, field):
    edit(card, rf"^{field} = .*$", "")
    assert f"no usable '{field}'" in refusal(card)


@needs_the_package
def test_other_shapes_than_the_networks(card):
    edit(card, r"^frames = 8$", "frames = 7")
    assert "gives (1, 1, 8, 32) where its card says (1, 1, 7, 32)" in refusal(card)
    edit(card, r"^bins = 32$", 'bins = "many"')
    assert "no usable" in refusal(card) or "gives" in refusal(card)
