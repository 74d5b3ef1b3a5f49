from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest

from monitord import cli
from monitord.audio.source import FakeSource, MicrophoneError
from monitord.config import Config
from monitord.events import Fault
from monitord.notify.machine import Reading
from monitord.notify.web import authority
from monitord.tools import doctor, meter

NOISE = np.random.default_rng(3)


def blocks(dbfs, number=60):
    scale = 32768.0 * 10 ** (dbfs / 20)
    return [np.clip(NOISE.normal(0.0, scale, 1600), -32768, 32767).astype(np.int16) for _ in range(number)]


def heard(script, seconds=5.0):
    ticks = count(0.0, 0.1)
    return meter.listen(lambda: FakeSource(script), seconds, show=False, clock=lambda: next(ticks))


@pytest.mark.parametrize(
    ("script", "good", "says"),
    [
        (blocks(-60.0), True, "works: -60 dBFS when quiet"),
        ([np.zeros(1600, np.int16)] * 60, False, "alsamixer"),
        ([None] * 400, False, "no sound arrives"),
        ([MicrophoneError(Fault.MICROPHONE_BUSY, "another program has it")], False, "another program has it"),
        ([*blocks(-60.0, 5), MicrophoneError(Fault.MICROPHONE_MISSING, "it was unplugged")], False, "it was unplugged"),
    ],
    ids=["well", "muted", "stalled", "busy", "unplugged"],
)
def test_the_meter_says_whether_that_microphone_would_do(script, good, says):
    told = meter.verdict(heard(script))
    assert told[0] is good
    assert says in told[1]


def test_a_microphone_that_cannot_be_opened_is_a_sentence():
    def refuse():
        raise MicrophoneError(Fault.MICROPHONE_MISSING, "there is no microphone on this machine")

    found = meter.listen(refuse, 1.0, show=False, clock=lambda: 0.0)
    assert meter.verdict(found) == (False, "there is no microphone on this machine")


def test_an_overdriven_microphone_is_told_from_a_loud_one():
    loud = [(np.sign(each) * 32767).astype(np.int16) for each in blocks(-10.0, 400)]
    assert "overdriven" in meter.verdict(heard(loud, 35.0))[1]


def test_the_bar_is_always_as_wide(capsys):
    assert (
        len({len(meter.bar(level, -3.0).partition("]")[0]) for level in (-float("inf"), -120.0, -60.0, 0.0, 5.0)}) == 1
    )
    ticks = count(0.0, 0.1)
    meter.listen(lambda: FakeSource(blocks(-40.0, 20)), 1.0, show=True, clock=lambda: next(ticks))
    assert "dBFS" in capsys.readouterr().err


def test_the_camera_is_looked_at_and_not_opened(tmp_path):
    (tmp_path / "video0").touch()
    yes, no = (lambda *_: True), (lambda *_: False)
    assert doctor.camera("0", tmp_path, yes).good is True
    assert doctor.camera("/dev/video0", tmp_path, yes).good is True
    assert "usermod -aG video" in doctor.camera("0", tmp_path, no).mend
    assert "plug it in" in doctor.camera("1", tmp_path, yes).mend
    assert doctor.camera("off", tmp_path, no).good is None


def test_a_clock_that_cannot_be_right_is_told():
    assert "set-ntp" in doctor.clock(1_000.0, synchronised=None).mend
    assert doctor.clock(1.8e9, synchronised=False).good is False
    assert doctor.clock(1.8e9, synchronised=None).good is True


def test_power_is_told_with_its_remedy():
    assert doctor.power(Reading()).good is None
    assert doctor.power(Reading(under_voltage=False, heat=((41.0, None),))).says == "41 C, no under-voltage"
    weak = doctor.power(Reading(under_voltage=True))
    assert (weak.good, "power supply is too weak" in weak.says) == (False, True)


def test_what_a_running_monitor_says_of_itself_is_looked_through():
    state = {"channels": [{"name": "phone", "trouble": "no route to host"}, {"name": "page", "trouble": ""}]}
    found = list(doctor.channels(state))
    assert [each.good for each in found] == [False, True]
    assert "monitord test-alert phone" in found[0].mend
    fault = {"kind": "fault", "state": "alerting", "text": "The microphone is missing; check its plug.", "id": 7}
    ear, told = doctor._running({"since_ear_s": 2.0, "gate_text": "Quiet.", "incidents": [fault]})
    assert (ear.good, told.good, told.says) == (True, False, fault["text"])
    (silent,) = doctor._running({"since_ear_s": None, "incidents": []})
    assert "journalctl" in silent.mend


@pytest.fixture
def nothing_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    config = tmp_path / "config.toml"
    config.write_text('[page]\nport = 1\n[video]\ndevice = "off"\n', "utf-8")
    return config


def test_where_nothing_runs_each_thing_is_said_with_its_remedy(nothing_runs, capsys):
    assert cli.run(["doctor", "--no-listen", "--config", str(nothing_runs)]) == 1
    said = capsys.readouterr().out
    assert "FAULT page" in said
    assert "systemctl start monitord" in said
    assert "Traceback" not in said
    assert said.splitlines()[-1].endswith("to be mended; see above.")


def test_programs_get_one_object(nothing_runs, capsys):
    assert cli.run(["doctor", "--json", "--no-listen", "--config", str(nothing_runs)]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {each["what"] for each in findings} >= {"configuration", "models", "microphone", "camera", "page", "clock"}
    assert all(each["mend"] for each in findings if each["good"] is False)


def test_a_journal_that_is_none_is_said_to_be(nothing_runs, tmp_path, capsys):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.sqlite3").write_bytes(os.urandom(5000))
    assert cli.run(["doctor", "--no-listen", "--config", str(nothing_runs)]) == 1
    assert "FAULT journal" in capsys.readouterr().out


def test_a_certificate_that_ends_within_30_days_is_told(tmp_path):
    """Of what a channel trusts; and one that is none, or is gone."""
    begun = datetime(2026, 11, 26, tzinfo=UTC)
    ca = authority.ensure(tmp_path / "tls", ["127.0.0.1"], begun).authority
    section = {"kind": "mqtt", "host": "127.0.0.1", "ca_file": str(ca)}
    config = Config.model_validate({"notify": {"home": section}})
    last = authority.ends(ca)
    for days, good, word in ((31, True, "ends"), (29, False, "ends"), (-1, False, "ended")):
        (found,) = doctor.certificates(config, last - timedelta(days=days))
        assert (found.what, found.good) == ("channel home", good)
        assert f"{ca} {word} on " in found.says
        assert bool(found.mend) is not good
    ca.write_text("none")
    (found,) = doctor.certificates(config, begun)
    assert found.good is False
    assert "is no certificate" in found.says
    assert list(doctor.certificates(Config(), begun)) == []
