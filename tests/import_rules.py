"""The rules of who may import whom, asked of a package: one line for each import that breaks one."""

from __future__ import annotations

from floors import FLOORS, PURE, floor
from library_importers import IMPURE, SENSES, WEB, owners_of
from source_imports import closure, modules_of, within

ROOMS = ("monitord.audio", "monitord.video", "monitord.notify")


def complaints(package):
    """What is wrong, one line each."""
    modules = modules_of(package)
    homeless = [f"{name}: has no floor; give it one in tests/floors.py" for name in modules if not known_floor(name)]
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


def room(name):
    return next((room for room in ROOMS if name == room or name.startswith(f"{room}.")), None)


def known_floor(name):
    return name in FLOORS or within(name, ["monitord.tools"])
