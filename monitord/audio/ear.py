"""What the ear says: from decisions, faults and the passing of time to messages. The daemon and `replay` share it.

Pure: `now` comes in (seconds, monotonic), messages come out, in the order in which they are to be sent. The sound is
always told before a look is asked for. LOOK ASKED goes to the voice and, as the same frame, to the eye.

The wire carries one frame in two seconds, so a cry that comes and goes must not be told as many: a sound has ended
only when it was not heard for `END_AFTER_S`, and one that returns before is the same one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitord.audio.gate import Action, LookGate
from monitord.audio.level import SILENCE_DBFS
from monitord.events import (
    LEVEL_MAX,
    SCORE_MAX,
    SOUND_END_AFTER_S,
    Fault,
    Gate,
    Kind,
    Life,
    Look,
    Measure,
    Message,
    Sound,
    measures_to_level,
    over_to_level,
)

if TYPE_CHECKING:
    from monitord.audio.detector import Decision
    from monitord.settings import Senses

HEARTBEAT_S = 5.0
RENEW_S = 10.0
END_AFTER_S = SOUND_END_AFTER_S
SILENT_S = 50.0
"""No microphone is without any noise of its own for so long; it is to be told within a minute."""

ASK = Message(Kind.LOOK, Look.ASKED)
"""The one message that the eye gets too."""


def sound_of(label: str) -> Sound:
    """What a label of the detector is told as; an owner's word that the vocabulary lacks is WORD."""
    return Sound.__members__.get(label.upper(), Sound.WORD)


@dataclass
class _Heard:
    """A sound that was told and has not ended."""

    heard_at: float
    told_at: float


