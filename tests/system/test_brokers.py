"""A real voice, confined as ever, and a real mosquitto that is killed, locked, out of date or cut off.

Each time an alert is raised while nothing gets through. What is asked: does the owner see why, and does the alert
arrive once the broker is back, without anybody touching the voice?
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import aiomqtt
import pytest
from brokers import Authority, Mosquitto, needs_mosquitto

from monitord.channel import Channel
from monitord.events import Gate, Kind, Message, Role, Sound
from monitord.notify.sinks.mqtt import TELL_S

pytestmark = [
    pytest.mark.system,
    needs_mosquitto,
    # Of the phone, which is aiomqtt as it comes: a socket whose handshake fails is left to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PATIENCE_S = 120.0
"""The longest pauses between two attempts are a minute each."""


def until(true, what, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while not (value := true()):
        assert time.monotonic() < end, f"waited too long until {what}"
        time.sleep(0.05)
    return value


class Voice:
    """`monitord notify` with one broker; its frames come from here, as an ear."""

    def __init__(self, folder, section):
        self._folder = folder
        (folder / "run").mkdir()
        self.config = folder / "config.toml"
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in section.items())
        rules = "".join(f"[rules.{name}]\nrepeat_s = 0\nescalate_s = 0\n" for name in ("cry", "smoke_alarm"))
        self.config.write_text(
            f'[page]\nport = 0\n[room]\nname = "Nursery"\n[video]\ndevice = "off"\n{rules}'
            f'[notify.home]\nkind = "mqtt"\n{lines}\n'
        )
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder / "run"), "STATE_DIRECTORY": str(folder / "state")}
        self._log = (folder / "voice.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitord", "notify", "--config", self.config], env=environment, stderr=self._log
        )
        page = folder / "run" / "page"
        until(lambda: page.exists() and page.read_text().endswith("\n"), "the voice is up")
        self._url = page.read_text().strip()
        self._ends = threading.Event()
        self._breathing = threading.Thread(target=self._breathe)
        self._breathing.start()

    def _breathe(self):
        """Heartbeats, so that the ear does not count as silent, which would be an alert of its own."""
        while not self._ends.wait(4.0):
            with contextlib.suppress(OSError):
                self._say(Message(Kind.HEARTBEAT, Gate.IDLE, 0, 54))

    def _say(self, message):
        with Channel(self._folder / "run" / "events.sock", Role.EAR) as ear:
            ear.send(message)

    def hear(self, sound):
        self._say(Message(Kind.SOUND, sound, 90, 40))

    def state(self):
        with urllib.request.urlopen(f"{self._url}api/v1/state", timeout=10) as answer:  # noqa: S310 - http, our own voice
            return json.loads(answer.read())

    def trouble(self):
        return next(each["trouble"] for each in self.state()["state"]["channels"] if each["name"] == "home")

    def deliveries(self):
        return [
            each
            for incident in self.state()["incidents"]
            if incident["kind"] == "sound"
            for each in incident["deliveries"]
            if each["sink"] == "home"
        ]

    def stop(self):
        self._ends.set()
        self._breathing.join()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(20)
        self._log.close()
        assert code == 0, (self._folder / "voice.log").read_text()


class Phone:
    """Somebody who is subscribed whenever that is possible; remembers each alert."""

    def __init__(self, **connection):
        self.alerts, self.online, self.monitor = [], False, ""
        self._connection, self._stop = connection, threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()))
        self._thread.start()

    def change(self, **connection):
        self._connection = {**self._connection, **connection}

    async def _listen(self):
        while not self._stop.is_set():
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                async with aiomqtt.Client(**self._connection) as client:
                    await client.subscribe([("monitord/alert", 1), ("monitord/availability", 1)])
                    self.online = True
                    reading = asyncio.create_task(self._read(client))
                    while not self._stop.is_set() and not reading.done():  # noqa: ASYNC110 - it is another thread's
                        await asyncio.sleep(0.05)
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
            self.online = False
            await asyncio.sleep(0.2)

    async def _read(self, client):
        async for message in client.messages:
            if str(message.topic).endswith("alert"):
                self.alerts.append(json.loads(message.payload))
            else:
                self.monitor = message.payload.decode()

    def close(self):
        self._stop.set()
        self._thread.join(20)


class House:
    """The broker with TLS and a password, the voice, and a phone."""

    def __init__(self, folder, authority, address="127.0.0.1", prefix=()):
        self.folder, self.authority = folder, authority
        self.phone = self.voice = None
        self.names = f"DNS:localhost,IP:{address}"
        self.certificate()
        self.broker = Mosquitto(
            folder, f"certfile {folder}/server.pem", f"keyfile {folder}/server.key",
            f"password_file {folder}/passwords", address=address, prefix=prefix,
        )  # fmt: skip
        self.broker.password("monitord", "first")
        self.broker.password("phone", "phone")
        self.secret = folder / "secret"
        self.write_secret("first")
        self.broker.start()
        try:
            self._fill(address)
        except BaseException:
            self.close()
            raise

    def _fill(self, address):
        section = {"host": address, "port": self.broker.port, "ca_file": str(self.authority.certificate),
                   "username": "monitord", "password_file": str(self.secret)}  # fmt: skip
        self.phone = Phone(
            hostname=address, port=self.broker.port, username="phone", password="phone", keepalive=5,
            tls_params=aiomqtt.TLSParameters(ca_certs=str(self.authority.certificate)), timeout=5,
        )  # fmt: skip
        self.voice = Voice(self.folder, section)
        until(lambda: self.phone.online and self.phone.monitor == "online", "everybody is connected")

    def certificate(self, **dates):
        made, key = self.authority.issue("server", names=self.names, **dates)
        shutil.copy(made, self.folder / "server.pem")
        shutil.copy(key, self.folder / "server.key")

    def write_secret(self, text):
        self.secret.write_text(f"{text}\n")
        self.secret.chmod(0o600)

    def alert_while_away(self, says):
        """Raise an alert; what the owner reads must say why it does not get through."""
        self.voice.hear(Sound.CRY)
        trouble = until(lambda: says in (said := self.voice.trouble()) and said, f"the owner reads {says!r}")
        (delivery,) = self.voice.deliveries()
        assert delivery["state"] in ("pending", "sending")
        assert self.phone.alerts == []
        return trouble

    def arrives(self):
        until(lambda: self.phone.alerts, "the alert has arrived")
        until(lambda: [each["state"] for each in self.voice.deliveries()] == ["delivered"], "it counts as delivered")
        until(lambda: self.voice.trouble() == "", "the channel is well")
        assert {alert["label"] for alert in self.phone.alerts} == {"CRY"}
        assert len({alert["key"] for alert in self.phone.alerts}) == 1  # However often: it is the same alert.

    def close(self):
        try:
            if self.phone is not None:
                self.phone.close()
            if self.voice is not None:
                self.voice.stop()
        finally:
            self.broker.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def house(tmp_path, authority):
    made = House(tmp_path, authority)
    yield made
    made.close()


def test_the_control_an_alert_arrives_while_all_is_well(house):
    house.voice.hear(Sound.CRY)
    house.arrives()


def test_killed_and_restarted(house):
    house.broker.stop(signal.SIGKILL)
    house.alert_while_away("127.0.0.1 cannot be reached: it is there, but nothing answers at that port")
    house.broker.start()
    house.arrives()


def test_the_password_is_changed(house):
    house.broker.stop()
    house.broker.password("monitord", "second")
    house.broker.start()
    until(lambda: house.phone.online, "the phone is back")
    house.alert_while_away("127.0.0.1 refuses the user name or the password")
    house.write_secret("second")
    house.arrives()


def test_the_certificate_has_expired(house):
    house.broker.stop()
    house.certificate(begin=-86400, end=-60)
    house.broker.start()
    house.alert_while_away("the certificate of 127.0.0.1 has expired; renew it there")
    house.broker.stop()
    house.certificate()
    house.broker.start()
    house.arrives()


def test_a_broker_that_is_away_with_nothing_to_send_is_told_not_at_once_and_not_never(house):
    house.broker.stop(signal.SIGKILL)
    began = time.monotonic()
    until(lambda: "cannot be reached" in house.voice.trouble(), "the owner reads it")
    # A connection that comes and goes is not worth a word; one that stays away is, after TELL_S.
    assert time.monotonic() - began >= TELL_S - 1.0
    house.broker.start()
    until(lambda: house.voice.trouble() == "", "the channel is well")


class Wire:
    """A broker's network of its own, at the other end of a cable that can be cut."""

    HERE, THERE = "10.213.77.1", "10.213.77.2"

    def __init__(self):
        self.name = f"mn{os.getpid()}"
        self._ip("netns", "add", self.name)
        self._ip("link", "add", f"{self.name}h", "type", "veth", "peer", "name", f"{self.name}p", "netns", self.name)
        self._ip("addr", "add", f"{self.HERE}/30", "dev", f"{self.name}h")
        self._ip("link", "set", f"{self.name}h", "up")
        self._ip("-n", self.name, "addr", "add", f"{self.THERE}/30", "dev", f"{self.name}p")
        self._ip("-n", self.name, "link", "set", f"{self.name}p", "up")
        self._ip("-n", self.name, "link", "set", "lo", "up")
        self.prefix = ("ip", "netns", "exec", self.name)

    def cut(self):
        self._ip("-n", self.name, "link", "set", f"{self.name}p", "down")

    def mend(self):
        self._ip("-n", self.name, "link", "set", f"{self.name}p", "up")

    def close(self):
        for what in (["link", "del", f"{self.name}h"], ["netns", "del", self.name]):
            subprocess.run(["ip", *what], check=False, stderr=subprocess.DEVNULL)

    def _ip(self, *arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            self.close()
            pytest.skip(f"no network namespace here: ip {' '.join(arguments)}: {done.stderr.strip()}")


@pytest.fixture
def wire():
    if os.getuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and iproute2: it makes a network namespace")
    made = Wire()
    yield made
    made.close()


def test_the_network_is_cut(tmp_path, authority, wire):
    house = House(tmp_path, authority, address=wire.THERE, prefix=wire.prefix)
    try:
        wire.cut()
        trouble = house.alert_while_away(wire.THERE)
        assert any(each in trouble for each in ("does not confirm", "does not answer", "no route to host", "was cut"))
        wire.mend()
        house.arrives()
    finally:
        house.close()
