"""Nights, from noon to noon of this place: when the room was protected, and what happened. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitord.events import Look, Role, Sight, Sound
from monitord.notify.ledger import Guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from monitord.events import Frame
    from monitord.notify.incident import Incident
    from monitord.notify.timeline import Stretch

_NOON = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """One look of the camera; times in UTC, seconds since 1970."""

    began: float
    ended: float
    verdict: Sight | None


@dataclass(frozen=True, slots=True)
class Happened:
    """An incident in the ledger; times in UTC, seconds since 1970."""

    id: int
    kind: str
    label: str
    urgency: str
    opened: float
    alerted: float | None
    acked: float | None
    acked_by: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class Night:
    """What is known from one noon to the next; times in UTC, seconds since 1970.

    Attributes:
        began: the first noon.
        ended: the second one.
        stretches: cover what is known of it, without gap or overlap.
        looks: of the camera, that began in it.
        incidents: that were opened in it; no self-tests.
        tests: the self-tests whose sound was heard in it. They are neither sounds nor alerts.
    """

    began: float
    ended: float
    stretches: tuple[Stretch, ...]
    looks: tuple[Seen, ...]
    incidents: tuple[Happened, ...]
    tests: tuple[Happened, ...] = ()

    def total_s(self, guard: Guard) -> float:
        """Seconds that the room was in that state."""
        return sum(each.length_s for each in self.stretches if each.guard is guard)

    @property
    def camera_s(self) -> float:
        """Seconds that the camera was on."""
        return sum(each.ended - each.began for each in self.looks)

    @property
    def answers_s(self) -> list[float]:
        """Seconds from each alert to its acknowledgement, shortest first."""
        pairs = ((each.alerted, each.acked) for each in self.incidents)
        return sorted(
            max(0.0, acked - alerted) for alerted, acked in pairs if alerted is not None and acked is not None
        )

    @property
    def alerts(self) -> list[Happened]:
        """The incidents that went out as alerts."""
        return [each for each in self.incidents if each.alerted is not None]


def noon_before(at: float, zone: tzinfo | None = None) -> float:
    """The last noon at or before `at`, both UTC in seconds since 1970; `zone` None: this place's own."""
    local = datetime.fromtimestamp(at, zone)
    day = local.date() if local.hour >= _NOON else local.date() - timedelta(days=1)
    return datetime(day.year, day.month, day.day, _NOON, tzinfo=zone).timestamp()


def noon_after(noon: float, zone: tzinfo | None = None) -> float:
    """The noon after `noon`: 23, 24 or 25 hours later."""
    day = datetime.fromtimestamp(noon, zone).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, _NOON, tzinfo=zone).timestamp()


def nights(
    stretches: Sequence[Stretch],
    looks: Iterable[Seen],
    incidents: Iterable[Happened],
    since: float,
    now: float,
    *,
    zone: tzinfo | None = None,
) -> list[Night]:
    """The nights from the one of `since` to the one of `now`, oldest first; none from before the ledger.

    Args:
        stretches: from `monitord.notify.timeline.tile`.
        looks: of the camera.
        incidents: of the room.
        since: UTC, seconds since 1970.
        now: the same.
        zone: of this place; None: the machine's.
    """
    looks, incidents = list(looks), list(incidents)
    found = []
    noon = noon_before(max(since, stretches[0].began) if stretches else now, zone)
    while noon <= now:
        after = noon_after(noon, zone)
        inside = [
            replace(each, began=max(each.began, noon), ended=min(each.ended, after))
            for each in stretches
            if each.began < after and each.ended > noon
        ]
        found.append(
            Night(
                noon,
                after,
                tuple(inside),
                tuple(each for each in looks if noon <= each.began < after),
                tuple(each for each in incidents if noon <= each.opened < after and not each.test),
                tuple(each for each in incidents if noon <= each.opened < after and each.test),
            )
        )
        noon = after
    return found


def looks_of(frames: Iterable[tuple[float, Frame]], longest_s: float) -> list[Seen]:
    """The looks in the journal's frames; one whose end is missing counts as `longest_s`.

    Args:
        frames: when each was received (UTC, seconds since 1970), oldest first.
        longest_s: seconds after which the eye is killed.
    """
    found: list[Seen] = []
    began: float | None = None
    verdict: Sight | None = None
    for received, frame in frames:
        if frame.role is not Role.EYE:
            continue
        at, message = received - frame.age_s, frame.message
        if began is not None and (message.label is Look.BEGAN or at - began > longest_s):
            found.append(Seen(began, began + longest_s, verdict))
            began = None
        match message.label:
            case Look.BEGAN:
                began, verdict = at, None
            case Sight() as sight:
                verdict = sight
            case Look.ENDED if began is not None:
                found.append(Seen(began, max(began, at), verdict))
                began = None
    if began is not None:
        found.append(Seen(began, began + longest_s, verdict))
    return found


def happened(each: Incident, to_utc_s: float) -> Happened:
    """An incident for the ledger.

    Args:
        each: times on the monotonic clock.
        to_utc_s: what is to be added to them for UTC, seconds since 1970.
    """

    def utc(at: float | None) -> float | None:
        return None if at is None else at + to_utc_s

    return Happened(
        each.id,
        "sound" if isinstance(each.subject, Sound) else "fault",
        each.subject.name,
        each.urgency.value,
        each.opened_at + to_utc_s,
        utc(each.alerted_at),
        utc(each.acked_at),
        each.acked_by,
        each.test,
    )


def utc_text(at: float) -> str:
    """UTC, ISO 8601 with seconds and offset."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def night_json(night: Night) -> dict[str, object]:
    """One night as `/api/v1/nights` and `monitord report --json` tell it."""
    answers = night.answers_s
    return {
        "from": utc_text(night.began),
        "to": utc_text(night.ended),
        "protected_s": round(night.total_s(Guard.PROTECTED), 1),
        "paused_s": round(night.total_s(Guard.PAUSED), 1),
        "unprotected_s": round(night.total_s(Guard.UNPROTECTED), 1),
        "spans": [
            {"from": utc_text(each.began), "to": utc_text(each.ended), "state": each.guard.value, "why": str(each.why)}
            for each in night.stretches
        ],
        "sounds": [
            {"at": utc_text(each.opened), "label": each.label, "urgency": each.urgency, "incident": each.id}
            for each in night.incidents
            if each.kind == "sound"
        ],
        "looks": [
            {
                "from": utc_text(each.began),
                "to": utc_text(each.ended),
                "verdict": None if each.verdict is None else f"Sight.{each.verdict.name}",
            }
            for each in night.looks
        ],
        "alerts": [{"at": utc_text(each.alerted or each.opened), "incident": each.id} for each in night.alerts],
        "acks": [
            {"at": utc_text(each.acked), "incident": each.id, "by": each.acked_by}
            for each in night.incidents
            if each.acked is not None
        ],
        "tests": [{"at": utc_text(each.opened), "incident": each.id} for each in night.tests],
        "camera_on_s": round(night.camera_s, 1),
        "fastest_ack_s": round(answers[0], 1) if answers else None,
        "slowest_ack_s": round(answers[-1], 1) if answers else None,
        "unanswered": sum(each.acked is None for each in night.alerts),
    }
