"""What each process has loaded when it is at work: what it does not need it does not hold for months."""

from __future__ import annotations

import subprocess
import sys

import pytest

FOR_ALL = {"pytest", "unittest", "numpy.f2py", "distutils", "setuptools"}
CHECKS = {"pydantic", "pydantic_core", "typing_extensions", "monitord.config"}
"""What the configuration is checked with."""
SLOW = {"asyncio", "ssl", "email", "importlib.metadata", "tempfile", "random", "secrets", "zipfile", "subprocess"}
"""Of the standard library: what brings much along."""

EAR = """
from monitord.audio.models import EarModels
from monitord.audio.masking import Masking
from monitord.audio.loop import Loop
import monitord.audio.process
from monitord.settings import Audio
EarModels.load(Audio()).detector()
"""
EYE = """
import monitord.video.process
from monitord import paths, settings
from monitord.video import calibration
from monitord.video.camera import open_camera
from monitord.video.classifier import Classifier
from monitord.video.look import look
settings.plainly(None)
look(open_camera("file:monitord/scene/pictures"), Classifier.load(paths.models_dir()), 4.0)
"""
PROCESSES = {
    "supervisor": ("import monitord.supervisor", CHECKS | (SLOW - {"tempfile"}) | {"numpy", "sqlite3"}, 170),
    "ear": (EAR, CHECKS | SLOW | {"soundfile", "soxr", "cv2", "sqlite3", "wave", "hashlib"}, 275),
    "eye": (EYE, CHECKS | (SLOW - {"subprocess"}) | {"soundfile", "soxr", "sqlite3", "sounddevice"}, 320),
    "voice": (
        "import monitord.notify.process",
        {"numpy", "cv2", "cryptography", "aiomqtt", "paho", "jeepney", "apprise", "segno", "soundfile"},
        650,
    ),
}
"""Process -> what it runs, what it must not have loaded then, and how many modules it may have."""


def loaded(program, pytestconfig):
    command = [sys.executable, "-c", f"import monitord.cli; {program}\nimport sys; print(*sys.modules, sep='\\n')"]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()) - {""}


def among(modules, forbidden):
    return {name for name in modules for each in forbidden if name == each or name.startswith(f"{each}.")}


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_holds_only_what_it_needs(process, pytestconfig):
    program, forbidden, most = PROCESSES[process]
    modules = loaded(program, pytestconfig)
    assert among(modules, forbidden | FOR_ALL) == set()
    assert len(modules) <= most


def test_an_import_too_many_is_noticed(pytestconfig):
    modules = loaded("import monitord.supervisor, monitord.config", pytestconfig)
    _, forbidden, most = PROCESSES["supervisor"]
    assert {"pydantic", "monitord.config"} <= among(modules, forbidden)
    assert len(modules) > most
