"""The commands. Each imports what it needs when it runs: the ear must not load the voice's libraries, nor the reverse.

Exit codes: 0 done, 1 it failed, 2 wrong usage or configuration, 3 the ear or the eye could not be confined.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitord import __version__, service
from monitord.config import AudioConfig, Config, ConfigError
from monitord.confine import Process, isolate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DONE, FAILED, WRONG_USAGE = 0, 1, 2
CALIBRATE = "show the camera the empty room, by day and by night, so that it sees people better"
DEVICES = "cameras and microphones of this machine, which work, and what to do where one does not"


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. Mistakes of the user end as one sentence each on stderr."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ConfigError as mistakes:
        print(mistakes, file=sys.stderr)
        return WRONG_USAGE
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:  # The reader of our output went away, as `head` does.
        sys.stderr.close()
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="monitord",
        description="A privacy-preserving home monitor: a sound opens the camera, an alert reaches a screen at home.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    def configured(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = add(name, command, text)
        added.add_argument("--config", type=Path, metavar="FILE", help="configuration (TOML); without it, the defaults")
        return added

    def unconfinable(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
        command.add_argument(
            "--unconfined",
            action="store_true",
            help="listen and look even where the kernel does not confine the ear and the eye; loud in log and page",
        )
        return command

    trace_text = "print each decision as one JSON object a line"
    unconfinable(configured("run", _run, "run the monitor: ear, eye and voice")).add_argument(
        "--trace", action="store_true", help=trace_text
    )
    unconfinable(configured("audio", _audio, "the ear alone, as its unit starts it")).add_argument(
        "--trace", action="store_true", help=trace_text
    )
    unconfinable(configured("video", _video, "the eye alone, as its socket starts it"))
    configured("notify", _notify, "the voice alone, as its unit starts it")

    add("demo", _demo, "the whole job on a bundled scene").add_argument(
        "--keep", action="store_true", help="keep the page up until Ctrl-C"
    )
    configured("check", _check, "check the configuration and the models")

    replay = configured("replay", _replay, "what would be heard and seen in a recording")
    replay.add_argument("--audio", type=Path, required=True, metavar="FILE", help="WAV or FLAC")
    replay.add_argument("--video", type=Path, metavar="FILE|FOLDER", help="a video, or a folder of pictures")
    replay.add_argument("--json", action="store_true", help="one JSON object a line")

    evaluate = add("evaluate", _evaluate, "scores of the shipped models on files of yours")
    evaluate.add_argument("what", choices=("audio", "video"))
    evaluate.add_argument("manifest", type=Path, metavar="MANIFEST.csv")
    evaluate.add_argument("--scores", type=Path, required=True, metavar="OUT.csv")
    evaluate.add_argument("--config", type=Path, metavar="FILE", help="configuration (TOML); without it, the defaults")

    enroll = unconfinable(
        configured("enroll", _enroll, "make a resident's voice easier to hear: a word said five times")
    )
    enroll.add_argument("word", nargs="?", metavar="WORD", help="as in audio.words")
    enroll.add_argument("--device", metavar="NAME", help="the microphone; without it, that of the configuration")
    instead = enroll.add_mutually_exclusive_group()
    instead.add_argument("--from", type=Path, nargs="+", metavar="FILE", dest="recordings", help="five recordings")
    instead.add_argument("--forget", action="store_true", help="delete what is kept of WORD")
    instead.add_argument("--list", action="store_true", help="the words that somebody has enrolled")

    _add_cameras(configured("calibrate", _calibrate, CALIBRATE), add("devices", _devices, DEVICES))
    configured("status", _status, "what the running monitor hears, sees and tells").add_argument(
        "--json", action="store_true", help="one JSON object"
    )
    events = configured("events", _events, "incidents and faults in the journal")
    events.add_argument("--since", metavar="T", help="a time (2026-11-23T22:00) or an age (30m, 2h, 7d)")
    events.add_argument("--json", action="store_true", help="one JSON object a line")
    configured("ack", _ack, "acknowledge an incident").add_argument("incident", metavar="INCIDENT")
    configured(
        "audit", _audit, "prove each promise: what the kernel says, and what happens when it is tried"
    ).add_argument("--json", action="store_true", help="one JSON object")
    add("version", _version, "print the version")
    _add_hidden(commands)
    return parser


def _add_cameras(calibrate: argparse.ArgumentParser, devices: argparse.ArgumentParser) -> None:
    calibrate.add_argument("what", choices=("camera",))
    calibrate.add_argument("--no-wait", action="store_true", help="look at once, without time to leave the picture")
    calibrate.add_argument("--nobody-is-there", action="store_true", help="keep it although somebody seems to be there")
    instead = calibrate.add_mutually_exclusive_group()
    instead.add_argument("--forget", action="store_true", help="delete what is kept of the empty room")
    instead.add_argument("--list", action="store_true", help="when, and in what light, the camera was calibrated")
    devices.add_argument("--json", action="store_true", help="one JSON object")
    devices.add_argument("--no-try", action="store_true", help="open none of them")


def _add_hidden(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What other commands start: not for people, so it is in no help."""
    probe = commands.add_parser("probe")
    probe.add_argument("role", choices=("ear", "eye", "voice", "control"))
    probe.set_defaults(command=_probe)
    sample = commands.add_parser("sample")
    sample.add_argument("--config", type=Path)
    sample.add_argument("--device", required=True)
    sample.add_argument("--look", type=float, required=True)
    sample.add_argument("--features", action="store_true")
    sample.set_defaults(command=_sample)
    commands.add_parser("inputs").set_defaults(command=_inputs)
    enroll_ear = commands.add_parser("enroll-ear")
    for name, kind in (("word", str), ("models", Path), ("audio", str), ("answer", int)):
        enroll_ear.add_argument(name, type=kind)
    enroll_ear.add_argument("--unconfined", action="store_true")
    enroll_ear.set_defaults(command=_enroll_ear)


