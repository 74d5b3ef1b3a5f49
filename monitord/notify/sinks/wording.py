"""An alert in words and in JSON, as every channel brings it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitord.config import Language
from monitord.events import Sound
from monitord.notify import texts
from monitord.notify.delivery import Reason
from monitord.notify.rows import word

if TYPE_CHECKING:
    from monitord.notify.incident import Incident
    from monitord.notify.sinks import Notice

TEST = {
    Language.EN: "This is a test: nothing was heard.",
    Language.DE: "Das ist ein Test: Es wurde nichts geh\u00f6rt.",
}
SELFTEST = {
    Language.EN: "This is a test: monitord plays a cry to itself. Please acknowledge it.",
    Language.DE: "Das ist ein Test: monitord spielt sich ein Schreien vor. Bitte best\u00e4tigen Sie ihn.",
}
"""An incident that is the sound of a self-test."""
WHY: dict[Language, dict[Reason, str]] = {
    Language.EN: {
        Reason.ALERT: "",
        Reason.REPEAT: "Nobody has answered yet.",
        Reason.ESCALATED: "Nobody else has answered.",
        Reason.STILL: "It was acknowledged and still goes on.",
        Reason.UPDATE: "",
        Reason.ACKNOWLEDGED: "Somebody takes care of it.",
        Reason.CLEARED: "It is over.",
        Reason.TEST: "",
        Reason.SUMMARY: "",
    },
    Language.DE: {
        Reason.ALERT: "",
        Reason.REPEAT: "Noch hat niemand geantwortet.",
        Reason.ESCALATED: "Sonst hat niemand geantwortet.",
        Reason.STILL: "Es wurde best\u00e4tigt und dauert noch an.",
        Reason.UPDATE: "",
        Reason.ACKNOWLEDGED: "Jemand k\u00fcmmert sich darum.",
        Reason.CLEARED: "Es ist vorbei.",
        Reason.TEST: "",
        Reason.SUMMARY: "",
    },
}
"""What a channel adds to the alert, by why it is brought."""
_TAKES_CARE = {Language.EN: "{name} takes care of it.", Language.DE: "{name} k\u00fcmmert sich darum."}
ACKNOWLEDGE = {Language.EN: "Acknowledge", Language.DE: "Best\u00e4tigen"}
OPEN = {Language.EN: "Open", Language.DE: "\u00d6ffnen"}


def title(notice: Notice) -> str:
    """The room; "Test" in front where it is one."""
    if notice.said is not None:
        return notice.said[0]
    return f"Test: {notice.incident.room}" if notice.reason is Reason.TEST else room(notice.incident)


def room(incident: Incident) -> str:
    """Where it is; "Test" in front where it is the sound of a self-test."""
    return f"Test: {incident.room}" if incident.test else incident.room


def body(notice: Notice, language: Language) -> str:
    """What was heard, what the camera said of it, and why it is brought."""
    if notice.said is not None:
        return notice.said[1]
    if notice.reason is Reason.TEST:
        return TEST[language]
    each = notice.incident
    why = WHY[language][notice.reason]
    by = getattr(each, "acked_by", "")
    if notice.reason is Reason.ACKNOWLEDGED and by:
        why = _TAKES_CARE[language].format(name=by)
    what = SELFTEST[language] if each.test else texts.text(each.subject, language)
    return " ".join(filter(None, (what, texts.camera(each.seen, language), why)))


def content(notice: Notice, language: Language) -> dict[str, Any]:
    """The alert for programs: codes, and the words a person reads."""
    each = notice.incident
    return {
        "key": notice.key,
        "reason": notice.reason.value,
        "test": notice.reason is Reason.TEST or each.test,
        "incident": each.id,
        "kind": "sound" if isinstance(each.subject, Sound) else "fault",
        "label": each.subject.name,
        "urgency": each.urgency.value,
        "state": each.state.value,
        "room": each.room,
        "camera": None if each.seen is None else word(each.seen),
        "title": title(notice),
        "text": body(notice, language),
    }
