"""German: the same tables as `monitord.notify.texts.en`."""

from __future__ import annotations

from typing import Any

from monitord.events import Calibration, Fault, Gate, Life, Look, Measure, Role, Sight, Sound
from monitord.notify import delivery, incident
from monitord.notify.ledger import Guard, Why
from monitord.notify.mood import Mood

SOUND: dict[Sound, str] = {
    Sound.CRY: "Ein Kind weint.",
    Sound.HELP: "Jemand hat \u201eHelp\u201c gerufen.",
    Sound.HILFE: "Jemand hat \u201eHilfe\u201c gerufen.",
    Sound.SMOKE_ALARM: "Ein Rauchmelder schlägt an.",
    Sound.CO_ALARM: "Ein Kohlenmonoxidmelder schlägt an.",
    Sound.WORD: "Ihr eigenes Wort war zu hören.",
}

SIGHT: dict[Sight, str] = {
    Sight.NOBODY: "Die Kamera sieht niemanden.",
    Sight.LYING: "Die Kamera sieht eine Person, die liegt.",
    Sight.UPRIGHT: "Die Kamera sieht eine Person, die sitzt oder steht.",
    Sight.SEVERAL: "Die Kamera sieht mehr als eine Person.",
    Sight.CANNOT_TELL: "Die Kamera erkennt nicht, was sie sieht.",
    Sight.DARK: "Für die Kamera ist es zu dunkel.",
    Sight.COVERED: "Die Kamera ist verdeckt.",
    Sight.FROZEN: "Die Kamera zeigt immer dasselbe Bild.",
    Sight.BLURRED: "Das Bild ist zu unscharf, um etwas zu erkennen.",
}

CALIBRATION: dict[Calibration, str] = {
    Calibration.NOT_TOLD: "Die Kamera wurde nicht mit dem leeren Zimmer verglichen.",
    Calibration.NONE: "Die Kamera ist nicht kalibriert.",
    Calibration.HOLDS: "Die Kamera ist kalibriert.",
    Calibration.MOVED: "Die Kamera wurde seit der Kalibrierung bewegt.",
    Calibration.OTHER_LIGHT: "Für dieses Licht ist die Kamera nicht kalibriert.",
}

LOOK: dict[Look, str] = {
    Look.ASKED: "Die Kamera startet für einen Blick.",
    Look.NOT_ASKED: "Die Kamera blieb zu: Die Blicke dieser Stunde sind verbraucht.",
    Look.BEGAN: "Die Kamera sieht gerade nach.",
    Look.ENDED: "Die Kamera hat nachgesehen und nichts gemeldet.",
}

