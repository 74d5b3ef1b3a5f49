"""What an app that subscribes with ntfy's protocol has and does: its password, what it asks and is answered."""

from __future__ import annotations

import asyncio
import json

import aiohttp

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


def post(voice, path, token):
    async def ask():
        async with (
            aiohttp.ClientSession() as session,
            session.post(voice.page + path, headers={"Authorization": f"Bearer {token}"}) as answer,
        ):
            return answer.status, await answer.json()

    return asyncio.run(ask())


def polled(voice, query="", **options):
    status, text, headers = get(voice, f"monitord/json?poll=1{query}", password=voice.password, **options)
    assert status == 200, text
    assert headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    return [json.loads(line) for line in text.splitlines()]


async def lines(answer, count):
    async with asyncio.timeout(30):
        return [(await answer.content.readline()).decode() for _ in range(count)]
