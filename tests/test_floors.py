"""The house's floors: who may import whom. docs/architecture.md says why; here it is held.

Everything is read from the source by ast, imports inside functions included, so nothing has to be installed or run.
The last tests plant what is forbidden into a copy of the package and see that it is found.
"""

from __future__ import annotations

import ast
import graphlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "monitord"

FLOORS: dict[str, int] = {
    # 0: what everything may know
    "monitord": 0,
    "monitord.events": 0,
    "monitord.config": 0,
    "monitord.config.section": 0,
    "monitord.config.channels": 0,
    "monitord.config.senses": 0,
    "monitord.config.rules": 0,
    "monitord.config.report": 0,
    "monitord.config.selftest": 0,
    "monitord.config.hours": 0,
    "monitord.config.page": 0,
    "monitord.config.mistakes": 0,
    "monitord.config.changes": 0,
    "monitord.config.file": 0,
    "monitord.config.ward": 0,
    "monitord.settings": 0,
    "monitord.errand": 0,
    "monitord.checked": 1,
    "monitord.lan": 0,
    "monitord.paths": 0,
    "monitord.card": 0,
    "monitord.steadiness": 0,
    # 1: shared means
    "monitord.wire": 1,
    "monitord.channel": 1,
    "monitord.model": 1,
    "monitord.landlock": 1,
    "monitord.seccomp": 1,
    "monitord.confine": 1,
    "monitord.service": 1,
    "monitord.memory": 1,
    "monitord.notify.clock": 1,
    # 2: pure cores
    "monitord.audio": 2,
    "monitord.audio.features": 2,
    "monitord.audio.level": 2,
    "monitord.audio.recent": 2,
    "monitord.audio.smoothing": 2,
    "monitord.audio.soundcard": 2,
    "monitord.audio.embedding": 2,
    "monitord.audio.enrolled": 2,
    "monitord.audio.utterance": 2,
    "monitord.audio.cadence": 2,
    "monitord.audio.verifier": 2,
    "monitord.audio.detector": 2,
    "monitord.audio.gate": 2,
    "monitord.audio.health": 2,
    "monitord.audio.masking": 2,
    "monitord.audio.ear": 2,
    "monitord.audio.source": 2,
    "monitord.video": 2,
    "monitord.video.picture": 2,
    "monitord.video.boxes": 2,
    "monitord.video.warmup": 2,
    "monitord.video.framing": 2,
    "monitord.video.empty_room": 2,
    "monitord.video.classifier": 2,
    "monitord.video.verdict": 2,
    "monitord.notify": 2,
    "monitord.notify.course": 2,
    "monitord.notify.incident": 2,
    "monitord.notify.delivery": 2,
    "monitord.notify.mood": 2,
    "monitord.notify.texts": 2,
    "monitord.notify.texts.en": 2,
    "monitord.notify.texts.de": 2,
    "monitord.notify.texts.page_en": 2,
    "monitord.notify.texts.page_de": 2,
    "monitord.notify.expected": 2,
    "monitord.notify.earwatch": 2,
    "monitord.notify.book": 2,
    "monitord.notify.triage": 2,
    "monitord.notify.rows": 2,
    "monitord.notify.outbox": 2,
    "monitord.notify.addressees": 2,
    "monitord.notify.dispatch": 2,
    "monitord.notify.sensing": 2,
    "monitord.notify.view": 2,
    "monitord.notify.ledger": 2,
    "monitord.notify.tally": 2,
    "monitord.notify.timeline": 2,
    "monitord.notify.nights": 2,
    "monitord.notify.summary": 2,
    "monitord.notify.morning": 2,
    "monitord.notify.texts.report": 2,
    "monitord.notify.sinks": 2,
    "monitord.notify.sinks.wording": 2,
    "monitord.notify.sinks.homeassistant": 2,
    "monitord.notify.web.access": 2,
    "monitord.notify.web.limits": 2,
    "monitord.notify.web.ntfy": 2,
    "monitord.notify.web.routes": 2,
    "monitord.notify.web.openapi": 2,
    "monitord.wardtalk": 2,
    "monitord.wardtalk.topics": 2,
    "monitord.wardtalk.shape": 2,
    "monitord.wardtalk.message": 2,
    "monitord.wardtalk.codec": 2,
    "monitord.wardtalk.schema": 2,
    "monitord.wardtalk.order": 2,
    "monitord.wardtalk.telling": 2,
    "monitord.ward": 2,
    "monitord.ward.room": 2,
    "monitord.ward.board": 2,
    "monitord.ward.view": 2,
    "monitord.ward.election": 2,
    "monitord.ward.triage": 2,
    "monitord.ward.report": 2,
    "monitord.ward.report.figures": 2,
    "monitord.ward.report.advice": 2,
    "monitord.ward.report.words": 2,
    "monitord.ward.report.sheet": 2,
    # 3: edges, where the world begins
    "monitord.audio.templates": 3,
    "monitord.audio.models": 3,
    "monitord.audio.resample": 3,
    "monitord.audio.files": 3,
    "monitord.audio.microphone": 3,
    "monitord.video.v4l2": 3,
    "monitord.video.calibration": 3,
    "monitord.video.opencv": 3,
    "monitord.video.rpicam": 3,
    "monitord.video.csi": 3,
    "monitord.video.usb": 3,
    "monitord.video.clip": 3,
    "monitord.video.folder": 3,
    "monitord.video.camera": 3,
    "monitord.video.fake": 3,
    "monitord.video.look": 3,
    "monitord.notify.inbox": 3,
    "monitord.notify.dial": 3,
    "monitord.notify.database": 3,
    "monitord.notify.tls": 3,
    "monitord.notify.secret": 3,
    "monitord.notify.desktop": 3,
    "monitord.notify.channels": 3,
    "monitord.notify.sinks.broker": 3,
    "monitord.notify.sinks.brokers": 3,
    "monitord.notify.sinks.mqtt": 3,
    "monitord.notify.sinks.ward": 3,
    "monitord.notify.sinks.http": 3,
    "monitord.notify.sinks.ntfy": 3,
    "monitord.notify.sinks.gotify": 3,
    "monitord.notify.sinks.webhook": 3,
    "monitord.notify.sinks.desktop": 3,
    "monitord.notify.sinks.apprise": 3,
    "monitord.notify.sinks.apprise_child": 3,
    "monitord.notify.journal": 3,
    "monitord.notify.pause": 3,
    "monitord.notify.nightly": 3,
    "monitord.notify.keeper": 3,
    "monitord.notify.machine": 3,
    "monitord.notify.shelf": 3,
    "monitord.notify.history": 3,
    "monitord.notify.lookback": 3,
    "monitord.notify.sinks.log": 3,
    "monitord.notify.sinks.page": 3,
    "monitord.notify.web": 3,
    "monitord.notify.web.files": 3,
    "monitord.notify.web.hub": 3,
    "monitord.notify.web.accessfile": 3,
    "monitord.notify.web.doorkeeper": 3,
    "monitord.notify.web.feed": 3,
    "monitord.notify.web.subscribe": 3,
    "monitord.notify.web.authority": 3,
    "monitord.notify.web.tls": 3,
    "monitord.notify.web.doors": 3,
    "monitord.notify.web.answers": 3,
    "monitord.notify.web.gate": 3,
    "monitord.notify.web.scrape": 3,
    "monitord.notify.web.metrics": 3,
    "monitord.notify.web.api": 3,
    "monitord.notify.web.server": 3,
    "monitord.ward.ledger": 3,
    "monitord.ward.report.page": 3,
    # 4: processes
    "monitord.audio.loop": 4,
    "monitord.audio.process": 4,
    "monitord.audio.speak": 4,
    "monitord.video.process": 4,
    "monitord.video.sample": 4,
    "monitord.notify.outlets": 4,
    "monitord.notify.record": 4,
    "monitord.notify.trial": 4,
    "monitord.notify.notifier": 4,
    "monitord.notify.voice": 4,
    "monitord.notify.unwritten": 4,
    "monitord.notify.shown": 4,
    "monitord.notify.openpage": 4,
    "monitord.notify.host": 4,
    "monitord.notify.process": 4,
    "monitord.ward.no_room": 3,
    "monitord.ward.desk": 4,
    "monitord.ward.station": 4,
    "monitord.ward.process": 4,
    "monitord.supervisor": 4,
    # 5: what a person runs; everything in monitord.tools too
    "monitord.commands": 5,
    "monitord.cli": 5,
    "monitord.__main__": 5,
}
TOOLS = 5
PURE = 2

