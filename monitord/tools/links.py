"""The links of the chain from a sound to a phone, and what a self-test has found of each. Pure.

What goes in is what the running voice tells by its API while the test goes on; `Observed` holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from monitord.notify.earwatch import EAR_SILENT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

RISE_DB = 6.0
"""A level that rose by so much was raised by the sound."""
LISTENS = "IDLE"
"""What the ear's heartbeats call a quiet room."""
_PENDING = frozenset({"Look.ASKED", "Look.BEGAN"})
_BLIND = frozenset({"Sight.COVERED", "Sight.FROZEN"})


@dataclass(frozen=True, slots=True)
class Link:
    """One link.

    Attributes:
        name: as in `monitord.notify.web.routes.LINKS`, a channel with its own name behind.
        good: False: broken; None: not tried.
        says: one sentence.
        mend: what to do about it; "": nothing.
    """

    name: str
    good: bool | None
    says: str
    mend: str = ""

    @property
    def kind(self) -> str:
        """Its name without that of the channel."""
        return "channels" if self.name.startswith("channel ") else self.name


@dataclass
class Observed:
    """What was seen of one self-test.

    Attributes:
        before: the voice's state when it began; None: nobody answered.
        refused: why there was no test, as the voice said it.
        speaker: name of the speaker that was opened; "": none.
        speaker_trouble: why it could not be used.
        by_hand: whether a person claps and cries.
        knows: whether the models know the cry that is played; None: nobody asked them.
        levels: of the states since the sound began, dBFS.
        gates: of the same.
        test: what the voice told last of the test.
        after: the voice's state at the end.
        quiet: whether it was to ring nobody.
        camera_off: whether there is no camera.
        waited_s: how long somebody had to acknowledge it.
    """

    before: Json | None = None
    refused: str = ""
    speaker: str = ""
    speaker_trouble: str = ""
    by_hand: bool = False
    knows: bool | None = None
    levels: list[float] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)
    test: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)
    quiet: bool = False
    camera_off: bool = False
    waited_s: float = 0.0

    @property
    def incident(self) -> Json | None:
        """The test's."""
        return self.test.get("incident")


def _good(name: str, says: str) -> Link:
    return Link(name, good=True, says=says)


def _broken(name: str, says: str, mend: str = "") -> Link:
    return Link(name, good=False, says=says, mend=mend)


def _untried(name: str, says: str) -> Link:
    return Link(name, good=None, says=says)


def deaf(state: Json) -> Link | None:
    """What keeps the ear from hearing anything, before a sound is made; None: nothing is known."""
    since = state.get("since_ear_s")
    if state.get("paused_until") or state.get("gate") == "PAUSED":
        return _broken("microphone", "the owner has paused the monitor", "monitord resume")
    if not isinstance(since, int | float) or since > EAR_SILENT_S or state.get("gate") is None:
        return _broken("ear", "the ear is silent: nobody listens", "monitord doctor says why")
    if state.get("deaf"):
        return _broken("microphone", str(state.get("gate_text")), "monitord doctor says more")
    return None


def judge(seen: Observed) -> list[Link]:
    """Every link, from the speaker to the phone."""
    if seen.before is None:
        return [_broken("voice", seen.refused, "sudo systemctl start monitord (or: monitord run)")]
    known = deaf(seen.before)
    heard = seen.incident is not None
    links = [_speaker(seen)]
    links.append(known if known and known.name == "microphone" else _microphone(seen, tried=known is None))
    links.append(known if known and known.name == "ear" else _good("ear", "it listens"))
    links += [_detector(seen, microphone=links[1]), *_camera(seen), _voice(seen)]
    links += _channels(seen) if heard or seen.quiet else []
    return [*links, _device(seen)]


def first_broken(links: list[Link]) -> str:
    """The first link of the chain that is broken; "": none is."""
    return next((each.kind for each in links if each.good is False), "")


def _speaker(seen: Observed) -> Link:
    if seen.speaker_trouble:
        return _broken("speaker", seen.speaker_trouble, "monitord selftest --speakers lists those there are")
    if seen.by_hand:
        return _untried("speaker", "none is configured: you clapped and cried (selftest.speaker names one)")
    if not seen.speaker:
        return _untried("speaker", "not tried")
    return _good("speaker", f"{seen.speaker} has played the cry; whether it sounds, the microphone tells")


