"""What the page of a ward shows, as JSON: codes, which the page puts into its own words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitord.events import Sight, Sound
from monitord.ward.room import SILENT_S, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitord.ward.board import Board
    from monitord.ward.room import Room
    from monitord.wardtalk.message import Report

Json = dict[str, Any]


def board_json(board: Board, now: float, wall: float, only: Iterable[str] | None = None) -> Json:
    """The board, rooms by urgency, and the other stations.

    Args:
        board: as it is now.
        now: monotonic.
        wall: seconds since 1970.
        only: names of rooms; None: all.
    """
    names = board.rooms if only is None else only
    rooms = sorted((board.rooms[name] for name in names), key=lambda room: (room.rank[0], room.rank[1], room.label))
    return {
        "ward": board.ward,
        "at": round(wall, 3),
        "station": board.station,
        "linked": board.linked_at is not None,
        "others": [
            {
                "station": name,
                "alive": said.alive and now - at < SILENT_S,
                "rings": said.rings,
                "shift": said.shift,
                "heard_s": round(now - at, 1),
            }
            for name, (said, at) in sorted(board.others.items())
        ],
        "rooms": [room_json(room, now) for room in rooms],
        "refused": {each.value: board.refused[each] for each in Refused},
    }


def room_json(room: Room, now: float) -> Json:
    """One room."""
    first = room.foremost
    state, seen = room.state, not room.is_unseen(now)
    return {
        "room": room.name,
        "label": room.label,
        "rank": int(room.rank[0]),
        "since": round(room.rank[1], 3),
        "incident": None if first is None else incident_json(first),
        "acknowledged": None if first is None else _acknowledged(first),
        "live": [incident_json(each) for each in room.live],
        "protected": seen and state is not None and state.protected,
        "paused_until": None if state is None else state.paused_until,
        "gate": None if state is None or state.gate is None else state.gate.name,
        "microphone": None if state is None else state.microphone.value,
        "camera": None if state is None else state.camera.value,
        "faults": [] if state is None else [each.name for each in state.faults],
        "heard_s": None if room.heard_at is None else round(now - room.heard_at, 1),
        "refused": {each.value: room.refused[each] for each in Refused},
    }


def incident_json(each: Report) -> Json:
    """One incident of a room."""
    return {
        "id": each.id,
        "kind": "sound" if isinstance(each.subject, Sound) else "fault",
        "label": each.subject.name,
        "urgency": each.urgency.value,
        "state": each.state.value,
        "score": each.score,
        "since": each.since,
        "repeats": each.repeats,
        "sight": each.sight.name if isinstance(each.sight, Sight) else None,
        "acknowledged": _acknowledged(each),
    }


def _acknowledged(each: Report) -> Json | None:
    return None if each.acknowledged is None else {"at": each.acknowledged.at, "via": each.acknowledged.via.value}