ROOMS = ("monitord.audio", "monitord.video", "monitord.notify")

IMPORTER: dict[str, str | tuple[str, ...]] = {
    "sounddevice": "monitord.audio.microphone",
    "soundfile": "monitord.audio.files",
    "soxr": "monitord.audio.resample",
    "aiohttp": (
        "monitord.notify.web.server",
        "monitord.notify.web.answers",
        "monitord.notify.web.gate",
        "monitord.notify.web.api",
        "monitord.notify.web.subscribe",
        "monitord.notify.web.scrape",
        "monitord.notify.dial",
    ),
    "aiomqtt": "monitord.notify.sinks.broker",
    "paho": "monitord.notify.sinks.broker",
    "jeepney": "monitord.notify.desktop",
    "apprise": "monitord.notify.sinks.apprise_child",
    "requests": "monitord.notify.sinks.apprise_child",
    "prometheus_client": "monitord.notify.web.metrics",
    "cryptography": "monitord.notify.web.authority",
    "segno": "monitord.tools.qr",
    "cv2": "monitord.video.opencv",
    "ai_edge_litert": "monitord.model",
    "tflite_runtime": "monitord.model",
    "pyseccomp": "monitord.seccomp",
    "sqlite3": (
        "monitord.notify.database",
        "monitord.notify.history",
        "monitord.notify.journal",
        "monitord.ward.ledger",
    ),
}
"""Each library with a device, a network, a file format or a kernel behind it, and its one importer (HTTP has two: who
serves, and how a sink reaches a machine)."""

