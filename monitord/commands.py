"""What each command does: it reads its options, imports what it needs, and hands over to a process or a tool.

Nothing is imported before it is needed: the ear must not load the voice's libraries, nor the reverse. The help text of
each is in `monitord.cli`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from monitord import __version__, service
from monitord.config import AudioConfig, Config
from monitord.confine import Process, isolate

if TYPE_CHECKING:
    import argparse

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def run(options: argparse.Namespace) -> int:
    from monitord.supervisor import Supervisor, SupervisorError

    config = Config.load(options.config)
    service.log_setup("run")
    try:
        return Supervisor(config, options.config, trace=options.trace, unconfined=options.unconfined).run()
    except SupervisorError as cause:
        return _failed(cause)


def audio(options: argparse.Namespace) -> int:
    isolate(Process.EAR)
    service.follow_supervisor()
    service.log_setup("ear")
    config = Config.load(options.config)
    from monitord.audio.process import main

    return main(config, trace=options.trace, unconfined=options.unconfined)


def video(options: argparse.Namespace) -> int:
    isolate(Process.EYE)
    service.follow_supervisor()
    service.log_setup("eye")
    config = Config.load(options.config)
    from monitord.video.process import main

    return main(config, unconfined=options.unconfined)


def notify(options: argparse.Namespace) -> int:
    service.follow_supervisor()
    service.log_setup("voice")
    config = Config.load(options.config)
    from monitord.notify.process import main

    return main(config, options.config)


def ward(options: argparse.Namespace) -> int:
    from monitord.config.ward import WardFile

    service.follow_supervisor()
    service.log_setup("ward")
    config = WardFile.load(options.config)
    from monitord.ward.process import main

    return main(config)


def demo(options: argparse.Namespace) -> int:
    from monitord.tools.demo import demo

    return demo(keep=options.keep)


def check(options: argparse.Namespace) -> int:
    from monitord.tools.check import check

    return check(Config.load(options.config), options.config)


def doctor(options: argparse.Namespace) -> int:
    from monitord.tools.doctor import doctor

    config = Config.load(options.config)
    return doctor(config, options.config, as_json=options.json, listen=not options.no_listen)


def replay(options: argparse.Namespace) -> int:
    from monitord.tools.replay import main

    return main(options.audio, options.video, as_json=options.json, config=Config.load(options.config))


def evaluate(options: argparse.Namespace) -> int:
    from monitord.tools import evaluate

    measure = evaluate.audio if options.what == "audio" else evaluate.video
    return measure(options.manifest, options.scores, Config.load(options.config))


def enroll(options: argparse.Namespace) -> int:
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


def enroll_ear(options: argparse.Namespace) -> int:
    isolate(Process.EAR)
    service.follow_supervisor()
    from monitord.tools.enroll_ear import main

    audio = AudioConfig.model_validate_json(options.audio)
    return main(options.word, options.models, audio, options.answer, unconfined=options.unconfined)


def calibrate(options: argparse.Namespace) -> int:
    from monitord.tools import calibrate

    config = Config.load(options.config)
    if options.list:
        return calibrate.show()
    if options.forget:
        return calibrate.forget()
    return calibrate.calibrate(config, options.config, wait=not options.no_wait, nobody=options.nobody_is_there)


def devices(options: argparse.Namespace) -> int:
    from monitord.tools.devices import devices

    return devices(as_json=options.json, attempt=not options.no_try)


def sample(options: argparse.Namespace) -> int:
    isolate(Process.EYE)
    config = Config.load(options.config)
    video = config.video.model_copy(update={"device": options.device, "look_s": options.look})
    from monitord.video.sample import main

    return main(config.model_copy(update={"video": video}), features=options.features)


def inputs(_: argparse.Namespace) -> int:
    import json

    from monitord.audio.microphone import inputs

    print(json.dumps(inputs()))
    return DONE


def status(options: argparse.Namespace) -> int:
    from monitord.tools.status import status

    return status(Config.load(options.config), as_json=options.json)


def events(options: argparse.Namespace) -> int:
    from monitord.tools.status import events

    return events(Config.load(options.config), options.since, as_json=options.json)


def ack(options: argparse.Namespace) -> int:
    from monitord.tools.status import ack

    return ack(Config.load(options.config), options.incident)


def forget(options: argparse.Namespace) -> int:
    from monitord.tools.forget import forget

    return forget(options.since, options.until, everything=options.all)


def simulate(options: argparse.Namespace) -> int:
    from monitord.tools.simulate import simulate

    return simulate(options.file, Config.load(options.config), as_json=options.json)


def test_alert(options: argparse.Namespace) -> int:
    from monitord.tools.test_alert import test_alert

    return test_alert(Config.load(options.config), options.sink)


def notify_desktop(options: argparse.Namespace) -> int:
    from monitord.tools.desktop import notify_desktop

    return notify_desktop(Config.load(options.config))


def pair(options: argparse.Namespace) -> int:
    from monitord.tools import pair

    config = _of_the_ward(options) if options.ward else Config.load(options.config)
    if options.list:
        return pair.show(config, as_json=options.json)
    if options.revoke is not None:
        return pair.revoke(config, options.revoke)
    begin = pair.pair_ntfy if options.ntfy else pair.pair
    return begin(config, options.role, options.name)


def _of_the_ward(options: argparse.Namespace) -> Config:
    """The station's configuration as the page's tools read one; its folders are looked into from here on."""
    import os

    from monitord import paths
    from monitord.config.ward import WardFile

    state, runtime = paths.ward_dirs()
    os.environ.update(STATE_DIRECTORY=str(state), RUNTIME_DIRECTORY=str(runtime))
    return WardFile.load(options.config).as_room()


def report(options: argparse.Namespace) -> int:
    if options.ward or options.html is not None:
        from monitord.tools.wardreport import ward_report

        return ward_report(options.config if options.ward else None, options.html, options.days)
    from monitord.tools.report import report

    return report(Config.load(options.config), options.since, as_json=options.json, picture=options.picture)


def pause(options: argparse.Namespace) -> int:
    from monitord.tools.pause import pause

    return pause(Config.load(options.config), options.length)


def resume(options: argparse.Namespace) -> int:
    from monitord.tools.pause import resume

    return resume(Config.load(options.config))


def audit(options: argparse.Namespace) -> int:
    from monitord.tools.audit.report import audit

    return audit(Config.load(options.config), as_json=options.json)


def probe(options: argparse.Namespace) -> int:
    service.follow_supervisor()
    from monitord.tools.audit.probe import main

    return main(options.role)


def version(_: argparse.Namespace) -> int:
    print(f"monitord {__version__}")
    return DONE


def _failed(cause: Exception) -> int:
    print(f"monitord: {cause}", file=sys.stderr)
    return FAILED
