"""ntfy's subscribers against a real voice: aiontfy, as Home Assistant has it, and the endpoints one by one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import aiohttp
import pytest

from monitord.events import Sound

ALWAYS = """
[page]
port = 0
pairing = "always"
[room]
name = "Nursery"
[rules.cry]
repeat_s = 0
[rules.help]
repeat_s = 0
[rules.smoke_alarm]
repeat_s = 0
[rules.fault]
repeat_s = 0
"""  # However slow the machine is that this runs on, nothing rings again meanwhile.


def password_of(voice, role="acknowledge", name="phone"):
    shown = voice.monitord("pair", "--ntfy", "--role", role, "--name", name)
    return next(line.split()[1] for line in shown.splitlines() if line.strip().startswith("password"))


class Phone:
    """An aiontfy client that listens."""

    def __init__(self, url, token, since=""):
        self.url, self.token, self.since = url, token, since
        self.got = []

    async def __aenter__(self):
        aiontfy = pytest.importorskip("aiontfy", reason="pip install aiontfy (Python 3.12 and later)")
        headers = {"X-Since": self.since} if self.since else {}  # aiontfy has no argument for it; ntfy has the header.
        self.session = aiohttp.ClientSession(headers=headers)
        self.client = aiontfy.Ntfy(self.url, self.session, token=self.token)
        self.task = asyncio.create_task(self.client.subscribe(["monitord"], self.got.append))
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.task
        await self.session.close()

    async def message(self, true=lambda _: True):
        async with asyncio.timeout(30):
            while True:
                for each in self.got:
                    if each.event == "message" and true(each):
                        return each
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.02)

    async def opened(self):
        async with asyncio.timeout(30):
            while not any(each.event == "open" for each in self.got):
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.02)

    async def press(self, message):
        """What the app does when somebody presses the button.

        aiontfy 0.8.6 reads every action as one of kind "view" and so drops its headers: its `actions` is a union whose
        first member fits all of them. The URL is taken from it, the rest of the button from the wire.
        """
        (action,) = message.actions
        assert action.label == "Acknowledge"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.get(f"{self.url}monitord/json?poll=1&id={message.id}", headers=headers) as answer:
            (button,) = json.loads(await answer.text())["actions"]
        assert (button["action"], button["url"], button["clear"]) == ("http", str(action.url), True)
        async with (
            aiohttp.ClientSession() as plain,
            plain.request(button["method"], button["url"], headers=button["headers"], data=b"") as answer,
        ):
            return answer.status, await answer.json()


def test_aiontfy_subscribes_receives_resumes_after_a_restart_and_acknowledges(real_voice):
    pytest.importorskip("aiontfy", reason="pip install aiontfy (Python 3.12 and later)")
    real_voice.config.write_text(ALWAYS, "utf-8")

    async def first(token):
        async with Phone(real_voice.url(), token) as phone:
            await phone.opened()
            real_voice.hears(Sound.CRY)
            return await phone.message()

    async def second(token, since):
        async with Phone(real_voice.url(), token, since) as phone:
            missed = await phone.message(lambda each: "Help" in each.message)
            assert [each.id for each in phone.got if each.id == since] == []  # It has that one.
            status, incident = await phone.press(missed)
            assert (status, incident["state"], incident["acked_by"]) == (200, "acknowledged", "phone")
            assert incident["acked_via"] == "ntfy"
            taken = await phone.message(lambda each: "heavy_check_mark" in each.tags)
            assert "(phone)" in taken.message
            assert taken.actions == []
            assert taken.priority == 2
            return missed, taken

    real_voice.hold_socket()
    real_voice.start()
    real_voice.url()
    token = password_of(real_voice)
    heard = asyncio.run(first(token))
    assert (heard.title, heard.message, heard.priority) == ("Nursery", "A child is crying.", 5)
    assert heard.tags == ["rotating_light", "cry"]
    assert str(heard.click) == real_voice.url()
    assert heard.expires is not None
    real_voice.stop()
    real_voice.hears(Sound.HELP)  # While nobody listens; the socket keeps it.
    real_voice.start()
    missed, taken = asyncio.run(second(token, heard.id))
    real_voice.stop()
    real_voice.start()

    async def third():
        async with Phone(real_voice.url(), token, "all") as phone:
            await phone.message(lambda each: each.id == taken.id)
            return [each.id for each in phone.got if each.event == "message"]

    again = asyncio.run(third())
    assert {heard.id, missed.id, taken.id} <= set(again)  # The same numbers in every life of the voice.
    assert len(again) == len(set(again))
    code, logged = real_voice.stop()
    assert code == 0, logged


def test_a_password_that_is_nobodys_is_refused_as_aiontfy_knows_it(paired):
    aiontfy = pytest.importorskip("aiontfy", reason="pip install aiontfy (Python 3.12 and later)")
    refusals = pytest.importorskip("aiontfy.exceptions")

    async def ask(token, topic, error):
        async with aiohttp.ClientSession() as session:
            with pytest.raises(error) as refused:
                await aiontfy.Ntfy(paired.page, session, token=token).can_subscribe([topic])
            assert refused.value.error

    asyncio.run(ask("tk_" + "x" * 29, "monitord", refusals.NtfyUnauthorizedAuthenticationError))
    asyncio.run(ask(paired.password, "other", refusals.NtfyForbiddenAccessError))

    async def publish():
        async with aiohttp.ClientSession() as session:
            with pytest.raises(refusals.NtfyForbiddenAccessError) as refused:
                await aiontfy.Ntfy(paired.page, session, token=paired.password).publish(
                    aiontfy.Message(topic="monitord", message="hi")
                )
            assert "nothing can be published" in refused.value.error

    asyncio.run(publish())


@pytest.fixture(scope="module")
def paired(tmp_path_factory, a_real_voice):
    """A voice where this machine has to be paired, too, with two alerts in it."""
    voice = a_real_voice(tmp_path_factory.mktemp("voice"))
    voice.config.write_text(ALWAYS, "utf-8")
    with voice.running():
        voice.password, voice.watcher = password_of(voice), password_of(voice, "watch", "tablet")
        for sound in (Sound.CRY, Sound.SMOKE_ALARM):
            voice.hears(sound)
        yield voice


def get(voice, path, *, password=None, headers=None):
    async def ask():
        given = dict(headers or {})
        if password:
            given["Authorization"] = f"Bearer {password}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(voice.page + path, headers=given) as answer,
        ):
            return answer.status, await answer.text(), answer.headers

    return asyncio.run(ask())


def polled(voice, query="", **options):
    status, text, headers = get(voice, f"monitord/json?poll=1{query}", password=voice.password, **options)
    assert status == 200, text
    assert headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    return [json.loads(line) for line in text.splitlines()]


def test_a_poll_gives_what_there_is_and_ends(paired):
    told = polled(paired)
    assert [each["message"] for each in told] == ["A child is crying.", "A smoke alarm is sounding."]
    assert {each["event"] for each in told} == {"message"}
    assert {"id", "time", "expires", "event", "topic", "title", "message", "priority", "tags", "click", "actions"} == {
        *told[0]
    }


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("&since=all", [0, 1]),
        ("&since=none", []),
        ("&since=latest", [1]),
        ("&since=10m", [0, 1]),
        ("&since=0", [0, 1]),
        ("&since=9999999999", []),
        ("&since={first}", [1]),
        ("&since={second}", []),
        ("&since=neverHeardOf", [0, 1]),
        ("&si={first}", [1]),
        ("&id={second}", [1]),
        ("&tags=cry", [0]),
        ("&ta=rotating_light,cry", [0]),
        ("&tags=cry,smoke_alarm", []),
        ("&priority=5", [0, 1]),
        ("&p=1,2", []),
        ("&prio=high,urgent", [0, 1]),
        ("&title=Nursery", [0, 1]),
        ("&t=Kitchen", []),
        ("&m=A+child+is+crying.", [0]),
        ("&scheduled=1", [0, 1]),
    ],
)
def test_since_and_the_filters(paired, query, places):
    everything = polled(paired)
    first, second = (each["id"] for each in everything)
    told = polled(paired, query.format(first=first, second=second))
    assert [each["id"] for each in told] == [everything[place]["id"] for place in places]


@pytest.mark.parametrize(("query", "code"), [("&since=x y", 40008), ("&since=1.2.3", 40008), ("&priority=9", 40007)])
def test_a_parameter_that_is_none_is_one_sentence(paired, query, code):
    status, text, _ = get(paired, f"monitord/json?poll=1{query}", password=paired.password)
    assert (status, json.loads(text)["code"]) == (400, code)


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize("user", ["monitord", "anybody", ""])
def test_basic_takes_the_password_of_any_user(paired, user):
    assert get(paired, "monitord/auth", headers=basic(user, paired.password))[:2] == (200, '{"success": true}')


def test_the_password_as_the_user_and_in_the_query(paired):
    assert get(paired, "monitord/auth", headers=basic(paired.password, ""))[0] == 200
    header = f"Bearer {paired.password}".encode()
    parameter = base64.urlsafe_b64encode(header).decode().rstrip("=")
    assert get(paired, f"monitord/auth?auth={parameter}")[0] == 200
    assert get(paired, "monitord/auth?auth=%C3%BC")[0] == 401
    assert get(paired, f"api/v1/state?auth={parameter}")[0] == 401  # Only ntfy's own paths take it.


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("monitord", "wrong"),
        {"Authorization": "Bearer"},
        {"Authorization": "Basic ???"},
        {"Authorization": "x"},
    ],
)
@pytest.mark.parametrize("path", ["json", "sse", "raw", "ws", "auth", "json?poll=1"])
def test_nobody_else_subscribes(paired, headers, path):
    status, text, answered = get(paired, f"monitord/{path}", headers=headers)
    assert (status, json.loads(text)["code"]) == (401, 40101)
    assert answered["WWW-Authenticate"].startswith("Basic")


def test_health_needs_no_password(paired):
    assert get(paired, "v1/health")[:2] == (200, '{"healthy": true}')


def test_a_watcher_gets_no_button_and_its_password_acknowledges_nothing(paired):
    status, text, _ = get(paired, "monitord/json?poll=1", password=paired.watcher)
    assert status == 200
    told = [json.loads(line) for line in text.splitlines()]
    assert told
    assert not any("actions" in each for each in told)
    assert post(paired, "api/v1/incidents/1/ack", paired.watcher)[0] == 403


def post(voice, path, token):
    async def ask():
        async with (
            aiohttp.ClientSession() as session,
            session.post(voice.page + path, headers={"Authorization": f"Bearer {token}"}) as answer,
        ):
            return answer.status, await answer.json()

    return asyncio.run(ask())


def test_a_buttons_token_is_for_one_incident_and_nothing_else(paired):
    first, second = polled(paired)
    token = first["actions"][0]["headers"]["Authorization"].removeprefix("Bearer ")
    own, other = first["actions"][0]["url"], second["actions"][0]["url"]
    assert own != other
    assert post(paired, other.removeprefix(paired.page), token)[0] == 401
    assert post(paired, own.removeprefix(paired.page).replace("/ack", "/mute"), token)[0] == 401
    assert post(paired, "api/v1/logout", token)[0] == 200  # It is nobody's session there.
    assert get(paired, "api/v1/state", password=token)[0] == 401
    assert get(paired, "monitord/json?poll=1", password=token)[0] == 401
    spoilt = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert post(paired, own.removeprefix(paired.page), spoilt)[0] == 401


async def lines(answer, count):
    async with asyncio.timeout(30):
        return [(await answer.content.readline()).decode() for _ in range(count)]


def test_sse_and_raw_spell_it_as_ntfy_does(paired):
    async def ask():
        headers = {"Authorization": f"Bearer {paired.password}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.get(f"{paired.page}monitord/sse?since=all") as answer:
                assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
                event, opened, empty, message = await lines(answer, 4)
                assert (event, empty) == ("event: open\n", "\n")
                assert json.loads(opened.removeprefix("data: "))["topic"] == "monitord"
                assert json.loads(message.removeprefix("data: "))["event"] == "message"
            async with session.get(f"{paired.page}monitord/raw?since=all") as answer:
                assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
                assert await lines(answer, 3) == ["\n", "A child is crying.\n", "A smoke alarm is sounding.\n"]

    asyncio.run(ask())


def test_a_websocket_polls_and_ends(paired):
    async def ask():
        headers = {"Authorization": f"Bearer {paired.password}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.ws_connect(f"{paired.page}monitord/ws?poll=1") as socket,
        ):
            return [json.loads(each.data)["event"] async for each in socket]

    assert asyncio.run(ask()) == ["message", "message"]


def test_who_is_put_out_hears_no_more(paired):
    password = password_of(paired, name="lost")

    async def story():
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {password}"}) as session,
            session.get(f"{paired.page}monitord/json") as answer,
        ):
            await lines(answer, 1)
            await asyncio.to_thread(paired.monitord, "pair", "--revoke", "lost")
            async with asyncio.timeout(30):
                assert await answer.content.read() == b""  # The end of the stream.
            async with session.get(f"{paired.page}monitord/auth") as refused:
                assert refused.status == 401

    asyncio.run(story())


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "monitord"), ("POST", "monitord"), ("POST", ""), ("PUT", ""), ("GET", "monitord/publish")],
)
def test_nothing_is_published_from_outside(paired, method, path):
    async def ask():
        headers = {"Authorization": f"Bearer {paired.password}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, paired.page + path, data=b"hello" if method != "GET" else None) as answer,
        ):
            return answer.status, await answer.json()

    status, told = asyncio.run(ask())
    assert (status, told["code"]) == (403, 40301)
    assert "nothing can be published" in told["error"]
    assert len(polled(paired)) == 2


def test_without_a_topic_there_is_no_such_thing(real_voice):
    real_voice.config.write_text('[page]\nport = 0\nntfy_topic = ""\n', "utf-8")
    real_voice.start()
    real_voice.page = real_voice.url()
    assert get(real_voice, "monitord/json?poll=1")[0] == 404
    assert json.loads(get(real_voice, "api/v1/session")[1])["ntfy_topic"] is None
    assert real_voice.monitord("pair", "--ntfy", code=1) == (
        "ntfy apps are not served: page.ntfy_topic is empty in the configuration\n"
    )
