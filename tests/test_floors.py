"""The house's floors: who may import whom. docs/architecture.md says why; here it is held.

The last tests plant what is forbidden into a copy of the package and see that it is found.
"""

from __future__ import annotations

import graphlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from floors import FLOORS
from import_rules import complaints
from library_importers import IMPORTER, SENSES, owners_of
from source_imports import modules_of, within

PACKAGE = Path(__file__).parent.parent / "monitord"


def test_the_floors_hold():
    assert complaints(PACKAGE) == []


def test_every_floor_is_of_a_module_that_exists():
    assert set(FLOORS) <= set(modules_of(PACKAGE))


def test_every_importer_exists_and_imports_what_is_its_own():
    modules = modules_of(PACKAGE)
    for library in IMPORTER:
        for owner in owners_of(library):
            assert any(within(found.what, [library]) for found in modules[owner]), (library, owner)


def test_nothing_imports_in_a_circle():
    modules = modules_of(PACKAGE)
    graph = {
        name: {found.what for found in imports if found.what in modules and not found.types} - {name}
        for name, imports in modules.items()
    }
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("process", "forbidden"),
    [
        ("monitord.notify.process", SENSES),
        ("monitord.ward.process", SENSES),
        ("monitord.audio.process", {"aiohttp", "cv2", "sqlite3"}),
        ("monitord.video.process", {"aiohttp", "sounddevice", "soundfile", "soxr", "sqlite3"}),
        ("monitord.supervisor", SENSES | {"aiohttp", "sqlite3"}),
    ],
)
def test_what_a_process_really_loads(process, forbidden):
    program = f"import sys, {process}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & forbidden


PLANTS = [
    ("notify/incident.py", "import numpy", "has no senses"),
    ("notify/web/server.py", "from cv2 import imread", "only monitord.video.opencv may"),
    ("notify/process.py", "def f():\n    import sounddevice", "has no senses"),
    ("notify/journal.py", "from monitord import model", "reaches numpy through monitord.model"),
    ("notify/inbox.py", "from monitord.audio.features import RATE_HZ", "another room"),
    ("audio/microphone.py", "import aiohttp", "have no network"),
    ("audio/loop.py", "import urllib.request", "have no network"),
    ("notify/voice.py", "from monitord.ward.board import Board", "the ward stands on the voice"),
    ("ward/desk.py", "import sounddevice", "only monitord.audio.microphone may"),
    ("ward/board.py", "import time", "a pure core has no clock"),
    ("audio/process.py", "from http.client import HTTPConnection", "have no network"),
    ("audio/files.py", "import importlib\nimportlib.import_module('aiomqtt')", "have no network"),
    ("audio/detector.py", "from monitord.video import picture", "another room"),
    ("audio/detector.py", "from monitord.audio.microphone import Microphone", "a floor above its own"),
    ("audio/detector.py", "from .microphone import Microphone", "a floor above its own"),
    ("audio/detector.py", "import sounddevice", "only monitord.audio.microphone may"),
    ("audio/gate.py", "import time", "a pure core has no clock"),
    ("audio/gate.py", "from socket import socket", "a pure core has no clock"),
    ("video/classifier.py", "import logging", "a pure core has no clock"),
    ("video/process.py", "import soundfile", "only monitord.audio.files may"),
    ("video/look.py", "from ..audio import features", "another room"),
    ("events.py", "from monitord import wire", "a floor above its own"),
    ("wire.py", "from monitord.cli import run", "a floor above its own"),
    ("service.py", "import asyncio", "monitord.audio.process: reaches asyncio through monitord.service"),
    ("tools/status.py", "import aiohttp", "imports aiohttp, which only monitord.notify.web.server and"),
    ("audio/spare.py", "", "has no floor"),
    ("wire.py", "from monitord.nothing import much", "which is not there"),
]


@pytest.mark.parametrize(("path", "code", "says"), PLANTS)
def test_a_planted_import_is_found(tmp_path, path, code, says):
    package = tmp_path / "monitord"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "scene", "static"))
    with (package / path).open("a", encoding="utf-8") as module:
        module.write(f"\n{code}\n")
    assert any(says in complaint for complaint in complaints(package))