def _run(options: argparse.Namespace) -> int:
    from monitord.supervisor import Supervisor, SupervisorError

    config = Config.load(options.config)
    service.log_setup("run")
    try:
        return Supervisor(config, options.config, trace=options.trace, unconfined=options.unconfined).run()
    except SupervisorError as cause:
        return _failed(cause)


def _audio(options: argparse.Namespace) -> int:
    isolate(Process.EAR)
    service.follow_supervisor()
    service.log_setup("ear")
    config = Config.load(options.config)
    from monitord.audio.process import main

    return main(config, trace=options.trace, unconfined=options.unconfined)


def _video(options: argparse.Namespace) -> int:
    isolate(Process.EYE)
    service.follow_supervisor()
    service.log_setup("eye")
    config = Config.load(options.config)
    from monitord.video.process import main

    return main(config, unconfined=options.unconfined)


def _notify(options: argparse.Namespace) -> int:
    service.follow_supervisor()
    service.log_setup("voice")
    config = Config.load(options.config)
    from monitord.notify.process import main

    return main(config)


def _demo(options: argparse.Namespace) -> int:
    from monitord.tools.demo import demo

    return demo(keep=options.keep)


def _check(options: argparse.Namespace) -> int:
    from monitord.tools.check import check

    return check(Config.load(options.config), options.config)


def _replay(options: argparse.Namespace) -> int:
    from monitord.tools.replay import main

    return main(options.audio, options.video, as_json=options.json, config=Config.load(options.config))


def _evaluate(options: argparse.Namespace) -> int:
    from monitord.tools import evaluate

    measure = evaluate.audio if options.what == "audio" else evaluate.video
    return measure(options.manifest, options.scores, Config.load(options.config))


def _enroll(options: argparse.Namespace) -> int:
    from monitord.tools import enroll

    config = Config.load(options.config)
    if options.list:
        return enroll.show(options.word)
    if options.word is None:
        print("monitord: enroll which WORD? Or --list", file=sys.stderr)
        return WRONG_USAGE
    if options.forget:
        return enroll.forget(options.word)
    if options.device is not None:
        config = config.model_copy(update={"audio": config.audio.model_copy(update={"device": options.device})})
    return enroll.enroll(options.word, options.recordings or (), config, unconfined=options.unconfined)


def _enroll_ear(options: argparse.Namespace) -> int:
    isolate(Process.EAR)
    service.follow_supervisor()
    from monitord.tools.enroll_ear import main

    audio = AudioConfig.model_validate_json(options.audio)
    return main(options.word, options.models, audio, options.answer, unconfined=options.unconfined)


def _calibrate(options: argparse.Namespace) -> int:
    from monitord.tools import calibrate

    config = Config.load(options.config)
    if options.list:
        return calibrate.show()
    if options.forget:
        return calibrate.forget()
    return calibrate.calibrate(config, options.config, wait=not options.no_wait, nobody=options.nobody_is_there)


def _devices(options: argparse.Namespace) -> int:
    from monitord.tools.devices import devices

    return devices(as_json=options.json, attempt=not options.no_try)


def _sample(options: argparse.Namespace) -> int:
    isolate(Process.EYE)
    config = Config.load(options.config)
    video = config.video.model_copy(update={"device": options.device, "look_s": options.look})
    from monitord.video.sample import main

    return main(config.model_copy(update={"video": video}), features=options.features)


def _inputs(_: argparse.Namespace) -> int:
    import json

    from monitord.audio.microphone import inputs

    print(json.dumps(inputs()))
    return DONE


def _status(options: argparse.Namespace) -> int:
    from monitord.tools.status import status

    return status(Config.load(options.config), as_json=options.json)


def _events(options: argparse.Namespace) -> int:
    from monitord.tools.status import events

    return events(Config.load(options.config), options.since, as_json=options.json)


def _ack(options: argparse.Namespace) -> int:
    from monitord.tools.status import ack

    return ack(Config.load(options.config), options.incident)


def _audit(options: argparse.Namespace) -> int:
    from monitord.tools.audit.report import audit

    return audit(Config.load(options.config), as_json=options.json)


def _probe(options: argparse.Namespace) -> int:
    service.follow_supervisor()
    from monitord.tools.audit.probe import main

    return main(options.role)


def _version(_: argparse.Namespace) -> int:
    print(f"monitord {__version__}")
    return DONE


def _failed(cause: Exception) -> int:
    print(f"monitord: {cause}", file=sys.stderr)
    return FAILED
