"""What each command does: it reads its options, imports what it needs, and hands over to a process or a tool.

Nothing is imported before it is needed: the ear must not load the voice's libraries, nor the reverse. The help text of
each is in `monitord.cli`.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from monitord import __version__, memory, service, settings
from monitord.checked import Checked
from monitord.confine import Process, isolate

if TYPE_CHECKING:
    import argparse

    from monitord.config import Config

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def run(options: argparse.Namespace) -> int:
    from monitord.supervisor import Supervisor, SupervisorError

    senses = Checked(options.config).settings()
    service.log_setup("run")
    try:
        return Supervisor(senses, options.config, trace=options.trace, unconfined=options.unconfined).run()
    except SupervisorError as cause:
        return _failed(cause)


def audio(options: argparse.Namespace) -> int:
    memory.start()
    isolate(Process.EAR)
    service.follow_supervisor()
    service.log_setup("ear")
    checked = Checked(options.config)  # Meanwhile the libraries are loaded.
    from monitord.audio.process import main

    return main(checked.settings(), trace=options.trace, unconfined=options.unconfined)


def video(options: argparse.Namespace) -> int:
    gc.disable()  # It ends before there is anything worth collecting.
    isolate(Process.EYE)
    service.follow_supervisor()
    service.log_setup("eye")
    senses = settings.plainly(options.config) or Checked(options.config).settings()
    from monitord.video.process import main

    return main(senses, unconfined=options.unconfined)


def notify(options: argparse.Namespace) -> int:
    service.follow_supervisor()
    service.log_setup("voice")
    config = _config(options)
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

    return check(_config(options), options.config)


def doctor(options: argparse.Namespace) -> int:
    from monitord.tools.doctor import doctor

    config = _config(options)
    return doctor(config, options.config, as_json=options.json, listen=not options.no_listen)


def replay(options: argparse.Namespace) -> int:
    from monitord.tools.replay import main

    return main(options.audio, options.video, as_json=options.json, config=_config(options))


def evaluate(options: argparse.Namespace) -> int:
    from monitord.tools import evaluate

    measure = evaluate.audio if options.what == "audio" else evaluate.video
    return measure(options.manifest, options.scores, _config(options))


def enroll(options: argparse.Namespace) -> int:
    from monitord.tools import enroll

    config = _config(options)
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
    from monitord.config import AudioConfig
    from monitord.tools.enroll_ear import main

    audio = AudioConfig.model_validate_json(options.audio)
    return main(options.word, options.models, audio, options.answer, unconfined=options.unconfined)


def calibrate(options: argparse.Namespace) -> int:
    from monitord.tools import calibrate

    config = _config(options)
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
    config = _config(options)
    video = config.video.model_copy(update={"device": options.device, "look_s": options.look})
    from monitord.video.sample import main

    return main(config.model_copy(update={"video": video}), features=options.features)


def speak(options: argparse.Namespace) -> int:
    isolate(Process.SPEAKER)
    service.follow_supervisor()
    from monitord.audio.speak import main

    return main(options.device, options.level)


def inputs(_: argparse.Namespace) -> int:
    import json

    from monitord.audio.microphone import inputs

    print(json.dumps(inputs()))
    return DONE


def status(options: argparse.Namespace) -> int:
    from monitord.tools.status import status

    return status(_config(options), as_json=options.json)


def events(options: argparse.Namespace) -> int:
    from monitord.tools.status import events

    return events(_config(options), options.since, as_json=options.json)


def ack(options: argparse.Namespace) -> int:
    from monitord.tools.status import ack

    return ack(_config(options), options.incident)


def forget(options: argparse.Namespace) -> int:
    from monitord.tools.forget import forget

    return forget(options.since, options.until, everything=options.all)


def simulate(options: argparse.Namespace) -> int:
    from monitord.tools.simulate import simulate

    return simulate(options.file, _config(options), as_json=options.json)


def test_alert(options: argparse.Namespace) -> int:
    from monitord.tools.test_alert import test_alert

    return test_alert(_config(options), options.sink)


def mute(options: argparse.Namespace) -> int:
    from monitord.tools.status import mute

    return mute(_config(options), options.incident)


def selftest(options: argparse.Namespace) -> int:
    from monitord.tools import selftest

    if options.speakers:
        return selftest.speakers()
    how = selftest.How(as_json=options.json, nightly=options.nightly, wait_s=options.wait)
    return selftest.selftest(_config(options), how)


def notify_desktop(options: argparse.Namespace) -> int:
    from monitord.tools.desktop import notify_desktop

    return notify_desktop(_config(options))


def pair(options: argparse.Namespace) -> int:
    from monitord.tools import pair

    config = _of_the_ward(options) if options.ward else _config(options)
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

    return report(_config(options), options.since, as_json=options.json, picture=options.picture)


def pause(options: argparse.Namespace) -> int:
    from monitord.tools.pause import pause

    return pause(_config(options), options.length)


def resume(options: argparse.Namespace) -> int:
    from monitord.tools.pause import resume

    return resume(_config(options))


def audit(options: argparse.Namespace) -> int:
    from monitord.tools.audit.report import audit

    return audit(_config(options), as_json=options.json)


def bench(options: argparse.Namespace) -> int:
    from monitord.tools.bench import bench

    return bench(options.seconds, as_json=options.json)


def bench_ear(options: argparse.Namespace) -> int:
    from monitord.tools.bench_ear import main

    return main(settings.Settings(), options.kind, options.seconds)


def probe(options: argparse.Namespace) -> int:
    service.follow_supervisor()
    from monitord.tools.audit.probe import main

    return main(options.role)


def version(_: argparse.Namespace) -> int:
    print(f"monitord {__version__}")
    return DONE


def _config(options: argparse.Namespace) -> Config:
    from monitord.config import Config

    return Config.load(options.config)


def _failed(cause: Exception) -> int:
    print(f"monitord: {cause}", file=sys.stderr)
    return FAILED
