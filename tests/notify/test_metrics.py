"""What Prometheus reads: from a real voice, who may read it, what it never says; and what the counts are made from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from waiting import until

from monitord.channel import Channel
from monitord.events import Fault, Gate, Kind, Life, Look, Message, Role, Sight, Sound
from monitord.notify.ledger import Guard, Watch
from monitord.notify.tally import BUCKETS_S, KEPT, Histogram, Tally

parser = pytest.importorskip("prometheus_client.parser", reason="needs the extra: pip install monitord[metrics]")
TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "Anna-in-101"
"""Stands wherever an owner may write a name."""


@pytest.fixture(scope="module")
def house(tmp_path_factory, a_real_voice):
    folder = tmp_path_factory.mktemp("metrics")
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    voice = a_real_voice(folder)
    voice.config.write_text(
        f'[page]\nport = 0\npairing = "always"\nmetrics = true\nmetrics_token_file = "{token}"\n'
        f'[room]\nname = "{SECRET}"\n[notify.anna-in-101]\nkind = "ntfy"\nurl = "http://127.0.0.1:9"\ntopic = "x"\n'
    )
    voice.start()
    voice.page = voice.url()
    with Channel(voice.runtime / "events.sock", Role.EAR) as ear:
        ear.send(Message(Kind.HELLO, Life.STARTED))
        ear.send(Message(Kind.HEARTBEAT, Gate.IDLE, level=48))
        ear.send(Message(Kind.SOUND, Sound.CRY, 88, 30))
    with Channel(voice.runtime / "events.sock", Role.EYE) as eye:
        eye.send(Message(Kind.SIGHT, Sight.LYING, 80))
        eye.send(Message(Kind.FAULT, Fault.CAMERA_BUSY))
    yield voice
    code, logged = voice.stop()
    voice.close()
    assert code == 0, logged
    assert "Traceback" not in logged


def get(voice, path="metrics", token=TOKEN, method="GET"):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(voice.page + path, headers=headers, method=method)  # noqa: S310 - http to ourselves
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 - as above
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), refused.headers


def value(voice, sample):
    """Of one sample, as it is written."""
    status, text, _ = get(voice)
    assert status == 200
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return None if found is None else float(found[1])


def test_what_was_heard_seen_and_told_is_counted(house):
    until(lambda: value(house, 'monitord_alerts_total{kind="sound",urgency="high",what="CRY"}') == 1.0)
    until(lambda: value(house, 'monitord_looks_total{found="LYING"}') == 1.0)
    until(lambda: value(house, 'monitord_looks_total{found="CAMERA_BUSY"}') == 1.0)
    assert value(house, 'monitord_fault{fault="CAMERA_BUSY"}') == 1.0
    assert value(house, 'monitord_fault{fault="JOURNAL"}') == 0.0
    assert value(house, 'monitord_unanswered{urgency="high"}') == 1.0
    assert value(house, "monitord_level_dbfs") in (-48.0, -30.0)
    assert 0.0 <= value(house, "monitord_ear_age_seconds") < 60.0
    until(lambda: value(house, 'monitord_deliveries_total{channel="log",outcome="delivered"}') >= 1.0)
    until(lambda: value(house, 'monitord_channels_troubled{channel="ntfy"}') == 1.0)  # Nobody listens at port 9.
    until(lambda: value(house, 'monitord_outbox{state="pending"}') + value(house, 'monitord_outbox{state="sending"}'))
    before = value(house, 'monitord_guard_seconds_total{guard="protected"}')
    until(lambda: value(house, 'monitord_guard_seconds_total{guard="protected"}') > before)
    number = json.loads(get(house, "api/v1/incidents", own_token(house))[1])["incidents"][-1]["id"]
    answers = 'monitord_acknowledgement_seconds_count{urgency="high"}'
    assert value(house, answers) == 0.0
    assert get(house, f"api/v1/incidents/{number}/ack", own_token(house), "POST")[0] == 200
    until(lambda: value(house, answers) == 1.0)
    assert value(house, 'monitord_unanswered{urgency="high"}') == 0.0


def own_token(house):
    return (house.runtime / "page-token").read_text().strip()


def test_the_text_is_what_prometheus_reads(house):
    status, text, headers = get(house)
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = list(parser.text_string_to_metric_families(text))
    assert {each.name for each in families} >= {"monitord_guard_seconds", "monitord_fault", "monitord_alerts"}


def test_no_name_that_a_person_gave_is_in_it(house):
    """Of the room and of a channel; both are in the configuration above, and the state has them."""
    assert SECRET in get(house, "api/v1/state", own_token(house))[1]
    assert "anna" not in get(house)[1].lower()


@pytest.mark.parametrize("token", [None, "", "x" * 32, TOKEN[:-1]])
def test_nobody_else_reads_it(house, token):
    status, text, _ = get(house, token=token)
    assert status == 401
    assert "monitord_" not in text


def test_whoever_may_watch_may_read_it(house):
    assert get(house, token=own_token(house))[0] == 200


@pytest.mark.parametrize("path", ["api/v1/state", "api/v1/stream", "api/v1/incidents", "monitord/json?poll=1"])
def test_prometheus_may_read_nothing_else(house, path):
    """Control: the token of this machine may."""
    assert get(house, path)[0] == 401
    if path != "api/v1/stream":  # That one would not end.
        assert get(house, path, own_token(house))[0] == 200


def test_it_is_off_unless_asked_for(running_voice):
    status, text, _ = get(running_voice, token=None)
    assert status in (404, 405)
    assert "monitord_" not in text


def test_a_token_that_can_be_guessed_is_refused(tmp_path, a_real_voice):
    short = tmp_path / "short"
    short.write_text("secret\n")
    short.chmod(0o600)
    voice = a_real_voice(tmp_path)
    voice.config.write_text(f'[page]\nport = 0\nmetrics = true\nmetrics_token_file = "{short}"\n')
    voice.start()
    code, logged = voice.ended()
    voice.close()
    assert code == 1
    assert "needs 16 characters or more" in logged
    assert "Traceback" not in logged


@pytest.mark.parametrize("command", ["notify", "check"])
def test_without_the_package_it_is_one_sentence(tmp_path, command):
    config = tmp_path / "config.toml"
    config.write_text("[page]\nport = 0\nmetrics = true\n")
    hide = "import sys; sys.modules['prometheus_client'] = None; "
    hide += "import importlib.util as u; find = u.find_spec; "
    hide += "u.find_spec = lambda name, *more: None if name == 'prometheus_client' else find(name, *more); "
    hide += "from monitord.cli import run; sys.exit(run(sys.argv[1:]))"
    (tmp_path / "run").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", hide, command, "--config", config],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path),
             "RUNTIME_DIRECTORY": str(tmp_path / "run"), "STATE_DIRECTORY": str(tmp_path / "state")},
    )  # fmt: skip
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if "prometheus_client" in line]
    assert "pip install 'monitord[metrics]'" in said
    assert "page.metrics = false" in said
    assert "Traceback" not in done.stderr


DELIVERY = ("id", "sink", "state", "attempts")


def an_incident(number=1, *, alerted=None, acked=None, urgency="high", deliveries=()):
    return {"id": number, "kind": "sound", "label": "CRY", "urgency": urgency, "alerted_at": alerted, "acked_at": acked,
            "deliveries": [dict(zip(DELIVERY, each, strict=True)) for each in deliveries]}  # fmt: skip


AT, LATER = "2026-11-26T02:00:00.000+00:00", "2026-11-26T02:00:25.000+00:00"


def test_an_incident_is_counted_once_however_often_it_is_told():
    tally = Tally({"phone": "ntfy"})
    told = [
        an_incident(),
        an_incident(alerted=AT, deliveries=[(1, "phone", "sending", 1)]),
        an_incident(alerted=AT, deliveries=[(1, "phone", "pending", 1)]),
        an_incident(alerted=AT, deliveries=[(1, "phone", "sending", 2)]),
        an_incident(alerted=AT, deliveries=[(1, "phone", "delivered", 2)]),
        an_incident(alerted=AT, acked=LATER, deliveries=[(1, "phone", "delivered", 2)]),
    ]
    for each in told:
        tally.incident(each)
        tally.incident(each)
    assert tally.alerts == {("sound", "CRY", "high"): 1}
    assert tally.deliveries == {("ntfy", "tried"): 2, ("ntfy", "delivered"): 1}
    assert tally.answers["high"].total == 25.0
    assert sum(tally.answers["high"].counts) == 1


def test_what_an_earlier_life_counted_is_not_counted_again():
    tally = Tally({})
    tally.know(an_incident(alerted=AT, deliveries=[(1, "phone", "failed", 9)]))
    tally.incident(an_incident(alerted=AT, deliveries=[(1, "phone", "failed", 9)]))
    assert (tally.alerts, +tally.deliveries, tally.answers) == ({}, {}, {})
    tally.incident(an_incident(alerted=AT, acked=LATER, deliveries=[(1, "phone", "failed", 9)]))
    assert sum(tally.answers["high"].counts) == 1  # The answer came in this one.


def test_what_was_answered_before_it_alerted_has_no_time_of_answer():
    tally = Tally({})
    tally.incident(an_incident(acked=LATER))
    assert tally.answers == {}


def test_it_does_not_grow_without_end():
    tally = Tally({})
    for number in range(3 * KEPT):
        tally.incident(an_incident(number, alerted=AT))
    assert len(tally._seen) == KEPT
    assert tally.alerts == {("sound", "CRY", "high"): 3 * KEPT}


def test_looks_are_the_eyes_words_and_the_ears_refusals():
    tally = Tally({})
    tally.hear(Message(Kind.SIGHT, Sight.LYING, 80), Role.EYE)
    tally.hear(Message(Kind.LOOK, Look.BEGAN), Role.EYE)
    tally.hear(Message(Kind.LOOK, Look.NOT_ASKED), Role.EAR)
    tally.hear(Message(Kind.FAULT, Fault.CAMERA_BUSY), Role.EYE)
    tally.hear(Message(Kind.FAULT, Fault.MICROPHONE_BUSY), Role.EAR)
    assert tally.looks == {"LYING": 1, "NOT_ASKED": 1, "CAMERA_BUSY": 1}


def test_a_histogram_has_each_value_in_the_class_it_belongs_to():
    histogram = Histogram()
    for each in (0.0, 5.0, 5.1, 3600.0, 1e6):
        histogram.observe(each)
    assert histogram.counts == [2, 1, *[0] * (len(BUCKETS_S) - 3), 1, 1]


def test_protection_is_what_the_ledger_says_and_never_goes_back():
    """An ear found silent after 15 s has been unprotected since its last word; a counter must not go down for that."""
    watch, tally = Watch(0.0), Tally({})
    watch.hear(Message(Kind.HEARTBEAT, Gate.IDLE), Role.EAR, 2.0)
    seen = []
    for now in range(2, 40):
        watch.tick(float(now))
        tally.protected(watch.spent(float(now)))
        seen.append(dict(tally.protection))
        assert sum(watch.spent(float(now)).values()) == pytest.approx(now)
    for guard in Guard:
        assert [each[guard] for each in seen] == sorted(each[guard] for each in seen)
    assert tally.protection[Guard.UNPROTECTED] == pytest.approx(
        2.0 + 37.0
    )  # Before the first word, and since the last.
    assert watch.spent(39.0)[Guard.PROTECTED] == pytest.approx(0.0)
