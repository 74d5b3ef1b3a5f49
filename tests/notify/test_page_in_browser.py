"""The page in a real browser: an alert is shown, confirmed by being shown, and acknowledged by a click."""

from __future__ import annotations

import asyncio
import json
import runpy
import shutil
from pathlib import Path

import pytest

from monitord.channel import Channel
from monitord.events import Gate, Kind, Life, Message, Role, Sound
from monitord.notify.journal import read

SCRIPT = Path(__file__).parents[2] / "docs" / "make_page_png.py"

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), reason="no Chromium is installed"
)


def test_an_alert_is_shown_confirmed_and_acknowledged(real_voice, tmp_path):
    browser = runpy.run_path(str(SCRIPT))["browser"]

    async def story():
        async with browser(tmp_path / "browser") as tab:
            await tab.open(real_voice.url(), 390, 844)
            await tab.until("document.body.dataset.mood === 'starting' && document.title.includes('Nursery')")
            with Channel(real_voice.runtime / "events.sock", Role.EAR) as ear:
                ear.send(Message(Kind.HELLO, Life.STARTED))
                ear.send(Message(Kind.HEARTBEAT, Gate.IDLE, level=60))
                await tab.until("document.body.dataset.mood === 'calm'")
                ear.send(Message(Kind.SOUND, Sound.CRY, 90, 30))
            await tab.until("document.getElementById('title').textContent === 'A child is crying.'")
            delivered = (
                "fetch('/api/v1/state').then(answer => answer.json())"
                ".then(all => all.incidents[0].deliveries.every(each => each.state === 'delivered'))"
            )
            await tab.until(delivered)
            assert await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            await tab.evaluate("document.querySelector('#act button').click()")
            await tab.until(
                "!document.querySelector('#act button') && document.querySelector('li.acknowledged') !== null"
            )
            # What a page that hears nothing says; its clock is set back instead of waiting for 15 s.
            await tab.evaluate("heardAt = performance.now() - 16000; watch()")
            lost = await tab.evaluate("JSON.stringify([document.getElementById('lost').hidden, document.title])")
            assert json.loads(lost) == [False, "Connection lost"]

    real_voice.start()
    asyncio.run(story())
    code, logged = real_voice.stop()
    assert code == 0, logged
    history = read(real_voice.state / "journal.sqlite3")
    (cry,) = history.incidents(5)
    history.close()
    assert cry.acked_at is not None
