"""The words of the report of a ward, in both languages."""

from __future__ import annotations

from monitord.config import Language

WORDS: dict[Language, dict[str, str]] = {
    Language.EN: {
        "title": "{ward}: report from {begin} to {end}",
        "in_short": "In short",
        "alerts_in_short": "{alerts} alerts in {rooms} of {all} rooms: {subjects}.",
        "no_alerts": "No alert in {all} rooms.",
        "answers_in_short": "Half of the alerts that were answered were within {median}, 95 of 100 within {p95}.",
        "late_in_short": "{late} took longer than {limit}; {unanswered} were not acknowledged by anybody.",
        "slowest_in_short": "The slowest answer: room {room}, {what}, {when}, after {time}.",
        "gaps_in_short": "Rooms were without protection for {time} in all; protected for {share} % of the time.",
        "all_protected": "Every room was protected the whole time, apart from pauses.",
        "false_in_short": "{n} rooms alert again and again for what is probably nothing; see below.",
        "heat": "Alerts by room and hour of the day",
        "room": "Room",
        "sum": "Sum",
        "heat_note": "Rooms without an alert: {rooms}.",
        "none": "none",
        "answers": "How fast alerts were answered",
        "alerts": "Alerts",
        "median": "Half within",
        "p95": "95 of 100 within",
        "slowest": "Slowest",
        "late": "Over {limit}",
        "unanswered": "Not acknowledged",
        "whole_ward": "Whole ward",
        "histogram": "Answers by time: {bars}",
        "gaps": "Time without protection, by room and cause",
        "cause": "Cause",
        "time": "Time",
        "times": "How often",
        "unseen": "Nothing was heard of the room (power or network)",
        "untold": "The room did not say why",
        "paused": "Paused by a person: {rooms}.",
        "false": "Alerts that were probably false, again and again",
        "sound": "Sound",
        "false_of": "{false} of {alerts}",
        "why": "Why",
        "nobody": "the camera saw nobody: {n}",
        "short": "over at once, nobody acknowledged: {n}",
        "suggestion": "Suggestion",
        "sensitivity": 'in that room, [audio] sensitivity one step lower ("high" to "balanced", "balanced" to "low")',
        "words": (
            "in that room, [audio] sensitivity one step lower; if it is one resident's voice: monitord enroll, or take "
            "the word out of [audio] words"
        ),
        "alarms": "look for the device that beeps like an alarm; if there is no such detector: [audio] alarms = false",
        "no_false": "None.",
        "rule": (
            "Counted as probably false: an alert after which the camera saw nobody, or that was over within {short} "
            "before anybody acknowledged it. A room is named when this happened at least {repeated} times with one "
            "sound, and to at least half of that sound's alerts. A lower sensitivity also misses more: monitord check "
            "says how much."
        ),
        "counted": "How this was counted",
        "counted_answers": (
            "A response time begins when the station knew of the alert and ends with the acknowledgement, in the room "
            "or at a station. Alerts of faults are not in these figures; a fault stands as the cause of a time without "
            "protection."
        ),
        "counted_station": "While this station was off, it counted nothing; what was retained was counted afterwards.",
    },
    Language.DE: {
        "title": "{ward}: Bericht vom {begin} bis {end}",
        "in_short": "Kurz gesagt",
        "alerts_in_short": "{alerts} Alarme in {rooms} von {all} Zimmern: {subjects}.",
        "no_alerts": "Kein Alarm in {all} Zimmern.",
        "answers_in_short": (
            "Von den beantworteten Alarmen die Hälfte innerhalb von {median}, 95 von 100 innerhalb von {p95}."
        ),
        "late_in_short": "{late} dauerten länger als {limit}; {unanswered} hat niemand bestätigt.",
        "slowest_in_short": "Die langsamste Antwort: Zimmer {room}, {what}, {when}, nach {time}.",
        "gaps_in_short": "Zimmer waren insgesamt {time} ohne Schutz; geschützt waren sie {share} % der Zeit.",
        "all_protected": "Jedes Zimmer war die ganze Zeit geschützt, von Pausen abgesehen.",
        "false_in_short": "{n} Zimmer schlagen immer wieder wohl grundlos Alarm; siehe unten.",
        "heat": "Alarme nach Zimmer und Stunde des Tages",
        "room": "Zimmer",
        "sum": "Summe",
        "heat_note": "Zimmer ohne Alarm: {rooms}.",
        "none": "keine",
        "answers": "Wie schnell auf Alarme geantwortet wurde",
        "alerts": "Alarme",
        "median": "Die Hälfte in",
        "p95": "95 von 100 in",
        "slowest": "Langsamste",
        "late": "Über {limit}",
        "unanswered": "Nicht bestätigt",
        "whole_ward": "Ganze Station",
        "histogram": "Antworten nach Dauer: {bars}",
        "gaps": "Zeit ohne Schutz, nach Zimmer und Ursache",
        "cause": "Ursache",
        "time": "Dauer",
        "times": "Wie oft",
        "unseen": "Vom Zimmer war nichts zu hören (Strom oder Netz)",
        "untold": "Das Zimmer hat nicht gesagt, warum",
        "paused": "Von einer Person pausiert: {rooms}.",
        "false": "Wiederholt wohl falsche Alarme",
        "sound": "Geräusch",
        "false_of": "{false} von {alerts}",
        "why": "Warum",
        "nobody": "die Kamera sah niemanden: {n}",
        "short": "gleich vorbei, von niemandem bestätigt: {n}",
        "suggestion": "Vorschlag",
        "sensitivity": (
            "in diesem Zimmer [audio] sensitivity eine Stufe tiefer („high“ auf „balanced“, „balanced“ auf „low“)"
        ),
        "words": (
            "in diesem Zimmer [audio] sensitivity eine Stufe tiefer; ist es die Stimme einer "
            "Bewohnerin: monitord enroll, "
            "oder das Wort aus [audio] words nehmen"
        ),
        "alarms": "das Gerät suchen, das wie ein Melder piept; gibt es keinen solchen Melder: [audio] alarms = false",
        "no_false": "Keine.",
        "rule": (
            "Als wohl falsch zählt: ein Alarm, nach dem die Kamera niemanden sah, oder der innerhalb "
            "von {short} vorbei "
            "war, bevor ihn jemand bestätigte. Ein Zimmer wird genannt, wenn das mit einem Geräusch mindestens "
            "{repeated}-mal geschah und bei mindestens der Hälfte seiner Alarme. Eine tiefere Empfindlichkeit überhört "
            "auch mehr: monitord check sagt, wie viel."
        ),
        "counted": "Wie gezählt wurde",
        "counted_answers": (
            "Die Dauer einer Antwort beginnt, wenn der Stationsrechner vom Alarm weiß, und endet mit "
            "der Bestätigung, im "
            "Zimmer oder an einem Stationsrechner. Alarme von Störungen sind nicht in diesen Zahlen; "
            "eine Störung steht "
            "als Ursache einer Zeit ohne Schutz."
        ),
        "counted_station": (
            "Solange dieser Stationsrechner aus war, hat er nichts gezählt; was aufbewahrt war, zählte er danach."
        ),
    },
}