class Ear:
    """The state of the ear beyond the detector: the gate, the sounds that go on, the faults that stand.

    Args:
        config: the configuration.
        now: seconds, monotonic; the first heartbeat is due at once.

    Attributes:
        faults: those that stand.
        silence_is_fault: whether `SILENT_S` of digital silence mean a microphone that is muted or dead, as they do not
            after the end of a file.
    """

    def __init__(self, config: Senses, now: float) -> None:
        self._gate = LookGate(config.video)
        self._sounds: dict[Sound, _Heard] = {}
        self.faults: frozenset[Fault] = frozenset()
        self._level_dbfs = SILENCE_DBFS
        self._level_open = False
        self._paused = False
        self._heartbeat_at = now
        self.silence_is_fault = False
        self._sound_at = now

    @property
    def gate(self) -> Gate:
        """The state of the gate, PAUSED while the microphone is closed by the owner."""
        return Gate.PAUSED if self._paused else self._gate.state

    @property
    def sounds(self) -> frozenset[Sound]:
        """The sounds that were told and have not ended."""
        return frozenset(self._sounds)

    def hear(self, decision: Decision, now: float) -> list[Message]:
        """Take one decision of the detector."""
        self._level_dbfs, self._level_open = decision.level_dbfs, decision.open
        messages = self._judge_silence(now)
        began = False
        scores: dict[Sound, int] = {}
        for label in sorted(decision.heard):
            score = round(decision.score(label) * SCORE_MAX)
            scores[sound_of(label)] = max(score, scores.get(sound_of(label), 0))
        for sound, score in scores.items():
            heard = self._sounds.get(sound)
            if heard is None:
                heard = self._sounds[sound] = _Heard(now, -math.inf)
                began = True
            heard.heard_at = now
            if now - heard.told_at >= RENEW_S:
                heard.told_at = now
                messages.append(Message(Kind.SOUND, sound, score, self._level()))
        return messages + self._pass(now, began=began)

    def tick(self, now: float) -> list[Message]:
        """Let time pass without a decision: heartbeats, the ends of sounds and looks."""
        return self._pass(now, began=False)

    def pause(self, now: float) -> list[Message]:
        """The owner closed the microphone."""
        self._paused = True
        return self._nothing_heard(now)

    def resume(self, now: float) -> list[Message]:
        """The owner lets the microphone be opened again."""
        self._paused = False
        self._sound_at = now
        return self._heartbeat(now)

    def fault(self, fault: Fault, now: float) -> list[Message]:
        """A fault stands; it is told once, until it is cleared."""
        if fault in self.faults:
            return []
        self.faults |= {fault}
        return [Message(Kind.FAULT, fault), *(self._nothing_heard(now) if fault in DEAF else ())]

    def clear(self, *faults: Fault) -> list[Message]:
        """`faults` stand no longer. Each that is over is told by its name; where none is left, one word tells of all.

        That one word ends in the voice, too, what a frame that was lost on the way did not.
        """
        if not self.faults:  # As with almost every block.
            return []
        stood = self.faults.intersection(faults)
        self.faults -= stood
        over = sorted(stood, key=_number) if self.faults else [None] if stood else []
        return [Message(Kind.FAULT, Fault.RECOVERED, level=over_to_level(each)) for each in over]

    def found(self, faults: frozenset[Fault], among: frozenset[Fault], now: float) -> list[Message]:
        """Of `among`, just `faults` stand now."""
        if not faults and not self.faults:
            return []
        messages = [message for fault in sorted(faults, key=_number) for message in self.fault(fault, now)]
        return messages + self.clear(*(among - faults))

    def look_failed(self, now: float) -> list[Message]:
        """The eye could not be asked. The sound was told already; this tells why no sight will follow."""
        self._gate.look_failed(now)
        self.faults |= {Fault.EYE_UNREACHABLE}
        return [Message(Kind.FAULT, Fault.EYE_UNREACHABLE)]

    def _judge_silence(self, now: float) -> list[Message]:
        if self._level_dbfs > SILENCE_DBFS:
            self._sound_at = now
            return self.clear(Fault.MICROPHONE_SILENT)
        if self.silence_is_fault and now - self._sound_at >= SILENT_S:
            return self.fault(Fault.MICROPHONE_SILENT, now)
        return []

    def _nothing_heard(self, now: float) -> list[Message]:
        self._level_dbfs, self._level_open = SILENCE_DBFS, False
        ended = [Message(Kind.SOUND_END, sound) for sound in self._sounds]
        self._sounds.clear()
        self._gate.update(now, level_open=False, began=False, sounding=False)
        return [*ended, *self._heartbeat(now)]

    def _pass(self, now: float, *, began: bool) -> list[Message]:
        messages = []
        for sound in [sound for sound, heard in self._sounds.items() if now - heard.heard_at >= END_AFTER_S]:
            del self._sounds[sound]
            messages.append(Message(Kind.SOUND_END, sound, 0, self._level()))
        for action in self._gate.update(now, level_open=self._level_open, began=began, sounding=bool(self._sounds)):
            if action is Action.ASK_LOOK:
                messages.append(ASK)
            elif action is Action.SAY_NOT_ASKED:
                messages.append(Message(Kind.LOOK, Look.NOT_ASKED))
        return messages + (self._heartbeat(now) if now >= self._heartbeat_at else [])

    def _heartbeat(self, now: float) -> list[Message]:
        self._heartbeat_at = now + HEARTBEAT_S
        return [Message(Kind.HEARTBEAT, self.gate, 0, self._level())]

    def _level(self) -> int:
        return min(LEVEL_MAX, max(0, round(-self._level_dbfs)))


def _number(fault: Fault) -> int:
    return fault.value


DEAF = frozenset({Fault.MICROPHONE_MISSING, Fault.MICROPHONE_BUSY, Fault.MICROPHONE_STALLED, Fault.DETECTOR_MODEL})
"""Faults with which no sound arrives."""


def hello(measures: frozenset[Measure], *, confined: bool) -> Message:
    """The first word of the ear: what confines it."""
    return Message(Kind.HELLO, Life.STARTED if confined else Life.UNCONFINED, level=measures_to_level(measures))


GOODBYE = Message(Kind.GOODBYE, Life.STOPPED)
