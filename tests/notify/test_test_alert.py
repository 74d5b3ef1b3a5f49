"""`monitord test-alert` through a real voice and without one: what arrived, what did not, and by which proof."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def server():
    """Answers as Gotify and as a webhook's receiver do; remembers what it got."""
    got = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(b"{}")

        def do_POST(self):
            got.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b'{"id": 7}')

        def _answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.got, running.url = got, f"http://127.0.0.1:{running.server_port}"
        yield running
        running.shutdown()


def nobody():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(voice, server):
    voice.config.write_text(
        f'[page]\nport = 0\n[room]\nname = "Nursery"\n'
        f'[notify.phone]\nkind = "gotify"\nurl = "{server.url}"\ntoken = "abc"\n'
        f'[notify.hook]\nkind = "webhook"\nurl = "{server.url}/hook"\nsecret = "{SECRET}"\n'
        f'[notify.gone]\nkind = "gotify"\nurl = "http://127.0.0.1:{nobody()}"\ntoken = "abc"\n'
    )


def test_alert(voice, *sink):
    return subprocess.run(
        [sys.executable, "-m", "monitord", "test-alert", "--config", voice.config, *sink],
        env=voice.environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


test_alert.__test__ = False


def seen_by_a_page(url):
    """A page that confirms the first alert that it is brought; returns the thread and what it was brought."""
    brought = []

    def follow():
        with urllib.request.urlopen(f"{url}api/v1/stream", timeout=30) as stream:  # noqa: S310 - http, our own voice
            name = ""
            for raw in stream:
                key, _, value = raw.decode().strip().partition(": ")
                name = value if key == "event" else name
                if key == "event" and value == "snapshot":
                    joined.set()
                if key == "data" and name == "alert":
                    alert = json.loads(value)
                    brought.append(alert)
                    path = f"{url}api/v1/deliveries/{alert['delivery']}/seen"
                    urllib.request.urlopen(urllib.request.Request(path, method="POST", data=b""), timeout=5).close()  # noqa: S310 - likewise
                if key == "data" and name == "incident" and brought:
                    brought.append(json.loads(value))
                    return

    joined = threading.Event()
    thread = threading.Thread(target=follow)
    thread.start()
    joined.wait(10)
    return thread, brought


def test_through_the_running_voice(real_voice, server):
    write(real_voice, server)
    real_voice.start()
    page, brought = seen_by_a_page(real_voice.url())
    done = test_alert(real_voice)
    page.join(20)
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    assert done.returncode == 1, done.stderr
    assert lines["page"] == "ok    page   a page has shown it"
    assert lines["log"] == "ok    log    written to the log"
    assert lines["phone"] == "ok    phone  the server has it and gave it an id"
    assert lines["hook"] == "ok    hook   the receiver answers 2xx"
    assert lines["gone"].startswith("FAULT gone   127.0.0.1 cannot be reached: it is there, but nothing answers")
    shown, over = brought
    assert (shown["incident"]["test"], shown["incident"]["room"]) == (True, "Test: Nursery")
    assert (over["id"], over["state"]) == (0, "cleared")
    by_path = {path: (headers, json.loads(body)) for path, headers, body in server.got}
    headers, told = by_path["/message"]
    assert headers["X-Gotify-Key"] == "abc"
    assert (told["title"], told["message"]) == ("Test: Nursery", "This is a test: nothing was heard.")
    assert by_path["/hook"][1]["data"]["test"] is True
    one = test_alert(real_voice, "hook")
    assert (one.returncode, one.stdout) == (0, "ok    hook  the receiver answers 2xx\n")
    code, logged = real_voice.stop()
    assert code == 0, logged
    assert "channel gone: 127.0.0.1 cannot be reached" in logged


def test_a_page_that_is_not_open_has_not_shown_it(real_voice, server, monkeypatch):
    write(real_voice, server)
    real_voice.start()
    real_voice.url()
    done = test_alert(real_voice, "page")
    assert (done.returncode, done.stdout) == (1, "FAULT page  not in 10 s: a page has shown it\n")


def test_from_here_where_no_voice_runs(real_voice, server):
    write(real_voice, server)
    done = test_alert(real_voice, "phone")
    assert (done.returncode, done.stdout) == (0, "ok    phone  the server has it and gave it an id\n")
    assert "monitord is not running" in done.stderr
    done = test_alert(real_voice)
    assert done.returncode == 1
    assert "FAULT page   monitord is not running" in done.stdout


def test_a_channel_that_there_is_not(real_voice, server):
    write(real_voice, server)
    done = test_alert(real_voice, "fax")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "SINK: 'fax' is no channel; there are page, log, phone, hook, gone\n"
