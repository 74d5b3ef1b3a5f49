"""The vocabulary holds nothing but enumerations and bounded integers."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from monitord import events
from monitord.events import LABELS, SPEAKS, Frame, Kind, Message, Role

ENUMERATIONS = (events.Life, events.Gate, events.Sound, events.Look, events.Sight, events.Fault)


def test_every_kind_says_where_its_labels_are_from():
    assert set(LABELS) == set(Kind)
    assert set(LABELS.values()) == set(ENUMERATIONS)


def test_every_role_says_which_kinds_it_sends():
    assert set(SPEAKS) == set(Role)
    assert frozenset().union(*SPEAKS.values()) == set(Kind)


def test_the_eye_can_say_only_what_it_saw():
    assert SPEAKS[Role.EYE] == {Kind.LOOK, Kind.SIGHT, Kind.FAULT}
    assert Kind.SIGHT not in SPEAKS[Role.EAR]


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda e: e.__name__)
def test_labels_fit_a_byte_and_zero_means_nothing(enumeration):
    assert all(1 <= label.value <= 255 for label in enumeration)


def test_kinds_fit_four_bits_and_roles_one():
    assert all(1 <= kind <= 15 for kind in Kind)
    assert {int(role) for role in Role} <= {0, 1}


@pytest.mark.parametrize("record", [Message, Frame], ids=lambda r: r.__name__)
def test_no_field_can_hold_text_bytes_or_arrays(record):
    allowed = {int, Kind, Role, Message, *ENUMERATIONS}
    for name, hint in typing.get_type_hints(record).items():
        assert set(typing.get_args(hint) or (hint,)) <= allowed, name


def test_a_frame_cannot_be_changed_after_it_was_made():
    message = Message(Kind.SOUND, events.Sound.CRY, 90, 30)
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.score = 100  # type: ignore[misc] # that it cannot be done is the point
    assert dataclasses.replace(message, score=91).score == 91


@pytest.mark.parametrize("fault", [None, *events.Fault], ids=lambda each: getattr(each, "name", "all"))
def test_which_fault_is_over_fits_the_level_of_its_word(fault):
    level = events.over_to_level(fault)
    assert 0 <= level <= events.LEVEL_MAX
    assert events.level_to_over(level) is fault


def test_labels_of_different_kinds_are_never_equal():
    labels = [label for enumeration in set(LABELS.values()) for label in enumeration]
    assert len(set(labels)) == len(labels)
