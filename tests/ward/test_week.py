"""Three days of a ward, made up and replayed: the report says what was planted, and no more."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from week import BEAT_S, BEGIN, UTC, Story, datetime, play, report

from monitord.ward.report.advice import Change, suspicions
from monitord.ward.report.figures import UNTOLD, figures

LATE_S = BEAT_S + 1.0
"""A silence is counted from the last sign of life on."""


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    story, told = play(tmp_path_factory.mktemp("week"), rooms=8, days=3, seed=5)
    yield story, told
    told.ledger.close()


@pytest.fixture(scope="module")
def found(week):
    story, told = week
    return figures(
        told.ledger.alerts(), told.ledger.spans(), rooms=story.rooms, begin=BEGIN, end=story.end,
        local=lambda when: datetime.fromtimestamp(when, UTC),
    )  # fmt: skip


def test_nothing_of_the_story_was_refused(week):
    story, told = week
    assert sum(told.desk.json()["refused"].values()) == 0
    assert story.events == []


def test_each_alert_is_counted_once_in_its_room(week, found):
    story, _ = week
    assert {room: sum(hours) for room, hours in found.heat.items() if any(hours)} == dict(story.planted.alerts)
    assert found.answers.alerts == sum(story.planted.alerts.values())


def test_answers_took_as_long_as_they_took(week, found):
    story, _ = week
    waited = sorted(story.planted.waited)
    assert found.answers.answered == len(waited)
    assert found.answers.slowest == pytest.approx(waited[-1], abs=1.0)
    assert waited[0] <= found.answers.median <= waited[-1]


def test_time_without_protection_has_its_length_and_its_cause(week, found):
    story, _ = week
    told = {(gap.room, gap.cause): gap.seconds for gap in found.gaps if gap.cause != UNTOLD}
    assert set(told) == set(story.planted.gaps)
    for key, seconds in story.planted.gaps.items():
        assert told[key] == pytest.approx(seconds, abs=2 * LATE_S), key


def test_the_rooms_that_alert_for_nothing_are_found_and_no_others(week, found):
    story, _ = week
    said = suspicions(found.alerts)
    assert {(each.room, each.subject) for each in said} == story.planted.false
    changes = {each.subject: each.change for each in said}
    assert changes == {"Sound.HELP": Change.WORDS, "Sound.SMOKE_ALARM": Change.ALARMS}


def test_the_same_seed_tells_the_same_story_and_another_one_another():
    names = ["101", "102", "103", "104"]
    assert Story(names, 2, 5).events == Story(names, 2, 5).events
    assert Story(names, 2, 5).events != Story(names, 2, 6).events


class _Balance(HTMLParser):
    void = frozenset({"meta", "link", "br"})

    def __init__(self):
        super().__init__()
        self.open, self.text, self.styled = [], [], []

    def handle_starttag(self, tag, attrs):
        self.styled += [tag for name, _ in attrs if name == "style"]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_is_whole_and_states_its_rule(week, language):
    story, told = week
    html = report(told, story, language)
    page = _Balance()
    page.feed(html)
    assert page.open == []
    assert page.styled == []
    text = "".join(page.text)
    assert {"en": "Counted as probably false", "de": "Als wohl falsch zählt"}[language] in text
    assert not re.search(r"\{\w+\}", text)


def test_names_are_text_and_never_markup(tmp_path):
    story, told = play(tmp_path, rooms=4, days=1, seed=2)
    object.__setattr__(told.file.ward, "label", "<b>West</b> {x}")
    object.__setattr__(told.file.ward.rooms[3], "label", "<i>104</i>")
    html = report(told, story)
    assert "<b>West" not in html
    assert "&lt;i&gt;104" in html
    told.ledger.close()