WEB = {"aiohttp", "aiomqtt", "asyncio", "ftplib", "http", "httpx", "paho", "requests", "smtplib", "socketserver", "ssl"}
WEB |= {"telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc"}
SENSES = {"numpy", "cv2", "sounddevice", "soundfile", "soxr", "ai_edge_litert", "tflite_runtime"}
IMPURE = {"asyncio", "logging", "multiprocessing", "os", "queue", "random", "secrets", "select", "selectors", "shutil"}
IMPURE |= {"signal", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time"}


@dataclass(frozen=True)
class Import:
    """`what` is imported at `line`; `types` if only a type checker sees it."""

    what: str
    line: int
    types: bool


def modules_of(package):
    """Dotted name -> imports, for every module under the folder `package`."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = ["monitord", *path.relative_to(package).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path
    return {name: list(imports_of(path, name, set(found))) for name, path in found.items()}


def imports_of(path, name, known):
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for branch in node.body
        for inner in ast.walk(branch)
    }
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                targets = [alias.name for alias in node.names]
            case ast.ImportFrom():
                base = node.module or ""
                if node.level:
                    above = package.split(".")[: len(package.split(".")) - node.level + 1]
                    base = ".".join([*above, *([node.module] if node.module else [])])
                whole = [f"{base}.{alias.name}" for alias in node.names]
                targets = [target if target in known else base for target in whole]
            case ast.Call(func=ast.Name("__import__") | ast.Attribute(attr="import_module")):
                targets = [ast.unparse(node.args[0]).strip("'\"")] if node.args else []
            case _:
                continue
        for target in dict.fromkeys(targets):
            yield Import(target, node.lineno, id(node) in typing_only)


def floor(name):
    return TOOLS if name.startswith("monitord.tools") else FLOORS[name]


def room(name):
    return next((room for room in ROOMS if name == room or name.startswith(f"{room}.")), None)


def within(what, names):
    """Whether `what` is one of `names` or inside one."""
    return any(what == name or what.startswith(f"{name}.") for name in names)


def closure(modules, start):
    """Every module of ours that importing `start` loads, or may load later, and what they import from outside."""
    ours, outside, waiting = set(), {}, [start]
    while waiting:
        name = waiting.pop()
        if name in ours:
            continue
        ours.add(name)
        parents = name.split(".")
        waiting += [".".join(parents[:depth]) for depth in range(1, len(parents))]
        for found in modules[name]:
            if found.types:
                continue
            if found.what in modules:
                waiting.append(found.what)
            else:
                outside.setdefault(found.what, name)
    return ours, outside


def complaints(package):
    """What is wrong, one line each."""
    modules = modules_of(package)
    homeless = [
        f"{name}: has no floor; give it one in tests/test_floors.py" for name in modules if not known_floor(name)
    ]
    return homeless or [*wrong_imports(modules), *wrong_reaches(modules)]


def wrong_imports(modules):  # noqa: C901 - one branch a rule, read from top to bottom
    said = []
    for name, imports in modules.items():
        for found in imports:
            where = f"{name}:{found.line}: imports {found.what}"
            if found.what in modules:
                if floor(found.what) > floor(name):
                    said.append(f"{where}, a floor above its own")
                if room(name) and room(found.what) not in {None, room(name)}:
                    said.append(f"{where}, another room")
                if room(name) and within(found.what, ["monitord.ward"]):
                    said.append(f"{where}, and the ward stands on the voice, not the reverse")
            elif within(found.what, ["monitord"]):
                said.append(f"{where}, which is not there")
            owners = owners_of(found.what.split(".")[0])
            if owners and name not in owners:
                said.append(f"{where}, which only {' and '.join(owners)} may")
            if room(name) == "monitord.notify" and within(found.what, SENSES):
                said.append(f"{where}, and the voice has no senses")
            if room(name) in {"monitord.audio", "monitord.video"} and within(found.what, WEB):
                said.append(f"{where}, and the ear and the eye have no network")
            if floor(name) == PURE and not found.types and within(found.what, IMPURE):
                said.append(f"{where}, and a pure core has no clock, socket, file or log")
    return said


def wrong_reaches(modules):
    """What a process would load through others."""
    said = []
    for start, forbidden in (
        ("monitord.audio.process", WEB | {"cv2", "sqlite3"}),
        ("monitord.audio.speak", WEB | {"cv2", "sqlite3"}),
        ("monitord.video.process", WEB | {"sounddevice", "soundfile", "soxr", "sqlite3"}),
        ("monitord.notify.process", SENSES),
        ("monitord.ward.process", SENSES),
        ("monitord.supervisor", SENSES | WEB | {"sqlite3"}),
    ):
        outside = closure(modules, start)[1].items()
        said += [f"{start}: reaches {what} through {by}" for what, by in outside if within(what, forbidden)]
    return said


def owners_of(library):
    owners = IMPORTER.get(library, ())
    return (owners,) if isinstance(owners, str) else owners


def known_floor(name):
    return name in FLOORS or within(name, ["monitord.tools"])


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
