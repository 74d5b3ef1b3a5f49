"""The ledger of the ward: what it keeps, and what a next life of the station finds in it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from talk import CRY, taken

from monitord.notify.database import JournalError
from monitord.notify.incident import State
from monitord.ward.ledger import Ledger, unprotected_s

T = CRY.since


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "ward.sqlite3"


@pytest.fixture
def ledger(path):
    made = Ledger(path, "desk")
    made.begin(T)
    yield made
    made.close()


def test_one_alert_is_one_row_however_often_it_is_said(ledger):
    ledger.report(CRY, T + 1)
    ledger.report(replace(CRY, seq=6, repeats=2, score=99), T + 60)
    ledger.act("101", CRY.id, "ack", "Anna", T + 70)
    ledger.report(taken(CRY), T + 71)
    ledger.report(replace(taken(CRY), boot=8, since=T + 0.9, state=State.CLEARED), T + 200)  # The room began anew.
    ledger.report(taken(CRY), T + 300)
    ledger.flush()
    (row,) = ledger.alerts()
    assert {**row, "id": 0} == {
        "id": 0, "room": "101", "number": CRY.id, "subject": "Sound.CRY", "urgency": "high", "since": T, "heard": T + 1,
        "alerted": T + 1, "acknowledged": T + 50, "via": "ward", "station": "desk", "over": T + 200, "repeats": 2,
        "score": 99, "sight": None,
    }  # fmt: skip
    assert [each["by"] for each in ledger.acts()] == ["Anna"]


def test_another_journal_of_the_room_with_the_same_numbers_is_another_alert(ledger):
    ledger.report(CRY, T)
    ledger.report(replace(CRY, since=T + 3600), T + 3600)
    ledger.flush()
    assert len(ledger.alerts()) == 2


def test_spans_follow_one_another_and_what_was_open_ends_with_the_last_sign_of_life(ledger, path):
    ledger.guard("101", "unseen", T)
    ledger.guard("101", "protected", T + 10)
    ledger.guard("101", "protected", T + 20)
    ledger.guard("101", "unseen", T + 100)
    ledger.alive(T + 150)
    ledger.flush()
    again = Ledger(path, "desk")
    again.begin(T + 1000)
    again.guard("101", "protected", T + 1001)
    again.flush()
    spans = [(each["guard"], each["began"] - T, each["ended"] and each["ended"] - T) for each in again.spans()]
    assert spans == [("unseen", 0, 10), ("protected", 10, 100), ("unseen", 100, 150), ("protected", 1001, None)]
    assert unprotected_s(again.spans(), T, T + 2000) == {"101": 60.0}
    assert unprotected_s(again.spans(), T + 120, T + 130) == {"101": 10.0}
    again.close()


def test_what_the_next_life_has_to_know(ledger, path):
    ledger.keep_mirrors({7: ("101", 3, False), 8: ("102", 1, True)})
    ledger.keep_mirrors({8: ("102", 1, True), 9: ("101", 4, False)})
    for boot in (5, 6, 7):
        ledger.life("101", boot)
    ledger.flush()
    again = Ledger(path, "desk")
    assert again.mirrors() == {8: ("102", 1, True), 9: ("101", 4, False)}
    assert again.lives() == {"101": ([5, 6], 7)}
    again.close()


def test_what_cannot_be_written_waits(ledger, path):
    ledger.report(CRY, T)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger._database.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(JournalError, match="cannot be written"):
            ledger.flush()
        other.execute("ROLLBACK")
    other.close()
    ledger.flush()
    assert len(ledger.alerts()) == 1


def test_what_is_old_is_forgotten(ledger):
    ledger.report(replace(CRY, state=State.CLEARED), T)
    ledger.report(replace(CRY, id=9, since=T + 5000), T + 5000)
    ledger.guard("101", "unseen", T)
    ledger.guard("101", "protected", T + 10)
    ledger.act("101", 3, "ack", "", T)
    ledger.flush()
    ledger.forget(T + 1000)
    ledger.flush()
    assert [each["number"] for each in ledger.alerts()] == [9]
    assert [each["guard"] for each in ledger.spans()] == ["protected"]
    assert ledger.acts() == []


def test_a_ledger_of_a_newer_monitord_and_a_folder_that_is_none_are_one_sentence(ledger, path, tmp_path):
    ledger._database.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match="a newer monitord wrote this ledger"):
        Ledger(path, "desk")
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be used"):
        Ledger(tmp_path / "file" / "ward.sqlite3", "desk")
