"""A real mosquitto for the tests, its certificates, and a house that a channel can talk to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from monitord.events import Sound
from monitord.notify.delivery import Reason
from monitord.notify.incident import Incident, State, Urgency
from monitord.notify.sinks import Notice
from monitord.notify.web.answers import NotNowError

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="needs mosquitto: apt-get install mosquitto mosquitto-clients"
)
PATIENCE_S = 20.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """A broker in `folder` that can be started, stopped and given another password."""

    def __init__(self, folder, *lines, address="127.0.0.1", prefix=()):
        self.folder, self.port, self.address, self._prefix = folder, free_port(), address, prefix
        self.passwords = folder / "passwords"
        self.log = folder / "mosquitto.log"
        # As the package does not run as root, nor may what we start here: the files must be readable.
        self.config = folder / "mosquitto.conf"
        self.config.write_text(
            "\n".join([f"listener {self.port} {address}", "user root", "persistence false",
                       f"log_dest file {self.log}", *lines, ""])
        )  # fmt: skip
        self.process = None

    def password(self, user, password):
        subprocess.run(
            ["mosquitto_passwd", *([] if self.passwords.exists() else ["-c"]), "-b", self.passwords, user, password],
            check=True,
        )

    def start(self):
        self.process = subprocess.Popen([*self._prefix, MOSQUITTO, "-c", self.config], stderr=subprocess.PIPE)
        end = time.monotonic() + PATIENCE_S
        while not self._prefix:
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 0.2):
                return self
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, "mosquitto does not start"
            time.sleep(0.02)
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process.stderr.close()
            self.process = None


class Authority:
    """A CA of the house, made by openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self._key, "-out", self.certificate,
                "-days", "30", "-subj", "/CN=House", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", begin=-86400, end=86400):
        """A certificate and its key; `begin` and `end` in seconds from now."""
        key, request, made = (self.folder / f"{name}.{part}" for part in ("key", "csr", "pem"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        (state / "index").write_text("")
        config = state / "ca.conf"
        config.write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={state}/index\nserial={state}/serial\nnew_certs_dir={state}\n"
            f"default_md=sha256\npolicy=p\nx509_extensions=e\nunique_subject=no\n[p]\ncommonName=supplied\n"
            f"[e]\nsubjectAltName={names}\nbasicConstraints=CA:FALSE\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        when = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + each)) for each in (begin, end)]
        openssl("ca", "-batch", "-config", config, "-cert", self.certificate, "-keyfile", self._key, "-in", request,
                "-out", made, "-startdate", when[0], "-enddate", when[1], "-notext", "-rand_serial")  # fmt: skip
        return made, key


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class FakeHouse:
    """What a channel may tell and ask; remembers what it was told."""

    def __init__(self, *incidents):
        self.troubles, self.acknowledged, self.known = [], [], list(incidents)
        self.paused, self.stuck = [], ""
        self.level, self.camera, self.mood = -54, None, "calm"

    def state(self):
        return {"room": "Nursery", "mood": self.mood, "text": "All quiet", "level_dbfs": self.level,
                "camera": self.camera, "camera_text": "",
                "channels": [{"name": "home", "trouble": self.trouble}]}  # fmt: skip

    def incidents(self):
        return self.known

    def acknowledge(self, number, by, via):
        if not any(each["id"] == number for each in self.known):
            return None
        self.acknowledged.append((number, by, via))
        return {"id": number}

    def mute(self, number, by, via):
        return None

    def pause(self, minutes, by, via):
        if self.stuck:
            raise NotNowError(self.stuck)
        self.paused.append((minutes, by, via))

    def resume(self, by, via):
        self.pause(0, by, via)

    def channel(self, name, trouble):
        if not self.troubles or self.troubles[-1] != trouble:
            self.troubles.append(trouble)

    @property
    def trouble(self):
        return self.troubles[-1] if self.troubles else ""


def an_incident(number=5, *, state="alerting", urgency="high", kind="sound", at="2026-11-24T22:00:00.000+00:00"):
    return {"id": number, "kind": kind, "label": "CRY", "text": "A child is crying.", "room": "Nursery",
            "urgency": urgency, "state": state, "last_at": at, "camera_text": "", "deliveries": []}  # fmt: skip


def a_notice(number=5, key="5-1", reason=Reason.ALERT, subject=Sound.CRY, urgency=Urgency.HIGH):
    incident = Incident(number, subject, "Nursery", urgency, State.ALERTING, opened_at=0.0, last_at=0.0)
    return Notice(1, incident, key, reason)


async def until(true, what="it"):
    """Wait for `true()`; returns its value."""
    end = time.monotonic() + PATIENCE_S
    while not (value := true()):
        assert time.monotonic() < end, f"waited too long for {what}"
        await asyncio.sleep(0.02)
    return value


@contextlib.asynccontextmanager
async def running(sink, house):
    """The channel with its connection, for the length of a block."""
    task = asyncio.create_task(sink.run(house))
    try:
        yield sink
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
