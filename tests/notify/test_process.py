from __future__ import annotations

import json
import signal
import socket
import urllib.request

import pytest

from monitord.channel import Channel
from monitord.events import Gate, Kind, Life, Message, Role, Sound
from monitord.notify.history import read


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_zero_and_leaves_nothing_but_the_journal(real_voice, number):
    real_voice.start()
    real_voice.url()
    assert (real_voice.runtime / "events.sock").is_socket()
    real_voice.process.send_signal(number)
    code, logged = real_voice.ended()
    assert code == 0, logged
    assert list(real_voice.runtime.iterdir()) == []
    assert [file.name for file in real_voice.state.iterdir()] == ["journal.sqlite3"]


def test_an_open_page_does_not_hold_up_the_end(real_voice):
    real_voice.start()
    with urllib.request.urlopen(f"{real_voice.url()}api/v1/stream") as stream:  # noqa: S310 - http, our own voice
        assert stream.readline() == b"retry: 2000\n"
        code, logged = real_voice.stop()
        assert code == 0, logged
        assert b"snapshot" in stream.read()  # And then its end.


def test_frames_that_came_while_it_was_down_are_told_when_it_is_back(real_voice):
    real_voice.hold_socket()
    with Channel(real_voice.runtime / "events.sock", Role.EAR) as ear:
        ear.send(Message(Kind.HELLO, Life.STARTED))
        ear.send(Message(Kind.SOUND, Sound.CRY, 88, 30))
    real_voice.start()
    real_voice.url()
    code, logged = real_voice.stop()
    assert code == 0
    assert "A child is crying." in logged
    history = read(real_voice.state / "journal.sqlite3")
    assert [each.subject for each in history.incidents(5)] == [Sound.CRY]
    history.close()


def test_a_port_that_is_taken_is_one_sentence_and_exit_1(real_voice):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        real_voice.config.write_text(f"[page]\nport = {port}\n")
        real_voice.start()
        code, logged = real_voice.ended()
    assert code == 1
    assert f"127.0.0.1 port {port} cannot be used: Address already in use" in logged
    assert "Traceback" not in logged
    assert list(real_voice.runtime.iterdir()) == []


def test_a_mistake_of_ours_ends_it_loudly_and_the_frame_stays_in_the_socket(real_voice):
    real_voice.hold_socket()
    broken = (
        "import sys; from monitord.notify import voice; voice.sense = None; "
        "from monitord.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    real_voice.start(program=("-c", broken))
    real_voice.url()
    with Channel(real_voice.runtime / "events.sock", Role.EAR) as ear:
        ear.send(Message(Kind.HEARTBEAT, Gate.IDLE))
    code, logged = real_voice.ended()
    assert code == 1
    assert "the voice ends" in logged
    assert len(real_voice.socket.recv(64, socket.MSG_DONTWAIT)) == 8


def test_it_tells_the_service_manager_when_it_is_ready_and_while_it_works(real_voice, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        real_voice.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")
        told = manager.recv(256).decode()
        assert told.startswith("READY=1\nSTATUS=The page is at http://127.0.0.1:")
        assert manager.recv(256) == b"WATCHDOG=1"
        real_voice.stop()


def logged_by(real_voice, wanted):
    """What it says until `wanted` comes."""
    said = []
    for line in real_voice.process.stderr:
        said.append(line)
        if wanted in line:
            return "".join(said)
    pytest.fail(f"it never said {wanted!r}: {said}")


def faults(real_voice):
    with urllib.request.urlopen(f"{real_voice.url()}api/v1/incidents") as answer:  # noqa: S310 - http, our own voice
        return {each["label"]: each["state"] for each in json.load(answer)["incidents"]}


def test_a_hangup_reads_the_file_again_and_a_wrong_one_changes_nothing(real_voice):
    real_voice.start()
    url, right = real_voice.url(), real_voice.config.read_text("utf-8")
    logged_by(real_voice, "the page is at")

    real_voice.config.write_text(f"{right}[adio]\n")
    real_voice.process.send_signal(signal.SIGHUP)
    said = logged_by(real_voice, "the old configuration is kept")
    assert "config.toml" in said
    assert "adio" in said
    assert faults(real_voice)["CONFIGURATION"] == "alerting"

    real_voice.config.write_text(f'{right}[rules.fault]\nrepeat_s = 5.0\n[audio]\nprofile = "balanced"\n')
    real_voice.process.send_signal(signal.SIGHUP)
    said = logged_by(real_voice, "in effect after a restart: audio.profile")
    assert "in effect now: rules.fault.repeat_s" in said
    assert faults(real_voice)["CONFIGURATION"] == "cleared"
    assert real_voice.url() == url
    code, _ = real_voice.stop()
    assert code == 0
