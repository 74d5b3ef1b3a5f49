"""Whatever a name resolves to, wherever a redirect leads: only machines in the house are reached.

The servers are real, on loopback. What stands for a public address is 127.0.0.2 where it must be connected to: the
policy under test then counts it as public (`house`), and the control shows that without the policy it is reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from monitord.lan import LanError
from monitord.notify import dial
from monitord.notify.dial import LocalConnector, connect

INSIDE, OUTSIDE, PUBLIC = "127.0.0.1", "127.0.0.2", "198.51.100.7"


@pytest.fixture
def house(monkeypatch):
    """127.0.0.2 is a stranger's address."""
    true_policy = dial.local_address

    def policy(text, *, cgnat=False):
        if text == OUTSIDE:
            raise LanError("a stranger's address")
        return true_policy(text, cgnat=cgnat)

    monkeypatch.setattr(dial, "local_address", policy)


class Names(AbstractResolver):
    """Answers each question with the next list of addresses, the last one for ever."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.asked = []

    def _next(self, host):
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        return [
            {"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for address in self._next(host)
        ]

    async def close(self):
        pass

    async def system(self, host, port):
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in self._next(host)]


@contextlib.asynccontextmanager
async def a_server(*addresses, location=""):
    """Its port and the requests that it got, as "address path"."""
    seen = []

    async def answer(request):
        seen.append(f"{request.transport.get_extra_info('sockname')[0]} {request.path}")
        if request.path == "/away":
            raise web.HTTPFound(location)
        return web.Response(text="here")

    application = web.Application()
    application.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = 0
    for address in addresses:
        site = web.TCPSite(runner, address, port)
        await site.start()
        port = runner.addresses[0][1]
    try:
        yield port, seen
    finally:
        await runner.cleanup()


async def fetch(url, names, connector=LocalConnector):
    options = {} if connector is aiohttp.TCPConnector else {"cgnat": False}
    async with (
        aiohttp.ClientSession(connector=connector(resolver=names, **options)) as session,
        session.get(url) as answer,
    ):
        return await answer.text()


def test_a_machine_in_the_house_is_reached_by_name_and_by_address():
    async def story():
        async with a_server(INSIDE) as (port, seen):
            assert await fetch(f"http://printer.lan:{port}/", Names([INSIDE])) == "here"
            assert await fetch(f"http://127.0.0.1:{port}/", Names([])) == "here"
            (await connect("printer.lan", port, resolve=Names([INSIDE]).system)).close()
            (await connect("127.0.0.1", port)).close()
            assert len(seen) == 2

    asyncio.run(story())


def test_the_control_without_the_connector_the_stranger_is_reached(house):
    async def story():
        async with a_server(OUTSIDE) as (port, seen):
            assert await fetch(f"http://printer.lan:{port}/", Names([OUTSIDE]), aiohttp.TCPConnector) == "here"
            assert seen == [f"{OUTSIDE} /"]

    asyncio.run(story())


@pytest.mark.parametrize("answers", [[OUTSIDE], [PUBLIC], [INSIDE, OUTSIDE], ["::ffff:198.51.100.7"], ["100.64.0.1"]])
def test_a_name_that_leads_out_is_refused_and_nobody_is_connected(house, answers):
    async def story():
        async with a_server(INSIDE, OUTSIDE) as (port, seen):
            with pytest.raises(LanError, match=r"printer\.lan leads out of the house"):
                await fetch(f"http://printer.lan:{port}/", Names(answers))
            with pytest.raises(LanError, match=r"printer\.lan leads out of the house"):
                await connect("printer.lan", port, resolve=Names(answers).system)
            assert seen == []

    asyncio.run(story())


def test_a_name_that_is_rebound_is_refused_the_second_time(house):
    async def story():
        async with a_server(INSIDE, OUTSIDE) as (port, seen):
            names = Names([INSIDE], [OUTSIDE])
            (await connect("printer.lan", port, resolve=names.system)).close()
            with pytest.raises(LanError):
                await connect("printer.lan", port, resolve=names.system)
            names = Names([INSIDE], [OUTSIDE])
            await fetch(f"http://printer.lan:{port}/", names)
            with pytest.raises(LanError):
                await fetch(f"http://printer.lan:{port}/", names)
            assert seen == [f"{INSIDE} /"]

    asyncio.run(story())


@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:db8::1]", "[::ffff:8.8.8.8]", "2130706433", "0x7f.1", "0177.0.0.1"])
def test_an_address_or_spelling_that_is_refused_as_configured(host):
    async def story():
        names = Names([INSIDE])
        with pytest.raises(LanError):
            await connect(host, 80, resolve=names.system)
        assert names.asked == []

    asyncio.run(story())


@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:db8::1]"])
def test_aiohttp_does_not_reach_a_public_address(host):
    with pytest.raises(LanError):
        asyncio.run(fetch(f"http://{host}:9/", Names([INSIDE])))


@pytest.mark.parametrize("connector", [LocalConnector, aiohttp.TCPConnector])
def test_a_redirect_to_a_stranger_is_refused_where_plain_aiohttp_follows_it(house, connector):
    async def story():
        async with a_server(OUTSIDE) as (there, reached):
            away = f"http://stranger.example:{there}/"
            async with a_server(INSIDE, location=away) as (port, _):
                trial = fetch(f"http://printer.lan:{port}/away", Names([INSIDE], [OUTSIDE]), connector)
                if connector is LocalConnector:
                    with pytest.raises(LanError):
                        await trial
                else:
                    assert await trial == "here"
        assert bool(reached) == (connector is aiohttp.TCPConnector)

    asyncio.run(story())


def test_the_peer_is_looked_at_even_where_every_name_was_right(monkeypatch):
    """The policy is right when the name is resolved and knows better once the connection stands."""
    true_policy = dial.local_address
    asked = []

    def policy(text, *, cgnat=False):
        asked.append(text)
        if len(asked) == 2:
            raise LanError("the peer is a stranger")
        return true_policy(text, cgnat=cgnat)

    monkeypatch.setattr(dial, "local_address", policy)

    async def story():
        async with a_server(INSIDE) as (port, seen):
            with pytest.raises(LanError, match="the peer is a stranger"):
                await fetch(f"http://printer.lan:{port}/", Names([INSIDE]))
            asked.clear()
            with pytest.raises(LanError, match="the peer is a stranger"):
                await connect("printer.lan", port, resolve=Names([INSIDE]).system)
            assert seen == []

    asyncio.run(story())


def test_nobody_there_is_an_os_error():
    async def story():
        with socket.socket() as closed:
            closed.bind((INSIDE, 0))
            port = closed.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            await connect("printer.lan", port, resolve=Names([INSIDE]).system)
        with pytest.raises(OSError, match="has no address"):
            await connect("printer.lan", port, resolve=Names([]).system)

    asyncio.run(story())


def test_carrier_grade_nat_by_choice(monkeypatch):
    async def story():
        async with a_server(INSIDE) as (port, _):
            names = Names(["100.64.0.1"])
            with pytest.raises(LanError):
                await connect("vpn.lan", port, resolve=names.system)
            # Chosen, it is tried: what happens then is the network's affair, and no LanError.
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.2):
                    (await connect("vpn.lan", port, cgnat=True, resolve=names.system)).close()

    asyncio.run(story())
