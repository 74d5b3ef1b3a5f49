"""Every detector of a fault, and how to take it away: what tests/test_mutation_of_detectors.py does, one at a time.

Each row replaces one piece of the source, which stands there exactly once, and names the tests that are to notice. A
fault of the vocabulary that no row names is a fault without a detector here; a test holds that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One detector less.

    Attributes:
        what: the detector, and the faults of the vocabulary that it tells, by name.
        file: below the repository's root.
        old, new: the piece of source, and what stands in its place.
        tests: arguments for pytest.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str


def _ear(what, file, old, new, tests):
    return Mutation(what, f"monitord/audio/{file}.py", old, new, tests)


def _eye(what, file, old, new, tests):
    return Mutation(what, f"monitord/video/{file}.py", old, new, tests)


def _voice(what, file, old, new, tests):
    return Mutation(what, f"monitord/notify/{file}.py", old, new, tests)


HEALTH, LOOP = "tests/audio/test_health.py", "tests/audio/test_loop.py"
LOST, WATCHDOG = "tests/audio/test_loop_microphone.py", "tests/audio/test_loop_watchdog.py"
EAR, MICROPHONE = "tests/audio/test_ear.py", "tests/audio/test_microphone.py"
EYE, CAMERA, RPICAM = "tests/video/test_eye.py", "tests/video/test_camera.py", "tests/video/test_rpicam.py"
LIMIT, CONFINED = "tests/video/test_eye_limit.py", "tests/video/test_eye_confined.py"
NOTIFIER = "tests/notify/test_notifier.py"
VOICE, TRIAGE, INBOX = "tests/notify/test_voice.py", "tests/notify/test_triage.py", "tests/notify/test_inbox.py"
DISK, MACHINE, PROCESS = "tests/notify/test_disk.py", "tests/notify/test_machine.py", "tests/notify/test_process.py"
TOLD = "tests/notify/test_told_by_a_real_voice.py"
SUPERVISOR, PACKAGING = "tests/test_supervisor.py", "tests/test_packaging.py"

OF_THE_EAR = (
    _ear("MICROPHONE_CONSTANT", "health", "block.low == block.high != 0", "False", HEALTH),
    _ear("MICROPHONE_CLIPS", "health", "block.clips", "False", HEALTH),
    _ear("MICROPHONE_FAINT", "health", "block.faint", "False", HEALTH),
    _ear("MICROPHONE_OFFSET", "health", "block.offset", "False", HEALTH),
    _ear("what the health of the microphone is asked for", "loop", "self._health.take(block)", "frozenset()", LOOP),
    _ear("MICROPHONE_SILENT", "ear", "now - self._sound_at >= SILENT_S", "False", EAR),
    _ear(
        "MICROPHONE_MISSING: PortAudio's error", "microphone",
        'self._arrived.put(MicrophoneError(fault, f"microphone {self._device!r}: {_first_line(cause)}"))',
        "pass", f"{MICROPHONE} -k pulled_out",
    ),
    _ear("MICROPHONE_BUSY", "microphone", "if _BUSY in str(cause) else", "if False else", f"{MICROPHONE} -k cannot_be"),
    _ear(
        "MICROPHONE_STALLED: a stream that gives nothing", "microphone",
        "STALL_BLOCKS * self._period_s + STALL_S", "1e9", f"{MICROPHONE} -k stands_still",
    ),
    _ear("MICROPHONE_STALLED: an opening that hangs", "loop", "now - self._opened_at >= OPENING_S", "False", LOST),
    _ear("a stream that stalls again and again", "loop", "self._stalls >= STALLS_MAX", "False", f"{LOST} -k stalls"),
    _ear("a sound system that cannot be closed", "loop", "and not source.close()", "and source.close() is None", LOST),
    _ear("MICROPHONE_OVERRUN: told", "loop", "if self._source.overruns > self._overruns:", "if False:", LOST),
    _ear("MICROPHONE_OVERRUN: PortAudio's", "microphone", "self.overruns += bool(overflowed)", "pass",
         f"{MICROPHONE} -k lost_sound"),
    _ear("MICROPHONE_OVERRUN: our own", "microphone", "                    self.overruns += 1\n",
         "                    pass\n", f"{MICROPHONE} -k fetches"),
    _ear("ROOM_TOO_LOUD", "masking", "return self._misses >= MISSES", "return False",
         "tests/audio/test_masking.py -k told_within"),
    _ear("ROOM_TOO_LOUD: told", "loop", "DROWNED if drowned else frozenset()", "frozenset()", f"{LOOP} -k drown"),
    _ear("a detector that decides nothing", "loop", "now - self._progress_at < PROGRESS_S", "True", WATCHDOG),
    _ear("a pause that nobody ends", "loop", "now - self._switched_at < PAUSE_MAX_S + PATIENCE_S", "True", LOOP),
    _ear("DETECTOR_MODEL", "process", "channel.send(Message(Kind.FAULT, Fault.DETECTOR_MODEL))", "pass",
         "tests/audio/test_ear_process.py -k model"),
    _ear("EAR_NOT_CONFINED", "process", "channel.send(Message(Kind.FAULT, Fault.EAR_NOT_CONFINED))", "pass",
         "tests/audio/test_ear_process.py -k cannot_be_confined"),
    _ear("EYE_UNREACHABLE", "ear", "return [Message(Kind.FAULT, Fault.EYE_UNREACHABLE)]", "return []", EAR),
)  # fmt: skip

OF_MODELS = (
    Mutation("a model that was changed", "monitord/card.py", "_sha256(content) != sha256", "False",
             "tests/test_model.py -k changed"),
    Mutation("a card without a field", "monitord/card.py", "except (KeyError, TypeError) as missing:",
             "except ZeroDivisionError as missing:", "tests/test_model.py -k missing_field"),
    Mutation("tensors that do not fit", "monitord/model.py",
             "shapes != (card.input_shape, (len(card.labels),)) or not self._is_all(np.int8)", "False",
             "tests/test_model.py -k another"),
    _voice("MODELS_CHANGED", "shelf", "found.append(str(cause))", "pass", "tests/notify/test_shelf.py -k spoilt"),
    _voice("MODELS_CHANGED: told", "process", "self._voice.stands(Fault.MODELS_CHANGED, holds=bool(trouble))", "pass",
           "tests/notify/test_shelf.py -k real_voice"),
)  # fmt: skip

OF_THE_EYE = (
    _eye("CAMERA_MISSING", "v4l2", 'CameraError(Fault.CAMERA_MISSING, f"{path}: no such camera',
         'CameraError(Fault.CAMERA_BROKEN, f"{path}: no such camera', CAMERA),
    _eye("CAMERA_BUSY", "v4l2", "CameraError(Fault.CAMERA_BUSY,", "CameraError(Fault.CAMERA_BROKEN,", CAMERA),
    _eye("CAMERA_BROKEN: does not open", "v4l2", "ioctl(handle, _REQBUFS, _REQUEST_NONE)", "pass", CAMERA),
    _eye("CAMERA_TIMEOUT: no frame of V4L2", "usb", "self._clock() - before >= _TIMEOUT_S", "False",
         f"{CAMERA} -k stops_in_mid"),
    _eye("CAMERA_TIMEOUT: no frame of rpicam-vid", "rpicam", "if self._clock() >= deadline:", "if False:",
         f"{RPICAM} -k hangs"),
    _eye("CAMERA_BROKEN: pictures of another size", "rpicam", "if framing.wrong:", "if False:", RPICAM),
    _eye("why rpicam-vid gave up", "rpicam", "for words, fault, text in _REASONS:", "for words, fault, text in ():",
         f"{RPICAM} -k gives_up"),
    _eye("CAMERA_TIMEOUT: the eye's own limit", "process", "if not self._over.wait(self._seconds) and",
         "if not self._over.wait(self._seconds) and False and", f"{LIMIT} -k hung_camera"),
    _eye("CLASSIFIER_MODEL", "process", "return Fault.CLASSIFIER_MODEL, 0", "return Sight.CANNOT_TELL, 0",
         f"{EYE} -k model"),
    _eye("EYE_NOT_CONFINED", "process", "channel.send(Message(Kind.FAULT, Fault.EYE_NOT_CONFINED))", "pass",
         f"{CONFINED} -k cannot_be_confined"),
    _eye("frozen", "verdict", "len({one.digest for one in glimpses}) == 1", "False", f"{EYE} -k frozen"),
    _eye("dark", "classifier", "return Sight.DARK", "return None", "tests/video/test_quality.py"),
    _eye("covered", "classifier", "return Sight.COVERED", "return None", "tests/video/test_quality.py"),
    _eye("blurred", "classifier", "return Sight.BLURRED if", "return None if", "tests/video/test_quality.py"),
    _eye("CAMERA_MOVED", "empty_room", "Calibration.MOVED if still >= worth.moved", "Calibration.MOVED if False",
         "tests/video/test_empty_room.py"),
    _voice("CAMERA_MOVED: told", "triage", "return self.fault(Fault.CAMERA_MOVED, now)", "return []",
           "tests/notify/test_verdicts.py tests/notify/test_triage.py"),
    _voice("a look that never ends", "sensing", "if pending and", "if False and", f"{VOICE} -k never_ends"),
    _voice("an alert that waits for a camera in vain", "book", "(lambda each: each.look_by, Event.DEADLINE),", "",
           TRIAGE),
)  # fmt: skip

OF_THE_VOICE = (
    _voice("EAR_SILENT", "earwatch", "if self.silent_at is None or now < self.silent_at:", "if True:", TRIAGE),
    _voice("EAR_UNSTEADY", "triage", "return self.fault(Fault.EAR_UNSTEADY, now)", "return []",
           "tests/notify/test_unsteady.py"),
    _voice("VOICE_UNSTEADY", "process", "self._voice.stands(Fault.VOICE_UNSTEADY, holds=self._unsteady)", "pass",
           "tests/notify/test_unsteady.py -k says_so"),
    _voice("VOICE_UNSTEADY: the lives before", "record", "if not before.stopped]", "if False]",
           "tests/notify/test_unsteady.py -k deaths"),
    _voice("UNCONFINED", "triage", "changes += self.fault(Fault.UNCONFINED, now)", "pass", VOICE),
    _voice("VOICE_UNCONFINED", "notifier", "self.stands(Fault.VOICE_UNCONFINED, holds=not complete)", "pass", NOTIFIER),
    _voice("WIRE_REJECTED: a stranger", "inbox", "if uid not in self.allowed:", "if False:", INBOX),
    _voice("WIRE_REJECTED: no frame", "inbox", "return self._refuse(data, Fault.WIRE_REJECTED, str(cause))",
           "return Received(data, None)", INBOX),
    _voice("WIRE_RATE", "inbox", "if not self._bucket.admit(now, self._cost(frame)):", "if False:", INBOX),
    _voice("WIRE_GAP", "inbox", "if missing:", "if False:", INBOX),
    _voice("JOURNAL: cannot be written", "notifier",
           "self.settle(self._book.fault(Fault.JOURNAL, now))\n\n    def _drop", "pass\n\n    def _drop",
           f"{NOTIFIER} -k journal"),
    _voice("JOURNAL: damaged", "notifier", "self.settle(self._book.fault(Fault.JOURNAL, now))\n        if journal.in",
           "pass\n        if journal.in", f"{NOTIFIER} -k damaged"),
    _voice("JOURNAL: damage is found", "database", 'if report != "ok":', "if False:",
           "tests/notify/test_journal_damage.py"),
    _voice("JOURNAL: in memory only", "notifier", "self.fault(Fault.JOURNAL)\n\n    def settle",
           "pass\n\n    def settle", DISK),
    _voice("JOURNAL: read-only", "journal", 'os.close(os.open(f"{self._path}-wal", os.O_WRONLY | os.O_CLOEXEC))',
           "pass", DISK),
    _voice("JOURNAL: no room", "journal", "if found.f_bavail * found.f_frsize < ROOM_BYTES:", "if False:", DISK),
    _voice("JOURNAL: the looks at the disk", "process", "self._every(DISK_S, self._look_at_the_disk)", "pass", TOLD),
    _voice("JOURNAL: the watchdog's probe", "host", "self._journal.probe()", "pass", TOLD),
    _voice("DISK_SLOW", "notifier", "if took_s >= SLOW_S:", "if False:", DISK),
    _voice("ALERT_UNDELIVERED", "notifier", "return self._book.fault(Fault.ALERT_UNDELIVERED, now)", "return []",
           NOTIFIER),
    _voice("PAUSE_OVER", "record", "self._fault(Fault.PAUSE_OVER)", "pass", TOLD),
    _voice("PAUSE_STUCK", "record", "self._fault(Fault.PAUSE_STUCK)", "pass", TOLD),
    _voice("CONFIGURATION", "process", "self._voice.configured(right=False)", "pass", f"{PROCESS} -k hangup"),
    _voice("SELFTEST_NOT_RUN", "nightly", "if self._result_by is not None and now >= self._result_by:", "if False:",
           "tests/notify/test_nightly.py"),
    _voice("SELFTEST_NOT_RUN: asked for", "record", "self._fault(Fault.SELFTEST_NOT_RUN)", "pass", TOLD),
    _voice("SELFTEST_SPEAKER", "process", '"speaker": Fault.SELFTEST_SPEAKER,', "", TOLD),
    _voice("SELFTEST_MICROPHONE", "process", '"microphone": Fault.SELFTEST_MICROPHONE,', "", TOLD),
    _voice("SELFTEST_DETECTOR", "process", '"detector": Fault.SELFTEST_DETECTOR,', "", TOLD),
    _voice("SELFTEST_FAILED", "process", "_OF_LINKS.get(broken, Fault.SELFTEST_FAILED)", "_OF_LINKS.get(broken)", TOLD),
    _voice("POWER_LOW", "machine", "Fault.POWER_LOW: bool(reading.under_voltage)", "Fault.POWER_LOW: False", MACHINE),
    _voice("TOO_HOT", "machine", "Fault.TOO_HOT: hot", "Fault.TOO_HOT: False", MACHINE),
    _voice("THROTTLED", "machine", "Fault.THROTTLED: bool(reading.slowed)", "Fault.THROTTLED: False", MACHINE),
    _voice("MEMORY_LOW: little left", "machine", "Fault.MEMORY_LOW: low or pressed", "Fault.MEMORY_LOW: pressed",
           MACHINE),
    _voice("MEMORY_LOW: pressure", "machine", "Fault.MEMORY_LOW: low or pressed", "Fault.MEMORY_LOW: low", MACHINE),
    _voice("what the machine is asked for", "process", "self._every(_MACHINE_S, self._look_after_the_machine)", "pass",
           TOLD),
    _voice("a broker that is away", "sinks/mqtt", "call_later(TELL_S, self._tell)", "call_later(1e6, self._tell)",
           "tests/notify/test_mqtt_unruly.py -k in_time"),
    _voice("an alert that nobody is subscribed to", "sinks/mqtt", "if not heard and notice.urgency is not None:",
           "if False:", "tests/notify/test_mqtt.py -k nobody"),
    _voice("a server that is away", "sinks/http", "house.channel(self.name, await self.trouble())",
           'house.channel(self.name, "")', "tests/notify/test_http_sinks.py -k asked"),
    _voice("the ledger: an ear that is silent", "ledger", "(now - silent_since >= EAR_SILENT_S,", "(False,",
           "tests/notify/test_ledger.py"),
    _voice("the ledger: a voice that stood still", "ledger", "if now - last < STOOD_STILL_S or", "if True or",
           "tests/notify/test_ledger.py"),
)  # fmt: skip

OF_THE_SUPERVISOR = (
    Mutation("an eye past its time", "monitord/supervisor.py",
             "signal.pidfd_send_signal(self._eye.pidfd, signal.SIGKILL)", "pass", f"{SUPERVISOR} -k past_its_time"),
    Mutation("a dead ear", "monitord/supervisor.py", "child.restart_at = now + wait_s", "pass",
             f"{SUPERVISOR} -k started_again"),
    Mutation("what dies again and again", "monitord/supervisor.py",
             "if child.steadiness.died(now) and now >= child.alarm_at:", "if False:", f"{SUPERVISOR} -k again_and"),
    Mutation("the last alarm: stays down", "packaging/monitord-failed", 'elif [ "$down_s" -ge "$wait_s" ]; then',
             "elif false; then", f"{PACKAGING} -k stays_down"),
    Mutation("the last alarm: dies each time", "packaging/monitord-failed", 'if [ "$died" -ge "$deaths_max" ] &&',
             "if false &&", f"{PACKAGING} -k dies_each_time"),
)  # fmt: skip

DEATHS = "tests/ward/test_ward_deaths.py"
OF_THE_WARD = (
    Mutation("ROOM_SILENT", "monitord/ward/triage.py",
             "change = self._begin(Fault.ROOM_SILENT, now, RuleConfig(), Urgency.FAULT, room=label)", "continue",
             "tests/ward/test_ward_triage.py"),
    Mutation("ROOM_SILENT: asked for", "monitord/ward/desk.py", "silent = self._board.silent(now)", "silent = set()",
             f"{DEATHS} -k room_that_dies"),
    Mutation("BROKER_AWAY", "monitord/ward/desk.py", "self._changes += self._triage.fault(Fault.BROKER_AWAY, now)",
             "pass", f"{DEATHS} -k only_broker"),
)  # fmt: skip

PAGE = "monitord/notify/web/static/alarm.js"
OF_THE_PAGE = (
    Mutation("the dead man's alarm, written ahead", PAGE, "tones.arm(LOST_S - silence(), AHEAD_S);", "",
             "tests/browser/test_alarm.py -k stand_still"),
    Mutation("the dead man's alarm, shown", PAGE, "export const isLost = () => lostSince !== null;",
             "export const isLost = () => false;", "tests/browser/test_alarm.py -k 15_s"),
)  # fmt: skip

MUTATIONS = (*OF_THE_EAR, *OF_MODELS, *OF_THE_EYE, *OF_THE_VOICE, *OF_THE_SUPERVISOR, *OF_THE_WARD, *OF_THE_PAGE)
