import dataclasses

import pytest

from monitord.audio.soundcard import Rule, SoundCard, promise
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
