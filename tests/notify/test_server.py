"""The page and the API of a real voice process, asked by real clients."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest

from monitord.channel import Channel
from monitord.events import Gate, Kind, Life, Look, Message, Role, Sight, Sound
from monitord.notify.web.files import files


class Stream:
    """A page's end of /api/v1/stream."""

    def __init__(self, answer):
        self._answer = answer
        self.last_id = ""

    async def event(self):
        fields = {}
        async for line in self._answer.content:
            text = line.decode().rstrip("\n")
            if not text and "data" in fields:
                self.last_id = fields["id"]
                return fields["event"], json.loads(fields["data"])
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
        raise AssertionError("the stream has ended")

    async def until(self, name, true=lambda _: True):
        async with asyncio.timeout(30):
            while True:
                got, content = await self.event()
                if got == name and true(content):
                    return content


@contextlib.asynccontextmanager
async def a_page(url, last_id=""):
    async with aiohttp.ClientSession() as session:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        async with session.get(f"{url}api/v1/stream", headers=headers) as answer:
            assert answer.content_type == "text/event-stream"
            yield session, Stream(answer)


def ask(method, url, **options):
    async def ask():
        async with aiohttp.ClientSession() as session, session.request(method, url, **options) as answer:
            return answer.status, await answer.text(), answer.headers

    return asyncio.run(ask())


def test_an_alert_from_the_socket_to_two_screens_and_back(real_voice):
    async def story():
        url = real_voice.url()
        async with a_page(url) as (phone, on_phone), a_page(url) as (_, on_tablet):
            assert (await on_phone.until("snapshot"))["state"]["mood"] == "starting"
            with (
                Channel(real_voice.runtime / "events.sock", Role.EAR) as ear,
                Channel(real_voice.runtime / "events.sock", Role.EYE) as eye,
            ):
                ear.send(Message(Kind.HELLO, Life.STARTED))
                ear.send(Message(Kind.HEARTBEAT, Gate.IDLE, level=62))
                ear.send(Message(Kind.SOUND, Sound.CRY, 91, 33))
                alert = await on_phone.until("alert")
                assert alert["incident"]["text"] == "A child is crying."
                eye.send(Message(Kind.LOOK, Look.BEGAN))
                eye.send(Message(Kind.SIGHT, Sight.LYING, 90))
                looked = await on_tablet.until("incident", lambda each: each["camera"] == "Sight.LYING")
                assert looked["id"] == alert["incident"]["id"]
            async with phone.post(f"{url}api/v1/deliveries/{alert['delivery']}/seen") as answer:
                assert (await answer.json())["state"] == "delivered"
            many = {"numbers": f"{alert['delivery']} 7777"}
            async with phone.post(f"{url}api/v1/deliveries/seen", json=many) as answer:
                assert await answer.json() == {"seen": [alert["delivery"]]}
            async with phone.post(f"{url}api/v1/incidents/{looked['id']}/ack") as answer:
                first = await answer.json()
            told = await on_tablet.until("incident", lambda each: each["state"] == "acknowledged")
            assert told["acked_at"] is not None
            last = on_tablet.last_id
        async with (
            aiohttp.ClientSession() as tablet,
            tablet.post(f"{url}api/v1/incidents/{looked['id']}/ack") as answer,
        ):
            second = await answer.json()
            assert answer.status == 200
            assert second["acked_at"][:22] == first["acked_at"][:22]  # The first one counts, to a hundredth.
        with Channel(real_voice.runtime / "events.sock", Role.EAR) as ear:
            ear.send(Message(Kind.SOUND, Sound.HELP, 91, 33))
            async with a_page(url, last) as (_, again):
                missed = await again.until("incident", lambda each: each["label"] == "HELP")
                assert missed["state"] == "alerting"

    real_voice.start()
    asyncio.run(story())
    code, logged = real_voice.stop()
    assert code == 0, logged


@pytest.mark.parametrize("path", [path for path in files() if not path.endswith(".png")])
def test_every_file_of_the_page_is_served_under_the_policy(running_voice, path):
    status, text, headers = ask("GET", running_voice.page + path.removeprefix("/"))
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "8.8.8.8:{port}"])
def test_a_name_of_another_machine_is_refused(running_voice, host):
    port = running_voice.page.rstrip("/").rpartition(":")[2]
    status, text, _ = ask("GET", running_voice.page + "api/v1/state", headers={"Host": host.format(port=port)})
    assert status == 403
    assert "Host header" in json.loads(text)["error"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_other_pages_can_change_nothing(running_voice, headers):
    status, text, _ = ask("POST", running_voice.page + "api/v1/incidents/1/ack", headers=headers)
    assert status == 403
    assert json.loads(text)["error"] == "requests of other pages are refused"


def test_our_own_page_can(running_voice):
    origin = {"Origin": running_voice.page.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert ask("POST", running_voice.page + "api/v1/incidents/77/ack", headers=origin)[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "api/v1/nothing", 404),
        ("GET", "api/v1/incidents/1/ack", 405),
        ("DELETE", "api/v1/state", 405),
        ("POST", "api/v1/incidents/77/ack", 404),
        ("POST", "api/v1/incidents/x/ack", 400),
        ("POST", "api/v1/incidents/-1/ack", 400),
        ("POST", "api/v1/incidents/%C2%B2/ack", 400),
        ("POST", f"api/v1/incidents/{'9' * 40}/ack", 400),
        ("POST", "api/v1/deliveries/77/seen", 404),
        ("POST", "api/v1/deliveries/seen", 400),
        ("GET", "../../etc/passwd", 404),
    ],
)
def test_mistakes_are_one_sentence_of_json(running_voice, method, path, status):
    got, text, headers = ask(method, running_voice.page + path)
    assert got == status
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(text)["error"]


def test_a_large_body_is_refused(running_voice):
    status, text, _ = ask("POST", running_voice.page + "api/v1/incidents/77/ack", data=b"x" * 5000)
    assert status == 413
    assert json.loads(text)["error"]


def test_the_state_is_json(running_voice):
    status, text, headers = ask("GET", running_voice.page + "api/v1/state")
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert json.loads(text)["state"]["room"] == "Nursery"
