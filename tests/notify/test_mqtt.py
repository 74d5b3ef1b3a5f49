"""The MQTT channel against a real mosquitto on loopback: what it publishes, and what counts as arrived.

What a broker does that is killed, cut off or given another password: tests/system/test_brokers.py.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess

import pytest
from brokers import FakeHouse, a_notice, an_incident, needs_mosquitto, running, until
from mqtt_channel import VERSIONS, Listener, sink_for

from monitord.config import MqttVersion
from monitord.notify.delivery import Reason
from monitord.notify.sinks import SinkError

pytestmark = needs_mosquitto


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
