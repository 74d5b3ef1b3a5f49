"""What the page, the API and `monitord status` show, as JSON. Pure but for the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from monitord.config import Language
from monitord.events import Calibration, Fault, Gate, Look, Measure, Sight, Sound
from monitord.notify import incident, texts
from monitord.notify.ledger import DEAFENING
from monitord.notify.mood import Mood
from monitord.notify.rows import word
from monitord.notify.sinks import wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitord.notify.clock import Clock
    from monitord.notify.delivery import Delivery
    from monitord.notify.incident import Incident

Json = dict[str, Any]

_NO_SOUND = frozenset({Fault.MICROPHONE_MISSING, Fault.MICROPHONE_BUSY, Fault.MICROPHONE_STALLED, Fault.DETECTOR_MODEL})
"""With these the ear has no sound whose level it could tell."""
PROCESSES = ("ear", "eye", "voice")


@dataclass
class Senses:
    """What was last heard of the ear and the eye; times in seconds, monotonic.

    Attributes:
        gate: of the last heartbeat; None: none came yet.
        level_dbfs: of the last frame that had one.
        ear_at: when the last frame of the ear came.
        sound_at: when a sound was last reported.
        seen: the last word of or about the camera.
        seen_at: when it came.
        calibration: how the last look compared with the empty room; NOT_TOLD: it could not be compared.
        measures: what confines each process, as it said last.
    """

    gate: Gate | None = None
    level_dbfs: int | None = None
    ear_at: float | None = None
    sound_at: float | None = None
    seen: Look | Sight | Fault | None = None
    seen_at: float | None = None
    calibration: Calibration = Calibration.NOT_TOLD
    measures: dict[str, frozenset[Measure]] = field(default_factory=dict)


def mood(senses: Senses, live: Iterable[Incident]) -> Mood:
    """The most urgent state that holds."""
    live = list(live)
    sounds = [each for each in live if isinstance(each.subject, Sound)]
    holds = {
        Mood.ALERT: any(each.state in incident.UNANSWERED for each in sounds),
        Mood.FAULT: len(live) > len(sounds),
        Mood.PAUSED: senses.gate is Gate.PAUSED,
        Mood.LOOKING: senses.gate is Gate.LOOKING
        or (isinstance(senses.seen, Look) and senses.seen in (Look.ASKED, Look.BEGAN)),
        Mood.SOUND: senses.gate is Gate.ARMED or any(each.sounding for each in sounds),
        Mood.STARTING: senses.gate is None,
    }
    return next((each for each, holding in holds.items() if holding), Mood.CALM)


def state_json(
    senses: Senses, live: Iterable[Incident], room: str, clock: Clock, language: Language = Language.EN
) -> Json:
    """The state of the monitor: codes, which the page puts into its own words, and texts in `language`."""
    now = clock.monotonic()
    live = list(live)
    which = mood(senses, live)
    deaf = next((each.subject for each in live if isinstance(each.subject, Fault) and each.subject in DEAFENING), None)

    def ago(at: float | None) -> float | None:
        return None if at is None else round(max(0.0, now - at), 1)

    return {
        "mood": which.value,
        "text": texts.text(which, language),
        "room": room,
        "time": clock.to_utc(now),
        "level_dbfs": None if deaf in _NO_SOUND else senses.level_dbfs,
        "deaf": None if deaf is None else word(deaf),
        "gate": None if senses.gate is None else senses.gate.name,
        "gate_text": "" if senses.gate is None else texts.text(deaf or senses.gate, language),
        "since_ear_s": ago(senses.ear_at),
        "since_sound_s": ago(senses.sound_at),
        "camera": None if senses.seen is None else word(senses.seen),
        "camera_text": texts.camera(senses.seen, language),
        "since_camera_s": ago(senses.seen_at),
        "calibration": senses.calibration.name,
        "calibration_text": texts.text(senses.calibration, language) if isinstance(senses.seen, Sight) else "",
        "confinement": {name: confinement_json(name, senses.measures.get(name)) for name in PROCESSES},
        "confinement_text": " ".join(
            _confinement_text(name, senses.measures[name]) for name in PROCESSES if name in senses.measures
        ),
    }


def confinement_json(name: str, measures: frozenset[Measure] | None) -> dict[str, bool] | None:
    """Which measures hold for a process, by name; None: it has not told yet."""
    return None if measures is None else {str(each): each in measures for each in Measure if _applies(name, each)}


def _confinement_text(name: str, measures: frozenset[Measure]) -> str:
    missing = [str(each) for each in Measure if _applies(name, each) and each not in measures]
    return f"The {name}: {'all hold' if not missing else 'all but ' + ', '.join(missing)}."


def _applies(name: str, measure: Measure) -> bool:
    return name != "voice" or measure not in (Measure.NO_FILE_WRITES, Measure.EMPTY_NETWORK)


def incident_json(
    each: Incident, deliveries: Iterable[Delivery], clock: Clock, language: Language = Language.EN
) -> Json:
    """One incident with its deliveries: codes, and texts in `language`."""

    def utc(at: float | None) -> str | None:
        return None if at is None else clock.to_utc(at)

    return {
        "id": each.id,
        "kind": "sound" if isinstance(each.subject, Sound) else "fault",
        "label": each.subject.name,
        "test": each.test,
        "text": wording.SELFTEST[language] if each.test else texts.text(each.subject, language),
        "room": wording.room(each),
        "urgency": each.urgency.value,
        "priority": each.priority.value,
        "lowered_by_carer": each.lowered_from is not None,
        "state": each.state.value,
        "state_text": texts.text(each.state, language),
        "score": each.score,
        "sounding": each.sounding,
        "camera": None if each.seen is None else word(each.seen),
        "camera_text": texts.camera(each.seen, language),
        "opened_at": utc(each.opened_at),
        "last_at": utc(each.last_at),
        "alerted_at": utc(each.alerted_at),
        "level": each.level,
        "escalated_at": utc(each.escalated_at),
        "muted_at": utc(each.muted_at),
        "acked_at": utc(each.acked_at),
        "acked_by": each.acked_by,
        "acked_via": each.acked_via,
        "cleared_at": utc(each.cleared_at),
        "deliveries": [delivery_json(delivery, clock, language) for delivery in deliveries],
    }


def delivery_json(each: Delivery, clock: Clock, language: Language = Language.EN) -> Json:
    """One delivery."""
    return {
        "id": each.id,
        "incident": each.incident,
        "sink": each.sink,
        "reason": each.reason.value,
        "state": each.state.value,
        "text": texts.text(each.state, language),
        "attempts": each.attempts,
        "error": each.error,
        "delivered_at": None if each.delivered_at is None else clock.to_utc(each.delivered_at),
    }