def _microphone(seen: Observed, *, tried: bool) -> Link:
    what = "you" if seen.by_hand else "the speaker"
    if seen.incident is not None:
        return _good("microphone", f"it has heard {what}")
    if not tried or seen.refused or seen.speaker_trouble or not (seen.speaker or seen.by_hand):
        return _untried("microphone", "not tried: no sound was made")
    before = seen.before or {}
    quiet = before.get("level_dbfs")
    loudest = max(seen.levels, default=None)
    rose = loudest is not None and quiet is not None and loudest >= quiet + RISE_DB
    woke = before.get("gate") == LISTENS and any(gate != LISTENS for gate in seen.gates)
    if rose or woke:
        return _good("microphone", f"it has heard something: {loudest:g} dBFS, {quiet:g} before")
    level = "no level came" if loudest is None else f"the level stayed at {loudest:g} dBFS"
    mend = "is it switched on, loud enough, and in the same room?"
    return _broken("microphone", f"the microphone did not hear {what}: {level}", "" if seen.by_hand else mend)


def _detector(seen: Observed, *, microphone: Link) -> Link:
    if seen.incident is not None:
        return _good("detector", f"it knows a cry: {seen.incident.get('score')} %")
    if seen.knows is False:
        says = "with this audio.sensitivity the models do not know the cry that is played, even in a quiet room"
        return _broken("detector", says, 'set audio.sensitivity = "balanced", or no speaker and cry yourself')
    if microphone.good:
        mend = "another place for the speaker, or another selftest.level_dbfs: neither faint nor distorted"
        return _broken("detector", "something was heard, and not taken for a cry", mend)
    return _untried("detector", "not tried: nothing was heard")


def _camera(seen: Observed) -> Iterator[Link]:
    """The gate that asks for a look, and what the camera answers."""
    looked = None if seen.incident is None else seen.incident.get("camera")
    says = "" if seen.incident is None else str(seen.incident.get("camera_text"))
    if seen.camera_off or seen.incident is None:
        why = "not tried: nothing was heard" if seen.incident is None else "the camera is switched off"
        yield from (_untried("gate", why), _untried("camera", why))
    elif looked is None:
        rests = (seen.before or {}).get("gate") in {"COOLDOWN", "LOOKING"}
        why = "the camera rests after its last look" if rests else "no look was asked for"
        yield from (_untried("gate", why) if rests else _broken("gate", why), _untried("camera", why))
    elif looked == "Look.NOT_ASKED":
        yield from (_good("gate", says), _untried("camera", says))
    else:
        yield _good("gate", "it has asked for a look")
        good = looked not in _PENDING | _BLIND and looked.startswith("Sight.")
        yield Link("camera", good, says, "" if good else "monitord doctor looks at the camera")


def _voice(seen: Observed) -> Link:
    if seen.refused:
        return _untried("voice", seen.refused)
    if seen.incident is None:
        return _untried("voice", "it answers; there was no incident to keep")
    if not seen.test.get("written"):
        return _broken("voice", "the incident is in memory only: the journal does not take it", "monitord doctor")
    return _good("voice", f"incident {seen.incident['id']} is in the journal, marked as a test")


def _channels(seen: Observed) -> Iterator[Link]:
    told = {str(each["name"]): str(each["trouble"] or "") for each in seen.after.get("channels", [])}
    if seen.quiet:
        for name, trouble in told.items():
            says = trouble or "not rung at night; no trouble is known"
            yield Link(f"channel {name}", False if trouble else None, says, _again(name) if trouble else "")
        return
    last = {each["sink"]: each for each in (seen.incident or {}).get("deliveries", []) if each["reason"] == "alert"}
    for name in told:
        each = last.get(name, {"state": "", "error": "", "text": "the alert was not given to it"})
        if each["state"] == "delivered":
            yield _good(f"channel {name}", "the alert arrived")
        else:
            yield _broken(f"channel {name}", str(each["error"] or each["text"]), _again(name))


def _again(name: str) -> str:
    return "is the page open on a phone?" if name == "page" else f"monitord test-alert {name}"


def _device(seen: Observed) -> Link:
    incident = seen.incident
    if seen.quiet:
        return _untried("device", "nobody is asked to confirm at night")
    if incident is None:
        return _untried("device", "not tried: there was no alert")
    if incident.get("acked_at"):
        by, via = str(incident.get("acked_by") or ""), str(incident.get("acked_via") or "")
        whom = by or "somebody at this machine itself"
        return _good("device", f"{whom} has acknowledged it ({via})" if via else f"{whom} has acknowledged it")
    if not seen.waited_s:
        return _untried("device", "nobody was asked (--wait 0)")
    mend = "open the page on a phone (monitord pair), and acknowledge the test"
    return _broken("device", f"nobody has acknowledged it in {seen.waited_s:g} s", mend)
