"""How long the camera was on, from the looks in the journal."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitord.config import LOOK_GRACE_S
from monitord.events import Look, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitord.notify.history import StoredFrame


def on_time_s(frames: Iterable[StoredFrame], longest_s: float) -> float:
    """Seconds between BEGAN and ENDED of each look; one without an end counts as `longest_s`."""
    total, began = 0.0, None
    for each in frames:
        if each.frame.role is not Role.EYE:
            continue
        at = datetime.fromisoformat(each.received_at) - timedelta(seconds=each.frame.age_s)
        match each.frame.message.label:
            case Look.BEGAN:
                total += longest_s if began is not None else 0.0
                began = at
            case Look.ENDED if began is not None:
                total += min(longest_s, max(0.0, (at - began).total_seconds()))
                began = None
    return total if began is None else total + longest_s


def longest_s(look_s: float) -> float:
    """No look lasts longer: then the eye is killed."""
    return look_s + LOOK_GRACE_S


def midnight() -> str:
    """The last midnight of this place, as the journal spells times."""
    local = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(UTC).isoformat(timespec="milliseconds")


def boot() -> str:
    """When this machine started."""
    at = datetime.fromtimestamp(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME), UTC)
    return at.isoformat(timespec="milliseconds")
