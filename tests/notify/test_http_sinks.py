"""ntfy, Gotify and the webhook against servers that answer as those do, and as they should not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import pytest
from aiohttp import web
from brokers import FakeHouse, a_notice, until

from monitord.config import GotifyConfig, Language, NtfyConfig, WebhookConfig
from monitord.notify import dial
from monitord.notify.delivery import Reason
from monitord.notify.incident import Urgency
from monitord.notify.sinks import SinkError
from monitord.notify.sinks.gotify import GotifySink
from monitord.notify.sinks.ntfy import NtfySink
from monitord.notify.sinks.webhook import WebhookSink, signature, webhook_key

PAGE = "https://192.168.1.5:8740/"
NTFY_FIELDS = {"topic", "message", "title", "tags", "priority", "actions", "click", "attach", "markdown", "icon",
               "filename", "delay", "email", "call", "sequence_id"}  # fmt: skip
"""docs.ntfy.sh, "Publish as JSON"."""
GOTIFY_FIELDS = {"title", "message", "priority", "extras"}
"""gotify.net, "Push messages" and the API's description of CreateMessage."""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@contextlib.asynccontextmanager
async def a_server(status=200, body='{"id": "abc"}', **headers):
    got = []

    async def answer(request):
        got.append((request.method, request.path, request.headers, await request.read()))
        return web.Response(status=status, text=body, headers=headers)

    application = web.Application()
    application.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", got
    finally:
        await runner.cleanup()


def ntfy(url, **more):
    return NtfySink("phone", NtfyConfig(kind="ntfy", url=url, topic="baby", **more), Language.DE, PAGE)


def gotify(url, **more):
    return GotifySink("phone", GotifyConfig(kind="gotify", url=url, **{"token": "geheim", **more}), Language.EN, PAGE)


def webhook(url, **more):
    return WebhookSink("hook", WebhookConfig(kind="webhook", url=url, **{"secret": SECRET, **more}), Language.EN)


def test_ntfy_is_told_in_its_own_fields():
    async def story():
        async with a_server() as (url, got):
            await ntfy(url, token="tk_abc").send(a_notice(key="j-1"))
            ((method, path, headers, body),) = got
            told = json.loads(body)
            assert (method, path, headers["Authorization"]) == ("POST", "/", "Bearer tk_abc")
            assert set(told) <= NTFY_FIELDS
            assert (told["topic"], told["priority"], told["click"]) == ("baby", 5, PAGE)
            assert (told["title"], told["message"]) == ("Nursery", "Ein Kind weint.")
            assert told["actions"] == [{"action": "view", "label": "Öffnen", "url": PAGE, "clear": True}]
            assert told["sequence_id"] == "monitord-j-1"

    asyncio.run(story())


def test_ntfy_by_user_and_password_and_what_only_follows_is_quiet():
    async def story():
        async with a_server() as (url, got):
            await ntfy(url, username="anna", password="paß").send(a_notice(reason=Reason.ACKNOWLEDGED))
            ((_, _, headers, body),) = got
            assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == "anna:paß"
            assert json.loads(body)["priority"] == 2

    asyncio.run(story())


def test_gotify_is_told_in_its_own_fields():
    async def story():
        async with a_server(body='{"id": 7, "appid": 1}') as (url, got):
            await gotify(url).send(a_notice(urgency=Urgency.MEDIUM))
            ((method, path, headers, body),) = got
            told = json.loads(body)
            assert (method, path, headers["X-Gotify-Key"]) == ("POST", "/message", "geheim")
            assert set(told) <= GOTIFY_FIELDS
            assert (told["priority"], told["message"]) == (8, "A child is crying.")
            assert told["extras"]["client::notification"] == {"click": {"url": PAGE}}

    asyncio.run(story())


