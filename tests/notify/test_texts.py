from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitord.config import Language
from monitord.events import LABELS, Calibration, Fault, Look, Measure, Role, Sight, Sound
from monitord.notify import delivery, incident, texts
from monitord.notify.ledger import Guard, Why
from monitord.notify.mood import Mood
from monitord.notify.texts import page_de, page_en

SPOKEN = (*LABELS.values(), Calibration, Measure, Role)
SPOKEN += (incident.State, incident.Urgency, delivery.State, Mood, Guard, Why)
STATIC = Path(texts.__file__).parents[1] / "web" / "static"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("member", [member for kind in SPOKEN for member in kind], ids=repr)
def test_every_word_of_the_vocabulary_has_one_plain_sentence(member, language):
    sentence = texts.text(member, language)
    assert sentence[0].isupper()
    assert sentence.endswith((".", "?"))
    assert len(sentence) <= 90
    assert member.name not in sentence.split()


def test_no_table_is_of_an_enumeration_that_the_test_above_forgets():
    assert set(texts.kinds()) == set(SPOKEN)


@pytest.mark.parametrize("kind", SPOKEN)
def test_the_languages_say_different_things(kind):
    for member in kind:
        assert texts.text(member, Language.EN) != texts.text(member, Language.DE)


def test_members_of_one_number_have_their_own_sentences():
    assert len({texts.text(Sound.CRY), texts.text(Fault(1)), texts.text(Sight(1)), texts.text(Look(1))}) == 4


def test_no_camera_says_nothing():
    assert texts.camera(None) == ""
    assert texts.camera(Sight.LYING, Language.DE) == "Die Kamera sieht eine Person, die liegt."


def test_the_page_is_told_the_same_in_both_languages():
    english, german = texts.catalogue(Language.EN), texts.catalogue(Language.DE)
    assert list(english) == list(german)
    assert english["Sound.CRY"] == texts.text(Sound.CRY)
    assert german["Delivery.FAILED"] == texts.text(delivery.State.FAILED, Language.DE)
    assert english["Incident.CLEARED"] == "Over."
    for key in english:
        assert sorted(re.findall(r"\{\w+\}", english[key])) == sorted(re.findall(r"\{\w+\}", german[key])), key


def test_the_page_has_a_phrase_for_all_that_it_says_and_says_all_its_phrases():
    code = "".join(path.read_text("utf-8") for path in [*STATIC.glob("*.js"), *STATIC.glob("*.html")])
    said = set(re.findall(r"""\bt\(\s*["'](\w+)["']""", code)) | set(re.findall(r"""data-t(?:-\w+)?="(\w+)\"""", code))
    # Keys that are put together, or handed on, stand whole in the code too.
    named = {key for key in page_en.PAGE if re.search(rf"""["'`]{key}["'`]""", code)}
    assert said <= set(page_en.PAGE)
    assert set(page_en.PAGE) - said - named == set()
    assert set(page_en.PAGE) == set(page_de.PAGE)
