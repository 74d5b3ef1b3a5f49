"""A model is used only if it is the one that its card describes."""

from __future__ import annotations

import hashlib
import re
import shutil
import tomllib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitord import paths
from monitord.model import Card, ModelError, load

FROM_A_PACKAGE = paths.models_dir() / "speech_embedding.toml"
PERSON = paths.models_dir() / "person.toml"
"""A network of several outputs: tests/video/test_person_model.py."""
CARDS = sorted(set(paths.models_dir().glob("*.toml")) - {FROM_A_PACKAGE})
CRY = paths.models_dir() / "cry.toml"


@pytest.fixture
def card(tmp_path):
    """A card of ours beside a model of ours: a copy that a test may spoil."""
    for name in ("cry.toml", "cry.tflite"):
        shutil.copy(CRY.with_name(name), tmp_path)
    return tmp_path / "cry.toml"


def edit(card, pattern, replacement):
    text, count = re.subn(pattern, replacement, card.read_text("utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1
    card.write_text(text, "utf-8")


def vouch(card):
    """Make the card carry the hash of whatever now lies beside it."""
    digest = hashlib.sha256(card.with_suffix(".tflite").read_bytes()).hexdigest()
    edit(card, r'^sha256 = ".*"', f'sha256 = "{digest}"')


def refusal(card):
    with pytest.raises(ModelError) as caught:
        load(card)
    said = str(caught.value)
    assert said.startswith(str(card.parent))
    return said


def test_there_are_shipped_models():
    assert CRY in CARDS


@pytest.mark.parametrize("path", sorted(set(CARDS) - {PERSON}), ids=lambda path: path.stem)
def test_every_shipped_model_of_one_output_fits_its_card(path):
    model = load(path)
    assert model.card.name == path.stem
    logits = model.logits(np.zeros(model.card.input_shape, np.float32))
    assert logits.shape == (len(model.card.labels),)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_every_shipped_card_names_sources_and_licences(path):
    sources = tomllib.loads(path.read_text("utf-8"))["source"]
    assert sources
    assert all(source["name"] and source["licence"] for source in sources)


def test_the_same_example_gives_the_same_logits(card):
    generator = np.random.default_rng(3)
    model, again = load(card), load(card)
    for _ in range(5):
        example = generator.normal(8.0, 3.0, model.card.input_shape).astype(np.float32)
        first = model.logits(example)
        assert np.array_equal(first, model.logits(example))
        assert np.array_equal(first, again.logits(example))


def test_values_beyond_the_tensors_range_are_clipped_not_wrapped(card):
    model = load(card)
    high = model.logits(np.full(model.card.input_shape, 1e4, np.float32))
    assert np.array_equal(high, model.logits(np.full(model.card.input_shape, 1e6, np.float32)))
    low = model.logits(np.full(model.card.input_shape, -1e4, np.float32))
    assert np.array_equal(low, model.logits(np.full(model.card.input_shape, -1e6, np.float32)))


def test_a_missing_card(tmp_path):
    with pytest.raises(ModelError, match=r"none\.toml: the model card cannot be read: No such file"):
        load(tmp_path / "none.toml")


def test_a_missing_model(card):
    card.with_suffix(".tflite").unlink()
    assert "cry.tflite: the model cannot be read: No such file" in refusal(card)


def test_a_changed_model(card):
    model = card.with_suffix(".tflite")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    assert "not the one its card describes (SHA-256 differs)" in refusal(card)


def test_a_model_cut_short(card):
    model = card.with_suffix(".tflite")
    model.write_bytes(model.read_bytes()[:-1])
    assert "SHA-256 differs" in refusal(card)


def test_a_card_that_is_no_toml(card):
    card.write_text("name = cry", "utf-8")
    assert "the model card is not valid TOML" in refusal(card)


def test_a_card_that_is_no_text(card):
    card.write_bytes(b"\xff\xfe\x00")
    assert "the model card is not valid TOML" in refusal(card)


@pytest.mark.parametrize("field", ["name", "sha256", "labels", "input_shape"])
def test_a_missing_field(card, field):
    edit(card, rf"^{field} = .*$", "")
    assert f"the model card has no usable '{field}'" in refusal(card)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "3"),
        ("sha256", "12"),
        ("labels", "[]"),
        ("labels", "[1]"),
        ("labels", "7"),
        ("input_shape", "80"),
        ("input_shape", "[80, -40]"),
        ("input_shape", '["80", "40"]'),
        ("input_shape", "[80.0, 40.0]"),
    ],
)
def test_a_field_of_the_wrong_type(card, field, value):
    edit(card, rf"^{field} = .*$", f"{field} = {value}")
    assert re.search(r"the model card has (no usable|a field of the wrong type)", refusal(card))


@pytest.mark.parametrize("shape", ["[40, 80]", "[80, 40, 1]", "[3200]", "[1, 80, 40]", "[79, 40]"])
def test_another_input_shape(card, shape):
    edit(card, r"^input_shape = .*$", f"input_shape = {shape}")
    assert "do not fit the card's" in refusal(card)


def test_another_number_of_labels(card):
    edit(card, r"^labels = \[", 'labels = ["extra", ')
    assert "do not fit the card's" in refusal(card)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 64, bytes(range(256)) * 16], ids=len)
def test_garbage_with_a_card_that_vouches_for_it(card, content):
    card.with_suffix(".tflite").write_bytes(content)
    vouch(card)
    assert "the runtime cannot load the model" in refusal(card)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_card_is_read_or_refused(tmp_path, content):
    path = tmp_path / "any.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        Card.read(path)
    except ModelError as refused:
        said = str(refused)
        assert said.startswith(str(path))
