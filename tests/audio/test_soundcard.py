import dataclasses

import pytest

from monitord.audio.soundcard import Rule, Shortcut, SoundCard, promise
from monitord.config import Sensitivity
from monitord.model import Card, ModelError

BALANCED = Sensitivity.BALANCED


def test_the_figures_of_the_profile_and_sensitivity_are_read(tone_model):
    card = SoundCard.read(tone_model(("cry", "help"), (0.5, 0.7)).card, 0.5, BALANCED)
    assert (card.labels, card.frames, card.hop, card.candidates) == (("cry", "help"), 80, 8000, {})
    assert card.rules == (Rule("cry", 2, 0.6, 0.5), Rule("help", 2, 0.6, 0.7))
    assert SoundCard.read(tone_model().card, 0.25, BALANCED).rules == (Rule("cry", 4, 0.6, 0.5),)


def test_a_row_without_a_label_holds_for_all(tone_model):
    card = tone_model(("cry", "help"), (0.5, 0.7)).card
    rows = [{"profile": "eco", "sensitivity": "balanced", "threshold": 0.9}]
    card = dataclasses.replace(card, extra={**card.extra, "operating": rows})
    assert [rule.threshold for rule in SoundCard.read(card, 0.5, BALANCED).rules] == [0.9, 0.9]


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("front_end", {"windw": 512}, "windw"),
        ("front_end", {"bins": 32}, "bins"),
        ("front_end", {"hop": 300}, "do not fit"),
        ("smoothing", {"window_s": 1.0}, "release"),
        ("smoothing", {"window_s": 0.1, "release": 0.6}, "out of its range"),
        ("smoothing", {"window_s": "long", "release": 0.6}, "long"),
        ("smoothing", {"window_s": float("inf"), "release": 0.6}, "no usable"),
        ("operating", [], "threshold of cry for profile eco, sensitivity balanced"),
        ("operating", [{"profile": "eco", "sensitivity": "balanced", "threshold": 1.5}], "out of its range"),
        ("operating", [{"profile": "eco"}], "sensitivity"),
    ],
)
def test_a_card_that_lacks_something_is_refused_with_the_reason(tone_model, part, value, says):
    card = tone_model().card
    broken = dataclasses.replace(card, extra={**card.extra, part: value})
    with pytest.raises(ModelError, match=says):
        SoundCard.read(broken, 0.5, BALANCED)


def with_at_once(card, **figures):
    """`card` with a further way to begin, of half a second; `figures` in the place of its own."""
    figures = {"at_once": 0.9, "at_once_s": 0.5} | figures
    smoothing = card.extra["smoothing"] | {"at_once_s": figures["at_once_s"]}
    rows = [row | {"at_once": figures["at_once"]} for row in card.extra["operating"]]
    return dataclasses.replace(card, extra={**card.extra, "smoothing": smoothing, "operating": rows})


def test_a_row_may_say_when_a_sound_begins_at_once(tone_model):
    card = with_at_once(tone_model().card)
    assert SoundCard.read(card, 0.5, BALANCED).rules == (Rule("cry", 2, 0.6, 0.5, Shortcut(1, 0.9)),)
    assert SoundCard.read(card, 0.25, BALANCED).rules == (Rule("cry", 4, 0.6, 0.5, Shortcut(2, 0.9)),)


def test_a_short_mean_that_no_row_asks_for_is_no_way_to_begin(tone_model):
    card = tone_model(at_once_s=0.5).card
    assert SoundCard.read(card, 0.5, BALANCED).rules == (Rule("cry", 2, 0.6, 0.5),)


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"at_once": 0.49}, "at_once of cry, or at_once_s, is out of its range"),
        ({"at_once": 1.01}, "out of its range"),
        ({"at_once": float("nan")}, "out of its range"),
        ({"at_once": "soon"}, "soon"),
        ({"at_once": None}, "no usable"),
        ({"at_once_s": 0.2}, "out of its range"),
        ({"at_once_s": 1.5}, "out of its range"),
        ({"at_once_s": "short"}, "short"),
        ({"at_once_s": float("inf")}, "no usable"),
    ],
)
def test_a_way_to_begin_at_once_that_makes_no_sense_is_refused_in_one_sentence(tone_model, figures, says):
    with pytest.raises(ModelError, match=says) as refused:
        SoundCard.read(with_at_once(tone_model().card, **figures), 0.5, BALANCED)
    assert "\n" not in str(refused.value)


def test_a_row_that_begins_at_once_needs_the_length_of_the_short_mean(tone_model):
    card = tone_model().card
    rows = [row | {"at_once": 0.9} for row in card.extra["operating"]]
    with pytest.raises(ModelError, match="no usable 'at_once_s'"):
        SoundCard.read(dataclasses.replace(card, extra={**card.extra, "operating": rows}), 0.5, BALANCED)


@pytest.mark.parametrize("part", ["front_end", "smoothing", "operating"])
def test_a_card_without_a_section_is_refused(tone_model, part):
    card = tone_model().card
    broken = dataclasses.replace(card, extra={name: value for name, value in card.extra.items() if name != part})
    with pytest.raises(ModelError, match=part):
        SoundCard.read(broken, 0.5, BALANCED)


def test_a_window_of_another_shape_is_refused(tone_model):
    card = dataclasses.replace(tone_model().card, input_shape=(80, 40, 1))
    with pytest.raises(ModelError, match="input_shape"):
        SoundCard.read(card, 0.5, BALANCED)


def test_no_alarm_in_few_hours_is_not_called_a_rate_of_zero(tmp_path):
    row = {"profile": "eco", "sensitivity": "high", "threshold": 0.5, "recall": 0.9, "false_alarms_per_hour": 0.0}
    facts = {"operating": [row], "measured": {"test_negative_hours": 1.5}}
    card = Card(tmp_path / "cry.toml", "cry", "", ("cry",), (80, 40), facts)
    (said,) = promise(card, 0.5, Sensitivity.HIGH)
    assert said == "high: under 2.0 false alarms per hour of hard test sounds (none in 1.5 h), finds 9 of 10 cries"
