from __future__ import annotations

import re
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from monitord.config import Language
from monitord.events import Fault, Sight
from monitord.notify.ledger import Guard, Why, why_of
from monitord.notify.nights import Happened, Night, Seen, noon_before
from monitord.notify.summary import length, report, summary
from monitord.notify.texts.report import REPORT
from monitord.notify.timeline import Stretch
from monitord.tools.picture import draw

BERLIN = ZoneInfo("Europe/Berlin")
NOON = noon_before(1_700_000_000.0, BERLIN)
HOUR = 3600.0


def night(*stretches, looks=(), incidents=()):
    laid, at = [], NOON
    for guard, why, seconds in stretches:
        laid.append(Stretch(guard, why, at, at + seconds))
        at += seconds
    return Night(NOON, NOON + 24 * HOUR, tuple(laid), tuple(looks), tuple(incidents))


BUSY = night(
    (Guard.PROTECTED, "", 6 * HOUR),
    (Guard.PAUSED, Why.OWNER, 0.5 * HOUR),
    (Guard.PROTECTED, "", 8 * HOUR),
    (Guard.UNPROTECTED, why_of(Fault.MICROPHONE_MISSING), 250.0),
    (Guard.PROTECTED, "", 3 * HOUR),
    looks=[Seen(NOON + HOUR, NOON + HOUR + 6.0, Sight.LYING)],
    incidents=[
        Happened(1, "sound", "CRY", "high", NOON + HOUR, NOON + HOUR, NOON + HOUR + 8.0, "Ada"),
        Happened(2, "sound", "CRY", "high", NOON + 2 * HOUR, NOON + 2 * HOUR, NOON + 2 * HOUR + 124.0, "Ada"),
        Happened(3, "fault", "MICROPHONE_MISSING", "fault", NOON + 14.5 * HOUR, NOON + 14.5 * HOUR, None, ""),
    ],
)


def test_the_report_names_every_gap_and_why():
    assert report(BUSY, "Nursery", Language.EN, BERLIN) == [
        "Nursery: the night from 2023-11-14 to 2023-11-15",
        "  protected    17 h",
        "  paused       30 min",
        "               18:00:00-18:30:00  Paused by the owner.",
        "  unprotected  4 min 10 s",
        "               02:30:00-02:34:10  The microphone is missing; check its plug.",
        "  camera on    6 s in one look",
        "  sounds       2",
        "  alerts       3, acknowledged after 8 s at the soonest, 2 min 4 s at the latest, 1 not acknowledged",
    ]


def test_the_summary_is_a_few_sentences():
    title, text = summary(BUSY, "Kinderzimmer", Language.DE, BERLIN)
    assert title == "Letzte Nacht, Kinderzimmer"
    assert text == (
        "Geschützt 17 h. Pausiert 30 min. Niemand war geschützt, 4 min 10 s lang: 02:30:00-02:34:10 Das Mikrofon "
        "fehlt; prüfen Sie den Stecker. Geräusche: 2; Alarme: 3, bestätigt nach frühestens 8 s, spätestens 2 min 4 s, "
        "1 nicht bestätigt. Die Kamera war 6 s an."
    )


def test_a_calm_night_is_said_to_be_one():
    calm = night((Guard.PROTECTED, "", 19.5 * HOUR))
    _, text = summary(calm, "Nursery", Language.EN, BERLIN)
    assert text == "Protected the whole time (19 h 30 min). No sound, no alert."


def test_many_gaps_do_not_make_the_summary_long_and_the_longest_are_named():
    gaps = [(Guard.UNPROTECTED, Why.VOICE_DIED, 10.0 + each) for each in range(6)]
    stretches = [each for gap in gaps for each in ((Guard.PROTECTED, "", 60.0), gap)]
    _, text = summary(night(*stretches), "Nursery", Language.EN, BERLIN)
    assert text.count("The monitor had died") == 3
    assert "and 3 more times" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (86_399.0, "24 h"),
        (5400, "1 h 30 min"),
    ],
)
def test_lengths_read_as_people_say_them(seconds, text):
    assert length(seconds) == text


def test_both_languages_have_the_same_phrases_with_the_same_places():
    english, german = REPORT[Language.EN], REPORT[Language.DE]
    assert list(english) == list(german)
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", german[key])), key


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("nights", [[], [BUSY], [BUSY, night((Guard.PROTECTED, "", HOUR))]])
def test_the_picture_is_well_formed_and_draws_each_stretch_where_it_was(nights, language):
    picture = draw(nights, 'Nursery <&"> 2', language, BERLIN)
    root = ET.fromstring(picture)  # noqa: S314 - our own
    svg = "{http://www.w3.org/2000/svg}"
    bars = [each for each in root.iter(f"{svg}rect") if each.find(f"{svg}title") is not None]
    assert len(bars) == sum(len(each.stretches) for each in nights)
    assert root.find(f"{svg}title").text == 'Nursery <&"> 2'
    if nights:
        pause = next(each for each in bars if each.get("fill") == "#8a919c")
        share = (float(pause.get("x")) - 110) / (960 - 110 - 20)
        assert share == pytest.approx(6 / 24, abs=1e-4)
        assert float(pause.get("width")) == pytest.approx((960 - 130) * 0.5 / 24, abs=0.01)


def test_the_picture_asks_nothing_of_any_other_host():
    picture = draw([BUSY], "Nursery", Language.EN, BERLIN)
    assert re.findall(r"https?://[^\"]+", picture) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in picture
