"""Every word of the vocabulary as one plain sentence. A test holds that no member of an enumeration is without one."""

from __future__ import annotations

from monitord.events import Calibration, Fault, Gate, Life, Look, Sight, Sound
from monitord.notify import delivery, incident

SOUND: dict[Sound, str] = {
    Sound.CRY: "A child is crying.",
    Sound.HELP: "Someone called \u201cHelp\u201d.",
    Sound.HILFE: "Someone called \u201cHilfe\u201d.",
    Sound.SMOKE_ALARM: "A smoke alarm is sounding.",
    Sound.CO_ALARM: "A carbon monoxide alarm is sounding.",
    Sound.WORD: "Your own word was heard.",
}

SIGHT: dict[Sight, str] = {
    Sight.NOBODY: "The camera sees nobody.",
    Sight.LYING: "The camera sees one person, lying.",
    Sight.UPRIGHT: "The camera sees one person, sitting or standing.",
    Sight.SEVERAL: "The camera sees more than one person.",
    Sight.CANNOT_TELL: "The camera cannot tell what it sees.",
    Sight.DARK: "It is too dark for the camera.",
    Sight.COVERED: "The camera is covered.",
    Sight.FROZEN: "The camera shows the same picture again and again.",
    Sight.BLURRED: "The picture is too blurred to tell.",
}

CALIBRATION: dict[Calibration, str] = {
    Calibration.NOT_TOLD: "The camera was not compared with the empty room.",
    Calibration.NONE: "The camera is not calibrated.",
    Calibration.HOLDS: "The camera is calibrated.",
    Calibration.MOVED: "The camera was moved since it was calibrated.",
    Calibration.OTHER_LIGHT: "The camera is not calibrated for this light.",
}

LOOK: dict[Look, str] = {
    Look.ASKED: "The camera is starting for a look.",
    Look.NOT_ASKED: "The camera was not asked: the looks of this hour are used up.",
    Look.BEGAN: "The camera is looking.",
    Look.ENDED: "The camera looked and gave no answer.",
}

FAULT: dict[Fault, str] = {
    Fault.MICROPHONE_MISSING: "The microphone is missing; check its plug.",
    Fault.MICROPHONE_BUSY: "Another program is using the microphone.",
    Fault.MICROPHONE_STALLED: "The microphone delivers no sound; unplug it and plug it in again.",
    Fault.MICROPHONE_OVERRUN: "This machine was too busy and missed some sound.",
    Fault.MICROPHONE_SILENT: "The microphone delivers only silence; is it muted?",
    Fault.DETECTOR_MODEL: "The sound detector cannot be loaded; install monitord again.",
    Fault.CAMERA_MISSING: "The camera is missing; check its plug.",
    Fault.CAMERA_BUSY: "Another program is using the camera.",
    Fault.CAMERA_BROKEN: "The camera delivers no picture.",
    Fault.CAMERA_TIMEOUT: "The camera did not answer in time.",
    Fault.CLASSIFIER_MODEL: "The picture classifier cannot be loaded; install monitord again.",
    Fault.CAMERA_MOVED: "The camera was moved since it was calibrated; calibrate it again.",
    Fault.EYE_UNREACHABLE: "The camera process could not be asked for a look.",
    Fault.RECOVERED: "A fault is over.",
    Fault.WIRE_REJECTED: "A message that is not allowed was refused.",
    Fault.WIRE_RATE: "Too many messages came at once; the surplus was refused.",
    Fault.WIRE_GAP: "Messages were lost on the way to the voice.",
    Fault.EAR_SILENT: "The ear is silent: nobody is listening to the room.",
    Fault.EAR_NOT_CONFINED: "The ear could not give up its powers and keeps the microphone closed; its log says why.",
    Fault.EYE_NOT_CONFINED: "The eye could not give up its powers and keeps the camera closed; its log says why.",
    Fault.UNCONFINED: "The monitor runs UNCONFINED: the kernel does not keep sound and pictures inside.",
    Fault.VOICE_UNCONFINED: "The voice runs UNCONFINED: it could not give up what it does not need.",
    Fault.JOURNAL: "The journal is damaged or cannot be written; check the disk.",
}

GATE: dict[Gate, str] = {
    Gate.IDLE: "The room is quiet.",
    Gate.ARMED: "Something is to be heard.",
    Gate.LOOKING: "The camera is looking.",
    Gate.COOLDOWN: "Listening; the camera rests for a moment.",
    Gate.PAUSED: "The monitor is paused; the microphone is closed.",
}

LIFE: dict[Life, str] = {
    Life.STARTED: "The ear has started.",
    Life.STOPPED: "The ear has stopped.",
    Life.UNCONFINED: "The ear has started UNCONFINED.",
}

INCIDENT: dict[incident.State, str] = {
    incident.State.OPEN: "Waiting for the camera.",
    incident.State.ALERTING: "Not acknowledged yet.",
    incident.State.ACKNOWLEDGED: "Acknowledged.",
    incident.State.CLEARED: "Over.",
}

DELIVERY: dict[delivery.State, str] = {
    delivery.State.PENDING: "The alert is on its way.",
    delivery.State.SENDING: "The alert is on its way; no screen has confirmed it yet.",
    delivery.State.DELIVERED: "The alert was delivered.",
    delivery.State.FAILED: "The alert was not delivered: no screen has shown it in time.",
}

_ALL: dict[type, dict[object, str]] = {
    kind: dict(texts.items())
    for kind, texts in (
        (Sound, SOUND),
        (Sight, SIGHT),
        (Calibration, CALIBRATION),
        (Look, LOOK),
        (Fault, FAULT),
        (Gate, GATE),
        (Life, LIFE),
        (incident.State, INCIDENT),
        (delivery.State, DELIVERY),
    )
}


def text(member: Sound | Sight | Calibration | Look | Fault | Gate | Life | incident.State | delivery.State) -> str:
    """The sentence for `member`."""
    return _ALL[type(member)][member]


def camera(seen: Look | Sight | Fault | None) -> str:
    """What an incident says of the camera."""
    return "" if seen is None else text(seen)
