"""What `python -m training.word` says to bad input: one sentence, before anything heavy is loaded."""

from __future__ import annotations

import shutil

import pytest

from training.word import main, slug

speaks = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@speaks
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--phrase", "help", "--language", "xx"), "cannot read 'help' as 'xx'"),
        (("--phrase", "help", "--language", "en", "--name", "Help/.."), "lower-case letters"),
        (("--phrase", "help", "--language", "en", "--data", "/nowhere"), "no such file"),
    ],
)
def test_bad_input_is_one_sentence(arguments, says):
    with pytest.raises(SystemExit, match=says):
        main(list(arguments))


@pytest.mark.parametrize(("phrase", "says"), [("!?", "no Latin letter"), ("x" * 50, "at most 40")])
def test_a_phrase_without_a_name_or_end_is_refused(phrase, says):
    with pytest.raises(SystemExit, match=says):
        slug(phrase)


@pytest.mark.parametrize(
    ("phrase", "name"), [("help", "help"), ("Smart Mirror", "smart_mirror"), ("Süße Hilfe!", "susse_hilfe")]
)
def test_the_model_is_named_after_the_phrase(phrase, name):
    assert slug(phrase) == name
