"""Whom the MQTT channel trusts and who trusts it: names that lead out, TLS and its certificates, passwords, topics."""

from __future__ import annotations

import asyncio
import socket

import aiomqtt
import pytest
from brokers import Authority, FakeHouse, Mosquitto, a_notice, needs_mosquitto, running, until
from mqtt_channel import VERSIONS, sink_for

from monitord.config import MqttVersion
from monitord.notify.sinks import SinkError

pytestmark = needs_mosquitto


def test_a_name_that_leads_out_is_refused_before_anything_secret_is_sent(broker, topic):
    async def story():
        async def rebound(name, port):
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("198.51.100.7", port))]

        house = FakeHouse()
        sink = sink_for(broker, topic, host="broker.lan", username="m", password="geheim")
        sink._resolve = rebound
        async with running(sink, house):
            await until(lambda: house.trouble)
            assert house.trouble.startswith("broker.lan leads out of the house")
            with pytest.raises(SinkError, match="leads out of the house"):
                await sink.send(a_notice())

    asyncio.run(story())


def test_the_socket_is_the_one_that_was_checked(broker, topic, monkeypatch):
    """Neither paho nor aiomqtt opens a connection of its own; the control is paho left to itself."""
    opened = []
    true = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: opened.append(a) or true(*a, **k))

    async def story():
        async with running(sink_for(broker, topic), FakeHouse()) as sink:
            await until(lambda: sink._link)
        assert opened == []
        async with aiomqtt.Client("127.0.0.1", broker.port):
            assert opened

    asyncio.run(story())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_broker(tmp_path, authority):
    """Makes a broker with TLS of the certificate that is asked for."""
    brokers = []

    def make(*lines, **certificate):
        made, key = authority.issue("localhost", **certificate)
        broker = Mosquitto(tmp_path, f"certfile {made}", f"keyfile {key}", *lines)
        brokers.append(broker)
        return broker.start()

    yield make
    for broker in brokers:
        broker.stop()


@pytest.mark.parametrize("version", VERSIONS)
def test_tls_and_a_client_certificate(tls_broker, authority, topic, version):
    mine, key = authority.issue("monitord")
    broker = tls_broker(f"cafile {authority.certificate}", "require_certificate true", "use_identity_as_username true")
    trust = {"host": "localhost", "ca_file": str(authority.certificate)}

    async def story():
        house = FakeHouse()
        own = {"certificate_file": str(mine), "key_file": str(key)}
        async with running(sink_for(broker, topic, version, **trust, **own), house) as sink:
            await until(lambda: sink._link)
            assert house.troubles == [""]
        house = FakeHouse()
        async with running(sink_for(broker, topic, version, **trust), house):
            await until(lambda: house.trouble)
            assert "localhost refuses our certificate" in house.trouble

    asyncio.run(story())


@pytest.mark.parametrize(
    ("certificate", "host", "ours", "says"),
    [
        ({"begin": -86400, "end": -60}, "localhost", True, "the certificate of localhost has expired"),
        ({"begin": 3600}, "localhost", True, "is not valid yet"),
        ({"names": "DNS:other.lan"}, "localhost", True, "the certificate is not that of localhost"),
        ({}, "localhost", False, "is signed by nobody whom we trust"),
    ],
)
def test_a_broker_that_is_not_whom_we_trust(  # noqa: PLR0917 - fixtures and the table
    tls_broker, authority, topic, certificate, host, ours, says
):
    broker = tls_broker("allow_anonymous true", **certificate)

    async def story():
        house = FakeHouse()
        keys = {"ca_file": str(authority.certificate)} if ours else {"tls": True}
        async with running(sink_for(broker, topic, host=host, **keys), house):
            await until(lambda: house.trouble)
            assert says in house.trouble

    asyncio.run(story())


def test_tls_where_there_is_none(broker, topic):
    async def story():
        house = FakeHouse()
        async with running(sink_for(broker, topic, tls=True), house):
            await until(lambda: house.trouble)
            assert house.trouble == "127.0.0.1 hung up as soon as TLS began; does it speak TLS at this port?"

    asyncio.run(story())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_password_and_a_topic_that_is_not_ours(tmp_path, topic, version):
    rules = tmp_path / "acl"
    rules.write_text("user monitord\ntopic readwrite open/#\ntopic read nothing/#\n")
    broker = Mosquitto(tmp_path, f"password_file {tmp_path}/passwords", f"acl_file {rules}")
    broker.password("monitord", "right")
    broker.start()

    async def story():
        house = FakeHouse()
        async with running(sink_for(broker, "open/x", version, username="monitord", password="wrong"), house):
            await until(lambda: house.trouble)
            assert house.trouble == "127.0.0.1 refuses the user name or the password"
        house = FakeHouse()
        sink = sink_for(broker, "open/x", version, username="monitord", password="right", discovery="")
        async with running(sink, house):
            await until(lambda: sink._link)
        if version is MqttVersion.FIVE:
            house = FakeHouse()
            async with running(sink_for(broker, "shut", version, username="monitord", password="right"), house):
                await until(lambda: house.trouble)
                assert "does not let us" in house.trouble

    try:
        asyncio.run(story())
    finally:
        broker.stop()
