from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.events import Frame, Kind, Look, Message, Role, Sight
from monitord.notify.ledger import Guard, Span, Why
from monitord.notify.nights import Happened, Seen, looks_of, night_json, nights, noon_after, noon_before
from monitord.notify.timeline import Life, tile

BERLIN = ZoneInfo("Europe/Berlin")
DAY_S = 86_400.0


def told(stretches):
    return [(each.guard.value, str(each.why), each.began, each.ended) for each in stretches]


def test_between_two_lives_nobody_listened_and_the_ledger_says_why():
    lives = [
        Life(1, "a", 1000.0, 10.0, 100.0, stopped=True),
        Life(2, "a", 1000.0, 130.0, 200.0),
        Life(3, "a", 1000.0, 205.0, 300.0),
        Life(4, "b", 2000.0, 20.0, 50.0),
    ]
    spans = {each.id: [Span(Guard.PROTECTED, "", each.began)] for each in lives}
    assert told(tile(lives, spans, "b", 2050.0)) == [
        ("protected", "", 1010.0, 1100.0),
        ("unprotected", "Why.VOICE_STOPPED", 1100.0, 1130.0),
        ("protected", "", 1130.0, 1200.0),
        ("unprotected", "Why.VOICE_DIED", 1200.0, 1205.0),
        ("protected", "", 1205.0, 1300.0),
        ("unprotected", "Why.MACHINE_OFF", 1300.0, 2020.0),
        ("protected", "", 2020.0, 2050.0),
    ]


def test_a_voice_that_is_gone_protects_nobody_until_now():
    life = Life(1, "a", 0.0, 0.0, 60.0)
    spans = {1: [Span(Guard.PROTECTED, "", 0.0)]}
    assert told(tile([life], spans, "a", 100.0))[-1] == ("unprotected", "Why.VOICE_DIED", 60.0, 100.0)
    assert told(tile([life], spans, "b", 100.0))[-1] == ("unprotected", "Why.MACHINE_OFF", 60.0, 100.0)


def test_a_clock_that_was_set_right_later_told_the_right_time_all_along():
    wrong, right = 50.0, 1_700_000_000.0
    lives = [Life(1, "a", wrong, 5.0, 60.0, stopped=True), Life(2, "a", right, 70.0, 100.0)]
    spans = {1: [Span(Guard.PROTECTED, "", 5.0, 60.0)], 2: [Span(Guard.PROTECTED, "", 70.0)]}
    assert tile(lives, spans, "a", right + 100.0)[0].began == right + 5.0


def test_a_clock_that_never_came_right_does_not_put_one_life_into_another():
    lives = [Life(1, "a", 1000.0, 0.0, 500.0), Life(2, "b", 100.0, 10.0, 60.0)]  # "b" says 110 to 160: before its time.
    spans = {each.id: [Span(Guard.PROTECTED, "", each.began)] for each in lives}
    assert told(tile(lives, spans, "b", 1550.0)) == [("protected", "", 1000.0, 1550.0)]


def test_what_the_journal_lost_is_said_to_be_lost():
    life = Life(1, "a", 0.0, 0.0, 100.0)
    spans = [Span(Guard.PROTECTED, "", 10.0, 20.0), Span(Guard.PAUSED, Why.OWNER, 30.0, 40.0)]
    assert told(tile([life], {1: spans}, "a", 100.0)) == [
        ("unprotected", "Why.NOT_RECORDED", 0.0, 10.0),
        ("protected", "", 10.0, 20.0),
        ("unprotected", "Why.NOT_RECORDED", 20.0, 30.0),
        ("paused", "Why.OWNER", 30.0, 40.0),
        ("unprotected", "Why.NOT_RECORDED", 40.0, 100.0),
    ]


TIMES = st.floats(0.0, 1e5)
SPANS = st.lists(st.tuples(TIMES, TIMES, st.sampled_from(Guard), st.booleans()), max_size=4)
LIVES = st.lists(st.tuples(st.sampled_from("abc"), TIMES, TIMES, TIMES, st.booleans(), SPANS), max_size=5)


@given(LIVES, st.floats(0.0, 1e6), st.sampled_from("abc"))
def test_whatever_the_journal_holds_the_time_is_covered_without_gap_or_overlap(rows, now, boot):
    """Not only what a voice writes: a journal may be damaged, and clocks may have been anywhere."""
    lives, spans = [], {}
    for number, (name, ahead, began, alive, stopped, own) in enumerate(rows, 1):
        lives.append(Life(number, name, ahead, began, alive, stopped))
        spans[number] = [Span(guard, "x", a, None if going else b) for a, b, guard, going in own]
    found = tile(lives, spans, boot, now)
    for one, next_ in pairwise(found):
        assert one.ended == next_.began
        assert (one.guard, one.why) != (next_.guard, next_.why)
    assert all(each.began < each.ended for each in found)
    assert not found or found[-1].ended >= now
    for night in nights(found, [], [], 0.0, max(now, found[-1].ended if found else now), zone=BERLIN):
        inside = night.stretches
        assert sum(night.total_s(guard) for guard in Guard) == pytest.approx(
            inside[-1].ended - inside[0].began if inside else 0.0, abs=1e-3
        )