FAULT: dict[Fault, str] = {
    Fault.MICROPHONE_MISSING: "Das Mikrofon fehlt; prüfen Sie den Stecker.",
    Fault.MICROPHONE_BUSY: "Ein anderes Programm benutzt das Mikrofon.",
    Fault.MICROPHONE_STALLED: "Das Mikrofon liefert keinen Ton; ziehen Sie es ab und stecken Sie es neu ein.",
    Fault.MICROPHONE_OVERRUN: "Das Gerät war überlastet und hat etwas Ton verpasst.",
    Fault.MICROPHONE_SILENT: "Das Mikrofon liefert nur Stille; ist es stummgeschaltet?",
    Fault.MICROPHONE_CONSTANT: "Das Mikrofon liefert immer denselben Wert; stecken Sie es neu ein.",
    Fault.MICROPHONE_CLIPS: "Das Mikrofon ist übersteuert; drehen Sie es leiser oder stellen Sie es weiter weg.",
    Fault.MICROPHONE_FAINT: "Das Mikrofon liefert weniger als jeder Raum; drehen Sie es lauter.",
    Fault.MICROPHONE_OFFSET: "Das Signal des Mikrofons ist verschoben; nehmen Sie einen anderen Eingang.",
    Fault.ROOM_TOO_LOUD: "Ein Dauergeräusch übertönt alles: Ein Weinen mit 75 dB bliebe ungehört.",
    Fault.DETECTOR_MODEL: "Die Geräuscherkennung lässt sich nicht laden; installieren Sie monitord neu.",
    Fault.CAMERA_MISSING: "Die Kamera fehlt; prüfen Sie den Stecker.",
    Fault.CAMERA_BUSY: "Ein anderes Programm benutzt die Kamera.",
    Fault.CAMERA_BROKEN: "Die Kamera liefert kein Bild.",
    Fault.CAMERA_TIMEOUT: "Die Kamera hat nicht rechtzeitig geantwortet.",
    Fault.CLASSIFIER_MODEL: "Die Bilderkennung lässt sich nicht laden; installieren Sie monitord neu.",
    Fault.CAMERA_MOVED: "Die Kamera wurde seit der Kalibrierung bewegt; kalibrieren Sie sie neu.",
    Fault.EYE_UNREACHABLE: "Der Kameraprozess war für einen Blick nicht zu erreichen.",
    Fault.RECOVERED: "Eine Störung ist vorbei.",
    Fault.WIRE_REJECTED: "Eine unzulässige Nachricht wurde abgewiesen.",
    Fault.WIRE_RATE: "Zu viele Nachrichten auf einmal; die überzähligen wurden abgewiesen.",
    Fault.WIRE_GAP: "Auf dem Weg zur Stimme gingen Nachrichten verloren.",
    Fault.EAR_SILENT: "Das Ohr schweigt: Niemand hört in den Raum.",
    Fault.EAR_NOT_CONFINED: "Das Ohr ist nicht abgeschottet und lässt das Mikrofon zu; den Grund nennt sein Log.",
    Fault.EYE_NOT_CONFINED: "Das Auge ist nicht abgeschottet und lässt die Kamera zu; den Grund nennt sein Log.",
    Fault.UNCONFINED: "Der Wächter läuft OHNE Abschottung: Der Kernel hält Ton und Bild nicht zurück.",
    Fault.CONFIGURATION: "Die Konfigurationsdatei ist falsch und gilt nicht; \u201emonitord check\u201c sagt, wo.",
    Fault.VOICE_UNCONFINED: "Die Stimme läuft OHNE Abschottung: Sie konnte nicht ablegen, was sie nicht braucht.",
    Fault.ROOM_SILENT: "Das Zimmer schweigt: niemand weiß, ob dort jemand zuhört.",
    Fault.BROKER_AWAY: "Die Station hat den Broker verloren: sie hört keines ihrer Zimmer.",
    Fault.POWER_LOW: "Das Netzteil ist zu schwach; nehmen Sie das für dieses Gerät gedachte.",
    Fault.THROTTLED: "Das Gerät bremst sich selbst; prüfen Sie Netzteil und Kühlung.",
    Fault.TOO_HOT: "Das Gerät ist zu heiß; geben Sie ihm Luft.",
    Fault.MEMORY_LOW: "Dem Gerät fehlt Speicher; beenden Sie andere Programme darauf.",
    Fault.PAUSE_OVER: "Die Pause ist vorbei: Der Wächter hört wieder zu.",
    Fault.PAUSE_STUCK: "Die Pause ist vorbei, ihr Schalter bleibt; löschen Sie die Datei \u201epaused\u201c als root.",
    Fault.JOURNAL: "Das Journal ist beschädigt oder nicht zu schreiben; prüfen Sie Platz und Datenträger.",
    Fault.ALERT_UNDELIVERED: "Ein Alarm erreichte niemanden: Kein Weg konnte ihn rechtzeitig zustellen.",
}

GATE: dict[Gate, str] = {
    Gate.IDLE: "Im Raum ist es still.",
    Gate.ARMED: "Es ist etwas zu hören.",
    Gate.LOOKING: "Die Kamera sieht gerade nach.",
    Gate.COOLDOWN: "Hört zu; die Kamera ruht einen Moment.",
    Gate.PAUSED: "Der Wächter pausiert; das Mikrofon ist zu.",
}

