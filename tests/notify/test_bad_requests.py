"""The broken HTTP requests of the corpus, sent to a real voice: one sentence each, nothing lost, nothing changed."""

from __future__ import annotations

import json
import socket
import urllib.request

import pytest
from bad_input import HTTP


@pytest.fixture(scope="module")
def port(running_voice):
    return int(running_voice.page.rstrip("/").rpartition(":")[2])


def answer(port, request):
    """Status and JSON of the answer to `request`."""
    host = f"Host: 127.0.0.1:{port}\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as sending:
        sending.settimeout(30.0)
        sending.sendall(request.replace(b"@HOST@", host))
        with sending.makefile("rb") as reading:
            status = int(reading.readline().split()[1])
            length = None
            while (line := reading.readline().strip()) not in {b"", b"\r\n"}:
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            return status, json.loads(reading.read() if length is None else reading.read(length))


def state(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/state") as said:
        found = json.load(said)["state"]
    return {key: found[key] for key in ("mood", "paused_until", "room")}


@pytest.mark.parametrize("request_", HTTP.values(), ids=HTTP)
def test_a_broken_request_is_one_sentence_and_changes_nothing(port, request_):
    before = state(port)
    status, said = answer(port, request_)
    assert 400 <= status < 500
    assert set(said) == {"error"}
    assert len(said["error"]) > 5
    assert "\n" not in said["error"]
    assert "Traceback" not in said["error"]
    assert state(port) == before


def test_what_is_whole_is_answered(port):
    status, said = answer(port, b"GET /api/v1/state HTTP/1.1\r\n@HOST@\r\n")
    assert status == 200
    assert "mood" in said["state"]