@given(LIVES, st.sampled_from("abc"))
def test_the_nights_together_hold_every_second_of_the_ledger(rows, boot):
    lives = [Life(n, name, ahead, b, b + a, s) for n, (name, ahead, b, a, s, _) in enumerate(rows, 1)]
    now = 1e6
    found = tile(lives, {each.id: [Span(Guard.PROTECTED, "", each.began)] for each in lives}, boot, now)
    by_night = nights(found, [], [], 0.0, now, zone=BERLIN)
    total = sum(night.total_s(guard) for night in by_night for guard in Guard)
    assert total == pytest.approx(now - found[0].began if found else 0.0, abs=1e-2)
    assert all(one.ended == next_.began for one, next_ in pairwise(by_night))


@pytest.mark.parametrize(
    ("inside", "hours"),
    [("2026-03-28T23:00", 23), ("2026-10-24T23:00", 25), ("2026-10-25T11:59", 25), ("2026-10-25T12:00", 24)],
)
def test_a_night_goes_from_noon_to_noon_also_when_the_clocks_change(inside, hours):
    at = datetime.fromisoformat(inside).replace(tzinfo=BERLIN).timestamp()
    noon = noon_before(at, BERLIN)
    assert noon <= at
    assert noon_after(noon, BERLIN) - noon == hours * 3600
    assert (
        datetime.fromtimestamp(noon, BERLIN).hour == datetime.fromtimestamp(noon_after(noon, BERLIN), BERLIN).hour == 12
    )


def test_a_night_counts_looks_alerts_and_how_soon_somebody_answered():
    noon = noon_before(1_700_000_000.0, BERLIN)
    life = Life(1, "a", noon, 60.0, 3600.0)
    found = tile([life], {1: [Span(Guard.PROTECTED, "", 60.0)]}, "a", noon + 3600.0)
    cries = [
        Happened(1, "sound", "CRY", "high", noon + 100.0, noon + 100.0, noon + 130.0, "Ada"),
        Happened(2, "sound", "CRY", "high", noon + 200.0, noon + 201.0, noon + 206.0, ""),
        Happened(3, "fault", "MICROPHONE_MISSING", "fault", noon + 300.0, noon + 300.0, None, ""),
        Happened(4, "sound", "CRY", "high", noon - 1.0, noon - 1.0, None, ""),  # The night before.
    ]
    look = Seen(noon + 102.0, noon + 108.5, Sight.LYING)
    (night,) = nights(found, [look], cries, noon, noon + 3600.0, zone=BERLIN)
    told_ = night_json(night)
    assert (told_["fastest_ack_s"], told_["slowest_ack_s"], told_["unanswered"]) == (5.0, 30.0, 1)
    assert (told_["camera_on_s"], told_["protected_s"]) == (6.5, 3540.0)
    assert [each["incident"] for each in told_["sounds"]] == [1, 2]
    assert [each["incident"] for each in told_["alerts"]] == [1, 2, 3]
    assert told_["acks"][0]["by"] == "Ada"
    assert told_["looks"][0]["verdict"] == "Sight.LYING"


def eye(label, kind=Kind.LOOK, age_s=0):
    return Frame(Message(kind, label), Role.EYE, 1, 1, age_s)


def test_a_look_lasts_from_its_beginning_to_its_end_and_never_longer_than_the_eye_may_live():
    frames = [
        (100.0, eye(Look.BEGAN)),
        (103.0, eye(Sight.LYING, Kind.SIGHT)),
        (104.0, eye(Look.ENDED)),
        (200.0, eye(Look.BEGAN)),  # Killed: its end never came.
        (300.0, eye(Look.BEGAN)),
        (309.0, eye(Look.ENDED, age_s=4)),
        (400.0, Frame(Message(Kind.LOOK, Look.ASKED), Role.EAR, 1, 1)),
        (500.0, eye(Look.BEGAN)),
    ]
    assert looks_of(frames, 12.0) == [
        Seen(100.0, 104.0, Sight.LYING),
        Seen(200.0, 212.0, None),
        Seen(300.0, 305.0, None),
        Seen(500.0, 512.0, None),
    ]
