"""The diagrams in the documentation are the tables in the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from floors import FLOORS

from monitord.audio import gate
from monitord.events import Gate
from monitord.notify import incident

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def diagrams():
    spec = importlib.util.spec_from_file_location("diagrams", DOCS / "diagrams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_they_are_up_to_date(diagrams):
    page = (DOCS / "architecture.md").read_text("utf-8")
    assert diagrams.fill(page) == page, "run: python docs/diagrams.py"


def test_an_old_diagram_is_noticed(diagrams):
    page = (DOCS / "architecture.md").read_text("utf-8")
    old = page.replace("ARMED --> LOOKING", "ARMED --> COOLDOWN")
    assert old != page
    assert diagrams.fill(old) == page


def test_every_state_and_every_change_is_drawn(diagrams):
    drawn = diagrams.diagrams()
    for name, table in (("gate", gate.TABLE), ("incident", incident.TABLE)):
        for state, row in table.items():
            for event, (then, actions) in row.items():
                (line,) = [
                    line
                    for line in drawn[name].splitlines()
                    if line.startswith(f"    {state.name} --> {then.name}: ")
                    and event.value in line.replace("<br/>", ": ").split(": ")
                ]
                assert all(action.value in line for action in actions)


def test_every_module_stands_on_its_floor(diagrams):
    told = {}
    for row in diagrams.floors().splitlines()[2:]:
        _, number, groups, _, _ = row.replace("\\_", "_").split("|")
        for group in groups.strip().split("; "):
            folder, _, modules = group.removeprefix("**").rpartition("** ")
            names = [f"monitord.{folder}{'.' * bool(folder)}{module}" for module in modules.split()]
            told |= dict.fromkeys(names, int(number))
    assert told == {"monitord.tools.*": 5} | {name: floor for name, floor in FLOORS.items() if name != "monitord"}


def test_a_page_without_a_place_is_an_error(diagrams):
    with pytest.raises(ValueError, match="no <!-- gate"):
        diagrams.fill("# A page")


def test_the_beginning_is_drawn(diagrams):
    assert f"[*] --> {Gate.IDLE.name}\n" in diagrams.diagrams()["gate"]
    for state, _ in incident.START.values():
        assert f"[*] --> {state.name}: " in diagrams.diagrams()["incident"]