LIFE: dict[Life, str] = {
    Life.STARTED: "Das Ohr ist gestartet.",
    Life.STOPPED: "Das Ohr ist beendet.",
    Life.UNCONFINED: "Das Ohr ist OHNE Abschottung gestartet.",
}

INCIDENT: dict[incident.State, str] = {
    incident.State.OPEN: "Wartet auf die Kamera.",
    incident.State.HELD: "Von der Ruhezeit zurückgehalten.",
    incident.State.ALERTING: "Noch nicht bestätigt.",
    incident.State.ESCALATED: "Nicht bestätigt; die nächste Gruppe wurde gerufen.",
    incident.State.MUTED: "Für einen Moment stumm, noch nicht bestätigt.",
    incident.State.ACKNOWLEDGED: "Bestätigt.",
    incident.State.CLEARED: "Vorbei.",
}

DELIVERY: dict[delivery.State, str] = {
    delivery.State.PENDING: "Der Alarm ist unterwegs.",
    delivery.State.SENDING: "Der Alarm ist unterwegs; noch kein Bildschirm hat ihn bestätigt.",
    delivery.State.DELIVERED: "Der Alarm ist angekommen.",
    delivery.State.FAILED: "Der Alarm kam nicht an: Kein Bildschirm hat ihn rechtzeitig gezeigt.",
}

MOOD: dict[Mood, str] = {
    Mood.ALERT: "Alarm.",
    Mood.FAULT: "Der Wächter hat eine Störung.",
    Mood.PAUSED: "Pausiert: Niemand hört zu.",
    Mood.LOOKING: "Die Kamera sieht nach.",
    Mood.SOUND: "Ein Geräusch.",
    Mood.STARTING: "Der Wächter startet.",
    Mood.CALM: "Alles ruhig.",
}

URGENCY: dict[incident.Urgency, str] = {
    incident.Urgency.HIGH: "Hohe Priorität.",
    incident.Urgency.MEDIUM: "Mittlere Priorität.",
    incident.Urgency.LOW: "Niedrige Priorität.",
    incident.Urgency.FAULT: "Störung des Wächters.",
}

ROLE: dict[Role, str] = {
    Role.EAR: "Das Ohr (Mikrofon).",
    Role.EYE: "Das Auge (Kamera).",
}

MEASURE: dict[Measure, str] = {
    Measure.NO_NEW_PRIVILEGES: "Er kann keine neuen Rechte erlangen.",
    Measure.SECCOMP: "Der Kernel verweigert ihm jeden Aufruf, den er nicht braucht.",
    Measure.NOT_DUMPABLE: "Kein anderes Programm kann seinen Speicher lesen.",
    Measure.NO_CAPABILITIES: "Er hat keine Rechte eines Administrators.",
    Measure.NO_FILE_WRITES: "Er kann keine Datei schreiben.",
    Measure.LANDLOCK: "Er öffnet keine Dateien und Geräte außer den eigenen.",
    Measure.EMPTY_NETWORK: "Er hat kein Netz.",
}

GUARD: dict[Guard, str] = {
    Guard.PROTECTED: "Es wurde zugehört.",
    Guard.PAUSED: "Der Besitzer hatte eine Pause eingelegt.",
    Guard.UNPROTECTED: "Niemand war geschützt.",
}

WHY: dict[Why, str] = {
    Why.OWNER: "Pause des Besitzers.",
    Why.STARTING: "Der Wächter startete gerade.",
    Why.EAR_SILENT: "Das Ohr schwieg: Niemand hörte in den Raum.",
    Why.EAR_STOPPED: "Das Ohr war beendet.",
    Why.VOICE_STOOD_STILL: "Der Wächter stand still, oder das Gerät schlief.",
    Why.VOICE_STOPPED: "Der Wächter war beendet.",
    Why.VOICE_DIED: "Der Wächter war abgestürzt.",
    Why.MACHINE_OFF: "Das Gerät war aus oder startete neu.",
    Why.NOT_RECORDED: "Was da geschah, ist nicht aufgezeichnet.",
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
