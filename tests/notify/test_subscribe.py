"""The endpoints of a real voice that ntfy apps use, one by one: polls and streams, their filters; none publishes."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from ntfy_apps import get, lines, polled


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