def test_the_published_vector_of_standard_webhooks():
    """From the test suites of the libraries of standard-webhooks ("sign function works")."""
    signed = signature(webhook_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_webhook_is_signed_and_has_the_same_id_in_every_attempt():
    async def story():
        async with a_server(status=204, body="") as (url, got):
            for _ in range(2):
                await webhook(f"{url}/hook").send(a_notice(key="j-9"))
            for _, path, headers, body in got:
                said = signature(webhook_key(SECRET), headers["webhook-id"], int(headers["webhook-timestamp"]), body)
                assert headers["webhook-signature"] == said
                assert (path, headers["webhook-id"]) == ("/hook", "msg_j-9")
                told = json.loads(body)
                assert set(told) == {"type", "timestamp", "data"}
                assert (told["type"], told["data"]["key"]) == ("monitord.alert", "j-9")

    asyncio.run(story())


@pytest.mark.parametrize("make", [ntfy, gotify, webhook])
@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "refuses the token or the password"),
        (403, "refuses the token or the password"),
        (404, "no such address"),
        (410, "no longer in use"),
        (429, "too many messages"),
        (302, "that is not followed"),
        (307, "that is not followed"),
        (500, "is not well: it answers 500"),
        (418, "not what this kind of server answers"),
    ],
)
def test_what_is_no_arrival(make, status, says):
    async def story():
        async with a_server(200) as (there, reached), a_server(status, Location=f"{there}/") as (url, got):
            with pytest.raises(SinkError, match=says):
                await make(url).send(a_notice())
            assert len(got) == 1
            assert reached == []

    asyncio.run(story())


@pytest.mark.parametrize("make", [ntfy, gotify])
@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", "\x00", '{"id'])
def test_another_server_that_says_200_has_not_got_it(make, body):
    async def story():
        async with a_server(200, body) as (url, _):
            with pytest.raises(SinkError, match="not what this kind of server answers"):
                await make(url).send(a_notice())

    asyncio.run(story())


@pytest.mark.parametrize("make", [ntfy, gotify, webhook])
def test_nobody_there_and_a_name_that_leads_out(make):
    async def story():
        async with a_server() as (url, _):
            port = int(url.rpartition(":")[2])
        with pytest.raises(SinkError, match="cannot be reached: it is there, but nothing answers at that port"):
            await make(url).send(a_notice())
        sink = make(f"http://server.lan:{port}")
        sink._resolver = Stranger()
        with pytest.raises(SinkError, match=r"server\.lan leads out of the house"):
            await sink.send(a_notice())

    asyncio.run(story())


class Stranger(dial.Resolver):
    async def resolve(self, host, port=0, family=0):
        return [{"hostname": host, "host": "198.51.100.7", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self):
        pass


def test_the_server_is_asked_whether_it_is_there():
    async def story():
        async with a_server() as (url, got):
            assert await gotify(url).trouble() == ""
            assert await ntfy(url).trouble() == ""
            assert [path for _, path, _, _ in got] == ["/health", "/v1/health"]
            assert all("X-Gotify-Key" not in headers for _, _, headers, _ in got)
        async with a_server(503) as (url, _):
            assert await gotify(url).trouble() == "the server is not well: it answers 503"
        assert "cannot be reached" in await gotify(url).trouble()
        house = FakeHouse()
        task = asyncio.create_task(gotify(url).run(house))
        await until(lambda: house.troubles)
        task.cancel()
        assert "cannot be reached" in house.trouble

    asyncio.run(story())


def test_a_secret_in_a_file_that_others_may_read_is_not_sent(tmp_path):
    path = tmp_path / "token"
    path.write_text("geheim\n")
    path.chmod(0o644)

    async def story():
        async with a_server() as (url, got):
            sink = gotify(url, token="", token_file=str(path))
            with pytest.raises(SinkError, match="others may read or change it"):
                await sink.send(a_notice())
            assert got == []
            path.chmod(0o640)
            await sink.send(a_notice())
            assert got[0][2]["X-Gotify-Key"] == "geheim"
            path.write_text("")
            with pytest.raises(SinkError, match="its first line must be the secret"):
                await sink.send(a_notice())
            path.unlink()
            with pytest.raises(SinkError, match="cannot be read: No such file or directory"):
                await sink.send(a_notice())

    asyncio.run(story())
