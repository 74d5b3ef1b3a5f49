"""The story that the demo tells: lines for the terminal, and which links of the chain have been seen to hold. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LEVEL_EVERY_S = 2.0
"""Seconds of the scene between two lines about the level, while nothing changes."""


class Link(Enum):
    """The links of the chain, in the order in which they should hold."""

    EAR = "the ear hears the scene"
    SILENT = "the harmless sounds raised no alert"
    HEARD = "the detector heard the cry"
    INCIDENT = "an incident opened"
    EYE_STARTED = "the gate started the camera process"
    VERDICT = "the camera said what it saw"
    EYE_GONE = "the camera process ended"
    JOURNAL = "the alert is in the journal"
    DELIVERED = "the alert was delivered to a page on this machine"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the scene: when it begins (seconds), what is to be heard, whether it should alarm."""

    begins_s: float
    text: str
    alarming: bool


def read_parts(path: Path) -> list[Part]:
    """The parts of the scene, in order, from its TOML file."""
    return [Part(**part) for part in tomllib.loads(path.read_text("utf-8"))["part"]]


class Story:
    """Takes what the processes and the page tell, returns the lines to show.

    Attributes:
        held: links that have been seen to hold.
        broken: what went wrong, one sentence each; never emptied.
    """

    def __init__(self, parts: list[Part]) -> None:
        self.held: set[Link] = set()
        self.broken: list[str] = []
        self._to_come = list(parts)
        self._alarming_at = next(part.begins_s for part in parts if part.alarming)
        self._t_s = 0.0
        self._told_at = -LEVEL_EVERY_S
        self._gate = ""

    @property
    def missing(self) -> list[Link]:
        """Links that have not been seen to hold, in their order."""
        return [link for link in Link if link not in self.held]

    def decision(self, line: dict[str, Any]) -> list[str]:
        """One decision of the ear's trace."""
        self.held.add(Link.EAR)
        self._t_s = line["t_s"]
        lines = []
        while self._to_come and self._to_come[0].begins_s <= self._t_s:
            part = self._to_come.pop(0)
            lines.append(self._line("scene", f"-- {part.text} --"))
            if part.alarming and not self.broken:
                self.held.add(Link.SILENT)
        label, posterior = max(line["posterior"].items(), key=lambda item: item[1])
        changed = line["gate"] != self._gate
        if changed or self._t_s - self._told_at >= LEVEL_EVERY_S:
            self._told_at, self._gate = self._t_s, line["gate"]
            text = (
                f"level {line['level_dbfs']:4.0f} dBFS, floor {line['floor_dbfs']:4.0f}, "
                f"{label} {posterior:.2f}, gate {line['gate']}"
            )
            lines.append(self._line("ear", text))
        return lines

    def process(self, line: dict[str, Any]) -> list[str]:
        """A process started or ended."""
        name = {"audio": "ear", "notify": "voice", "video": "camera"}[line["process"]]
        if name == "camera" and line["what"] == "started":
            self.held.add(Link.EYE_STARTED)
        if name == "camera" and line["what"] == "ended":
            self.held.add(Link.EYE_GONE)
            if line["code"]:
                self.broken.append(f"the camera process ended with {line['code']}")
        return [self._line(name, f"process {line['what']} (pid {line['pid']})")]

    def incident(self, incident: dict[str, Any]) -> list[str]:
        """An incident as the page tells it, new or changed."""
        if incident["kind"] == "fault":
            self.broken.append(f"fault: {incident['text']}")
            return [self._line("fault", incident["text"])]
        lines = []
        if Link.INCIDENT not in self.held:
            self.held |= {Link.INCIDENT, Link.HEARD}
            lines.append(self._line("ALERT", f"{incident['room']}: {incident['text']} ({incident['score']} %)"))
            if self._t_s < self._alarming_at:
                self.broken.append(f"an alert {self._alarming_at - self._t_s:.1f} s before the cry: a false alarm")
        if (incident["camera"] or "").startswith("Sight.") and Link.VERDICT not in self.held:
            self.held.add(Link.VERDICT)
            lines.append(self._line("camera", incident["camera_text"]))
        if any(each["state"] == "delivered" for each in _to_the_page(incident)) and Link.DELIVERED not in self.held:
            self.held.add(Link.DELIVERED)
            lines.append(self._line("voice", "a page on this machine has shown the alert"))
        return lines

    def journalled(self, incident: dict[str, Any]) -> list[str]:
        """The incident as it was found in the journal on disk."""
        self.held.add(Link.JOURNAL)
        return [self._line("voice", f"incident {incident['id']} is in the journal")]

    def _line(self, who: str, text: str) -> str:
        return f"{self._t_s:6.1f} s  {who:7s}{text}"


def _to_the_page(incident: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in incident["deliveries"] if each["sink"] == "page"]


def to_confirm(incident: dict[str, Any]) -> list[int]:
    """Numbers of the deliveries of `incident` that wait for a screen to confirm them."""
    return [each["id"] for each in _to_the_page(incident) if each["state"] in ("pending", "sending")]
