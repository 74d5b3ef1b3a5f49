"""aiontfy, the client of ntfy that Home Assistant has, against a real voice: it subscribes, resumes, acknowledges."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest
from ntfy_apps import ALWAYS, password_of

from monitord.events import Sound


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
