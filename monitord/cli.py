"""The commands. Each imports what it needs when it runs: the ear must not load the voice's libraries, nor the reverse.

Exit codes: 0 done, 1 it failed, 2 wrong usage or configuration, 3 the ear or the eye could not be confined.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitord import __version__, service
from monitord.config import Config, ConfigError
from monitord.confine import Process, isolate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DONE, FAILED, WRONG_USAGE = 0, 1, 2


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


def _parser() -> argparse.ArgumentParser:  # noqa: PLR0915 - one statement a command
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
    doctor = configured("doctor", _doctor, "walk through everything that a night depends on, and say what mends it")
    doctor.add_argument("--json", action="store_true", help="one JSON object")
    doctor.add_argument("--no-listen", action="store_true", help="do not open the microphone")

    replay = configured("replay", _replay, "what would be heard and seen in a recording")
    replay.add_argument("--audio", type=Path, required=True, metavar="FILE", help="WAV or FLAC")
    replay.add_argument("--video", type=Path, metavar="FILE|FOLDER", help="a video, or a folder of pictures")
    replay.add_argument("--json", action="store_true", help="one JSON object a line")

    evaluate = add("evaluate", _evaluate, "scores of the shipped models on files of yours")
    evaluate.add_argument("what", choices=("audio", "video"))
    evaluate.add_argument("manifest", type=Path, metavar="MANIFEST.csv")
    evaluate.add_argument("--scores", type=Path, required=True, metavar="OUT.csv")
    evaluate.add_argument("--config", type=Path, metavar="FILE", help="configuration (TOML); without it, the defaults")

    enroll = configured("enroll", _enroll, "make a resident's voice easier to hear: a word said five times")
    enroll.add_argument("word", nargs="?", metavar="WORD", help="as in audio.words")
    enroll.add_argument("--device", metavar="NAME", help="the microphone; without it, that of the configuration")
    instead = enroll.add_mutually_exclusive_group()
    instead.add_argument("--from", type=Path, nargs="+", metavar="FILE", dest="recordings", help="five recordings")
    instead.add_argument("--forget", action="store_true", help="delete what is kept of WORD")
    instead.add_argument("--list", action="store_true", help="the words that somebody has enrolled")

    configured("status", _status, "what the running monitor hears, sees and tells").add_argument(
        "--json", action="store_true", help="one JSON object"
    )
    events = configured("events", _events, "incidents and faults in the journal")
    events.add_argument("--since", metavar="T", help="a time (2026-11-23T22:00) or an age (30m, 2h, 7d)")
    events.add_argument("--json", action="store_true", help="one JSON object a line")
    configured("ack", _ack, "acknowledge an incident").add_argument("incident", metavar="INCIDENT")
    _add_test(configured("test-alert", _test_alert, "send a test and wait for what proves that it arrived"))
    configured("notify-desktop", _notify_desktop, "show the running monitor's alerts on this desktop")
    _add_pair(configured("pair", _pair, "let a phone see the page: a QR code and a one-time code"))
    report = configured("report", _report, "the ledger: from when to when each night was protected, and why not")
    report.add_argument("--since", metavar="T", help="a time (2026-11-23T22:00) or an age (7d); without it, a day")
    report.add_argument("--json", action="store_true", help="one JSON object")
    report.add_argument("--picture", type=Path, metavar="FILE.svg", help="write a picture of the nights, too")
    configured("pause", _pause, "close the microphone for a while; it opens by itself again").add_argument(
        "length", nargs="?", default="30m", metavar="LENGTH", help="30m, 2h or 1h30m, 12h at most; without it, 30m"
    )
    configured("resume", _resume, "end a pause: open the microphone again")
    forget = add("forget", _forget, "delete history at once: all of it, or that of some hours")
    forget.add_argument("--all", action="store_true", help="everything that is over, and damaged journals set aside")
    forget.add_argument("--since", metavar="T", help="from then on: a time (2026-11-23T22:00) or an age (30m, 2h, 7d)")
    forget.add_argument("--until", metavar="T", help="what was before then: likewise")
    _add_simulate(configured("simulate", _simulate, "what your rules make of a night that you write down"))
    configured(
        "audit", _audit, "prove each promise: what the kernel says, and what happens when it is tried"
    ).add_argument("--json", action="store_true", help="one JSON object")
    # What the audit starts: not for people, so it is in no help.
    probe = commands.add_parser("probe")
    probe.add_argument("role", choices=("ear", "eye", "voice", "control"))
    probe.set_defaults(command=_probe)
    add("version", _version, "print the version")
    return parser


def _add_test(test: argparse.ArgumentParser) -> None:
    test.add_argument("sink", nargs="?", default="", metavar="SINK", help="one channel; without it, all of them")


def _add_simulate(simulate: argparse.ArgumentParser) -> None:
    simulate.add_argument("file", type=Path, metavar="FILE", help="the night; docs/rules.md explains how to write one")
    simulate.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_pair(pair: argparse.ArgumentParser) -> None:
    pair.add_argument("--role", choices=("watch", "acknowledge"), default="acknowledge", help="what it may do")
    pair.add_argument("--name", metavar="NAME", help="what it is called; without it, the phone says")
    pair.add_argument("--json", action="store_true", help="with --list: one JSON object a line")
    instead = pair.add_mutually_exclusive_group()
    instead.add_argument("--ntfy", action="store_true", help="a user and password for an ntfy app")
    instead.add_argument("--list", action="store_true", help="who is paired")
    instead.add_argument("--revoke", metavar="NAME", help="put out who has this name or id, at once")


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


def _doctor(options: argparse.Namespace) -> int:
    from monitord.tools.doctor import doctor

    config = Config.load(options.config)
    return doctor(config, options.config, as_json=options.json, listen=not options.no_listen)


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
    return enroll.enroll(options.word, options.recordings or (), config)


def _status(options: argparse.Namespace) -> int:
    from monitord.tools.status import status

    return status(Config.load(options.config), as_json=options.json)


def _events(options: argparse.Namespace) -> int:
    from monitord.tools.status import events

    return events(Config.load(options.config), options.since, as_json=options.json)


def _ack(options: argparse.Namespace) -> int:
    from monitord.tools.status import ack

    return ack(Config.load(options.config), options.incident)


def _test_alert(options: argparse.Namespace) -> int:
    from monitord.tools.test_alert import test_alert

    return test_alert(Config.load(options.config), options.sink)


def _notify_desktop(options: argparse.Namespace) -> int:
    from monitord.tools.desktop import notify_desktop

    return notify_desktop(Config.load(options.config))


def _pair(options: argparse.Namespace) -> int:
    from monitord.tools import pair

    config = Config.load(options.config)
    if options.list:
        return pair.show(config, as_json=options.json)
    if options.revoke is not None:
        return pair.revoke(config, options.revoke)
    begin = pair.pair_ntfy if options.ntfy else pair.pair
    return begin(config, options.role, options.name)


def _report(options: argparse.Namespace) -> int:
    from monitord.tools.report import report

    return report(Config.load(options.config), options.since, as_json=options.json, picture=options.picture)


def _pause(options: argparse.Namespace) -> int:
    from monitord.tools.pause import pause

    return pause(Config.load(options.config), options.length)


def _resume(options: argparse.Namespace) -> int:
    from monitord.tools.pause import resume

    return resume(Config.load(options.config))


def _forget(options: argparse.Namespace) -> int:
    from monitord.tools.forget import forget

    return forget(options.since, options.until, everything=options.all)


def _simulate(options: argparse.Namespace) -> int:
    from monitord.tools.simulate import simulate

    return simulate(options.file, Config.load(options.config), as_json=options.json)


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
