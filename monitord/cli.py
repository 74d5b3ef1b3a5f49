"""The command line: which commands there are, their options, and what a user's mistake looks like.

Exit codes: 0 done, 1 it failed, 2 wrong usage or configuration, 3 the ear or the eye could not be confined.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitord import commands as does
from monitord.commands import FAILED, WRONG_USAGE
from monitord.settings import ConfigError
from monitord.tools.ward import options as ward_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = Callable[[argparse.Namespace], int]

TIME = "a time (2026-11-23T22:00) or an age (30m, 2h, 7d)"


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. Mistakes of the user end as one sentence each on stderr."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
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
    add = _Adder(parser.add_subparsers(metavar="COMMAND", required=True))
    _processes(add)
    _trying_out(add)
    _setting_up(add)
    _asking(add)
    _history(add)
    _hidden(add)
    return parser


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 600):  # noqa: PLR2004 - ten minutes
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of seconds from 0 to 600")
    return int(text)


class _Adder:
    """Adds one command after the other."""

    def __init__(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        self.hidden = commands.add_parser

    def plain(self, name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = self.hidden(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    def configured(self, name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = self.plain(name, command, text)
        added.add_argument("--config", type=Path, metavar="FILE", help="configuration (TOML); without it, the defaults")
        return added

    def unconfinable(self, name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = self.configured(name, command, text)
        added.add_argument(
            "--unconfined",
            action="store_true",
            help="listen and look even where the kernel does not confine the ear and the eye; loud in log and page",
        )
        return added


def _processes(add: _Adder) -> None:
    run = add.unconfinable("run", does.run, "run the monitor: ear, eye and voice")
    audio = add.unconfinable("audio", does.audio, "the ear alone, as its unit starts it")
    for each in (run, audio):
        each.add_argument("--trace", action="store_true", help="print each decision as one JSON object a line")
    add.unconfinable("video", does.video, "the eye alone, as its socket starts it")
    add.configured("notify", does.notify, "the voice alone, as its unit starts it")
    ward = add.plain("ward", does.ward, "the station of a ward: the board of many rooms, by a broker")
    ward.add_argument("--config", type=Path, metavar="FILE", help="the station's configuration (ward.example.toml)")
    ward_options.add_to(ward)


def _trying_out(add: _Adder) -> None:
    demo = add.plain("demo", does.demo, "the whole job on a bundled scene")
    demo.add_argument("--keep", action="store_true", help="keep the page up until Ctrl-C")
    add.configured("check", does.check, "check the configuration and the models")
    doctor = add.configured("doctor", does.doctor, "walk through everything that a night depends on, and what mends it")
    doctor.add_argument("--json", action="store_true", help="one JSON object")
    doctor.add_argument("--no-listen", action="store_true", help="do not open the microphone")
    replay = add.configured("replay", does.replay, "what would be heard and seen in a recording")
    replay.add_argument("--audio", type=Path, required=True, metavar="FILE", help="WAV or FLAC")
    replay.add_argument("--video", type=Path, metavar="FILE|FOLDER", help="a video, or a folder of pictures")
    replay.add_argument("--json", action="store_true", help="one JSON object a line")
    evaluate = add.plain("evaluate", does.evaluate, "scores of the shipped models on files of yours")
    evaluate.add_argument("what", choices=("audio", "video"))
    evaluate.add_argument("manifest", type=Path, metavar="MANIFEST.csv")
    evaluate.add_argument("--scores", type=Path, required=True, metavar="OUT.csv")
    evaluate.add_argument("--config", type=Path, metavar="FILE", help="configuration (TOML); without it, the defaults")
    simulate = add.configured("simulate", does.simulate, "what your rules make of a night that you write down")
    simulate.add_argument("file", type=Path, metavar="FILE", help="the night; docs/rules.md explains how to write one")
    simulate.add_argument("--json", action="store_true", help="one JSON object a line")


def _setting_up(add: _Adder) -> None:
    enroll = add.unconfinable("enroll", does.enroll, "make a resident's voice easier to hear: a word said five times")
    enroll.add_argument("word", nargs="?", metavar="WORD", help="as in audio.words")
    enroll.add_argument("--device", metavar="NAME", help="the microphone; without it, that of the configuration")
    instead = enroll.add_mutually_exclusive_group()
    instead.add_argument("--from", type=Path, nargs="+", metavar="FILE", dest="recordings", help="five recordings")
    instead.add_argument("--forget", action="store_true", help="delete what is kept of WORD")
    instead.add_argument("--list", action="store_true", help="the words that somebody has enrolled")
    text = "show the camera the empty room, by day and by night, so that it sees people better"
    calibrate = add.configured("calibrate", does.calibrate, text)
    calibrate.add_argument("what", choices=("camera",))
    calibrate.add_argument("--no-wait", action="store_true", help="look at once, without time to leave the picture")
    calibrate.add_argument("--nobody-is-there", action="store_true", help="keep it although somebody seems to be there")
    instead = calibrate.add_mutually_exclusive_group()
    instead.add_argument("--forget", action="store_true", help="delete what is kept of the empty room")
    instead.add_argument("--list", action="store_true", help="when, and in what light, the camera was calibrated")
    text = "cameras and microphones of this machine, which work, and what to do where one does not"
    devices = add.plain("devices", does.devices, text)
    devices.add_argument("--json", action="store_true", help="one JSON object")
    devices.add_argument("--no-try", action="store_true", help="open none of them")
    pair = add.configured("pair", does.pair, "let a phone see the page: a QR code and a one-time code")
    pair.add_argument("--role", choices=("watch", "acknowledge"), default="acknowledge", help="what it may do")
    pair.add_argument("--name", metavar="NAME", help="what it is called; without it, the phone says")
    pair.add_argument("--json", action="store_true", help="with --list: one JSON object a line")
    pair.add_argument("--ward", action="store_true", help="with the station of a ward; FILE is its ward.toml")
    instead = pair.add_mutually_exclusive_group()
    instead.add_argument("--ntfy", action="store_true", help="a user and password for an ntfy app")
    instead.add_argument("--list", action="store_true", help="who is paired")
    instead.add_argument("--revoke", metavar="NAME", help="put out who has this name or id, at once")
    text = "send a test by the channels and wait for what proves that it arrived"
    test = add.configured("test-alert", does.test_alert, text)
    test.add_argument("sink", nargs="?", default="", metavar="SINK", help="one channel; without it, all of them")


def _asking(add: _Adder) -> None:
    status = add.configured("status", does.status, "what the running monitor hears, sees and tells")
    status.add_argument("--json", action="store_true", help="one JSON object")
    ack = add.configured("ack", does.ack, "acknowledge an incident")
    ack.add_argument("incident", metavar="INCIDENT")
    mute = add.configured("mute", does.mute, "stop the tones of an incident for two minutes; it stays unacknowledged")
    mute.add_argument("incident", metavar="INCIDENT")
    text = "play a cry and follow it through microphone, model and alert to a phone: which link is broken, if one is"
    selftest = add.configured("selftest", does.selftest, text)
    selftest.add_argument("--json", action="store_true", help="one JSON object")
    text = "seconds that somebody has to acknowledge the test, 0 to 600; without it, 60"
    selftest.add_argument("--wait", type=_seconds, default=60, metavar="SECONDS", help=text)
    text = "as at night: it rings nobody, waits for nobody, and a broken link is an alarm"
    selftest.add_argument("--nightly", action="store_true", help=text)
    selftest.add_argument("--speakers", action="store_true", help="list the speakers of this machine, and test nothing")
    add.configured("notify-desktop", does.notify_desktop, "show the running monitor's alerts on this desktop")
    pause = add.configured("pause", does.pause, "close the microphone for a while; it opens by itself again")
    text = "30m, 2h or 1h30m, 12h at most; without it, 30m"
    pause.add_argument("length", nargs="?", default="30m", metavar="LENGTH", help=text)
    add.configured("resume", does.resume, "end a pause: open the microphone again")
    text = "prove each promise: what the kernel says, and what happens when it is tried"
    add.configured("audit", does.audit, text).add_argument("--json", action="store_true", help="one JSON object")
    text = "what the ear and a look cost on this machine, and a line for the table of machines; it sends nothing"
    bench = add.plain("bench", does.bench, text)
    bench.add_argument("--seconds", type=int, default=20, metavar="S", help="of each kind of sound (default 20)")
    bench.add_argument("--json", action="store_true", help="one JSON object")
    add.plain("version", does.version, "print the version")


def _history(add: _Adder) -> None:
    events = add.configured("events", does.events, "incidents and faults in the journal")
    events.add_argument("--since", metavar="T", help=TIME)
    events.add_argument("--json", action="store_true", help="one JSON object a line")
    text = "the ledger: from when to when each night was protected, and why not"
    report = add.configured("report", does.report, text)
    report.add_argument("--since", metavar="T", help="a time (2026-11-23T22:00) or an age (7d); without it, a day")
    report.add_argument("--json", action="store_true", help="one JSON object")
    report.add_argument("--picture", type=Path, metavar="FILE.svg", help="write a picture of the nights, too")
    report.add_argument("--ward", action="store_true", help="of the station of a ward; --config FILE is its ward.toml")
    report.add_argument("--html", type=Path, metavar="FILE.html", help="with --ward: write the page, ready to print")
    report.add_argument("--days", type=int, default=7, help="with --ward: of how many days, 1 to 31 (default: 7)")
    forget = add.plain("forget", does.forget, "delete history at once: all of it, or that of some hours")
    forget.add_argument("--all", action="store_true", help="everything that is over, and damaged journals set aside")
    forget.add_argument("--since", metavar="T", help=f"from then on: {TIME}")
    forget.add_argument("--until", metavar="T", help="what was before then: likewise")


def _hidden(add: _Adder) -> None:
    """What other commands start: not for people, so it is in no help."""
    probe = add.hidden("probe")
    probe.add_argument("role", choices=("ear", "eye", "voice", "control"))
    probe.set_defaults(command=does.probe)
    sample = add.hidden("sample")
    sample.add_argument("--config", type=Path)
    sample.add_argument("--device", required=True)
    sample.add_argument("--look", type=float, required=True)
    sample.add_argument("--features", action="store_true")
    sample.set_defaults(command=does.sample)
    speak = add.hidden("speak")
    speak.add_argument("device")
    speak.add_argument("level", type=float)
    speak.set_defaults(command=does.speak)
    add.hidden("inputs").set_defaults(command=does.inputs)
    bench_ear = add.hidden("bench-ear")
    bench_ear.add_argument("kind", choices=("quiet", "speech"))
    bench_ear.add_argument("seconds", type=float)
    bench_ear.set_defaults(command=does.bench_ear)
    enroll_ear = add.hidden("enroll-ear")
    for name, kind in (("word", str), ("models", Path), ("audio", str), ("answer", int)):
        enroll_ear.add_argument(name, type=kind)
    enroll_ear.add_argument("--unconfined", action="store_true")
    enroll_ear.set_defaults(command=does.enroll_ear)
