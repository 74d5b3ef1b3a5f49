"""Many pages at once, and some that are slow: the real server in this process, with a hub that the test feeds."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket

import aiohttp
import pytest

from monitord.config import PageConfig
from monitord.notify.web import api, hub
from monitord.notify.web.accessfile import AccessFile
from monitord.notify.web.doorkeeper import Doorkeeper
from monitord.notify.web.feed import Feed
from monitord.notify.web.gate import Gate, names_of_this_machine
from monitord.notify.web.hub import Hub
from monitord.notify.web.server import Server


class Nobody:
    """A voice that has nothing to tell."""

    def state(self):
        return {"mood": "calm"}

    def incidents(self):
        return []


@contextlib.asynccontextmanager
async def served(tmp_path):
    stream = Hub(lambda: {"state": {}, "incidents": []})
    gate = Gate(Doorkeeper(AccessFile(tmp_path / "access.json"), 90), names_of_this_machine())
    server = Server(Nobody(), stream, Feed(), gate, config=PageConfig(port=0), tls=None, button="Acknowledge")
    url = await server.start()
    try:
        yield url, stream
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def pages(url, count):
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        contextlib.AsyncExitStack() as all_of_them,
    ):
        yield [
            await all_of_them.enter_async_context(session.get(f"{url}api/v1/stream", timeout=aiohttp.ClientTimeout(30)))
            for _ in range(count)
        ]


async def hears(page, word):
    async for line in page.content:
        if word in line:
            return True
    return False


def test_fifty_pages_hear_six_hundred_alerts_each_in_order(tmp_path):
    async def story():
        async with served(tmp_path) as (url, stream), pages(url, 50) as open_pages:
            assert stream.clients == 50

            async def count(page):
                numbers = []
                async for line in page.content:
                    if line.startswith(b'data: {"delivery"'):
                        numbers.append(int(line.split()[2].rstrip(b"}\n")))
                        if len(numbers) == 600:
                            return numbers
                return numbers

            listening = [asyncio.create_task(count(page)) for page in open_pages]
            for number in range(600):
                stream.publish("alert", {"delivery": number})
                await asyncio.sleep(0)
                if number % 10 == 9:
                    await asyncio.sleep(0.01)
            for numbers in await asyncio.gather(*listening):
                assert numbers == list(range(600))

    asyncio.run(story())


def test_one_page_more_than_there_may_be_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "CLIENTS_MAX", 3)

    async def story():
        async with served(tmp_path) as (url, _), pages(url, 4) as open_pages:
            assert [page.status for page in open_pages] == [200, 200, 200, 503]
            assert (await open_pages[3].json())["error"] == "too many pages are open; close one"

    asyncio.run(story())


def test_as_many_as_are_promised_fit_into_the_units_descriptors(tmp_path):
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2 * hub.CLIENTS_MAX + 100:
        pytest.skip("this process itself may not open so many")

    async def story():
        async with served(tmp_path) as (url, stream), pages(url, hub.CLIENTS_MAX) as open_pages:
            stream.publish("alert", {"delivery": 1})
            assert all(await asyncio.gather(*(hears(page, b'"delivery": 1') for page in open_pages)))

    asyncio.run(story())


@pytest.mark.parametrize("reads", [False, True])
def test_a_page_that_takes_nothing_is_cut_off_and_the_others_go_on(tmp_path, monkeypatch, reads):
    monkeypatch.setattr(api, "WRITE_S", 0.3)
    large = {"delivery": 7, "filler": "x" * 65536}

    async def story():
        async with served(tmp_path) as (url, stream), pages(url, 1) as (other,):
            port = int(url.rstrip("/").rpartition(":")[2])
            with socket.socket() as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                slow.setblocking(False)  # noqa: FBT003 - socket's own signature
                loop = asyncio.get_running_loop()
                await loop.sock_connect(slow, ("127.0.0.1", port))
                request = f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
                await loop.sock_sendall(slow, request.encode())
                async with asyncio.timeout(30):
                    while stream.clients < 2:  # noqa: ASYNC110 - nothing tells when the server has it
                        await asyncio.sleep(0.01)
                    drinking = asyncio.create_task(drink(loop, slow)) if reads else None
                    heard = asyncio.create_task(hears(other, b'"last"'))
                    for _ in range(200):
                        stream.publish("state", large)
                        await asyncio.sleep(0.005)
                    stream.publish("last", {"which": "last"})
                    assert await heard
                    await asyncio.sleep(0.5)
                    assert (stream.clients == 2) == reads  # Control: who reads is not cut off.
                if drinking is not None:
                    drinking.cancel()

    asyncio.run(story())


async def drink(loop, line):
    while await loop.sock_recv(line, 1 << 20):
        pass
