"""Who an ntfy app is to a real voice: where its password may stand, what it opens, and what a button opens."""

from __future__ import annotations

import asyncio
import base64
import json

import aiohttp
import pytest
from ntfy_apps import get, lines, password_of, polled, post


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
