"""Every state that the page shows: how a voice is brought into it, and what the page then says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitord.events import Fault, Gate, Kind, Look, Sight, Sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from house import House


@dataclass(frozen=True)
class State:
    """One state.

    Attributes:
        mood: the page's `data-mood`.
        title: in English and German.
        bring: brings a fresh house into it.
        urgency: the page's `data-urgency`.
        config: what the house is configured with.
    """

    mood: str
    title: dict[str, str]
    bring: Callable[[House], None]
    urgency: str = ""
    config: str = ""


def _alert(sound: Sound, sight: Sight) -> Callable[[House], None]:
    def bring(house: House) -> None:
        house.listens(Gate.COOLDOWN, level=31)
        house.hears(sound)
        house.sees(sight)

    return bring


def _looking(house: House) -> None:
    house.listens(Gate.LOOKING, level=35)
    house.ear(Kind.LOOK, Look.ASKED)
    house.eye(Kind.LOOK, Look.BEGAN)


def _fault(house: House) -> None:
    house.listens()
    house.ear(Kind.FAULT, Fault.MICROPHONE_MISSING)


CRIES = {"en": "A child is crying", "de": "Ein Kind weint"}

STATES: dict[str, State] = {
    "starting": State(
        "starting", {"en": "The monitor is starting", "de": "Der Wächter startet"}, lambda house: house.begins()
    ),
    "calm": State("calm", {"en": "All quiet", "de": "Alles ruhig"}, lambda house: house.listens()),
    "sound": State("sound", {"en": "A sound", "de": "Ein Geräusch"}, lambda house: house.listens(Gate.ARMED, level=30)),
    "looking": State("looking", {"en": "Taking a look", "de": "Die Kamera sieht nach"}, _looking),
    "alert-high": State("alert", CRIES, _alert(Sound.CRY, Sight.LYING), "high"),
    "alert-medium": State(
        "alert", CRIES, _alert(Sound.CRY, Sight.SEVERAL), "medium", '[rules.cry]\npriority = "medium"\n'
    ),
    "alert-low": State("alert", CRIES, _alert(Sound.CRY, Sight.DARK), "low", '[rules.cry]\npriority = "low"\n'),
    "fault": State(
        "fault",
        {"en": "The microphone is missing; check its plug", "de": "Das Mikrofon fehlt; prüfen Sie den Stecker"},
        _fault,
        "fault",
    ),
    "paused": State(
        "paused",
        {"en": "Paused: nobody is listening", "de": "Pausiert: Niemand hört zu"},
        lambda house: house.listens(Gate.PAUSED),
    ),
}
