"""English: every word of the vocabulary as one plain sentence (the others say what they are), by enumeration."""

from __future__ import annotations

from typing import Any

from monitord.events import Calibration, Fault, Gate, Life, Look, Measure, Role, Sight, Sound
from monitord.notify import delivery, incident
from monitord.notify.ledger import Guard, Why
from monitord.notify.mood import Mood

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
    Fault.MICROPHONE_CONSTANT: "The microphone delivers one and the same value; unplug it and plug it in again.",
    Fault.MICROPHONE_CLIPS: "The microphone is overdriven; turn down its gain, or move it away from the noise.",
    Fault.MICROPHONE_FAINT: "The microphone delivers less than any room does; turn up its gain.",
    Fault.MICROPHONE_OFFSET: "The microphone\u2019s signal is off centre; try another input or another microphone.",
    Fault.ROOM_TOO_LOUD: "A steady noise drowns everything: a cry of 75 dB would not be heard.",
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
    Fault.CONFIGURATION: "The configuration file is wrong and not in effect; \u201cmonitord check\u201d says where.",
    Fault.VOICE_UNCONFINED: "The voice runs UNCONFINED: it could not give up what it does not need.",
    Fault.ROOM_SILENT: "The room is silent: nobody knows whether anybody listens there.",
    Fault.BROKER_AWAY: "The station has lost the broker: it hears none of its rooms.",
    Fault.POWER_LOW: "The power supply is too weak; use the one made for this machine.",
    Fault.THROTTLED: "The machine slows itself down; check its power supply and its cooling.",
    Fault.TOO_HOT: "The machine is too hot; give it air.",
    Fault.MEMORY_LOW: "The machine is short of memory; stop other programs on it.",
    Fault.PAUSE_OVER: "The pause is over: the monitor listens again.",
    Fault.PAUSE_STUCK: "The pause is over but its switch stays; delete the file \u201cpaused\u201d as root.",
    Fault.JOURNAL: "The journal is damaged or cannot be written; free some space, or check the disk.",
    Fault.ALERT_UNDELIVERED: "An alert reached nobody: no channel could bring it in time.",
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
    incident.State.HELD: "Held back by the quiet hours.",
    incident.State.ALERTING: "Not acknowledged yet.",
    incident.State.ESCALATED: "Not acknowledged; the next group was told.",
    incident.State.MUTED: "Muted for a moment, not acknowledged yet.",
    incident.State.ACKNOWLEDGED: "Acknowledged.",
    incident.State.CLEARED: "Over.",
}

DELIVERY: dict[delivery.State, str] = {
    delivery.State.PENDING: "The alert is on its way.",
    delivery.State.SENDING: "The alert is on its way; no screen has confirmed it yet.",
    delivery.State.DELIVERED: "The alert was delivered.",
    delivery.State.FAILED: "The alert was not delivered: no screen has shown it in time.",
}

MOOD: dict[Mood, str] = {
    Mood.ALERT: "Alert.",
    Mood.FAULT: "The monitor has a fault.",
    Mood.PAUSED: "Paused: nobody is listening.",
    Mood.LOOKING: "Taking a look.",
    Mood.SOUND: "A sound.",
    Mood.STARTING: "The monitor is starting.",
    Mood.CALM: "All quiet.",
}

URGENCY: dict[incident.Urgency, str] = {
    incident.Urgency.HIGH: "High priority.",
    incident.Urgency.MEDIUM: "Medium priority.",
    incident.Urgency.LOW: "Low priority.",
    incident.Urgency.FAULT: "Fault of the monitor.",
}

ROLE: dict[Role, str] = {
    Role.EAR: "The ear (microphone).",
    Role.EYE: "The eye (camera).",
}

MEASURE: dict[Measure, str] = {
    Measure.NO_NEW_PRIVILEGES: "It can gain no new rights.",
    Measure.SECCOMP: "The kernel refuses it every call that it does not need.",
    Measure.NOT_DUMPABLE: "No other program can read its memory.",
    Measure.NO_CAPABILITIES: "It has none of the rights of an administrator.",
    Measure.NO_FILE_WRITES: "It can write no file.",
    Measure.LANDLOCK: "It opens no files and devices but its own.",
    Measure.EMPTY_NETWORK: "It has no network.",
}

GUARD: dict[Guard, str] = {
    Guard.PROTECTED: "Somebody listened.",
    Guard.PAUSED: "The owner had paused it.",
    Guard.UNPROTECTED: "Nobody was protected.",
}

WHY: dict[Why, str] = {
    Why.OWNER: "Paused by the owner.",
    Why.STARTING: "The monitor was starting.",
    Why.EAR_SILENT: "The ear was silent: nobody listened to the room.",
    Why.EAR_STOPPED: "The ear had been stopped.",
    Why.VOICE_STOOD_STILL: "The monitor stood still, or the machine slept.",
    Why.VOICE_STOPPED: "The monitor had been stopped.",
    Why.VOICE_DIED: "The monitor had died.",
    Why.MACHINE_OFF: "The machine was off or started anew.",
    Why.NOT_RECORDED: "What happened then was not recorded.",
}

TEXTS: tuple[dict[Any, str], ...] = (
    SOUND,
    SIGHT,
    CALIBRATION,
    LOOK,
    FAULT,
    GATE,
    LIFE,
    INCIDENT,
    DELIVERY,
    MOOD,
    URGENCY,
    ROLE,
    MEASURE,
    GUARD,
    WHY,
)
