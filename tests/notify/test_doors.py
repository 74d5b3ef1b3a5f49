"""Connections: too many, too slow, and what is no HTTP. Each bound has a control on the other side of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket

import pytest

from monitord.notify.web import doors
from monitord.notify.web.doors import Doors


class Echo(asyncio.Protocol):
    """Stands for aiohttp's handler: says what it got."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


@contextlib.asynccontextmanager
async def opened(*, here=False, factory=Echo):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    made = Doors(listener, factory, lambda *_: here, None, "https://127.0.0.1/")
    made.start()
    try:
        yield made, listener.getsockname()[1]
    finally:
        await made.stop()


async def is_served(port, wait_s=30.0):
    """Returns whether it is, and the open line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(b"x")
        async with asyncio.timeout(wait_s):
            return await reader.read(1) == b"x", writer
    return False, writer


async def lines(port, count):
    served = [await is_served(port) for _ in range(count)]
    return [each for each, _ in served], [writer for _, writer in served]


async def gone(made):
    while made.connections:  # noqa: ASYNC110 - nothing tells when the other end is gone
        await asyncio.sleep(0.01)


def close(writers):
    for writer in writers:
        writer.close()


def test_one_peer_has_so_many_connections_and_no_more(monkeypatch):
    monkeypatch.setattr(doors, "CONNECTIONS_PER_PEER", 3)

    async def story():
        async with opened() as (made, port):
            served, writers = await lines(port, 5)
            assert served == [True, True, True, False, False]
            assert made.connections == 3
            close(writers)
            async with asyncio.timeout(30):
                await gone(made)
            again, writers = await lines(port, 1)
            assert again == [True]
            close(writers)

    asyncio.run(story())


def test_control_this_machine_itself_has_more(monkeypatch):
    monkeypatch.setattr(doors, "CONNECTIONS_PER_PEER", 3)

    async def story():
        async with opened(here=True) as (_, port):
            served, writers = await lines(port, 5)
            assert served == [True] * 5
            close(writers)

    asyncio.run(story())


def test_all_together_have_so_many(monkeypatch):
    monkeypatch.setattr(doors, "CONNECTIONS_MAX", 2)

    async def story():
        async with opened(here=True) as (_, port):
            served, writers = await lines(port, 3)
            assert served == [True, True, False]
            close(writers)

    asyncio.run(story())


@pytest.mark.parametrize(("idle_s", "cut"), [(0.2, True), (600.0, False)])
def test_a_line_without_a_request_is_cut(monkeypatch, idle_s, cut):
    monkeypatch.setattr(doors, "IDLE_S", idle_s)

    async def story():
        async with opened() as (made, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            end = asyncio.get_running_loop().time() + 2.0
            with contextlib.suppress(ConnectionError):
                while asyncio.get_running_loop().time() < end and not reader.at_eof():
                    writer.write(b"X-Slow: 1\r\n")  # Slowloris: it says something all the time, and never a request.
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.05):
                            await reader.read(100)
            assert (made.connections == 0) == cut
            writer.close()

    asyncio.run(story())


def test_a_request_under_way_is_not_cut(monkeypatch):
    monkeypatch.setattr(doors, "IDLE_S", 0.1)

    class Long(Echo):
        def data_received(self, data):
            door = self.transport.get_protocol()
            door.began()
            loop = asyncio.get_running_loop()
            loop.call_later(0.5, lambda: (self.transport.write(data), door.finished()))

    async def story():
        async with opened(factory=Long) as (made, port):
            served, writer = await is_served(port)
            assert served
            async with asyncio.timeout(30):
                await gone(made)
            writer.close()

    asyncio.run(story())


RAW = [
    b"hello\r\n\r\n",
    b"\x16\x03\x01\x00\x05hello",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X-Long: " + b"a" * 20000 + b"\r\n\r\n",
    b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
    b"POST /api/v1/pair HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v1/pair HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_what_is_no_http_is_one_sentence_and_no_traceback(real_voice, raw):
    real_voice.start()
    port = int(real_voice.url().rstrip("/").rpartition(":")[2])
    raw = raw.replace(b"Host: 127.0.0.1", b"Host: 127.0.0.1:%d" % port)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(raw)
        line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(4096), b""))
    code, logged = real_voice.stop()
    assert code == 0, logged
    assert "Traceback" not in logged
    if answer:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split()[1].startswith(b"4")
        assert json.loads(body)["error"]
