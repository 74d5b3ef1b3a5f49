"""The figures of the report, case by case, and what a person may type at `monitord report --ward`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitord.cli import run
from monitord.ward.ledger import LEDGER, Ledger
from monitord.ward.report.advice import suspicions
from monitord.ward.report.figures import UNSEEN, UNTOLD, figures

T0 = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


def alert(*, room="101", subject="Sound.CRY", at=0.0, answered=None, over=None, sight=None, alerted=True):
    def when(after):
        return None if after is None else T0 + at + after

    return {
        "room": room, "subject": subject, "since": when(0), "alerted": when(0) if alerted else None,
        "acknowledged": when(answered), "over": when(over), "sight": sight,
    }  # fmt: skip


def span(room, guard, begin, end):
    return {"room": room, "guard": guard, "began": T0 + begin, "ended": None if end is None else T0 + end}


def told(alerts=(), spans=()):
    return figures(
        alerts, spans, rooms=["101", "102"], begin=T0, end=T0 + 86400,
        local=lambda when: datetime.fromtimestamp(when, UTC),
    )  # fmt: skip


def test_the_95th_of_a_hundred_answers_is_one_that_there_was():
    answers = told([alert(at=each, answered=each) for each in range(1, 101)]).answers
    assert (answers.median, answers.p95, answers.slowest, answers.unanswered) == (50.5, 95, 100, 0)


def test_what_nobody_answered_is_counted_apart_and_has_no_time():
    answers = told([alert(answered=200.0), alert(at=50)]).answers
    assert (answers.alerts, answers.answered, answers.unanswered, answers.late) == (2, 1, 1, 1)
    assert told([alert()]).answers.median is None


def test_faults_sounds_that_never_alerted_and_other_times_and_rooms_are_no_calls():
    rows = [alert(subject="Fault.EAR_SILENT"), alert(alerted=False), alert(at=-5), alert(at=86400), alert(room="999")]
    assert told(rows).answers.alerts == 0


def test_an_acknowledgement_of_a_clock_that_is_slow_took_no_time():
    assert told([alert(answered=-3.0)]).answers.slowest == 0.0


def test_hours_are_those_of_the_clock_on_the_wall():
    assert told([alert(at=3 * 3600 + 5), alert(at=3 * 3600 + 9)]).heat["101"][3] == 2


def test_a_fault_is_the_cause_of_the_gap_that_it_shares():
    rows = [alert(subject="Fault.MICROPHONE_MISSING", at=100, over=300), alert(subject="Fault.TOO_HOT", at=5000)]
    (gap,) = told(rows, [span("101", "unprotected", 102, 305)]).gaps
    assert (gap.cause, gap.seconds) == ("Fault.MICROPHONE_MISSING", 203)
    (gap,) = told(rows, [span("102", "unprotected", 102, 305)]).gaps
    assert gap.cause == UNTOLD
    (gap,) = told(rows, [span("101", "unseen", 102, 305)]).gaps
    assert gap.cause == UNSEEN


def test_spans_are_cut_to_the_time_of_the_report_and_a_pause_is_no_gap():
    found = told(
        spans=[span("101", "unseen", -100, 50), span("102", "unseen", 86300, None), span("101", "paused", 60, 70)]
    )
    assert sorted(gap.seconds for gap in found.gaps) == [50, 100]
    assert found.paused == {"101": 10}


NOBODY = "Sight.NOBODY"


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([alert(at=each, sight=NOBODY) for each in range(3)], 1),
        ([alert(at=each, over=30) for each in range(3)], 1),
        ([alert(at=each, sight=NOBODY) for each in range(2)], 0),  # Not often enough.
        ([alert(at=each, over=30, answered=5) for each in range(3)], 0),  # Somebody came.
        ([alert(at=each, over=90) for each in range(3)], 0),  # It went on.
        ([alert(at=each, sight="Sight.LYING", answered=9, over=700) for each in range(3)], 0),
        ([alert(at=each, sight=NOBODY if each < 3 else None, answered=9) for each in range(7)], 0),  # Fewer than half.
        (
            [
                alert(at=each, sight=NOBODY, subject=f"Sound.{name}")
                for each, name in enumerate(("CRY", "HELP", "HILFE"))
            ],
            0,
        ),
    ],
)
def test_what_is_repeatedly_false_and_what_is_not(rows, count):
    assert len(suspicions(rows)) == count


@pytest.fixture
def ward(tmp_path, monkeypatch):
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    file = tmp_path / "ward.toml"
    file.write_text(
        '[ward]\nsite = "home"\nname = "west"\nstation = "desk"\nrooms = ["101"]\n[broker]\nbrokers = ["127.0.0.1:1"]\n'
    )
    return file


def test_the_report_is_written_beside_the_station(tmp_path, ward, capsys):
    ledger = Ledger(tmp_path / "state" / LEDGER, "desk")
    to = tmp_path / "week.html"
    assert run(["report", "--ward", "--config", str(ward), "--html", str(to)]) == 0
    assert str(to) in capsys.readouterr().out
    assert "<style>" in to.read_text("utf-8")
    ledger.close()


def test_without_a_ledger_it_says_so_and_makes_none(tmp_path, ward, capsys):
    assert run(["report", "--ward", "--config", str(ward), "--html", str(tmp_path / "week.html")]) == 1
    assert "no ledger of the ward yet" in capsys.readouterr().err
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--html", "x.html"], "needs --ward"),
        (["--ward", "--config", "x.toml"], "needs --ward"),
        (["--ward", "--config", "x.toml", "--html", "x.html", "--days", "32"], "from 1 to 31"),
    ],
)
def test_a_mistake_is_one_sentence(ward, capsys, more, said):
    assert run(["report", *more]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_where_it_cannot_be_written_it_says_so(tmp_path, ward, capsys):
    Ledger(tmp_path / "state" / LEDGER, "desk").close()
    assert run(["report", "--ward", "--config", str(ward), "--html", str(tmp_path / "no" / "week.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err
