"""The MQTT channel and brokers that misbehave: small stand-ins that say what no well-kept broker says, or nothing.

Nothing of it may end the voice, so asyncio's own complaints count as failures here (the voice ends at each of them).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket

import pytest
from brokers import FakeHouse, a_notice, running, until

from monitord.config import Language, MqttConfig
from monitord.notify.sinks import SinkError, broker, mqtt
from monitord.notify.sinks.broker import WatchesOneSocket
from monitord.notify.sinks.mqtt import MqttSink

ACCEPTED = bytes([0x20, 3, 0, 0, 0])
"""CONNACK of MQTT 5: no session, success, no properties (3.2)."""


def refused(code):
    return bytes([0x20, 3, 0, code, 0])


@contextlib.asynccontextmanager
async def a_broker(*answers, hold=False):
    """To the first bytes of each connection it answers `answers`, then it hangs up, or is silent for ever."""
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            for answer in answers:
                await reader.read(4096)
                writer.write(answer)
                await writer.drain()
            if hold:
                await asyncio.sleep(3600)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("watch", ["add_reader", "add_writer"])
def test_a_connection_that_was_cut_before_it_is_watched_ends_nothing(watch):
    async def story():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        number = ours.fileno()
        watched = WatchesOneSocket(loop, ours)
        ours.close()
        with pytest.raises(OSError, match="Bad file descriptor"):  # The control: what aiomqtt would ask for.
            getattr(loop, watch)(number, lambda: None)
        getattr(watched, watch)(number, lambda: None)
        # Nor is another socket watched that was given the number meanwhile.
        os.dup2(theirs.fileno(), number)
        try:
            theirs.close()
            getattr(watched, watch)(number, lambda: None)
            assert not getattr(loop, watch.replace("add", "remove"))(number)
        finally:
            os.close(number)

    asyncio.run(story())


def test_the_connection_that_stands_is_watched():
    async def story():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            told = asyncio.Event()
            watched = WatchesOneSocket(asyncio.get_running_loop(), ours)
            watched.add_writer(ours.fileno(), told.set)
            await told.wait()
            assert watched.remove_writer(ours.fileno())
            told.clear()
            watched.add_reader(ours.fileno(), told.set)
            theirs.send(b"1")
            await told.wait()
            assert watched.remove_reader(ours.fileno())

    asyncio.run(story())


def tell(answers, seconds=0.6, *, hold=False):
    """What the owner is told of such a broker; and asyncio's complaints, of which there must be none."""
    house, complaints = FakeHouse(), []

    async def story():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with a_broker(*answers, hold=hold) as port:
            config = MqttConfig(kind="mqtt", host="127.0.0.1", port=port)
            async with running(MqttSink("home", config, "Nursery", Language.EN, jitter=lambda: 0.0), house) as sink:
                await asyncio.sleep(seconds)
                with pytest.raises(SinkError) as caught:
                    await sink.send(a_notice())
        gc.collect()
        await asyncio.sleep(0)
        return str(caught.value)

    said = asyncio.run(story())
    assert complaints == []
    assert house.trouble == said
    return said


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(broker, "CONNECT_S", 0.3)
    monkeypatch.setattr(broker, "ANSWER_S", 0.3)
    monkeypatch.setattr(broker, "TOPIC_S", 0.0)
    monkeypatch.setattr(mqtt, "UP_S", 0.5)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([], "the connection to 127.0.0.1 was cut"),
        ([ACCEPTED], "the connection to 127.0.0.1 was cut"),
        ([ACCEPTED, b""], "the connection to 127.0.0.1 was cut"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "127.0.0.1"),
        ([b"\x00" * 64], "127.0.0.1"),
        ([b"\xff" * 64], "127.0.0.1"),
        ([refused(0x86)], "127.0.0.1 refuses the user name or the password"),
        ([refused(0x84)], "does not speak this version of MQTT"),
        ([refused(0x88)], "is not available at the moment"),
        ([ACCEPTED, bytes([0xE0, 2, 0x8E, 0])], "has given our place to another client"),
    ],
)
def test_it_is_one_sentence_for_the_owner_and_no_end_of_the_voice(answers, says):
    assert says in tell(answers)


@pytest.mark.parametrize("answers", [[b""], [ACCEPTED, b""]])
def test_a_broker_that_is_silent(answers):
    assert "127.0.0.1" in tell(answers, hold=True)


def test_a_lost_broker_is_told_in_time_when_there_is_nothing_to_send(monkeypatch):
    monkeypatch.setattr(mqtt, "TELL_S", 0.3)
    house = FakeHouse()

    async def story():
        async with a_broker() as port:
            config = MqttConfig(kind="mqtt", host="127.0.0.1", port=port)
            async with running(MqttSink("home", config, "Nursery", Language.EN), house):
                await asyncio.sleep(0.1)
                assert house.trouble == ""
                await until(lambda: house.trouble)

    asyncio.run(story())
