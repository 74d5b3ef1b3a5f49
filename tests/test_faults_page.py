"""The measured table of docs/faults.md is what was measured."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "system" / "faults_measured.py"


@pytest.fixture(scope="module")
def measured():
    spec = importlib.util.spec_from_file_location("faults_measured", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_fits(measured):
    page, found = measured.PAGE.read_text("utf-8"), json.loads(measured.MEASURED.read_text("utf-8"))
    assert measured.fill(page, found) == page, "run: python tests/system/faults_measured.py"


def test_another_figure_is_noticed_and_every_promise_was_kept(measured):
    page, found = measured.PAGE.read_text("utf-8"), json.loads(measured.MEASURED.read_text("utf-8"))
    for told, told_within, over, over_within in found["rows"].values():
        assert told is None or told <= told_within
        assert over is None or over <= over_within
    name = next(iter(found["rows"]))
    found["rows"][name][2] = 98.7
    assert measured.fill(page, found) != page


def test_a_row_is_kept_and_a_broken_promise_fails(measured, tmp_path, monkeypatch):
    monkeypatch.setenv("MONITORD_FAULTS", str(tmp_path / "measured.json"))
    measured.keep("one", 1.25, 5.0, None, 0.0)
    with pytest.raises(AssertionError):
        measured.keep("two", 6.0, 5.0, 1.0, 2.0)
    rows = json.loads((tmp_path / "measured.json").read_text("utf-8"))["rows"]
    assert rows["one"] == [1.2, 5.0, None, 0.0]
    assert set(rows) == {"one", "two"}
