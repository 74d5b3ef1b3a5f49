"""What a room tells its ward: its own JSON (`monitord.notify.view`) as messages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitord.events import Fault, Gate, Look, Sight, Sound
from monitord.notify.earwatch import EAR_SILENT_S
from monitord.notify.incident import State as Course
from monitord.notify.incident import Urgency
from monitord.notify.rows import member
from monitord.wardtalk.message import (
    REPEATS_MAX,
    Acknowledged,
    Camera,
    Health,
    Microphone,
    Report,
    State,
    Via,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

KEPT_S = 86400.0
"""An incident that is over is told for so long; then it is taken away from the broker."""

SAME_S = 2.0


@dataclass
class Teller:
    """Numbers the messages of one life of a room.

    Attributes:
        room: its name.
        boot: its life.
        seq: of the last message.
        line: of the connection's last will.
    """

    room: str
    boot: int
    seq: int = 0
    line: int = 0

    def _next(self, at: float) -> dict[str, Any]:
        self.seq += 1
        return {"room": self.room, "boot": self.boot, "seq": self.seq, "at": round(at, 3)}

    def will(self, at: float) -> Health:
        """What the broker is to say when the connection that begins now is lost."""
        head = self._next(at)
        self.line = self.seq
        return Health(**head, alive=False, line=self.line)

    def health(self, at: float, *, alive: bool = True) -> Health:
        """That the room lives."""
        return Health(**self._next(at), alive=alive, line=self.line)

    def state(self, at: float, told: dict[str, Any]) -> State:
        """The state of the room; `told` as `state_of` gives it."""
        return State(**self._next(at), **told)

    def report(self, at: float, told: dict[str, Any]) -> Report:
        """One incident; `told` as `report_of` gives it."""
        return Report(**self._next(at), **told)


def state_of(shown: dict[str, Any], incidents: Iterable[dict[str, Any]], *, refused: int = 0) -> dict[str, Any]:
    """What a room's state says, without its number and time.

    Args:
        shown: the state, as `monitord.notify.sinks.House` gives it.
        incidents: likewise.
        refused: acknowledgements that were refused.
    """
    gate = None if shown.get("gate") is None else Gate[shown["gate"]]
    since_ear, deaf, until = shown.get("since_ear_s"), shown.get("deaf"), shown.get("paused_until")
    live = {each["label"] for each in incidents if each["kind"] == "fault" and each["state"] != "cleared"}
    faults = tuple(each for each in Fault if each.name in live and each is not Fault.RECOVERED)
    holds = (
        (deaf is not None, Microphone.FAULTY),
        (since_ear is not None and since_ear >= EAR_SILENT_S, Microphone.SILENT),
        (gate is Gate.PAUSED or until is not None, Microphone.PAUSED),
        (gate is None, Microphone.STARTING),
    )
    microphone = next((each for so, each in holds if so), Microphone.LISTENING)
    return {
        "gate": gate,
        "paused_until": None if until is None else unix(until),
        "protected": microphone is Microphone.LISTENING,
        "microphone": microphone,
        "camera": _camera(shown.get("camera")),
        "faults": faults,
        "refused": refused,
    }


def report_of(incident: dict[str, Any], *, repeats: int, channel: str) -> dict[str, Any]:
    """What is told of an incident, without number and time of the message.

    Args:
        incident: as `monitord.notify.view.incident_json` gives it.
        repeats: how often it rang again.
        channel: the name of the ward's channel: what is acknowledged by it was acknowledged there.
    """
    sound = incident["kind"] == "sound"
    acked, camera = incident["acked_at"], incident["camera"]
    sight = None if camera is None else member(camera)
    via = Via.WARD if incident["acked_via"] == channel else Via.ROOM
    return {
        "id": incident["id"],
        "subject": Sound[incident["label"]] if sound else Fault[incident["label"]],
        "urgency": Urgency(incident["urgency"]),
        "state": Course(incident["state"]),
        "score": incident["score"],
        "since": unix(incident["opened_at"]),
        "repeats": min(repeats, REPEATS_MAX),
        "sight": sight if isinstance(sight, Sight) else None,
        "acknowledged": None if acked is None else Acknowledged(unix(acked), via),
    }


def steady(told: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """`told`, its times as they were said `before` where they differ by less than SAME_S.

    A time is kept on a clock that no one sets and told by one that is set all the time: the same moment is never told
    to the millisecond twice, and that is no news.
    """
    kept = dict(told)
    for key in ("since", "paused_until"):
        if before and told.get(key) is not None and _same(told[key], before.get(key)):
            kept[key] = before[key]
    now, then = told.get("acknowledged"), None if before is None else before.get("acknowledged")
    if now is not None and then is not None and now.via is then.via and _same(now.at, then.at):
        kept["acknowledged"] = then
    return kept


def _same(one: float, other: float | None) -> bool:
    return other is not None and abs(one - other) < SAME_S


def is_told(incident: dict[str, Any], now: float) -> bool:
    """Whether an incident is still told at `now`, seconds since 1970."""
    return incident["cleared_at"] is None or unix(incident["cleared_at"]) + KEPT_S > now


def unix(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time with offset; none before 1970, which a clock that was not set may show."""
    return max(0.0, round(datetime.fromisoformat(text).timestamp(), 3))


def _camera(seen: str | None) -> Camera:
    match None if seen is None else member(seen):
        case Look.ASKED | Look.BEGAN:
            return Camera.LOOKING
        case Sight.NOBODY | Sight.LYING | Sight.UPRIGHT | Sight.SEVERAL:
            return Camera.SEES
        case Sight():
            return Camera.CANNOT_TELL
        case Fault():
            return Camera.FAULTY
    return Camera.IDLE
