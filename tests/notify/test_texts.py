from __future__ import annotations

import pytest

from monitord.events import LABELS, Fault, Look, Sight, Sound
from monitord.notify import delivery, incident, texts


@pytest.mark.parametrize(
    "member", [member for kind in (*LABELS.values(), incident.State, delivery.State) for member in kind], ids=repr
)
def test_every_word_of_the_vocabulary_has_one_plain_sentence(member):
    sentence = texts.text(member)
    assert sentence[0].isupper()
    assert sentence.endswith((".", "?"))
    assert len(sentence) <= 90
    assert member.name not in sentence.split()


def test_members_of_one_number_have_their_own_sentences():
    assert len({texts.text(Sound.CRY), texts.text(Fault(1)), texts.text(Sight(1)), texts.text(Look(1))}) == 4


def test_no_camera_says_nothing():
    assert texts.camera(None) == ""
