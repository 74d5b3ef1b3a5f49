"""The MQTT channel against a real mosquitto on loopback: what it publishes, what counts as arrived, what it is told.

What a broker does that is killed, cut off or given another password: tests/system/test_brokers.py.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess

import aiomqtt
import pytest
from brokers import Authority, FakeHouse, Mosquitto, a_notice, an_incident, needs_mosquitto, running, until

from monitord.config import Language, MqttConfig, MqttVersion
from monitord.notify.delivery import Reason
from monitord.notify.sinks import SinkError, mqtt
from monitord.notify.sinks.broker import BrokerError
from monitord.notify.sinks.mqtt import MqttSink, read_ack, read_pause

pytestmark = needs_mosquitto
VERSIONS = [MqttVersion.FIVE, MqttVersion.THREE]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = Mosquitto(tmp_path_factory.mktemp("broker"), "allow_anonymous true").start()
    yield broker
    broker.stop()


@pytest.fixture
def topic(request):
    return f"home/{abs(hash(request.node.nodeid))}"


def sink_for(broker, topic, version=MqttVersion.FIVE, **more):
    keys = {"kind": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": topic, "version": version, **more}
    return MqttSink("home", MqttConfig(**keys), "Nursery", Language.EN, jitter=lambda: 0.0)


class Listener:
    """Somebody who is subscribed to everything of `topic`, and to what Home Assistant is told."""

    def __init__(self, broker, topic, **login):
        self._broker, self._topic, self._login, self.heard = broker, topic, login, []

    async def __aenter__(self):
        self._client = aiomqtt.Client("127.0.0.1", self._broker.port, **self._login)
        await self._client.__aenter__()
        await self._client.subscribe([(f"{self._topic}/#", 1), ("homeassistant/#", 1)])
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._client.__aexit__(None, None, None)

    async def _listen(self):
        async for message in self._client.messages:
            self.heard.append((str(message.topic), message.payload.decode(), message.retain))

    def of(self, part):
        return [payload for topic, payload, _ in self.heard if topic == f"{self._topic}/{part}"]

    async def publish(self, part, payload, **more):
        await self._client.publish(f"{self._topic}/{part}", payload, qos=1, **more)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_alert_arrives_with_its_key_and_the_channel_works(broker, topic, version):
    async def story():
        house = FakeHouse(an_incident())
        async with Listener(broker, topic) as phone, running(sink_for(broker, topic, version), house) as sink:
            await sink.send(a_notice(key="5-1"))
            (alert,) = await until(lambda: phone.of("alert"))
            told = json.loads(alert)
            assert (told["key"], told["incident"], told["event_type"], told["test"]) == ("5-1", 5, "high", False)
            assert told["text"] == "A child is crying."
            assert await until(lambda: phone.of("availability")) == ["online"]
            assert json.loads((await until(lambda: phone.of("state")))[-1])["incident_text"] == "A child is crying."
            assert house.troubles == [""]
        await until(lambda: True)

    asyncio.run(story())


def test_availability_is_kept_and_says_offline_after_a_goodbye_and_after_none(broker, topic):
    async def story():
        async with Listener(broker, topic) as phone:
            async with running(sink_for(broker, topic), FakeHouse()):
                await until(lambda: phone.of("availability") == ["online"])
            await until(lambda: phone.of("availability") == ["online", "offline"])
            sink = sink_for(broker, topic)
            async with running(sink, FakeHouse()):
                await until(lambda: phone.of("availability")[2:] == ["online"])
                await until(lambda: sink._link)
                sink._link._paho.socket().shutdown(socket.SHUT_RDWR)  # Gone without a goodbye: the last will speaks.
                await until(lambda: "offline" in phone.of("availability")[3:])
                await until(lambda: phone.of("availability")[-1] == "online")

    asyncio.run(story())


def test_with_mqtt_5_an_alert_that_nobody_is_subscribed_to_has_not_arrived(broker, topic):
    async def story():
        house = FakeHouse()
        async with running(sink_for(broker, topic), house) as sink:
            with pytest.raises(SinkError, match=f"nobody is subscribed to {topic}/alert"):
                await sink.send(a_notice())
            assert "nobody is subscribed" in house.trouble
            await sink.send(a_notice(reason=Reason.UPDATE))  # What only follows an alert need not be heard.
        async with running(sink_for(broker, topic, MqttVersion.THREE), FakeHouse()) as sink:
            await sink.send(a_notice())  # 3.1.1 has no word for it.

    asyncio.run(story())


@pytest.mark.parametrize(
    ("payload", "taken"),
    [
        ("5", (5, "", "home")),
        ('{"incident": 5, "by": "Anna"}', (5, "Anna", "home")),
        ("PRESS", (5, "", "home")),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_acknowledgements(broker, topic, version, payload, taken):
    async def story():
        house = FakeHouse(an_incident(4, state="acknowledged"), an_incident(5), an_incident(3, urgency="low"))
        async with Listener(broker, topic) as phone, running(sink_for(broker, topic, version), house) as sink:
            await until(lambda: sink._link)
            await phone.publish("ack", payload)
            await until(lambda: house.acknowledged)
            assert house.acknowledged == [taken]

    asyncio.run(story())


@pytest.fixture
def every_complaint(monkeypatch):
    """One complaint in ten seconds is written, whatever comes; here all of them are, however fast the broker is."""
    monkeypatch.setattr(mqtt, "_COMPLAIN_S", 0.0)


@pytest.mark.usefixtures("every_complaint")
def test_acknowledgements_that_are_refused(broker, topic, caplog):
    async def story():
        house = FakeHouse(an_incident(5))
        async with Listener(broker, topic) as phone:
            await phone.publish("ack", "PRESS", retain=True)
            async with running(sink_for(broker, topic), house) as sink:
                await until(lambda: sink._link)
                for payload in ("77", "nobody", "5" * 300, '{"incident": 5, "by": "' + "x" * 41 + '"}', b"\xff", ""):
                    await phone.publish("ack", payload)
                await phone.publish("ack", "5")
                await until(lambda: house.acknowledged)
                assert house.acknowledged == [(5, "", "home")]
            await phone.publish("ack", "", retain=True)

    asyncio.run(story())
    said = caplog.text
    assert "is retained" in said
    assert "names incident 77, which there is not" in said
    assert "is longer than 256 bytes" in said
    assert "no name" in said


def test_whoever_may_publish_there_does_not_fill_the_log(broker, topic, caplog):
    async def story():
        house = FakeHouse(an_incident(5))
        async with Listener(broker, topic) as phone, running(sink_for(broker, topic), house) as sink:
            await until(lambda: sink._link)
            for number in range(60, 80):
                await phone.publish("ack", str(number))
            await phone.publish("ack", "5")
            await until(lambda: house.acknowledged)

    asyncio.run(story())
    # One, or two where this machine needed more than ten seconds for them.
    assert 1 <= caplog.text.count("which there is not") <= 2


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_sent_while_the_monitor_was_away_a_number_counts_a_press_does_not(broker, topic, version, caplog):
    async def story():
        house = FakeHouse(an_incident(5), an_incident(6))
        async with Listener(broker, topic) as phone:
            async with running(sink_for(broker, topic, version), house) as sink:
                await until(lambda: sink._link)
            await phone.publish("ack", "PRESS")
            await phone.publish("ack", "5")
            async with running(sink_for(broker, topic, version), house) as sink:
                await until(lambda: house.acknowledged)
                assert house.acknowledged == [(5, "", "home")]
                await phone.publish("ack", "PRESS")
                await until(lambda: len(house.acknowledged) == 2)

    asyncio.run(story())
    assert "pressed while the monitor was away" in caplog.text


@pytest.mark.parametrize(
    "payload",
    [b"", b"0", b"-1", b"true", b"1.5", b"null", b"[5]", b'{"incident": true}', b'{"incident": 5, "what": 1}', b"NaN",
     b'{"incident": 5, "by": 3}', b'{"incident": 5, "by": "a\\u0007b"}', b"[" * 250, b"9" * 200, b"\xff\xfe"],
)  # fmt: skip
def test_no_payload_breaks_the_reader(payload):
    with pytest.raises(ValueError, match=r"^(is|names|says) "):
        read_ack(payload)


@pytest.mark.parametrize(
    ("payload", "taken"),
    [
        ("30", (30, "", "home")),
        ("30.0", (30, "", "home")),
        ('{"minutes": 90, "by": "Anna"}', (90, "Anna", "home")),
        ("RESUME", (0, "", "home")),
        ("0", (0, "", "home")),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_pause_and_its_end(broker, topic, version, payload, taken):
    async def story():
        house = FakeHouse()
        async with Listener(broker, topic) as phone, running(sink_for(broker, topic, version), house) as sink:
            await until(lambda: sink._link)
            await phone.publish("pause", payload)
            await until(lambda: house.paused)
            assert house.paused == [taken]

    asyncio.run(story())


@pytest.mark.usefixtures("every_complaint")
def test_pauses_that_are_refused(broker, topic, caplog):
    async def story():
        house = FakeHouse()
        async with Listener(broker, topic) as phone:
            async with running(sink_for(broker, topic), house) as sink:
                await until(lambda: sink._link)
            await phone.publish("pause", "30", retain=True)
            await phone.publish("pause", "60")  # While the monitor is away.
            async with running(sink_for(broker, topic), house) as sink:
                await until(lambda: sink._link)
                for payload in ("721", "-1", "soon", '{"minutes": "30"}', '{"minutes": 30, "why": "quiet"}', b"\xff"):
                    await phone.publish("pause", payload)
                house.stuck = "cannot be: the disk is full"
                await phone.publish("pause", "10")
                await until(lambda: "the disk is full" in caplog.text)
                house.stuck = ""
                await phone.publish("pause", "5")
                await until(lambda: house.paused)
                assert house.paused == [(5, "", "home")]
            await phone.publish("pause", "", retain=True)

    asyncio.run(story())
    said = caplog.text
    assert "a pause is no whole number of minutes from 0 to 720" in said
    assert 'a pause is neither a number, nor "RESUME", nor JSON as {"minutes": 30, "by": "Anna"}' in said


@pytest.mark.parametrize(
    "payload",
    [b"", b"-1", b"721", b"true", b"1.5", b"null", b"[5]", b'{"minutes": true}', b'{"minutes": 5, "what": 1}', b"NaN",
     b'{"minutes": 5, "by": 3}', b"[" * 250, b"9" * 200, b"\xff\xfe", b"PRESS", b"1e400", b"6" * 300],
)  # fmt: skip
def test_no_pause_breaks_the_reader(payload):
    with pytest.raises(ValueError, match=r"^(is|names|says) "):
        read_pause(payload)


@pytest.mark.parametrize(("lasting", "still"), [(True, True), (False, False)])
def test_a_broker_that_lets_us_read_no_pause_still_has_the_rest(broker, topic, caplog, lasting, still):
    class OfOldRules:
        """Lets acknowledgements be read, as the rules of a broker may that was set up before there were pauses."""

        async def subscribe(self, name):
            if name.endswith("/pause"):
                raise BrokerError(f"{name}: the broker does not let us read it", lasting=lasting)
            return 3

    if still:
        assert asyncio.run(sink_for(broker, topic)._subscribe(OfOldRules())) == 3
        assert f"no pause by MQTT: {topic}/pause" in caplog.text
    else:
        with pytest.raises(BrokerError):  # The connection is gone, which is another matter.
            asyncio.run(sink_for(broker, topic)._subscribe(OfOldRules()))


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


def test_mosquitto_itself_takes_what_is_published(broker, topic):
    """With mosquitto's own client as the subscriber."""

    async def story():
        listen = ["mosquitto_sub", "-p", str(broker.port), "-t", f"{topic}/alert", "-C", "1", "-q", "1"]
        with subprocess.Popen(listen, stdout=subprocess.PIPE) as phone:  # noqa: ASYNC220 - a test may wait for its start
            async with running(sink_for(broker, topic), FakeHouse()) as sink:
                while phone.poll() is None:
                    try:
                        await sink.send(a_notice())
                    except SinkError:
                        await asyncio.sleep(0.05)
                    else:
                        break
            assert json.loads(await asyncio.to_thread(phone.stdout.read))["incident"] == 5

    asyncio.run(story())
