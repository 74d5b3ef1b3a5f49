from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.config import PAUSE_MAX_S
from monitord.notify.pause import SHORTEST_S, PauseError, Switch


@pytest.fixture
def path(tmp_path):
    return tmp_path / "paused"


def test_a_pause_ends_by_itself(path):
    switch = Switch(path, "boot", 100.0)
    switch.begin(1800.0, 100.0)
    assert path.exists()
    assert not switch.over(1899.0)
    assert switch.over(1900.0)
    assert not path.exists()
    assert not switch.over(1905.0)


def test_the_owner_ends_it_sooner_and_is_not_reminded(path):
    switch = Switch(path, "boot", 0.0)
    switch.begin(600.0, 0.0)
    switch.end()
    assert not path.exists()
    assert not switch.over(700.0)
    switch.begin(600.0, 1000.0)
    path.unlink()  # By hand.
    assert not switch.over(1100.0)
    assert switch.pause is None


def test_a_voice_that_is_started_anew_ends_it_in_time(path):
    Switch(path, "boot", 0.0).begin(600.0, 0.0)
    again = Switch(path, "boot", 300.0)
    assert again.pause.until == 600.0
    assert again.over(600.0)
    Switch(path, "boot", 1000.0).begin(600.0, 1000.0)
    late = Switch(path, "boot", 9000.0)  # It was down when it should have ended.
    assert late.over(9000.0)
    assert not path.exists()


def test_a_run_of_the_machine_that_is_over_takes_its_pause_with_it(path):
    Switch(path, "boot", 0.0).begin(600.0, 0.0)
    assert Switch(path, "another", 30.0).pause is None
    assert not path.exists()


@pytest.mark.parametrize(
    "text", ["", "30m\n", "{", '{"boot": "boot"}', '{"boot": "boot", "began": 0, "until": "NaN"}', "[]", "\x00" * 50]
)
def test_a_file_made_by_hand_is_a_pause_that_ends(path, text):
    path.write_text(text)
    switch = Switch(path, "boot", 100.0)
    assert switch.over(100.0 + PAUSE_MAX_S) or switch.pause is None
    assert not path.exists()


def test_a_file_made_by_hand_while_the_voice_runs_is_seen(path):
    switch = Switch(path, "boot", 100.0)
    path.touch()
    assert not switch.over(200.0)
    assert switch.pause.until == 200.0 + PAUSE_MAX_S
    assert Switch(path, "boot", 300.0).pause.until == 200.0 + PAUSE_MAX_S  # And not anew with every life of the voice.


@given(st.lists(st.tuples(st.floats(0.0, 20 * 3600.0), st.floats(-1e3, 2 * PAUSE_MAX_S)), max_size=8))
def test_no_pause_is_endless_however_often_it_is_prolonged(tmp_path_factory, wishes):
    path = tmp_path_factory.mktemp("run") / "paused"
    switch, now, closed_since = Switch(path, "boot", 0.0), 0.0, None
    for passed, seconds in wishes:
        for _ in range(int(passed // 600.0) + 1):
            now += min(passed, 600.0)
            switch.over(now)
            closed_since = (closed_since if closed_since is not None else now) if path.exists() else None
            assert closed_since is None or now - closed_since <= PAUSE_MAX_S
        with contextlib.suppress(PauseError):
            switch.begin(seconds, now)
        closed_since = (closed_since if closed_since is not None else now) if path.exists() else None
    path.unlink(missing_ok=True)
    path.parent.rmdir()


@pytest.mark.parametrize("seconds", [0.0, -5.0, SHORTEST_S - 1.0, PAUSE_MAX_S + 60.0, float("nan"), float("inf")])
def test_a_pause_that_cannot_be_is_refused_in_one_sentence(path, seconds):
    with pytest.raises(PauseError, match="a pause lasts"):
        Switch(path, "boot", 0.0).begin(seconds, 0.0)
    assert not path.exists()


def test_where_the_file_cannot_be_made_the_owner_hears_why(tmp_path):
    switch = Switch(tmp_path / "nowhere" / "paused", "boot", 0.0)
    with pytest.raises(PauseError, match="cannot be closed: No such file"):
        switch.begin(600.0, 0.0)
    assert switch.pause is None


@pytest.mark.parametrize("content", ["", json.dumps({"boot": "other", "began": 0.0, "until": 600.0})])
def test_a_file_that_cannot_be_removed_is_told_once_and_taken_for_no_new_pause(path, content, monkeypatch):
    path.write_text(content)
    refuse = PermissionError(1, os.strerror(1))
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(refuse))
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(refuse))
    switch = Switch(path, "boot", 0.0)
    with pytest.raises(PauseError, match="by hand"):
        switch.over(PAUSE_MAX_S)
    assert not switch.over(PAUSE_MAX_S + 5.0)
    assert switch.pause is None
