"""`monitord replay`: what would be heard and seen in a recording, as fast as possible, on a simulated clock.

The detector, the gate, the look and the incident table are the daemon's own; only clock, sockets and processes are
missing. The clock is the stream's: a decision happens at the end of its hop, whatever blocks the sound came in.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from monitord import model, paths
from monitord.audio.ear import ASK, Ear, sound_of
from monitord.audio.files import SoundFileError, read_pieces
from monitord.audio.loop import message_line, stages_line
from monitord.audio.models import EarModels
from monitord.config import LOOK_GRACE_S
from monitord.events import Kind, Look, Message, Role
from monitord.notify.triage import Triage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from monitord.audio.detector import Decision, Detector, Stages
    from monitord.audio.features import Samples
    from monitord.config import Config
    from monitord.notify.book import Change

DONE, FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Said:
    """One message, when it was said (seconds of the stream), and with a sound what each stage said of it."""

    t_s: float
    role: Role
    message: Message
    stages: dict[str, Stages] = field(default_factory=dict)


def main(audio: Path, video: Path | None, as_json: bool, config: Config) -> int:  # noqa: FBT001 - the commands' contract
    """Replay `audio`, and what `video` (a video, or a folder of pictures) shows when a look is asked for.

    Without `video` looks are asked for and nobody answers; the incident does not wait for them.
    """
    try:
        detector = EarModels.load(config.audio).detector()
        eye = None if video is None else eye_of(video, config)
        story = Story(config, camera=eye is not None)
        watch = _print_second_look if as_json else _ignore
        for said in replay(read_pieces(audio), detector, config, eye, watch):
            for line in story.take(said):
                print(json.dumps(line) if as_json else _readable(line), flush=True)
    except (model.ModelError, SoundFileError, FileNotFoundError) as cause:
        print(f"monitord: {cause}", file=sys.stderr)
        return FAILED
    return DONE


def _ignore(_: Decision) -> None:
    pass


def replay(
    pieces: Iterable[Samples],
    detector: Detector,
    config: Config,
    eye: Callable[[float], Message] | None = None,
    watch: Callable[[Decision], None] = _ignore,
) -> Iterator[Said]:
    """Everything that the ear and the eye say of `pieces`, in order of time, but for heartbeats.

    Quiet is added at the end until every sound has ended and every look has its answer.

    Args:
        pieces: 16 kHz, mono, int16, of any lengths.
        detector: a fresh one.
        config: the configuration.
        eye: looks at a time of the stream and answers with one SIGHT or FAULT; None: nobody looks.
        watch: is shown each decision before what was said on it.
    """
    ear = Ear(config, 0.0)
    answers: list[Said] = []

    def take(decision: Decision) -> Iterator[Said]:
        now = decision.t_s
        while answers and answers[0].t_s <= now:
            yield answers.pop(0)
        watch(decision)
        for message in ear.hear(decision, now):
            if message.kind is Kind.HEARTBEAT:
                continue
            yield Said(now, Role.EAR, message, _stages_of(message, decision))
            if message == ASK and eye is not None:
                yield Said(now, Role.EYE, Message(Kind.LOOK, Look.BEGAN))
                over = now + config.video.look_s
                answers.append(Said(over, Role.EYE, eye(now)))
                answers.append(Said(over, Role.EYE, Message(Kind.LOOK, Look.ENDED)))

    for piece in pieces:
        for decision in detector.feed(piece):
            yield from take(decision)
    hop = np.zeros(detector.card.hop, np.int16)
    # The hop that the end cuts in two, and what the smoothing looks back.
    left = 1 + detector.tail // detector.card.hop
    while left > 0 or ear.sounds or answers:
        left -= 1
        for decision in detector.feed(hop):
            yield from take(decision)


def _stages_of(message: Message, decision: Decision) -> dict[str, Stages]:
    """What the stages said of the sound of `message`."""
    if message.kind is not Kind.SOUND:
        return {}
    return {label: stages for label, stages in decision.stages.items() if sound_of(label) is message.label}


def _print_second_look(decision: Decision) -> None:
    looked = {label: stages for label, stages in decision.stages.items() if stages.looked}
    for label, said in stages_line(looked).items():
        head = {"t_s": decision.t_s, "from": Role.EAR.name, "kind": "SECOND_LOOK", "label": label.upper()}
        means = {"posterior": round(decision.posteriors[label], 4)}
        if label in decision.at_once:
            means["at_once"] = round(decision.at_once[label], 4)
        print(json.dumps(head | said | means), flush=True)


class Story:
    """What was said, and what the voice makes of it, as JSON objects in order of time."""

    def __init__(self, config: Config, *, camera: bool) -> None:
        self._camera = camera and not config.video.off
        wait_s = config.video.look_s + LOOK_GRACE_S
        self._triage = Triage(config.room.name, config.rules, wait_s, camera=self._camera)

    def take(self, said: Said) -> list[dict[str, object]]:
        """The lines for one message, after those that fell due before it."""
        lines = self._due(said.t_s)
        line = {"t_s": said.t_s, "from": said.role.name, **message_line(said.message)}
        lines.append(line | {"stages": stages_line(said.stages)} if said.stages else line)
        if self._camera or said.message.kind is not Kind.LOOK:  # Without an eye, the incident waits for none.
            lines += [_line(said.t_s, change) for change in self._triage.take(said.message, said.role, said.t_s)]
        return lines

    def _due(self, now: float) -> list[dict[str, object]]:
        lines = []
        while (due := self._triage.next_due()) is not None and due <= now:
            lines += [_line(due, change) for change in self._triage.tick(due)]
        return lines


def _line(t_s: float, change: Change) -> dict[str, object]:
    incident = change.incident
    return {
        "t_s": t_s,
        "from": "VOICE",
        "kind": "INCIDENT",
        "incident": incident.id,
        "label": incident.subject.name,
        "state": incident.state.name,
        "actions": [action.name for action in change.actions],
        "seen": None if incident.seen is None else incident.seen.name,
    }


def _readable(line: dict[str, object]) -> str:
    head = f"{line['t_s']:8.2f} s  {str(line['from']).lower():6s}"
    if line["kind"] == "INCIDENT":
        seen = f", camera: {line['seen']}" if line["seen"] else ""
        actions = line["actions"]
        alert = "  ALERT" if isinstance(actions, list) and "ALERT" in actions else ""
        return f"{head} incident {line['incident']} ({line['label']}) {line['state']}{seen}{alert}"
    score = f" {line['score']} %" if line["score"] else ""
    return f"{head} {line['kind']} {line['label']}{score}"


def eye_of(video: Path, config: Config) -> Callable[[float], Message]:
    """The eye's own code on a file: looks at a time of it, seconds, and answers with one SIGHT or FAULT.

    Raises:
        FileNotFoundError: there is no such video or folder.
        ModelError: the model of the eye cannot be used.
    """
    from monitord.video.camera import CameraError, open_camera  # noqa: PLC0415 - OpenCV only where pictures are read
    from monitord.video.classifier import Classifier  # noqa: PLC0415
    from monitord.video.look import look  # noqa: PLC0415

    if not video.exists():
        raise FileNotFoundError(f"{video}: there is no such video or folder")
    classifier = Classifier.load(paths.models_dir())

    def at(t_s: float) -> Message:
        try:
            verdict = look(open_camera(f"file:{video}", t_s), classifier, config.video.look_s)
        except CameraError as cause:
            return Message(Kind.FAULT, cause.fault)
        return Message(Kind.SIGHT, verdict.sight, verdict.score)

    return at
