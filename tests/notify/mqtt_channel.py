"""The MQTT channel at a broker of the tests, and somebody who is subscribed there."""

from __future__ import annotations

import asyncio

import aiomqtt

from monitord.config import Language, MqttConfig, MqttVersion
from monitord.notify.sinks.mqtt import MqttSink

VERSIONS = [MqttVersion.FIVE, MqttVersion.THREE]


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
